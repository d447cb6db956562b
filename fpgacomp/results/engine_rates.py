"""How fast and at what energy a network runs, on an FPGA and on engines in software."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal


@dataclass(frozen=True)
class Rate:
    """A network in one form on one engine.

    Args:
        source: the file or build directory.
        form: what runs: the network's file in float32, its QDQ export, or the hardware.
        engine: `fpga`, or the name of an engine in software.
        device: what it runs on, in words.
        latency_us: of one sample by itself: the median of those measured, or what the hardware's
            estimate says.
        latency_p99_us: the 99th percentile; None where nothing was measured.
        samples_per_second: of `batch` samples at once.
        measured: whether latency and rate were measured here; otherwise they are an estimate.
        watts: what the device is stated to take; None where nobody stated it.
        watts_from: who stated it; "" where nobody did.
    """

    source: str
    form: Literal["float32", "qdq", "hardware"]
    engine: str
    device: str
    latency_us: float
    latency_p99_us: float | None
    samples_per_second: float
    batch: int
    measured: bool
    watts: float | None = None
    watts_from: str = ""

    @property
    def energy_uj(self) -> float | None:
        """Microjoules of one sample at the full rate: an estimate, by the stated watts alone."""
        return None if self.watts is None else 1e6 * self.watts / self.samples_per_second

    def summary(self) -> dict[str, Any]:
        """Plain values for JSON."""
        stated = self.watts_from or "not stated"
        return {**asdict(self), "watts_from": stated, "energy_uj_estimate": self.energy_uj}


@dataclass(frozen=True)
class EngineRates:
    """Everything that was measured, and what could not be.

    Args:
        notes: one sentence each.
    """

    rates: tuple[Rate, ...]
    notes: tuple[str, ...] = ()

    def summary(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {"rates": [rate.summary() for rate in self.rates], "notes": list(self.notes)}
