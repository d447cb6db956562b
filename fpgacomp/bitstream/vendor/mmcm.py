"""The clock of a 7-series FPGA from its board's oscillator, by an MMCM."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

from fpgacomp.errors import UsageError

# DS181 (Artix-7), MMCM at speed grade -1 and UG472: multiplier and output divider in eighths.
_VCO_MHZ = (600, 1200)
_LEAST_PFD_MHZ = 10
_EIGHTHS_OF_MULTIPLY = range(16, 513)  # 2 to 64
_EIGHTHS_OF_OUTPUT = range(16, 1025)  # 2 to 128; 1 is allowed, too
_MOST_DIVIDE = 106
_MOST_ERROR = Fraction(1, 100)


@dataclass(frozen=True)
class Mmcm:
    """Settings of an MMCME2_BASE.

    Args:
        multiply, divide, output_divide: of the oscillator, in this order.
        clock_mhz: what comes out.
    """

    multiply: float
    divide: int
    output_divide: float
    clock_mhz: Fraction


def mmcm_for(oscillator_mhz: float, clock_mhz: float) -> Mmcm | None:
    """The settings that give the highest clock which is no higher than the one asked for.

    Returns None where the oscillator gives the clock itself.

    Raises:
        UsageError: nothing is within 1 % of it.
    """
    given, wanted = Fraction(str(oscillator_mhz)), Fraction(str(clock_mhz))
    if given == wanted:
        return None
    best = max(_settings(given, wanted), key=lambda one: (one.clock_mhz, -one.divide), default=None)
    if best is None or best.clock_mhz < wanted * (1 - _MOST_ERROR):
        raise UsageError(
            f"a clock of {clock_mhz:g} MHz",
            f"cannot be made from the board's oscillator of {oscillator_mhz:g} MHz to 1 %.",
            f"compile with --clock-mhz {oscillator_mhz:g}, or another rate.",
        )
    return best


def _settings(given: Fraction, wanted: Fraction) -> Iterator[Mmcm]:
    """For each multiplier and divider, the smallest output divider that is not too fast."""
    for divide in range(1, _MOST_DIVIDE + 1):
        if given / divide < _LEAST_PFD_MHZ:
            return
        for eighths in _EIGHTHS_OF_MULTIPLY:
            vco = given / divide * eighths / 8
            if not _VCO_MHZ[0] <= vco <= _VCO_MHZ[1]:
                continue
            output = max(8, -(-8 * vco // wanted))
            output = 16 if 8 < output < 16 else output
            if output == 8 or output in _EIGHTHS_OF_OUTPUT:
                clock = vco * 8 / output
                yield Mmcm(eighths / 8, divide, float(output) / 8, clock)
