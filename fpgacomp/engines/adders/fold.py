"""Chooses what is left to choose of an unrolled design: levels per stage, and ports."""

from __future__ import annotations

from collections.abc import Mapping

from fpgacomp.devices.device import Device, Toolchain
from fpgacomp.engines.adders.design import AdderDesign
from fpgacomp.engines.adders.estimate import estimate_adders, without_ports
from fpgacomp.engines.engine import Goal
from fpgacomp.engines.shared.result import FoldingResult
from fpgacomp.engines.shared.trial import Bounds, Trial, pace
from fpgacomp.engines.stream.ports import input_port, output_port
from fpgacomp.ir.graph import Graph
from fpgacomp.results.report import Verdict

# Of a period, what registers and the wires to and from them leave for adders.
_USABLE = 0.85
# A circuit's sums are narrow, about ten bits; a device's `level_ns` is what a scheduler of HLS
# counts for a wide one. On ECP5 eleven levels took 22.3 ns, routing included (nextpnr); what
# Vivado makes of them is an assumption.
_NARROW: Mapping[Toolchain, float] = {"vivado": 0.5, "open": 0.7}


def levels_of(clock_mhz: float, device: Device) -> int:
    """Additions in a row that a period holds."""
    level_ns = device.level_ns * _NARROW[device.toolchain]
    return max(int(1e3 / clock_mhz * _USABLE / level_ns), 1)


def fold_adders(graph: Graph, goal: Goal) -> FoldingResult[AdderDesign]:
    """The unrolled design, whatever the target: nothing of it is shared in time.

    The ports are as wide as the bound on frames a second asks for, or as wide as they get.

    Raises:
        ToolError: alkaid is not installed.
        UnsupportedLayer: a matrix is too large to share its additions.
    """
    bounds = Bounds.of(goal.target, goal.clock_mhz)
    pace_cycles = bounds.interval if goal.target.goal == "area" and bounds.interval else 1.0
    (source,), (target,) = graph.inputs, graph.outputs
    design = AdderDesign(
        graph=graph, board=goal.board, clock_mhz=goal.clock_mhz,
        levels=levels_of(goal.clock_mhz, goal.board.device),
        lanes_in=input_port(source.output, pace_cycles),
        lanes_out=output_port(target, pace_cycles, target.size),
    )  # fmt: skip
    trial = Trial(design, estimate_adders(design), 0.0)
    name, share = trial.largest
    figures = trial.estimate
    reasons = [
        f"adders: {pace(figures)}; {name} is the fullest at {share:.0%}.",
        f"the circuit takes a frame every cycle and answers after {design.plan.stages} "
        f"({design.levels} additions between registers); with its AXI4-Stream ports it takes one "
        f"every {figures.interval_cycles.value:,.0f} cycles.",
    ]
    if trial.fits and bounds.kept(figures):
        reasons += trial.warnings()
        bare = without_ports(design, figures)
        return FoldingResult(design, figures, Verdict(True, name), tuple(reasons), bare=bare)
    limiting, factor, sentences = trial.miss(bounds)
    verdict = Verdict(False, limiting, shortfall=factor)
    return FoldingResult(design, figures, verdict, (*sentences, *reasons))
