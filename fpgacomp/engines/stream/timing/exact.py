"""The cycles of the SystemVerilog: pipelines that stop as a whole while their output is not taken.

Sweeps and walks bound a step by the words and the room that it waits for. A module of
hls_templates/rtl is a little different: when the word at its output finds no room, everything in
its pipeline stops with the gaps that it has, and nothing fires. When a word comes later, another
may fire earlier for it, so that there is no least solution to sweep for; times are worked out one
by one, each from times that are final.

Two clocks are kept for an operator. Its own counts the cycles in which it is not stopped: a word
is at the output `stages` of these behind its firing. The difference to the design's clock grows
with every stop, for the output when the stop begins, for firings when they reach it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from fpgacomp.engines.stream.timing.links import Endings, Link, Pace
from fpgacomp.ir.types import IntArray

# From the read of a full FIFO to the write into it: its ready is a register.
TURNAROUND = 1


class _Output:
    """One output of an operator: the cycle in which each step's words enter the FIFO."""

    def __init__(self, writes: IntArray) -> None:
        self.writes: list[bool] = (np.diff(writes, prepend=0) > 0).tolist()
        self.pushed: list[int] = []
        self.freed: list[int] = []  # of the reader
        self.waits: list[int] = []  # the reader's step that makes room for each step; -1: none

    def push(self, step: int, arrived: int) -> int | None:
        """The cycle in which a step's words leave the output register; None if not known yet."""
        when = arrived
        if self.writes[step] and (need := self.waits[step]) >= 0:
            if need >= len(self.freed):
                return None
            when = max(arrived, self.freed[need] + TURNAROUND)
        self.pushed.append(when)
        return when


class _Module:
    """One operator while it runs."""

    def __init__(self, pace: Pace) -> None:
        self.cycles: list[int] = pace.cycles.tolist()
        self.after: list[int] = pace.after.tolist()
        self.stages = pace.stages
        self.end: list[int] = []
        self.own: list[int] = []  # the same by the operator's own clock
        self.freed: list[int] = []  # when each step's words had been read
        self.sources: list[tuple[list[int], list[int]]] = []  # (pushed, step needed or -1)
        self.outputs: list[_Output] = []
        self.leaving = 0  # first step whose words have not all left
        self.left = 0  # latest cycle in which words of that step have left
        self.behind_output = 0  # by how much the own clock is behind at the output
        self.behind = 0  # and at the input
        self.stops: deque[tuple[int, int]] = deque()  # (first cycle, end) that firings come to

    def advance(self) -> bool:
        """Work out what can be; False if there was nothing."""
        begun = len(self.end), [len(output.pushed) for output in self.outputs]
        while self._leave() | self._fire():
            pass
        return begun != (len(self.end), [len(output.pushed) for output in self.outputs])

    def _leave(self) -> bool:
        """Let words that are fired leave; False if none did."""
        first = self.leaving
        while self.leaving < len(self.own):
            step, arrived = self.leaving, self._arrival
            left = arrived
            for output in self.outputs:
                when: int | None
                if len(output.pushed) > step:
                    when = output.pushed[step]
                else:
                    when = output.push(step, arrived)
                if when is None:
                    left = -1
                elif left >= 0:
                    left = max(left, when)
            if left < 0:
                break
            if left > arrived:
                self.stops.append((arrived, left))
                self.behind_output += left - arrived
            self.leaving += 1
        return self.leaving > first

    @property
    def _arrival(self) -> int:
        """The cycle in which the words of the step that leaves next reach the output register."""
        return self.own[self.leaving] + self.stages + self.behind_output

    def _fire(self) -> bool:
        """Run the next step if its time is known."""
        step = len(self.end)
        if step == len(self.cycles):
            return False
        own, rest, when = (self.own[-1] if self.own else 0) + self.cycles[step], self.after[step], 0
        for pushed, needs in self.sources:
            need = needs[step]
            if need >= 0:
                if need >= len(pushed):
                    return False
                when = max(when, pushed[need] + rest)
        when = max(when, own + self.behind)
        while self.stops and self.stops[0][0] <= when:
            began, ended = self.stops.popleft()
            self.behind += ended - began
            when = max(when, ended, own + self.behind)
        if not self.stops and self.leaving < step and self._arrival <= when:
            return False  # whether it is stopped depends on room that nobody has made yet
        self.end.append(when)
        self.own.append(when - self.behind)
        self.freed.append(when - rest + 1)
        return True


def exact_times(paces: Sequence[Pace], links: Sequence[Link], depths: Sequence[float]) -> Endings:
    """The cycle in which each step ends, of those that ever do.

    Args:
        depths: words of each link's FIFO.
    """
    modules = [_Module(pace) for pace in paces]
    neighbours: list[set[int]] = [set() for _ in modules]
    for link, depth in zip(links, depths):
        reader, writer = modules[link.reader], modules[link.writer]
        output = _Output(link.writes)
        room = replace(link, waits=link.writes).rooms(depth)
        output.waits = [-1] * room.start + room.steps.tolist()
        output.freed = reader.freed
        writer.outputs.append(output)
        needs = [-1] * link.start + link.needs[link.start :].tolist()
        reader.sources.append((output.pushed, needs))
        neighbours[link.reader].add(link.writer)
        neighbours[link.writer].add(link.reader)
    waiting = deque(range(len(modules)))
    queued = [True] * len(modules)
    while waiting:
        index = waiting.popleft()
        queued[index] = False
        if modules[index].advance():
            for other in neighbours[index]:
                if not queued[other]:
                    queued[other] = True
                    waiting.append(other)
    return [np.array(module.end, dtype=np.int64) for module in modules]
