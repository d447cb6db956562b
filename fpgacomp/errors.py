"""Every error fpgacomp raises on purpose: each says where, what, and how to fix it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence


class FpgacompError(Exception):
    """One problem of the user's, told in one sentence with its remedy.

    Args:
        where: the file, node, option or layer at fault.
        why: what is wrong with it, with the bad value.
        fix: what the user can do about it.
    """

    exit_code = 1

    def __init__(self, where: str, why: str, fix: str) -> None:
        super().__init__(where, why, fix)
        self.where = where
        self.why = why
        self.fix = fix

    def __str__(self) -> str:
        return f"{self.where}: {self.why} Fix: {self.fix}"


class UsageError(FpgacompError):
    """The command line, an option or the output folder is wrong (exit code 2)."""

    exit_code = 2


class ModelError(FpgacompError):
    """The network file cannot be read or is not a valid network."""


class UnsupportedLayer(ModelError):
    """A node of the network that fpgacomp does not carry, or not in this form."""


class InputDataError(FpgacompError):
    """Vectors, calibration data or labels that do not go with the network."""


class MissingModel(ModelError):
    """A network file that does not exist (exit code 2)."""

    exit_code = 2


class MissingInputData(InputDataError):
    """A file or folder of samples, labels or figures that does not exist (exit code 2)."""

    exit_code = 2


class TrainingError(FpgacompError):
    """Training that cannot go on: a loss that is not a number, a checkpoint of another run."""


class PackageError(FpgacompError):
    """A package that is damaged, not signed as it must be, or must not be made or installed."""


class BoardError(FpgacompError):
    """A board file that is wrong."""


class UnknownBoard(BoardError):
    """A board that is not listed, or a board file that does not exist (exit code 2)."""

    exit_code = 2


class DoesNotFit(FpgacompError):
    """No folding of this network fits the board at the target asked for."""


class InvalidGraph(FpgacompError):
    """A graph that breaks its rules: a bug in the pass or rewrite it names (exit code 70)."""

    exit_code = 70


class ToolError(FpgacompError):
    """A tool (compiler, simulator) is missing or failed (exit code 3)."""

    exit_code = 3


class FileSystemError(FpgacompError):
    """A file or folder cannot be read or written, as on a full disk (exit code 3)."""

    exit_code = 3


class Problems(FpgacompError):
    """All problems found in one go.

    Args:
        problems: at least one; the exit code is the first one's.
    """

    def __init__(self, problems: Sequence[FpgacompError]) -> None:
        first = problems[0]
        super().__init__(first.where, first.why, first.fix)
        self.problems = tuple(problems)
        self.exit_code = first.exit_code

    def __str__(self) -> str:
        if len(self.problems) == 1:
            return str(self.problems[0])
        causes = one_line_per_cause((p.where, p.why, p.fix) for p in self.problems)
        lines = "\n".join(f"  - {line}" for line in causes)
        return f"{len(self.problems)} problems:\n{lines}"


_DETAILS = re.compile(r"'[^']*'|\[[^\]]*\]|-?\d[\d.e+-]*")  # names, shapes and numbers
_NAMED = 3  # places of one cause that are named


def one_line_per_cause(problems: Iterable[tuple[str, str, str]]) -> list[str]:
    """Return one line per cause of problems (where, why, fix), with the places that share it.

    Problems have one cause where they have one remedy, and reasons that differ in names, shapes
    and numbers only: the first one's are told.
    """
    causes: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for where, why, fix in problems:
        causes.setdefault((_DETAILS.sub("", why), fix), []).append((where, why))
    lines = []
    for (_, fix), places in causes.items():
        where, why = places[0]
        others = [other for other, _ in places[1:]]
        also = ", ".join(others[:_NAMED])
        if len(others) > _NAMED:
            also += f" and {len(others) - _NAMED} more"
        lines.append(f"{where}: {why} Fix: {fix}" + (f" (The same: {also}.)" if also else ""))
    return lines


def raise_all(problems: Sequence[FpgacompError]) -> None:
    """Raise nothing, the one problem, or all of them as one `Problems`."""
    if len(problems) == 1:
        raise problems[0]
    if problems:
        raise Problems(problems)
