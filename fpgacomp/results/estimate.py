"""Figures with an uncertainty: what a design is predicted to take and how fast it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from fpgacomp.devices.resources import Resources

Stage = Literal["csynth", "logic_synth"]


@dataclass(frozen=True, slots=True)
class Figure:
    """A predicted value and its range.

    Args:
        value: the prediction.
        low, high: the range that held 80 % of the designs which the estimator was fitted to.
    """

    value: float
    low: float
    high: float

    @classmethod
    def exact(cls, value: float) -> Figure:
        """A value that is known: its range is itself."""
        return cls(value, value, value)

    def __add__(self, other: Figure) -> Figure:
        return Figure(self.value + other.value, self.low + other.low, self.high + other.high)


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
    """

    stage: Stage
    clock_mhz: float
    latency_cycles: Figure
    interval_cycles: Figure
    resources: Resources[Figure]
    layers: Mapping[str, LayerEstimate]

    @property
    def latency_us(self) -> float:
        """Microseconds from the first input to the last output of a frame."""
        return self.latency_cycles.value / self.clock_mhz

    @property
    def frames_per_second(self) -> float:
        """Frames that the design takes in a second."""
        return self.clock_mhz * 1e6 / self.interval_cycles.value
