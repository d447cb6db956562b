"""The times of a run's steps by sweeps over whole operators: the usual and fast way.

Each operator in turn gets the earliest times that the present times of its neighbours allow,
in order of the streams and against it, until no time changes. Times only ever grow, so what
is reached is the least solution, which is the run. A sweep settles a whole chain of waiting
in its direction, so there are as many sweeps as the longest chain has turns. The run is cut
into parts by time, and a part is swept when the parts before it are settled.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from fpgacomp.engines.stream.timing.links import Endings, Link, Pace, Room
from fpgacomp.ir.types import IntArray

# The slowest operator's own time is cut into parts of equal length: more of a long run, so that a
# chain of many turns is swept over few steps each time.
FEWEST_PARTS, MOST_PARTS = 8, 64
PART_STEPS = 50_000
# A run is walked step by step once its sweeps have taken as long as that would: a part may have
# many turns. The unit is what a step takes in a sweep; VISIT is what an operator takes besides.
VISIT = 2_500
EFFORT, FEWEST_VISITS = 200, 2_000  # for each step, and however few there are
# So is a run in which no step settles in so many parts: the times of a deadlock move on for ever.
IDLE_PARTS = 3
# And one that deadlocks, which the order of its steps tells without any times. That is looked into
# once sweeps have taken this share of what they may, because most runs settle before, and for as
# much effort at most; SEARCH is what it takes for each operator visited, in the unit of VISIT.
SUSPICIOUS = 1 / 12
SEARCH = 600
NEVER = 1 << 62  # a time after every end of a run


def swept(paces: Sequence[Pace], links: Sequence[Link], rooms: Sequence[Room]) -> Endings | None:
    """The cycle in which each step ends; None where sweeps do not settle them."""
    state = _Sweep(paces, links, rooms)
    steps = sum(len(end) for end in state.ends)
    parts = min(max(steps // PART_STEPS, FEWEST_PARTS), MOST_PARTS)
    part = max(int(end[-1]) for end in state.ends) // parts + 1
    most = EFFORT * steps + VISIT * FEWEST_VISITS
    state.sweep(NEVER)
    settled = idle = 0
    suspected = False
    while idle < IDLE_PARTS:
        first = state.unsettled
        if first is None:
            return state.ends
        while state.sweep(first + part):
            if state.effort > most:
                return None
            if state.effort > most * SUSPICIOUS and not suspected:
                suspected = True
                if state.deadlocks(most * SUSPICIOUS):
                    return None
        before, settled = settled, sum(int(end.searchsorted(first + part)) for end in state.ends)
        idle = 0 if settled > before else idle + 1
    return None


@dataclass(frozen=True, slots=True)
class _Wait:
    """What the steps of an operator wait for on one of its streams: words, or room for them.

    Args:
        other: position of the operator that they wait for.
        start: first step that waits.
        steps: for each step from there on, the step of the other that it waits for.
        delay: and the cycles from the end of that step to its own, at least.
    """

    other: int
    start: int
    steps: IntArray
    delay: IntArray


class _Sweep:
    """The times so far, ascending per operator.

    `dirty` has each operator's first step whose time may still change, `effort` what all sweeps
    have taken.
    """

    def __init__(self, paces: Sequence[Pace], links: Sequence[Link], rooms: Sequence[Room]) -> None:
        self.before: list[IntArray] = [np.cumsum(pace.cycles) for pace in paces]
        self.ends = [before.copy() for before in self.before]
        self.dirty = [0] * len(paces)
        self.effort = 0
        self.waits: list[list[_Wait]] = [[] for _ in paces]
        # (operator that waits, its first step that does, the step that each waits for)
        self.waiting: list[list[tuple[int, int, IntArray]]] = [[] for _ in paces]
        for link, room in zip(links, rooms):
            reader, writer = paces[link.reader], paces[link.writer]
            come = reader.after[link.start :] + writer.stages
            freed = 1 - room.lead - reader.after[room.steps]
            self._add(link.reader, _Wait(link.writer, link.start, link.needs[link.start :], come))
            self._add(link.writer, _Wait(link.reader, room.start, room.steps, freed))

    def _add(self, index: int, wait: _Wait) -> None:
        if wait.steps.size:
            self.waits[index].append(wait)
            self.waiting[wait.other].append((index, wait.start, wait.steps))

    @property
    def unsettled(self) -> int | None:
        """The earliest time that may still change; None where all are settled."""
        times = [int(end[at]) for at, end in zip(self.dirty, self.ends) if at < len(end)]
        return min(times, default=None)

    def sweep(self, horizon: int) -> bool:
        """Visit all operators in order and back; False where no step before `horizon` was dirty."""
        worked = [self._settle(index, horizon) for index in range(len(self.ends))]
        worked += [self._settle(index, horizon) for index in reversed(range(len(self.ends)))]
        return any(worked)

    def deadlocks(self, most: float) -> bool:
        """Whether some step surely waits for ever.

        Each operator runs as many steps as those of the others allow, until none can. What steps
        wait for is ascending, so that a visit is a search and not a walk. It is False as well
        where that would take more effort than `most`.
        """
        lengths = [len(end) for end in self.ends]
        done = [0] * len(lengths)
        waiting = deque(range(len(lengths)))
        queued = [True] * len(lengths)
        visits = 0
        while waiting:
            visits += 1
            if visits * SEARCH > most:
                return False
            index = waiting.popleft()
            queued[index] = False
            reached = lengths[index]
            for wait in self.waits[index]:
                if done[wait.other] < lengths[wait.other]:
                    first = int(wait.steps.searchsorted(done[wait.other]))
                    reached = min(reached, wait.start + first)
            if reached == done[index]:
                continue
            done[index] = reached
            for other, _, _ in self.waiting[index]:
                if not queued[other]:
                    queued[other] = True
                    waiting.append(other)
        return done != lengths

    def _settle(self, index: int, horizon: int) -> bool:
        """Set an operator's times before `horizon` by its neighbours'; False if none was dirty.

        Steps that wait for a step whose time changed become dirty.
        """
        first, known = self.dirty[index], self.ends[index]
        if first >= len(known) or known[first] >= horizon:
            return False
        last = int(known.searchsorted(horizon))
        self.dirty[index] = last
        self.effort += VISIT + last - first
        end = self._alone(index, first, last)
        before = self.before[index]
        end -= before[first:last]
        if first:
            end[0] = max(end[0], known[first - 1] - before[first - 1])
        np.maximum.accumulate(end, out=end)
        end += before[first:last]
        moved = end != known[first:last]
        at = int(moved.argmax())
        if moved[at]:
            self._publish(index, first + at, end[at:])
        return True

    def _alone(self, index: int, first: int, last: int) -> IntArray:
        """The earliest ends of steps by what they wait for, the operator's earlier steps aside."""
        end = self.ends[index][first:last].copy()
        for wait in self.waits[index]:
            at = max(first, wait.start)
            if at < last:
                some = slice(at - wait.start, last - wait.start)
                when = self.ends[wait.other].take(wait.steps[some])
                when += wait.delay[some]
                np.maximum(end[at - first :], when, out=end[at - first :])
        return end

    def _publish(self, index: int, first: int, end: IntArray) -> None:
        """Store new times from step `first` on, and let no later step end before them."""
        known, last = self.ends[index], first + len(end)
        known[first:last] = end
        behind = last + int(known[last:].searchsorted(end[-1]))
        known[last:behind] = end[-1]
        for other, start, steps in self.waiting[index]:
            step = start + int(steps.searchsorted(first))
            self.dirty[other] = min(self.dirty[other], step)
