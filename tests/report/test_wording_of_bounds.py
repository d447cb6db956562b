"""A bound of rate is told with the digits that it was given with."""

from __future__ import annotations

from dataclasses import replace

import pytest

from fpgacomp.report.wording import quantity, target_text
from fpgacomp.results.target import Target
from tests.support import report_samples


@pytest.mark.parametrize(
    ("fps", "told"),
    [(0.001, "0.001"), (0.25, "0.25"), (1.5, "1.5"), (29.97, "29.97"), (1000, "1,000"),
     (12_000, "12 k")],
)  # fmt: skip
def test_a_rate_that_is_asked_for(fps: float, told: str) -> None:
    report = replace(report_samples.fits(), target=Target.at_rate(fps))
    assert f"at least {told} frames/s" in target_text(report)


def test_a_small_quantity_is_not_told_as_none() -> None:
    assert quantity(0.004) == "0.004" and quantity(7.0) == "7" and quantity(12.0) == "12"
