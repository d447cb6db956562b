"""FIFO depths of the SystemVerilog: the least at which it keeps the pace of the C++, and a margin.

Its operators let go of what they hold (hls_templates/rtl/README.md), and the cycles through each
are known, so that nothing must be allowed for pipelines as it is for HLS (fold/fifos.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from fpgacomp.engines.stream.dataflow import Dataflow
from fpgacomp.engines.stream.design import StreamDesign
from fpgacomp.engines.stream.expand import expand
from fpgacomp.engines.stream.fold.fifos import LEAST, SPARE, Fifos, size_fifos
from fpgacomp.engines.stream.timing.least import least_depths
from fpgacomp.engines.stream.timing.pipelines import Pipelines
from fpgacomp.engines.stream.timing.run import FINE, Simulator, bursts, interval_cycles
from fpgacomp.engines.stream.timing.steps import UNMERGED

MARGIN = 1  # words of a FIFO beyond those that the model needs
# Emission must not take longer than folding. FIFOs are cut one after the other while that takes so
# many steps of operators at most (about half a second); those of larger designs keep the depths
# of the C++, which are a little deeper and cannot stick either.
CUT_STEPS = 200_000
# Cycles of all operators together up to which a design is run without merging steps.
WHOLE_CYCLES = 1_000_000


def rtl_dataflow(design: StreamDesign) -> Dataflow:
    """The design's operators with the FIFO depths of the SystemVerilog.

    The pace is that of the C++ with its own depths, or of the slowest operator where these stop
    it. The least depths in front of joins, which do not depend on times, are kept as well, so
    that no pauses at the ports can stop the design for ever.
    """
    bare = expand(replace(design, fifo_depths={}))
    pipelines = Pipelines.rtl(bare, design.board.device.wide_port_bits)
    run = Simulator(expand(design)).run()
    pace = interval_cycles(bare) if run.stuck else run.interval
    simulator = Simulator(bare, pipelines=pipelines)
    found = Fifos(design.fifo_depths, simulator.run(design.fifo_depths))
    if found.run.stuck or found.run.interval > pace * SPARE:
        found = next(size_fifos(bare, pace, most=pace * SPARE, pipelines=pipelines))
    least = least_depths(bare, pipelines, found.depths)
    most = max(pace * SPARE, found.run.interval)
    depths = _cut(simulator, found, least, most)
    return expand(replace(design, fifo_depths=_deepened(bare, pipelines, depths, most)))


def _deepened(
    dataflow: Dataflow, pipelines: Pipelines, depths: Mapping[str, int], most: float
) -> dict[str, int]:
    """The depths, or deeper ones where the pace was kept only because steps were merged.

    A simulation of merged steps lets a FIFO hold what two of them move at once. Where the design
    is too slow without that, its FIFOs are made to hold as much.
    """
    held = {name: words for name, words in bursts(dataflow, FINE).items() if words > LEAST}
    if held and sum(operator.cycles for operator in dataflow.operators) <= WHOLE_CYCLES:
        whole = Simulator(dataflow, frames=2, limit=UNMERGED, pipelines=pipelines)
        run = whole.run(depths)
        if run.stuck or run.interval > most:
            names = held.keys() | depths.keys()
            return {name: max(held.get(name, 0), depths.get(name, 0)) for name in names}
    return dict(depths)


def _cut(
    simulator: Simulator, fifos: Fifos, least: Mapping[str, int], most: float
) -> dict[str, int]:
    """The depths, each cut to the least that keeps an interval, and the margin.

    Args:
        least: words that each copy must hold whatever the interval.
        most: the longest interval.

    Returns:
        The depths; of a design for which this would take too long, those of `fifos`, as deep as
        `least` at least, with the margin.
    """
    depths = dict(fifos.depths)
    bits = {stream.name: stream.bits for stream in simulator.dataflow.streams}
    names = depths.keys() | least.keys()
    steps = sum(min(operator.cycles, FINE) for operator in simulator.dataflow.operators)
    if steps * len(names) > CUT_STEPS:
        floors = {name: max(least.get(name, LEAST), depths.get(name, LEAST)) for name in names}
        return {n: depth + MARGIN if depth > LEAST else LEAST for n, depth in floors.items()}
    for name in sorted(names, key=lambda n: (-bits[n] * depths.get(n, LEAST), n)):
        floor = max(least.get(name, LEAST), LEAST)
        # The first may not do, the second does.
        shallow, deep = floor - 1, max(depths.get(name, LEAST), floor)
        while deep - shallow > 1:
            tried = (shallow + deep) // 2
            run = simulator.run(depths | {name: tried})
            if run.stuck or run.interval > most:
                shallow = tried
            else:
                deep = tried
        depths[name] = deep + MARGIN if deep > LEAST else LEAST
    return depths
