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
from fpgacomp.engines.stream.fold.fifos import Fifos, floors, size_fifos
from fpgacomp.engines.stream.timing.pipelines import Pipelines
from fpgacomp.engines.stream.timing.run import LEAST, interval_cycles
from fpgacomp.engines.stream.timing.whole import Whole

SPARE = 1.002  # smaller FIFOs may lengthen the interval by this factor
MARGIN = 1  # words of a FIFO beyond those that the model needs
# Emission must not take longer than folding. FIFOs are cut one after the other while that takes so
# many steps of operators at most (about half a second); those of larger designs are cut together.
CUT_STEPS = 200_000


def rtl_dataflow(design: StreamDesign) -> Dataflow:
    """The design's operators with the FIFO depths of the SystemVerilog.

    The pace is that of the C++ with its own depths, or of the slowest operator where these stop
    it. The least depths in front of joins, which do not depend on times, are kept as well, so
    that no pauses at the ports can stop the design for ever.
    """
    bare = expand(replace(design, fifo_depths={}))
    pipelines = Pipelines.rtl(bare, design.board.device.wide_port_bits)
    run = Whole(bare).run(design.fifo_depths)
    pace = interval_cycles(bare) if run.stuck else run.interval
    whole = Whole(bare, pipelines)
    found = Fifos(design.fifo_depths, whole.run(design.fifo_depths))
    if found.run.stuck or found.run.interval > pace * SPARE:
        found = next(size_fifos(bare, pace, most=pace * SPARE, pipelines=pipelines))
    least = floors(whole, found.depths)
    depths = _cut(whole, found, least, max(pace * SPARE, found.run.interval))
    return expand(replace(design, fifo_depths=depths))


def _cut(whole: Whole, fifos: Fifos, least: Mapping[str, int], most: float) -> dict[str, int]:
    """The depths, cut to what keeps an interval, and the margin.

    Args:
        least: words that FIFOs must hold whatever the interval.
        most: the longest interval.
    """
    depths = _cut_together(whole, fifos, least, most)
    names = depths.keys() | least.keys()
    if whole.simulator.work * len(names) <= CUT_STEPS:
        depths = _cut_each(whole, depths, least, most)
    deep = {name: max(depths.get(name, LEAST), least.get(name, LEAST)) for name in sorted(names)}
    return {name: words + MARGIN for name, words in deep.items() if words > LEAST}


def _cut_together(
    whole: Whole, fifos: Fifos, least: Mapping[str, int], most: float
) -> Mapping[str, int]:
    """The depths, or all as small as what they hold when frames come at the pace, if that does."""
    if not fifos.depths:
        return fifos.depths
    held = whole.simulator.run(fifos.depths, pace=int(most), held=True).most
    depths = {
        name: max(min(words, held[name]), least.get(name, LEAST))
        for name, words in fifos.depths.items()
    }
    run = whole.run(depths)
    return fifos.depths if run.stuck or run.interval > most else depths


def _cut_each(
    whole: Whole, start: Mapping[str, int], least: Mapping[str, int], most: float
) -> dict[str, int]:
    """The depths, each cut to the least that keeps the interval, the largest first."""
    depths = dict(start)
    bits = {stream.name: stream.bits for stream in whole.dataflow.streams}
    for name in sorted(start, key=lambda n: (-bits[n] * depths[n], n)):
        # The first may not do, the second does.
        floor = max(least.get(name, LEAST), LEAST)
        shallow, deep = floor - 1, max(depths[name], floor)
        while deep - shallow > 1:
            tried = (shallow + deep) // 2
            run = whole.run(depths | {name: tried})
            if run.stuck or run.interval > most:
                shallow = tried
            else:
                deep = tried
        depths[name] = deep
    return depths
