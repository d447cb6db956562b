"""When each operator of a streaming design runs, and whether the design deadlocks.

Either one frame is followed that nothing holds up, or several frames with FIFOs of their real
depths. A step ends `cycles` after the step before it, or `after` its last word came, whichever
is later, and not before there is room for its words. The times that follow are the same in
whatever order the operators are visited, and whether the design stops does not depend on
times at all (Kahn 1974).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from fpgacomp.engines.stream.dataflow import Dataflow
from fpgacomp.engines.stream.operators.sink import Sink
from fpgacomp.engines.stream.operators.source import Source
from fpgacomp.engines.stream.timing.exact import exact_times
from fpgacomp.engines.stream.timing.links import Endings, Link, Pace, link
from fpgacomp.engines.stream.timing.pipelines import HLS_STAGES, Pipelines
from fpgacomp.engines.stream.timing.steps import STEP_LIMIT, Steps
from fpgacomp.engines.stream.timing.sweeps import swept
from fpgacomp.engines.stream.timing.walk import walked
from fpgacomp.ir.types import IntArray

FINE = 8192  # step limit of runs that merge few steps
LEAST = 2  # words of a FIFO that is not sized


@dataclass(frozen=True)
class Run:
    """Several frames that went through a design with finite FIFOs.

    Args:
        finish: per frame, the cycle in which its last word left. Where the design
            deadlocked, there are fewer than the frames asked for.
        stuck: names of the streams that stayed full or empty for ever, in order of operators.
        most: stream name -> most words that it held at once.
    """

    finish: tuple[int, ...]
    stuck: tuple[str, ...]
    most: Mapping[str, int]

    @property
    def interval(self) -> int:
        """Cycles between the ends of the last two frames."""
        return self.finish[-1] - self.finish[-2]


def interval_cycles(dataflow: Dataflow) -> int:
    """Cycles per frame of the slowest operator."""
    return max(operator.cycles for operator in dataflow.operators)


def first_frame(dataflow: Dataflow, limit: int = STEP_LIMIT) -> dict[str, tuple[int, int]]:
    """Operator name -> (cycle of its first word in, cycle of its last word out), FIFOs unbounded.

    An operator is busy for all its cycles, however many of its steps are merged: it began that
    long before its last step's end at the latest.
    """
    ends: dict[str, tuple[IntArray, IntArray]] = {}  # stream -> (cumulative words, times)
    first: dict[str, int] = {}  # stream -> cycle of its first word
    times: dict[str, tuple[int, int]] = {}
    for operator in dataflow.operators:
        steps = operator.steps(limit)
        before = np.cumsum(steps.cycles)
        floor = before.copy()
        for stream, reads in zip(operator.inputs, steps.reads):
            words, when = ends[stream.name]
            arrived = when[np.searchsorted(words, np.maximum(reads, 1))]
            floor = np.maximum(floor, arrived + steps.after)
        end = before + np.maximum.accumulate(floor - before)
        begun = min((first[stream.name] for stream in operator.inputs), default=0)
        begun = max(min(begun, int(end[-1] - before[-1])), 0)
        times[operator.name] = begun, int(end[-1]) + HLS_STAGES
        for stream, writes in zip(operator.outputs, steps.writes):
            ends[stream.name] = writes, end + HLS_STAGES
            first[stream.name] = _first_word(writes, end + HLS_STAGES, steps.cycles)
    return times


def _first_word(writes: IntArray, when: IntArray, cycles: IntArray) -> int:
    """The cycle of a stream's first word; those of a merged step are spread over its cycles."""
    step = int(np.searchsorted(writes, 1))
    words = int(writes[step])
    return int(when[step]) - int(cycles[step]) * (words - 1) // words


def latency_cycles(dataflow: Dataflow, limit: int = STEP_LIMIT) -> int:
    """Cycles from the first word in to the last word out of one frame that meets no other."""
    times = first_frame(dataflow, limit)
    return max(times[op.name][1] for op in dataflow.operators if isinstance(op, Sink))


class Simulator:
    """Runs one dataflow with many FIFO depths; steps and dependencies are worked out once.

    Args:
        frames: how many follow each other without a gap.
        limit: most steps of an operator and frame (see `Operator.steps`).
        pipelines: of the output that is run; those assumed for HLS if None.
    """

    def __init__(
        self, dataflow: Dataflow, *, frames: int = 3, limit: int = STEP_LIMIT,
        pipelines: Pipelines | None = None,
    ) -> None:  # fmt: skip
        self.dataflow, self.frames = dataflow, frames
        self.pipelines = pipes = pipelines or Pipelines.hls(dataflow)
        self.steps = [operator.steps(limit) for operator in dataflow.operators]
        self.links = _linked(dataflow, self.steps, frames, pipes)
        self.paces = [
            Pace.of(steps, frames, stages) for steps, stages in zip(self.steps, pipes.stages)
        ]

    @property
    def work(self) -> int:
        """Steps of a run, over all operators and frames."""
        return sum(len(pace.cycles) for pace in self.paces)

    def run(
        self,
        depths: Mapping[str, float] | None = None,
        *,
        pace: int | None = None,
        held: bool = False,
    ) -> Run:
        """Run until all frames have left or nothing can move any more.

        Args:
            depths: stream name -> words, in place of the stream's own depth; may be infinite. A
                FIFO holds at least what its neighbours' merged steps read and write at once.
            pace: cycles over which each source spreads a frame; None for as few as it can.
            held: whether to work out `Run.most`, which is empty otherwise.
        """
        wanted = depths or {}
        rooms = [one.rooms(wanted.get(one.stream.name, one.stream.depth)) for one in self.links]
        paces = [
            self._paced(index, pace) if isinstance(operator, Source) else self.paces[index]
            for index, operator in enumerate(self.dataflow.operators)
        ]
        endings = swept(paces, self.links, rooms)
        if endings is None:
            endings = walked(paces, self.links, rooms)
        return self._result(endings, paces, held=held)

    def run_exact(self, depths: Mapping[str, float] | None = None) -> Run:
        """The same by the cycles of the SystemVerilog, a step at a time and much slower.

        The simulator must have the pipelines of the SystemVerilog. Where no steps are merged, each
        cycle is that of the RTL simulation without pauses.

        Args:
            depths: as for `run`.
        """
        wanted = depths or {}
        words = [wanted.get(one.stream.name, one.stream.depth) for one in self.links]
        return self._result(exact_times(self.paces, self.links, words), self.paces, held=False)

    def _paced(self, index: int, pace: int | None) -> Pace:
        steps = self.steps[index]
        count = len(steps.cycles)
        if pace is None or pace < steps.cycles.sum():
            return self.paces[index]
        spread = np.diff(np.arange(count + 1) * pace // count)
        return replace(self.paces[index], cycles=np.tile(spread, self.frames))

    def _result(self, endings: Endings, paces: list[Pace], *, held: bool) -> Run:
        operators = self.dataflow.operators
        sinks = [index for index, op in enumerate(operators) if isinstance(op, Sink)]
        lengths = [len(steps.cycles) for steps in self.steps]
        complete = min(len(endings[index]) // lengths[index] for index in sinks)
        finish = tuple(
            max(
                int(endings[index][(frame + 1) * lengths[index] - 1]) + paces[index].stages
                for index in sinks
            )
            for frame in range(complete)
        )
        stuck = tuple(
            stream.name
            for index, op in enumerate(operators)
            if len(endings[index]) < len(paces[index].cycles)
            for stream in op.outputs
        )
        most = {one.stream.name: _most(one, endings, paces) for one in self.links} if held else {}
        return Run(finish, stuck if complete < self.frames else (), most)


def _linked(
    dataflow: Dataflow, steps: list[Steps], frames: int, pipelines: Pipelines
) -> list[Link]:
    """Every stream with the steps of the two operators at its ends."""
    writer = {
        stream.name: (index, port)
        for index, operator in enumerate(dataflow.operators)
        for port, stream in enumerate(operator.outputs)
    }
    links = []
    for index, operator in enumerate(dataflow.operators):
        for stream, reads in zip(operator.inputs, steps[index].reads):
            other, port = writer[stream.name]
            writes = steps[other].writes[port]
            links.append(link(stream, other, index, writes, reads, frames, pipelines))
    return links


def _most(one: Link, endings: Endings, paces: list[Pace]) -> int:
    """Most words in a stream: at each write, the words written so far less those read by then."""
    when, reader = endings[one.writer], endings[one.reader]
    freed = reader - paces[one.reader].after[: len(reader)] + 1
    gone = np.searchsorted(freed, when, side="right")
    taken = np.concatenate([[0], one.reads])[gone]
    found = one.writes[: len(when)] - taken
    return int(found.max()) if found.size else 0


def bursts(dataflow: Dataflow, limit: int = STEP_LIMIT) -> dict[str, int]:
    """Stream name -> the least words that a `Simulator` lets it hold.

    With FIFOs of these depths a design is no slower than a simulation of the same limit.
    """
    steps = [operator.steps(limit) for operator in dataflow.operators]
    links = _linked(dataflow, steps, 1, Pipelines.hls(dataflow))
    return {one.stream.name: one.burst for one in links}
