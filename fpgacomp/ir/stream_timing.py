"""When each streaming operator runs: the first frame without back-pressure, or several frames
with FIFOs of their real depths, deadlock included.

Token-level max-plus: a step ends `cycles` after the one before it or `after` its last word
came, whichever is later, and not before there is room for its words. Such a network computes
the same times in whatever order its operators are visited, and whether it stops does not
depend on times at all (Kahn 1974).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import gcd

import numpy as np

from fpgacomp.ir.dataflow import Dataflow, Operator, Sink, Source, cycles
from fpgacomp.ir.stream_steps import STEP_LIMIT, Steps, operator_steps
from fpgacomp.ir.types import IntArray

# From a word's arrival to what it causes at the output, where an operator's II is 1: a HLS
# pipeline of this kind has 2 to 6 stages at 100 to 200 MHz.
PIPELINE = 4


@dataclass(frozen=True)
class Run:
    """Several frames through finite FIFOs.

    Args:
        finish: per frame, when its last word left; shorter than the frames asked for where
            the design deadlocked.
        stuck: names of the streams that were full or empty for ever, in order of operators.
        most: stream name -> most words it held at once.
    """

    finish: tuple[int, ...]
    stuck: tuple[str, ...]
    most: Mapping[str, int]

    @property
    def interval(self) -> int:
        """Cycles between the last two frames."""
        return self.finish[-1] - self.finish[-2]


def interval_cycles(dataflow: Dataflow) -> int:
    """Of the slowest operator."""
    return max(cycles(operator) for operator in dataflow.operators)


def first_frame(dataflow: Dataflow, limit: int = STEP_LIMIT) -> dict[str, tuple[int, int]]:
    """Operator name -> cycle of its first step's end and of its last word, FIFOs unbounded."""
    ends: dict[str, tuple[IntArray, IntArray]] = {}  # stream -> (cumulative words, times)
    times: dict[str, tuple[int, int]] = {}
    for operator in dataflow.operators:
        steps = operator_steps(operator, limit)
        before = np.cumsum(steps.cycles)
        floor = before.copy()
        for stream, reads in zip(operator.inputs, steps.reads):
            words, when = ends[stream.name]
            arrived = when[np.searchsorted(words, np.maximum(reads, 1))]
            floor = np.maximum(floor, arrived + steps.after)
        end = before + np.maximum.accumulate(floor - before)
        times[operator.name] = int(end[0]), int(end[-1]) + PIPELINE
        for stream, writes in zip(operator.outputs, steps.writes):
            ends[stream.name] = writes, end + PIPELINE
    return times


def latency_cycles(dataflow: Dataflow, limit: int = STEP_LIMIT) -> int:
    """From the first word in to the last word out, for one frame that meets an empty design."""
    times = first_frame(dataflow, limit)
    return max(times[op.name][1] for op in dataflow.operators if isinstance(op, Sink))


class _Process:
    """One operator while it runs; `end` grows step by step."""

    def __init__(self, operator: Operator, steps: Steps, frames: int) -> None:
        self.operator = operator
        self.per_frame = len(steps.cycles)
        self.reads = [_frames(r, frames) for r in steps.reads]
        self.writes = [_frames(w, frames) for w in steps.writes]
        self.cycles: list[int] = np.tile(steps.cycles, frames).tolist()
        self.after: list[int] = np.tile(steps.after, frames).tolist()
        self.end: list[int] = []
        self.freed: list[int] = []  # when each step's words had been read
        # (times of the other side, its step that each of mine waits for; -1: none)
        self.words_from: list[tuple[list[int], list[int]]] = []
        self.room_from: list[tuple[list[int], list[int]]] = []

    def advance(self) -> bool:
        """Run as many steps as are determined; True where there was one."""
        end, freed, cycles, after = self.end, self.freed, self.cycles, self.after
        step = begun = len(end)
        last = end[-1] if end else 0
        total = len(cycles)
        while step < total:
            now = last + cycles[step]
            rest = after[step]
            for times, needs in self.words_from:
                need = needs[step]
                if need >= 0:
                    if need >= len(times):
                        return step > begun
                    come = times[need] + PIPELINE + rest
                    if come > now:
                        now = come
            for times, needs in self.room_from:
                need = needs[step]
                if need >= 0:
                    if need >= len(times):
                        return step > begun
                    if times[need] - PIPELINE > now:
                        now = times[need] - PIPELINE
            end.append(now)
            freed.append(now - rest + 1)
            last = now
            step += 1
        return step > begun

    @property
    def done(self) -> bool:
        return len(self.end) == len(self.cycles)


def _frames(words: IntArray, frames: int) -> IntArray:
    """Cumulative counts over several frames."""
    whole: IntArray = np.add.outer(words[-1] * np.arange(frames), words).ravel()
    return whole


def simulate(
    dataflow: Dataflow,
    *,
    frames: int = 3,
    depths: Mapping[str, float] | None = None,
    pace: int | None = None,
    limit: int = STEP_LIMIT,
) -> Run:
    """Frames back to back until all have left or nothing can move any more.

    Args:
        pace: cycles over which the sources spread a frame; as fast as they can if None.
        depths: stream name -> words, in place of the stream's own (may be infinite). A FIFO
            holds at least what its neighbours' merged steps read and write at once.
    """
    processes = [_Process(op, _paced(op, pace, limit), frames) for op in dataflow.operators]
    neighbours = _connect(processes, depths or {})
    waiting = deque(range(len(processes)))
    queued = [True] * len(processes)
    while waiting:
        index = waiting.popleft()
        queued[index] = False
        if processes[index].advance():
            for other in neighbours[index]:
                if not queued[other]:
                    queued[other] = True
                    waiting.append(other)
    return _result(processes, frames)


def _paced(operator: Operator, pace: int | None, limit: int) -> Steps:
    steps = operator_steps(operator, limit)
    count = len(steps.cycles)
    if pace is None or not isinstance(operator, Source) or pace < steps.cycles.sum():
        return steps
    return replace(steps, cycles=np.diff(np.arange(count + 1) * pace // count))


def _connect(processes: list[_Process], depths: Mapping[str, float]) -> list[set[int]]:
    """Which step waits for which of the other side, for every stream."""
    writer = {
        stream.name: (index, port)
        for index, process in enumerate(processes)
        for port, stream in enumerate(process.operator.outputs)
    }
    neighbours: list[set[int]] = [set() for _ in processes]
    for index, process in enumerate(processes):
        for stream, reads in zip(process.operator.inputs, process.reads):
            other, port = writer[stream.name]
            source = processes[other]
            writes = source.writes[port]
            needs = np.searchsorted(writes, reads)
            needs[reads == 0] = -1
            process.words_from.append((source.end, needs.tolist()))
            room = writes - _capacity(depths.get(stream.name, stream.depth), writes, reads)
            waits = np.searchsorted(reads, np.maximum(room, 1))
            waits[room <= 0] = -1
            source.room_from.append((process.freed, waits.tolist()))
            neighbours[index].add(other)
            neighbours[other].add(index)
    return neighbours


def _capacity(depth: float, writes: IntArray, reads: IntArray) -> float:
    """Words of a FIFO, and at least what lets merged steps of both sides follow each other."""
    return max(depth, _burst(writes, reads))


def _burst(writes: IntArray, reads: IntArray) -> int:
    given = int(np.diff(writes, prepend=0).max())
    taken = int(np.diff(reads, prepend=0).max())
    return given + taken - gcd(given, taken)


def bursts(dataflow: Dataflow, limit: int = STEP_LIMIT) -> dict[str, int]:
    """Stream name -> the words that `simulate` lets it hold at least.

    With FIFOs of these depths a design is no slower than a simulation of the same limit.
    """
    written = {
        stream.name: writes
        for op in dataflow.operators
        for stream, writes in zip(op.outputs, operator_steps(op, limit).writes)
    }
    return {
        stream.name: _burst(written[stream.name], reads)
        for op in dataflow.operators
        for stream, reads in zip(op.inputs, operator_steps(op, limit).reads)
    }


def _result(processes: list[_Process], frames: int) -> Run:
    sinks = [process for process in processes if isinstance(process.operator, Sink)]
    complete = min(len(process.end) // process.per_frame for process in sinks)
    finish = tuple(
        max(process.end[(frame + 1) * process.per_frame - 1] for process in sinks) + PIPELINE
        for frame in range(complete)
    )
    stuck = tuple(
        stream.name
        for process in processes
        if not process.done
        for stream in process.operator.outputs
    )
    return Run(finish, stuck if complete < frames else (), _most(processes))


def _most(processes: list[_Process]) -> dict[str, int]:
    """Most words in each stream: those written when one is written, less those read by then."""
    most: dict[str, int] = {}
    written: dict[str, tuple[IntArray, IntArray]] = {}
    for process in processes:
        for stream, writes in zip(process.operator.outputs, process.writes):
            written[stream.name] = np.array(process.end, dtype=np.int64), writes
    for process in processes:
        freed = np.array(process.freed, dtype=np.int64)
        for stream, reads in zip(process.operator.inputs, process.reads):
            when, writes = written[stream.name]
            gone = np.searchsorted(freed, when, side="right")
            taken = np.concatenate([[0], reads])[gone]
            held = writes[: len(when)] - taken
            most[stream.name] = int(held.max()) if held.size else 0
    return most
