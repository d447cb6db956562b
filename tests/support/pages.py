"""The documentation's pages as the tests read them: fenced blocks, and the marks before them.

A block whose language is `console` holds commands, each behind `$ `, and under each the
lines that it must print: each is a whole printed line or the beginning of one, up to a whole
word; behind `... ` it may stand inside a printed line. A `python` block is run as a program. A
block with `title="FILE"` is written to that file. HTML comments in front of a block say how
it is treated:

    <!-- not run: REASON -->       it is not run here; the reason begins with one of REASONS
    <!-- exits: CODE -->           its last command ends with this exit code, not 0

and anywhere in a page

    <!-- slow -->                  the page takes more than a few seconds
    <!-- deep -->                  `make test-deep` alone runs it: its commands are on other pages,
                                   or a test of their own runs them
    <!-- needs: MODULE, ... -->    the page needs packages that are extras
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.support.paths import REPOSITORY

REASONS = (
    "it installs packages from the network",
    "it needs a vendor's tools",
    "it needs a data set that is not in the repository",
    "it runs the whole test suite",
    "it takes minutes",
    "it writes into the checkout",
    "it is a sketch",
    "a test of its own runs it",
)
RUN = ("console", "python")
SHOWN = ("text", "yaml", "json", "c", "cpp", "toml", "diff")

_MARK = re.compile(r"^<!-- (?P<key>not run|exits|needs): (?P<value>.+) -->$")
_FENCE = re.compile(r'^(?P<indent> *)```(?P<language>\w*)(?: title="(?P<title>[^"]+)")?$')


@dataclass(frozen=True)
class Block:
    """One fenced block.

    Args:
        language: the word behind the fence.
        lines: its text, without the indent of the fence.
        number: line of the fence in its page, from 1.
        title: the file it is written to; empty where it has none.
        marks: key -> value of the comments in front of it.
    """

    language: str
    lines: tuple[str, ...]
    number: int
    title: str = ""
    marks: Mapping[str, str] = field(default_factory=dict)

    @property
    def text(self) -> str:
        return "\n".join(self.lines) + "\n"


@dataclass(frozen=True)
class Command:
    """One command of a console block and the lines that its output must hold."""

    text: str
    prints: tuple[str, ...]


def pages() -> list[Path]:
    """Every page that tells a reader what to type."""
    top = [REPOSITORY / name for name in ("README.md", "CONTRIBUTING.md")]
    docs = (REPOSITORY / "docs").rglob("*.md")
    examples = (REPOSITORY / "examples").rglob("*.md")
    return sorted((*top, *docs, *examples))


def page_name(page: Path) -> str:
    """A page as the tests' ids and messages call it."""
    return page.relative_to(REPOSITORY).as_posix()


def blocks(text: str) -> Iterator[Block]:
    """Every fenced block of a page, in order, with the marks in front of it."""
    marks: dict[str, str] = {}
    lines = iter(enumerate(text.splitlines(), start=1))
    for number, line in lines:
        if mark := _MARK.match(line.strip()):
            marks[mark["key"]] = mark["value"]
        elif fence := _FENCE.match(line):
            body = tuple(_until_the_end(lines, fence["indent"]))
            yield Block(fence["language"], body, number, fence["title"] or "", marks)
            marks = {}
        elif line.strip():
            marks = {}


def _until_the_end(lines: Iterator[tuple[int, str]], indent: str) -> Iterator[str]:
    for _, line in lines:
        if line.strip() == "```":
            return
        yield line.removeprefix(indent)


def commands(block: Block) -> Iterator[Command]:
    """The commands of a console block; a backslash at the end of a line continues it."""
    command, prints = "", list[str]()
    for line in block.lines:
        if command.endswith("\\"):
            command = f"{command}\n{line}"
        elif line.startswith("$ "):
            if command:
                yield Command(command, tuple(prints))
            command, prints = line.removeprefix("$ "), []
        elif line.strip() and line.strip() != "...":
            prints.append(line)
    if command:
        yield Command(command, tuple(prints))


def is_deep(page: Path) -> bool:
    """Whether `make test-deep` alone runs the page's commands."""
    return "<!-- deep -->" in page.read_text(encoding="utf-8").splitlines()


def needs(text: str) -> tuple[str, ...]:
    """Modules of extras that a page says it needs."""
    found = re.search(r"^<!-- needs: (.+) -->$", text, re.MULTILINE)
    return tuple(name.strip() for name in found[1].split(",")) if found else ()
