"""Runs of a design as it is: no steps are merged, so that a FIFO holds what it has and no more.

Runs of merged steps are some times faster and show how deep FIFOs must be. They let a FIFO hold
what two merged steps move at once, however, and so overrate the pace of designs whose FIFOs are
too short for their bursts. What a design is said to do comes from here.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from functools import cached_property

from fpgacomp.engines.stream.dataflow import Dataflow
from fpgacomp.engines.stream.timing.least import Joins
from fpgacomp.engines.stream.timing.pipelines import Pipelines
from fpgacomp.engines.stream.timing.run import FINE, LEAST, Run, Simulator, bursts
from fpgacomp.engines.stream.timing.steps import UNMERGED

FRAMES = 2  # the second one comes at the interval of all that follow it
# Steps of a frame, over all operators, up to which nothing is merged: about a gigabyte.
MOST_STEPS = 4_000_000
KNOWN_RUNS = 16  # that are remembered: folding, estimating and emitting ask for the same ones

_Key = tuple[Dataflow, Pipelines, tuple[tuple[str, float], ...]]
_known: OrderedDict[_Key, Run] = OrderedDict()


class Whole:
    """Runs one dataflow with many FIFO depths.

    Args:
        dataflow: whose streams have no depths of their own.
        pipelines: of the output that is run; those assumed for HLS if None.
    """

    def __init__(self, dataflow: Dataflow, pipelines: Pipelines | None = None) -> None:
        self.dataflow = dataflow
        self.pipelines = pipelines or Pipelines.hls(dataflow)

    @cached_property
    def limit(self) -> int:
        """Steps of an operator and frame beyond which they are merged: of large designs after all.

        An operator moves a word in every step, or it takes several cycles for it.
        """
        steps = sum(
            min(operator.cycles, sum(s.words for s in (*operator.inputs, *operator.outputs)))
            for operator in self.dataflow.operators
        )
        return UNMERGED if steps <= MOST_STEPS else FINE

    @cached_property
    def floors(self) -> Mapping[str, int]:
        """Stream name -> words that its FIFO must hold so that a run is true, where steps merge."""
        if self.limit == UNMERGED:
            return {}
        return {name: n for name, n in bursts(self.dataflow, self.limit).items() if n > LEAST}

    @cached_property
    def joins(self) -> Joins:
        """What asks for the least depths, worked out once for all depths of the other FIFOs."""
        return Joins.of(self.dataflow, self.pipelines)

    @cached_property
    def simulator(self) -> Simulator:
        """What runs it."""
        return Simulator(self.dataflow, frames=FRAMES, limit=self.limit, pipelines=self.pipelines)

    def run(self, depths: Mapping[str, float]) -> Run:
        """FRAMES frames back to back.

        Args:
            depths: stream name -> words, at least those of `floors`; LEAST where absent.
        """
        deep = {name: words for name, words in depths.items() if words != LEAST}
        key = self.dataflow, self.pipelines, tuple(sorted(deep.items()))
        if key not in _known:
            _known[key] = self.simulator.run(deep)
            if len(_known) > KNOWN_RUNS:
                _known.popitem(last=False)
        return _known[key]
