"""Finds what a PLL is set to for a clock: every setting within the limits of its data sheet.

Frequencies are fractions of megahertz, so that a clock is met exactly or not at all. Where no
setting meets it, the nearest one is taken: it is what place and route must meet then.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from itertools import product


def exact(mhz: float) -> Fraction:
    """A frequency of a board file or an option, which has at most a few decimals."""
    return Fraction(mhz).limit_denominator(1_000_000)


@dataclass(frozen=True)
class Pll:
    """A setting of a PLL.

    Args:
        clock_mhz: what comes out.
        vco_mhz: of its oscillator.
        values: of the parameters of its primitive.
    """

    clock_mhz: Fraction
    vco_mhz: Fraction
    values: Mapping[str, int]


@dataclass(frozen=True)
class Limits:
    """Ranges of frequencies in megahertz, both ends included, and the document that states them."""

    input: tuple[float, float]
    phase_detector: tuple[float, float]
    vco: tuple[float, float]
    output: tuple[float, float]
    source: str

    def allow_input(self, given: Fraction, detector: Fraction) -> bool:
        """Whether the input and what is left of it at the phase detector are within them."""
        return _within(given, self.input) and _within(detector, self.phase_detector)

    def allow_output(self, vco: Fraction, clock: Fraction) -> bool:
        """Whether the oscillator and what comes out are within them."""
        return _within(vco, self.vco) and _within(clock, self.output)


def _within(frequency: Fraction, ends: tuple[float, float]) -> bool:
    return ends[0] <= frequency <= ends[1]


EHXPLLL = Limits(
    (8, 400), (10, 400), (400, 800), (3.125, 400),
    "FPGA-DS-02012 (ECP5 Family Data Sheet), sysCLOCK PLL timing",
)  # fmt: skip
SB_PLL40 = Limits(
    (10, 133), (10, 133), (533, 1066), (16, 275),
    "FPGA-TN-02052 (iCE40 sysCLOCK PLL Design and User Guide)",
)  # fmt: skip
RPLL = Limits(
    (3, 400), (3, 400), (400, 1200), (3.125, 600),
    "DS117 (GW1NR Data Sheet) as apycula's gowin_pll.py cites it, GW1NR-9 C6/I5",
)  # fmt: skip


_ODIV = (2, 4, 8, 16, 32, 48, 64, 80, 96, 112, 128)


def ehxplll(oscillator: Fraction, limits: Limits = EHXPLLL) -> Iterator[Pll]:
    """ECP5: the clock is the input divided by CLKI_DIV times CLKFB_DIV, fed back from CLKOP."""
    for divide in range(1, 129):
        if not limits.allow_input(oscillator, oscillator / divide):
            continue
        for multiply in range(1, 129):
            clock = oscillator * multiply / divide
            least, most = (int(end / clock) for end in limits.vco)
            for post in range(max(least, 1), min(most, 128) + 1):
                if limits.allow_output(clock * post, clock):
                    values = {"CLKI_DIV": divide, "CLKFB_DIV": multiply, "CLKOP_DIV": post}
                    yield Pll(clock, clock * post, values)


def sb_pll40(oscillator: Fraction, limits: Limits = SB_PLL40) -> Iterator[Pll]:
    """iCE40, simple feedback: VCO = input (DIVF + 1) / (DIVR + 1), clock = VCO / 2^DIVQ."""
    for divr in range(16):
        detector = oscillator / (divr + 1)
        if not limits.allow_input(oscillator, detector):
            continue
        for divf, divq in product(range(128), range(1, 7)):
            vco = detector * (divf + 1)
            if limits.allow_output(vco, vco / 2**divq):
                values = {"DIVR": divr, "DIVF": divf, "DIVQ": divq,
                          "FILTER_RANGE": _filter_range(detector)}  # fmt: skip
                yield Pll(vco / 2**divq, vco, values)


def _filter_range(detector: Fraction) -> int:
    """FILTER_RANGE by the frequency at the phase detector (FPGA-TN-02052)."""
    return next((n for n, below in enumerate((17, 26, 44, 66, 101), 1) if detector < below), 6)


def rpll(oscillator: Fraction, limits: Limits = RPLL) -> Iterator[Pll]:
    """Gowin: clock = input (FBDIV_SEL + 1) / (IDIV_SEL + 1), VCO = clock ODIV_SEL."""
    for idiv in range(64):
        if not limits.allow_input(oscillator, oscillator / (idiv + 1)):
            continue
        for fbdiv, odiv in product(range(64), _ODIV):
            clock = oscillator * (fbdiv + 1) / (idiv + 1)
            if limits.allow_output(clock * odiv, clock):
                values = {"IDIV_SEL": idiv, "FBDIV_SEL": fbdiv, "ODIV_SEL": odiv}
                yield Pll(clock, clock * odiv, values)


def nearest(settings: Iterator[Pll], wanted_mhz: float, limits: Limits) -> Pll | None:
    """The setting whose clock is nearest to the wanted one; None without any.

    Among those of one clock the phase detector runs as fast as it can, for which the first of the
    settings is the one, and the oscillator nearest to the middle of its range.
    """
    wanted = exact(wanted_mhz)
    middle = Fraction(sum(limits.vco)) / 2
    best: Pll | None = None
    for pll in settings:
        if best is None or abs(pll.clock_mhz - wanted) < abs(best.clock_mhz - wanted):
            best = pll
        elif pll.clock_mhz == best.clock_mhz and _divider(pll) == _divider(best):
            best = min(best, pll, key=lambda one: abs(one.vco_mhz - middle))
    return best


def _divider(pll: Pll) -> int:
    """How much the input is divided before the phase detector: the first value of each family."""
    return next(iter(pll.values.values()))
