"""Settings of PLLs: exact within the limits of the data sheets, and those that the tools find."""

from __future__ import annotations

from fractions import Fraction

import pytest

from fpgacomp.bitstream.open.pll import (
    EHXPLLL,
    RPLL,
    SB_PLL40,
    Limits,
    Pll,
    ehxplll,
    exact,
    nearest,
    rpll,
    sb_pll40,
)
from fpgacomp.bitstream.open.sources import pll_for
from fpgacomp.bitstream.open.toolchain import _known
from fpgacomp.devices.read import load_board
from fpgacomp.errors import UsageError

KINDS = {"ehxplll": (ehxplll, EHXPLLL), "sb_pll40": (sb_pll40, SB_PLL40), "rpll": (rpll, RPLL)}


def clock_of(kind: str, oscillator: Fraction, values: dict[str, int]) -> Fraction:
    """The clock by the formula of the data sheet, written apart from the search."""
    match kind:
        case "ehxplll":
            return oscillator / values["CLKI_DIV"] * values["CLKFB_DIV"]
        case "sb_pll40":
            divisor = (values["DIVR"] + 1) * 2 ** values["DIVQ"]
            return oscillator * (values["DIVF"] + 1) / divisor
    return oscillator * (values["FBDIV_SEL"] + 1) / (values["IDIV_SEL"] + 1)


def within(limits: Limits, oscillator: Fraction, pll: Pll, divide: int) -> bool:
    low, high = limits.vco
    slow, fast = limits.phase_detector
    return low <= pll.vco_mhz <= high and slow <= oscillator / divide <= fast


# What ecppll, icepll and gowin_pll answer for these frequencies.
@pytest.mark.parametrize(
    ("kind", "oscillator", "wanted", "values"),
    [
        ("ehxplll", 25, 100, {"CLKI_DIV": 1, "CLKFB_DIV": 4, "CLKOP_DIV": 6}),
        ("sb_pll40", 12, 24, {"DIVR": 0, "DIVF": 63, "DIVQ": 5, "FILTER_RANGE": 1}),
        ("sb_pll40", 12, 75, {"DIVR": 0, "DIVF": 49, "DIVQ": 3, "FILTER_RANGE": 1}),
        ("rpll", 27, 54, {"IDIV_SEL": 0, "FBDIV_SEL": 1, "ODIV_SEL": 16}),
    ],
)
def test_a_clock_that_can_be_made_is_made_exactly(
    kind: str, oscillator: int, wanted: float, values: dict[str, int]
) -> None:
    search, limits = KINDS[kind]
    found = nearest(search(Fraction(oscillator)), wanted, limits)
    assert found is not None and found.clock_mhz == wanted
    assert dict(found.values) == values


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("wanted", [31.3, 48, 66.6, 83.1])
def test_no_setting_comes_nearer_and_all_limits_hold(kind: str, wanted: float) -> None:
    search, limits = KINDS[kind]
    oscillator = Fraction(25)
    found = nearest(search(oscillator), wanted, limits)
    assert found is not None
    assert clock_of(kind, oscillator, dict(found.values)) == found.clock_mhz
    divide = next(iter(found.values.values())) + (kind != "ehxplll")
    assert within(limits, oscillator, found, divide)
    off = min(abs(one.clock_mhz - exact(wanted)) for one in search(oscillator))
    assert abs(found.clock_mhz - exact(wanted)) == off


def test_the_oscillator_needs_no_pll() -> None:
    board = load_board("tang-nano-9k")
    family, pins, _ = _known(board)
    assert pll_for(board, pins, family, 27.0) is None


def test_a_clock_that_cannot_be_made_names_one_that_can() -> None:
    board = load_board("icebreaker")
    family, pins, _ = _known(board)
    with pytest.raises(UsageError, match=r"13 MHz: cannot be made .* --clock-mhz 12 or 16"):
        pll_for(board, pins, family, 13.0)
