"""What a report warns of that its estimate does not say."""

from __future__ import annotations

import pytest

from fpgacomp.report.assemble import missed_bounds
from fpgacomp.results.measured import Measured
from fpgacomp.results.target import Target


def measured(interval_cycles: int | None, *, steady: bool = True) -> Measured:
    return Measured(4, 2_382, interval_cycles, {}, steady)


@pytest.mark.parametrize(
    ("target", "found", "said"),
    [
        (
            Target("area", fps=20_580),
            measured(1_172),
            ["20,478 frames/s, and --fps asks for"],
        ),
        (Target("area", fps=20_400), measured(1_172), []),
        # Frames that have not filled the design yet, and a single one, say nothing of its rate.
        (Target("area", fps=20_580), measured(1_172, steady=False), []),
        (Target("area", fps=20_580), measured(None), []),
        (Target(latency_us=99.0), measured(None), ["99.25 us, and --latency-us asks for 99:"]),
        (Target(latency_us=99.25), measured(None), []),
        (Target(), measured(1_172), []),
    ],
)
def test_a_bound_that_the_simulation_does_not_keep_is_told(
    target: Target, found: Measured, said: list[str]
) -> None:
    warnings = missed_bounds(target, [found], clock_mhz=24.0)
    assert len(warnings) == len(said)
    assert all(text in warning for text, warning in zip(said, warnings))
