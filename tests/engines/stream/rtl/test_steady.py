"""An interval is called steady only when the frames that fill the design have left."""

from __future__ import annotations

import pytest

from fpgacomp.engines.stream.rtl.simulate import _is_steady
from fpgacomp.results.measured import Measured


@pytest.mark.parametrize(
    ("gaps", "latency", "steady"),
    [
        ([], 300, False),
        ([54], 300, False),
        # All of them came in while the design filled: the next ones came every 52 cycles.
        ([54, 54, 54, 54], 300, False),
        ([54] * 5 + [52] * 10, 300, True),
        ([52] * 12 + [53], 300, False),
        ([100, 100, 100], 90, True),
    ],
)
def test_when_an_interval_is_steady(gaps: list[int], latency: int, steady: bool) -> None:
    assert _is_steady(gaps, latency) is steady


def test_what_is_not_steady_is_not_called_so() -> None:
    assert Measured(4, 300, 54, {}, steady=False).interval_text == (
        "the last two of 4 frames 54 cycles apart, which more frames may change"
    )
    assert Measured(1, 300, None, {}).interval_text == ""
