"""Figures with an uncertainty: what a design is predicted to take and how fast it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import ceil, floor, hypot, sqrt
from typing import Literal

from fpgacomp.devices.resources import Resources

# implementation: after placement and routing; no published result tells it from logic synthesis.
Stage = Literal["csynth", "logic_synth", "implementation"]
ENOUGH_DESIGNS = 8  # measured designs of a family from which a verdict may be certain
LEVEL = 0.9  # share of measured amounts that a figure's range is to hold


@dataclass(frozen=True, slots=True)
class Figure:
    """A predicted value and its range.

    Ranges of parts add up to the range of a whole as independent errors do, by the root of
    the sum of squares; what all parts share, because one tool builds them, adds up plainly.

    Args:
        value: the prediction.
        low, high: the range that is to hold the share LEVEL of measured amounts.
        shared_low, shared_high: how far below and above the value the range reaches by the
            error alone that all parts of a design share.
        least: what is known to be needed by what a resource is; no sum reaches below it.
    """

    value: float
    low: float
    high: float
    shared_low: float = 0.0
    shared_high: float = 0.0
    least: float = 0.0

    @classmethod
    def exact(cls, value: float) -> Figure:
        """A value that is known: its range is itself."""
        return cls(value, value, value)

    @classmethod
    def within(
        cls, value: float, spread: tuple[float, float], shared: tuple[float, float] = (1.0, 1.0)
    ) -> Figure:
        """A value whose range is given as factors of it.

        Args:
            spread: (low, high) of the whole range.
            shared: (low, high) of the part of it that all parts of a design share; no more of it
                counts than the spread holds.
        """
        low, high = (value * factor for factor in spread)
        below = value - max(value * shared[0], low)
        above = min(value * shared[1], high) - value
        return cls(value, low, high, below, above)

    def __add__(self, other: Figure) -> Figure:
        if self.high == 0.0 == other.high:  # most operators take no DSP and no memory
            return self
        value = self.value + other.value
        shared_low = self.shared_low + other.shared_low
        shared_high = self.shared_high + other.shared_high
        below = hypot(shared_low, self._own_low, other._own_low)
        above = hypot(shared_high, self._own_high, other._own_high)
        least = self.least + other.least
        low = max(value - below, least)
        return Figure(value, low, value + above, shared_low, shared_high, least)

    def at_least(self, least: float) -> Figure:
        """The figure, none of whose ends is below what is known to be needed."""
        value, low, high = (max(end, least) for end in (self.value, self.low, self.high))
        return replace(self, value=value, low=low, high=high, least=least)

    def holds(self, amount: float) -> bool:
        """Whether a measured amount, a whole number, lies in the range."""
        return floor(self.low + 1e-9) <= amount <= ceil(self.high - 1e-9)

    @property
    def _own_low(self) -> float:
        """How far the range reaches down by the error of this part alone."""
        return sqrt(max((self.value - self.low) ** 2 - self.shared_low**2, 0.0))

    @property
    def _own_high(self) -> float:
        """How far the range reaches up by the error of this part alone."""
        return sqrt(max((self.high - self.value) ** 2 - self.shared_high**2, 0.0))


# What figures of resources predict.
HLS_LATE = "HLS C++ after logic synthesis"
HLS_EARLY = "HLS C++ at C synthesis"
RTL_BY_YOSYS = "our SystemVerilog by Yosys"
RTL_BY_VIVADO = "our SystemVerilog by Vivado, extrapolated from Yosys"


@dataclass(frozen=True)
class Basis:
    """What the figures of resources predict, and what they were fitted to.

    Args:
        tool: whose results.
        designs: how many whole designs of the device's family; None where single layers of many
            repositories, 0 where nothing of the family.
        calibrated: the tool's release, and how many of the user's own builds, that the figures
            were corrected for; "" where they were not.
        predicts: of which source, made by which tool or at which stage.
        instances: how many instances of our SystemVerilog were measured; 0 where none was.
    """

    tool: str = "published reports of Vivado and Vitis HLS"
    designs: int | None = None
    calibrated: str = ""
    predicts: str = HLS_LATE
    instances: int = 0

    @property
    def thin(self) -> bool:
        """Whether so few designs were measured that no verdict is certain."""
        return self.designs is not None and self.designs < ENOUGH_DESIGNS


class WithResources:
    """Short names for the figures of `resources`: `estimate.lut` is `estimate.resources.lut`."""

    resources: Resources[Figure]

    @property
    def lut(self) -> Figure:
        """Lookup tables."""
        return self.resources.lut

    @property
    def ff(self) -> Figure:
        """Flip-flops."""
        return self.resources.ff

    @property
    def dsp(self) -> Figure:
        """DSP blocks."""
        return self.resources.dsp

    @property
    def bram18(self) -> Figure:
        """Memory blocks of 18 kbit."""
        return self.resources.bram18

    @property
    def uram(self) -> Figure:
        """Memory blocks of 288 kbit."""
        return self.resources.uram


@dataclass(frozen=True)
class PredictedFigures(WithResources):
    """Figures of a design beside its estimate: of its other source, or by another tool.

    Args:
        basis: what they predict.
        resources: of the whole design.
    """

    basis: Basis
    resources: Resources[Figure]


@dataclass(frozen=True)
class LayerEstimate(WithResources):
    """What one layer takes and how long it works.

    Args:
        cycles: clock cycles from its first input to its last output.
        interval: clock cycles from one frame to the next.
        start: clock cycles from the design's first input to the layer's own first input; None
            where the design was not run in time.
    """

    cycles: Figure
    interval: Figure
    resources: Resources[Figure]
    start: float | None = None


@dataclass(frozen=True)
class Estimate(WithResources):
    """The whole design at one stage of the tool flow.

    Args:
        stage: the tool whose result is predicted; logic synthesis decides whether a design fits.
        clock_mhz: of the design, in megahertz.
        latency_cycles: clock cycles from the first input to the last output of a frame.
        interval_cycles: clock cycles from one frame to the next.
        resources: of the whole design: the layers, and what no layer owns (FIFOs, handshakes,
            interfaces).
        layers: layer name -> its share.
        basis: what the figures of resources were fitted to.
    """

    stage: Stage
    clock_mhz: float
    latency_cycles: Figure
    interval_cycles: Figure
    resources: Resources[Figure]
    layers: Mapping[str, LayerEstimate]
    basis: Basis = Basis()

    @property
    def latency_us(self) -> float:
        """Microseconds from the first input to the last output of a frame."""
        return self.latency_cycles.value / self.clock_mhz

    @property
    def frames_per_second(self) -> float:
        """Frames that the design takes in a second."""
        return self.clock_mhz * 1e6 / self.interval_cycles.value
