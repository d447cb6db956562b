"""How much a run tells, as its options say it: what every verb shares with the console."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from pathlib import Path

import typer


class Verbosity(Enum):
    """How much is told on standard error."""

    QUIET = auto()  # errors only
    NORMAL = auto()  # progress bars on terminals, warnings
    VERBOSE = auto()  # each step and each note as a line


@dataclass(frozen=True, kw_only=True)
class Telling:
    """How much a run tells, and where.

    Args:
        verbosity: how much is told on standard error.
        as_json: whether standard output is one JSON document, for a program to read.
        log_file: file that everything is logged to; None logs nothing.
    """

    verbosity: Verbosity = Verbosity.NORMAL
    as_json: bool = False
    log_file: Path | None = None

    @property
    def shows_progress(self) -> bool:
        """Whether progress is shown as it goes: to people, where lines do not tell it anyway."""
        return self.verbosity is Verbosity.NORMAL and not self.as_json


def telling_of(context: typer.Context) -> Telling:
    """How much the running verb tells; `Verb` put it into the context."""
    telling = context.obj
    assert isinstance(telling, Telling)
    return telling
