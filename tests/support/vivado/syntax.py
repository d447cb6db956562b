"""Reads the syntax of commands from their reference, and holds calls against it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).parent
_OPTION = re.compile(r"(\[)?(-[\w-]+)( <arg>)?(\])?")
_OPERAND = re.compile(r"(\[)?<\w+>(\.\.\.)?\]?")


class WrongCall(Exception):
    """A call that the tool would refuse, or pass over in silence."""


@dataclass(frozen=True)
class Syntax:
    """How a command may be called.

    Args:
        flags: options without a value.
        valued: options with one.
        required: options that must be there.
        least, most: number of operands; None: any.
    """

    name: str
    flags: frozenset[str]
    valued: frozenset[str]
    required: frozenset[str]
    least: int
    most: int | None

    @classmethod
    def of(cls, line: str) -> Syntax:
        """The syntax that a line of the reference states."""
        name, _, rest = line.partition(" ")
        options = _OPTION.findall(rest)
        operands = _OPERAND.findall(_OPTION.sub("", rest))
        several = any(more for _, more in operands)
        return cls(
            name,
            frozenset(option for _, option, value, _ in options if not value),
            frozenset(option for _, option, value, _ in options if value),
            frozenset(option for left, option, _, _ in options if not left),
            sum(not left for left, _ in operands),
            None if several else len(operands),
        )

    def parsed(self, words: Sequence[str]) -> Call:
        """A call of the command.

        Raises:
            WrongCall: an option is unknown, lacks its value or is missing; too few or too many
                operands.
        """
        options: dict[str, str] = {}
        operands: list[str] = []
        left = list(words)
        while left:
            word = left.pop(0)
            # A negative number is an operand.
            if not re.match(r"-[a-zA-Z]", word):
                operands.append(word)
            elif word in self.flags:
                options[word] = "1"
            elif word in self.valued:
                if not left:
                    raise WrongCall(f"{self.name}: {word} has no value")
                options[word] = left.pop(0)
            else:
                raise WrongCall(f"{self.name}: unknown option {word}")
        if missing := self.required - set(options):
            raise WrongCall(f"{self.name}: {', '.join(sorted(missing))} is missing")
        if len(operands) < self.least or (self.most is not None and len(operands) > self.most):
            raise WrongCall(f"{self.name}: {len(operands)} operands: {operands}")
        return Call(self.name, options, tuple(operands))


@dataclass(frozen=True)
class Call:
    """A call whose form is right."""

    name: str
    options: dict[str, str]
    operands: tuple[str, ...]


@cache
def reference(file: str) -> dict[str, Syntax]:
    """Name -> syntax of every command of a file beside this one."""
    lines = (FOLDER / file).read_text(encoding="utf-8").splitlines()
    every = [Syntax.of(line) for line in lines if line and not line.startswith("#")]
    return {one.name: one for one in every}
