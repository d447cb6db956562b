"""The levels that the command line offers are those that simulate takes."""

from __future__ import annotations

from typing import get_args

from fpgacomp.cli import values
from fpgacomp.flows import simulate


def test_every_level_that_simulate_knows_can_be_asked_for() -> None:
    assert get_args(values.Level) == get_args(simulate.Level)
