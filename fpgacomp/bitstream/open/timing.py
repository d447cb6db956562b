"""Reads the report of place and route: clocks, resources, the critical path."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite
from typing import Any

from fpgacomp.errors import ToolError
from fpgacomp.host.strict_json import read_json


@dataclass(frozen=True)
class ClockResult:
    """A clock after routing, in megahertz."""

    achieved_mhz: float
    wanted_mhz: float

    @property
    def met(self) -> bool:
        """Whether it is as fast as wanted."""
        return self.achieved_mhz >= self.wanted_mhz


@dataclass(frozen=True)
class PathStep:
    """A step of a path: through a cell, or along a net.

    Args:
        kind: `clk-to-q`, `logic`, `routing` or `setup`.
        cell: where it ends.
        sources: files and lines that the tools know of the net, theirs among them.
    """

    kind: str
    cell: str
    delay_ns: float
    sources: tuple[str, ...] = ()


@dataclass(frozen=True)
class CriticalPath:
    """The slowest path between two registers of a clock.

    Args:
        start, end: the clock's edges in the report's words.
        steps: in order.
    """

    start: str
    end: str
    delay_ns: float
    logic_ns: float
    routing_ns: float
    steps: tuple[PathStep, ...]


@dataclass(frozen=True)
class RouteReport:
    """What place and route said of one run.

    Args:
        clocks: by the name of their net.
        used: kind of cell -> (used, there are).
        critical: of the clock with the least margin; None of a design without registers.
    """

    clocks: Mapping[str, ClockResult]
    used: Mapping[str, tuple[int, int]]
    critical: CriticalPath | None

    @property
    def met(self) -> bool:
        """Whether every clock is as fast as wanted."""
        return all(clock.met for clock in self.clocks.values())

    @property
    def margin(self) -> float:
        """Least share of what is wanted that a clock achieves."""
        return min(clock.achieved_mhz / clock.wanted_mhz for clock in self.clocks.values())

    @property
    def slowest(self) -> ClockResult:
        """The clock with the least margin."""
        return min(self.clocks.values(), key=lambda one: one.achieved_mhz / one.wanted_mhz)


def read_report(content: bytes) -> RouteReport:
    """The report that place and route wrote.

    Raises:
        ToolError: it has not the form that is known.
    """
    try:
        found = read_json(content)
        clocks = {
            str(name): ClockResult(_number(one["achieved"]), _number(one["constraint"]))
            for name, one in found["fmax"].items()
        }
        used = {
            str(name): (int(one["used"]), int(one["available"]))
            for name, one in found["utilization"].items()
        }
        paths = [_path(one) for one in found["critical_paths"]]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        why = f"its report has another form than is known ({type(error).__name__}: {error})."
        raise ToolError("nextpnr", why, "install the version that fpgacomp names.") from error
    if not clocks:
        raise ToolError("nextpnr", "its report states no clock.", "report this as a bug.")
    return RouteReport(clocks, used, _slowest(paths, clocks))


def _number(value: Any) -> float:
    number = float(value)
    if not (isfinite(number) and number > 0):
        raise ValueError(f"{number} is no frequency")
    return number


def _path(found: Any) -> CriticalPath:
    steps = [
        PathStep(str(one["type"]), str(one["to"]["cell"]), float(one["delay"]),
                 tuple(map(str, one.get("sources", []))))
        for one in found["path"]
    ]  # fmt: skip
    routing = sum(step.delay_ns for step in steps if step.kind == "routing")
    total = sum(step.delay_ns for step in steps)
    return CriticalPath(
        str(found["from"]), str(found["to"]), total, total - routing, routing, tuple(steps)
    )


def _slowest(paths: list[CriticalPath], clocks: Mapping[str, ClockResult]) -> CriticalPath | None:
    """The path within the clock of least margin; paths to and from pins are none."""
    name = min(clocks, key=lambda one: clocks[one].achieved_mhz / clocks[one].wanted_mhz)
    within = [path for path in paths if name in path.start and name in path.end]
    return max(within, key=lambda path: path.delay_ns, default=None)
