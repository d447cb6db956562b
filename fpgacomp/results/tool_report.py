"""What a tool's report says of a design: one value, whichever tool wrote it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

# tool_estimate: another estimator's guess; simulation: cycles that an RTL simulation counted;
# the others are the stages of `fpgacomp.results.estimate`.
ReportStage = Literal["tool_estimate", "simulation", "csynth", "logic_synth", "implementation"]
STAGES: Mapping[ReportStage, str] = {
    "tool_estimate": "the tool's own estimate",
    "simulation": "RTL simulation",
    "csynth": "C synthesis",
    "logic_synth": "logic synthesis",
    "implementation": "placement and routing",
}
Amounts = Mapping[str, float]  # of RESOURCE_FIELDS, those that a report states


@dataclass(frozen=True)
class ReportedInstance:
    """A piece of hardware that a report names.

    Args:
        name: of the instance.
        module: of what it is an instance; "" where the report does not say.
        amounts: what it takes, with all that is in it.
        latency, interval: in cycles; None where the report does not say.
        inside: the instances in it.
    """

    name: str
    module: str = ""
    amounts: Amounts = field(default_factory=dict)
    latency: float | None = None
    interval: float | None = None
    inside: tuple[ReportedInstance, ...] = ()

    def walk(self) -> Iterator[ReportedInstance]:
        """The instance and all in it, from outside to inside."""
        yield self
        for one in self.inside:
            yield from one.walk()


@dataclass(frozen=True)
class Clocking:
    """What a report says of the clock.

    Args:
        target_ns: the period that was asked for.
        achieved_ns: the shortest period at which the design works, as the tool computes it.
        worst_setup_ns, total_setup_ns: worst and total slack of setup; negative where missed.
        worst_hold_ns: worst slack of hold.
        path: the slowest path, in one sentence; "" where the report does not say.
    """

    target_ns: float | None = None
    achieved_ns: float | None = None
    worst_setup_ns: float | None = None
    total_setup_ns: float | None = None
    worst_hold_ns: float | None = None
    path: str = ""

    @property
    def met(self) -> bool | None:
        """Whether every path keeps the clock; None where the report does not say."""
        slacks = [x for x in (self.worst_setup_ns, self.worst_hold_ns) if x is not None]
        if slacks:
            return min(slacks) >= 0
        if self.target_ns is None or self.achieved_ns is None:
            return None
        return self.achieved_ns <= self.target_ns


@dataclass(frozen=True)
class ToolReport:
    """What one file says.

    Args:
        format: the kind of report, as messages call it.
        tool, version: who wrote it; "" where the file does not say.
        stage: of the tool flow.
        part: the device; "" where the file does not say.
        silicon: ecp5, ice40, gowin or xilinx, as its cells tell; "" where they do not.
        top: the module that it is of; "" where the file does not say.
        amounts: what the top takes; empty where the file does not say.
        latency, interval: of a frame, in cycles.
        instances: what is in the top.
        clock: None where the file does not say.
        power_w: watts of the whole device, as the tool estimates them.
        notes: what to know of these figures, one sentence each.
        encloses: whether the amounts are also of what surrounds a design, which the report does
            not tell apart: no estimate is of them.
    """

    format: str
    tool: str
    version: str
    stage: ReportStage
    part: str = ""
    top: str = ""
    amounts: Amounts = field(default_factory=dict)
    latency: float | None = None
    interval: float | None = None
    instances: tuple[ReportedInstance, ...] = ()
    clock: Clocking | None = None
    power_w: float | None = None
    notes: tuple[str, ...] = ()
    silicon: str = ""
    encloses: bool = False

    def walk(self) -> Iterator[ReportedInstance]:
        """Every instance, from outside to inside."""
        for one in self.instances:
            yield from one.walk()
