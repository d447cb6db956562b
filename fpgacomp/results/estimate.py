"""Figures with an uncertainty: what a design is predicted to take and how fast it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Stage = Literal["csynth", "logic_synth"]


@dataclass(frozen=True, slots=True)
class Figure:
    """A predicted value inside the range that covers 80 % of the calibration designs."""

    value: float
    low: float
    high: float

    @classmethod
    def exact(cls, value: float) -> Figure:
        return cls(value, value, value)

    def __add__(self, other: Figure) -> Figure:
        return Figure(self.value + other.value, self.low + other.low, self.high + other.high)


@dataclass(frozen=True)
class LayerEstimate:
    """One layer: `cycles` from its first input to its last output, `interval` between frames."""

    cycles: Figure
    interval: Figure
    lut: Figure
    ff: Figure
    dsp: Figure
    bram18: Figure
    uram: Figure


@dataclass(frozen=True)
class Estimate:
    """The whole design at one stage of the tool flow.

    Args:
        stage: which tool result is predicted; logic synthesis decides whether it fits.
        layers: layer name -> its share.
        top: what no layer owns (FIFOs, handshakes, interfaces).
    """

    stage: Stage
    clock_mhz: float
    latency_cycles: Figure
    interval_cycles: Figure
    lut: Figure
    ff: Figure
    dsp: Figure
    bram18: Figure
    uram: Figure
    layers: Mapping[str, LayerEstimate]

    @property
    def latency_us(self) -> float:
        return self.latency_cycles.value / self.clock_mhz

    @property
    def frames_per_second(self) -> float:
        return self.clock_mhz * 1e6 / self.interval_cycles.value
