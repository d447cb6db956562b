"""The clock that an MMCM makes: within its limits, and near below the one asked for."""

from __future__ import annotations

from fractions import Fraction

import pytest

from fpgacomp.bitstream.vendor.mmcm import mmcm_for
from fpgacomp.errors import UsageError


@pytest.mark.slow
@pytest.mark.parametrize("wanted", [5.0, 12.5, 33.3, 66.667, 80.0, 99.9, 101.0, 142.857, 250.0])
@pytest.mark.parametrize("oscillator", [12.0, 100.0, 200.0])
def test_settings_are_legal_and_near(oscillator: float, wanted: float) -> None:
    made = mmcm_for(oscillator, wanted)
    assert made is not None
    pfd = Fraction(oscillator) / made.divide
    vco = pfd * Fraction(made.multiply)
    assert pfd >= 10 and 600 <= vco <= 1200
    assert 2 <= made.multiply <= 64 and (made.multiply * 8).is_integer()
    assert made.output_divide == 1 or 2 <= made.output_divide <= 128
    assert (made.output_divide * 8).is_integer()
    assert made.clock_mhz == vco / Fraction(made.output_divide)
    assert wanted * 0.99 <= made.clock_mhz <= Fraction(str(wanted))


def test_the_oscillator_itself_needs_none() -> None:
    assert mmcm_for(100.0, 100.0) is None


def test_what_it_cannot_make_is_refused() -> None:
    with pytest.raises(UsageError, match=r"a clock of 2 MHz: cannot be made .* of 100 MHz to 1 %"):
        mmcm_for(100.0, 2.0)
