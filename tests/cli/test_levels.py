"""The levels that the command line offers are those that simulate takes."""

from __future__ import annotations

from typing import get_args

from fpgacomp.cli import values
from fpgacomp.cli.simulate import _cycles
from fpgacomp.flows import simulate
from fpgacomp.results.measured import FifoUse, Measured


def test_every_level_that_simulate_knows_can_be_asked_for() -> None:
    assert get_args(values.Level) == get_args(simulate.Level)


def test_the_line_of_fifos_does_not_read_as_a_share() -> None:
    fifos = {"a": FifoUse(2, 40, 2, 0, 1), "b": FifoUse(101, 40, 7, 0, 1)}
    lines = dict(_cycles(Measured(4, 204, 100, fifos)))
    assert lines["FIFOs"] == (
        "2, with room for 103 words together; 1 of them were full at some time"
    )
