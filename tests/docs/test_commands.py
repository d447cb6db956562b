"""Every command and every Python block of the pages is run, or says why it is not."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.support.depth import deep_only
from tests.support.pages import (
    REASONS,
    RUN,
    SHOWN,
    Block,
    blocks,
    commands,
    is_deep,
    needs,
    page_name,
    pages,
)
from tests.support.paths import REPOSITORY

PAGES = [
    pytest.param(page, id=page_name(page), marks=[deep_only] if is_deep(page) else [])
    for page in pages()
]


def run(command: list[str], folder: Path) -> tuple[int, str]:
    """(exit code, everything it prints) of a command in the scratch folder."""
    environment = os.environ | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(REPOSITORY),
        "COLUMNS": "200",
        "NO_COLOR": "1",
    }
    done = subprocess.run(
        command,
        cwd=folder,
        env=environment,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    return done.returncode, done.stdout


def squeezed(text: str) -> str:
    """Text with every run of blanks as one: tables grow and shrink with their contents."""
    return re.sub(r"\s+", " ", text).strip()


def is_printed(wanted: str, output: str) -> bool:
    """Whether a documented line is a printed line, or the beginning of one up to a whole word.

    Behind "... " it may stand anywhere in a printed line, between whole words.
    """
    line = squeezed(wanted)
    inside = line.startswith("... ")
    pattern = re.escape(line.removeprefix("... "))
    before, after = r"(?<!\w)" if inside else "^", r"(?!\w)"
    if not line[-1:].isalnum():
        after = ""
    return any(
        re.search(before + pattern + after, squeezed(printed)) for printed in output.splitlines()
    )


def run_console(block: Block, folder: Path, where: str) -> None:
    listed = list(commands(block))
    assert listed, f"{where}: no command: each begins with '$ '"
    for command in listed:
        wanted = int(block.marks.get("exits", "0")) if command is listed[-1] else 0
        code, output = run(["bash", "-c", command.text], folder)
        assert code == wanted, f"{where}: {command.text}\nexit code {code}:\n{output}"
        for line in command.prints:
            assert is_printed(line, output), f"{where}: {line!r} not in:\n{output}"


def run_block(block: Block, folder: Path, where: str) -> None:
    if block.title:
        (folder / block.title).write_text(block.text, encoding="utf-8")
    elif block.language == "console":
        run_console(block, folder, where)
    elif block.language == "python":
        code, output = run([sys.executable, "-c", block.text], folder)
        assert code == 0, f"{where}:\n{output}"


def end_what_was_left(folder: Path) -> None:
    """A page that starts a program in the background keeps its process id in NAME.pid."""
    for file in folder.glob("*.pid"):
        with contextlib.suppress(ProcessLookupError):
            os.kill(int(file.read_text()), signal.SIGTERM)


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES)
def test_commands_of_a_page_run_in_order(page: Path, tmp_path: Path) -> None:
    text = page.read_text(encoding="utf-8")
    missing = [name for name in needs(text) if find_spec(name) is None]
    if missing:
        pytest.skip(f"this page needs {', '.join(missing)}, which an extra installs")
    # Pages are written for somebody who stands in the checkout.
    for name in ("examples", "boards"):
        (tmp_path / name).symlink_to(REPOSITORY / name)
    try:
        for block in blocks(text):
            if "not run" not in block.marks:
                run_block(block, tmp_path, f"{page_name(page)}:{block.number}")
    finally:
        end_what_was_left(tmp_path)


@pytest.mark.parametrize("page", pages(), ids=page_name)
def test_blocks_say_what_they_are(page: Path) -> None:
    for block in blocks(page.read_text(encoding="utf-8")):
        where = f"{page_name(page)}:{block.number}"
        assert block.language in (*RUN, *SHOWN), f"{where}: language {block.language!r}"
        reason = block.marks.get("not run")
        assert reason is None or reason.startswith(REASONS), f"{where}: no reason of REASONS"


@pytest.mark.parametrize("page", pages(), ids=page_name)
def test_no_command_hides_in_an_indented_block(page: Path) -> None:
    for number, line in enumerate(page.read_text(encoding="utf-8").splitlines(), start=1):
        hidden = re.match(r" {4,}(\$ )?(fpgacomp|python|python3|pip|make|git) ", line)
        assert not hidden, f"{page_name(page)}:{number}: put it into a console block: {line}"


@pytest.mark.parametrize(
    ("wanted", "printed", "found"),
    [
        ("FITS TUL", "FITS  TUL PYNQ-Z2: 7 %", True),
        ("FITS TUL", "PROBABLY FITS TUL PYNQ-Z2", False),
        ("accuracy: top1 99.5", "accuracy: top1 99.56 %", False),
        ("two words", "two\nwords", False),
        ("mismatches  0", "  mismatches  0", True),
        ("... two", "one two three", True),
        ("... two", "one twofold", False),
        ("... two", "untwo", False),
        ("0 %", "0 % of all", True),
    ],
)
def test_a_documented_line_is_a_line_or_begins_one(wanted: str, printed: str, found: bool) -> None:
    assert is_printed(wanted, f"before\n{printed}\nafter") == found


def test_a_wrong_output_line_is_found(tmp_path: Path) -> None:
    block = Block("console", ("$ echo two words", "two  words", "$ echo more", "less"), 1)
    with pytest.raises(AssertionError, match="'less' not in"):
        run_console(block, tmp_path, "here")


def test_a_wrong_exit_code_is_found(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="exit code 3"):
        run_console(Block("console", ("$ exit 3",), 1), tmp_path, "here")
