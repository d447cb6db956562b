"""What tools measured of a build, beside what was estimated: values, and plain data of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from fpgacomp.results.estimate import Figure
from fpgacomp.results.tool_report import Clocking, ReportStage

# Of a quantity at a stage, whether the estimate says what the tool would: it is of logic synthesis,
# and C synthesis guesses LUTs and flip-flops before anything is merged.
_JUDGED: Mapping[ReportStage, frozenset[str]] = {
    "tool_estimate": frozenset(),
    "simulation": frozenset({"latency", "interval"}),
    "csynth": frozenset({"dsp", "bram18", "uram", "latency", "interval"}),
    "logic_synth": frozenset({"lut", "ff", "dsp", "bram18", "uram"}),
    "implementation": frozenset({"lut", "ff", "dsp", "bram18", "uram"}),
}


@dataclass(frozen=True)
class MeasuredAmount:
    """A quantity that a tool reported, beside its estimate.

    Args:
        quantity: a resource, `latency` or `interval` in cycles.
        measured: what the tool reports.
        estimated: of the build's report; None where it has none.
        judged: whether the estimate is of this quantity at this stage.
    """

    quantity: str
    measured: float
    estimated: Figure | None
    judged: bool

    @classmethod
    def at(
        cls, stage: ReportStage, quantity: str, measured: float, estimated: Figure | None
    ) -> MeasuredAmount:
        """The amount that a tool reports at a stage."""
        return cls(quantity, measured, estimated, quantity in _JUDGED[stage])

    @property
    def within(self) -> bool | None:
        """Whether it lies in the estimate's range; None where the estimate is of something else."""
        if self.estimated is None or not self.judged:
            return None
        return self.estimated.holds(self.measured)

    @property
    def ratio(self) -> float | None:
        """Measured over estimated; None where nothing was estimated."""
        if self.estimated is None or self.estimated.value <= 0:
            return None
        return self.measured / self.estimated.value

    def summary(self) -> dict[str, Any]:
        """Plain values for JSON."""
        known = self.estimated
        return {
            "measured": self.measured,
            "estimated": None if known is None else known.value,
            "low": None if known is None else known.low,
            "high": None if known is None else known.high,
            "within": self.within,
        }


@dataclass(frozen=True)
class MeasuredLayer:
    """What a tool reported of a layer's parts together.

    Args:
        name: of the layer.
        parts: names of the instances that were counted for it.
    """

    name: str
    amounts: tuple[MeasuredAmount, ...]
    parts: tuple[str, ...]

    def of(self, quantity: str) -> MeasuredAmount | None:
        """The amount of a quantity; None where the tool does not state it."""
        return next((one for one in self.amounts if one.quantity == quantity), None)


@dataclass(frozen=True)
class MeasuredStage:
    """Everything that was imported of one stage of a tool flow.

    Args:
        tools: name and version of each tool.
        files: the imported files, by their names in the build's folder `measured`.
        whole: of the design; empty where no file says.
        layers: those that a file names, in the order of the build's report.
        left: (instance, module, amounts) of what works for no layer, or matches none.
        clock: None where no file says.
        power_w: watts of the device, as the tool estimates them.
        notes: what to know of the figures, one sentence each.
    """

    stage: ReportStage
    tools: tuple[tuple[str, str], ...]
    files: tuple[str, ...]
    whole: tuple[MeasuredAmount, ...]
    layers: tuple[MeasuredLayer, ...]
    left: tuple[tuple[str, str, Mapping[str, float]], ...]
    clock: Clocking | None
    power_w: float | None
    notes: tuple[str, ...]

    def of(self, quantity: str) -> MeasuredAmount | None:
        """The amount of the whole design; None where no file states it."""
        return next((one for one in self.whole if one.quantity == quantity), None)

    def summary(self) -> dict[str, Any]:
        """Plain values for JSON."""
        clock = None if self.clock is None else {**asdict(self.clock), "met": self.clock.met}
        return {
            "tools": [{"name": name, "version": version} for name, version in self.tools],
            "files": list(self.files),
            "whole": {one.quantity: one.summary() for one in self.whole},
            "layers": [
                {
                    "name": layer.name,
                    "parts": list(layer.parts),
                    "amounts": {one.quantity: one.summary() for one in layer.amounts},
                }
                for layer in self.layers
            ],
            "of_no_layer": [
                {"instance": name, "module": module, "amounts": dict(amounts)}
                for name, module, amounts in self.left
            ],
            "clock": clock,
            "power_w": self.power_w,
            "notes": list(self.notes),
        }


@dataclass(frozen=True)
class MeasuredBuild:
    """What tools measured of a build.

    Args:
        folder: the build directory.
        build: SHA-256 of its manifest, which identifies it.
        engine, board, part: what it was built for.
        stages: in the order of a tool flow, those of which a file was imported.
    """

    folder: str
    build: str
    engine: str
    board: str
    part: str
    stages: tuple[MeasuredStage, ...]

    def summary(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "folder": self.folder,
            "build": self.build,
            "engine": self.engine,
            "board": self.board,
            "part": self.part,
            "stages": {one.stage: one.summary() for one in self.stages},
        }
