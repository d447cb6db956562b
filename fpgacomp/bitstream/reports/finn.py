"""FINN's JSON: resources by node (estimated, of C synthesis, of the bitstream), performance."""

from __future__ import annotations

from collections.abc import Mapping

from fpgacomp.bitstream.reports.numbers import DamagedReport, json_number, json_object
from fpgacomp.results.tool_report import ReportedInstance, ReportStage, ToolReport

_COUNTED = {
    "lut": {"LUT": 1.0},
    "ff": {"FF": 1.0},
    "dsp": {"DSP": 1.0, "DSP48E": 1.0},
    "bram18": {"BRAM_18K": 1.0, "BRAM_36K": 2.0},
    "uram": {"URAM": 1.0},
}
_NODE = frozenset({"LUT", "BRAM_18K"})
# What FINN's shell adds to the operators of a design.
_SHELL = ("IODMA", "instrumentation_wrap", "axi_interconnect", "smartconnect")


def read_finn(content: object) -> ToolReport | None:
    """A report of FINN; None where the JSON is none of those that are read."""
    if isinstance(content, list):
        return _simulated_frames(content)
    if not isinstance(content, dict) or not content:
        return None
    if {"critical_path_cycles", "max_cycles"} <= set(content):
        return ToolReport(
            "FINN's estimated performance", "FINN", "", "tool_estimate",
            latency=json_number(content["critical_path_cycles"], "critical_path_cycles"),
            interval=json_number(content["max_cycles"], "max_cycles"),
            notes=("FINN adds up the cycles of all layers for the latency.",),
        )  # fmt: skip
    if {"cycles", "latency_cycles", "N"} <= set(content):
        return _simulated(content)
    nodes = [value for value in content.values() if isinstance(value, dict)]
    if len(nodes) == len(content) and all(set(node) >= _NODE for node in nodes):
        return _by_node(content)
    return None


def _by_node(content: Mapping[str, object]) -> ToolReport:
    keys = {key for node in content.values() for key in json_object(node, "a node")}
    stage: ReportStage = "tool_estimate"
    form = "FINN's estimate by node"
    if "BRAM_36K" in keys:
        stage, form = "implementation", "FINN's resources by node"
    elif "FF" in keys:
        stage, form = "csynth", "FINN's C synthesis by node"
    instances = tuple(
        ReportedInstance(name, "", _amounts(json_object(node, name), name))
        for name, node in content.items()
        if name not in ("total", "(top)")
    )
    if not instances:
        raise DamagedReport("it names no node")
    own = [one for one in instances if not any(word in one.name for word in _SHELL)]
    total: dict[str, float] = {}
    for one in own:
        for name, amount in one.amounts.items():
            total[name] = total.get(name, 0.0) + amount
    notes = ("the whole is the sum of its nodes without FINN's shell.",)
    return ToolReport(form, "FINN", "", stage, amounts=total, instances=instances, notes=notes)


def _amounts(node: Mapping[str, object], whose: str) -> dict[str, float]:
    found: dict[str, float] = {}
    for name, keys in _COUNTED.items():
        for key, per in keys.items():
            if key in node:
                counted = json_number(node[key], f"{key} of {whose}") * per
                found[name] = found.get(name, 0.0) + counted
    return found


def _simulated(content: Mapping[str, object]) -> ToolReport:
    frames = json_number(content["N"], "N")
    cycles = json_number(content["cycles"], "cycles")
    latency = json_number(content["latency_cycles"], "latency_cycles")
    if frames < 1 or latency > cycles:
        raise DamagedReport(f"its {frames:g} frames, {cycles:g} and {latency:g} cycles disagree")
    interval = (cycles - latency) / (frames - 1) if frames > 1 else None
    return ToolReport(
        "FINN's RTL simulation", "FINN", "", "simulation", latency=latency, interval=interval
    )


def _simulated_frames(content: list[object]) -> ToolReport | None:
    """The form of finn-plus: an entry for each output, with latencies and intervals of frames."""
    if len(content) != 1 or not isinstance(content[0], dict):
        return None
    found = json_object(content[0], "its entry")
    if not {"intervals", "throughput_fps"} <= set(found):
        return None
    intervals = found["intervals"]
    if not isinstance(intervals, list) or not intervals:
        raise DamagedReport("it has no interval")
    latencies = found.get("latencies")
    latency = None
    if isinstance(latencies, list) and latencies:
        latency = json_number(latencies[0], "the latency")
    return ToolReport(
        "FINN's RTL simulation", "FINN", "", "simulation", latency=latency,
        interval=json_number(intervals[0], "the interval"),
    )  # fmt: skip
