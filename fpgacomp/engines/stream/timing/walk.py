"""The times of a run's steps one by one, for runs that sweeps do not settle and deadlocks."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

import numpy as np

from fpgacomp.engines.stream.timing.links import Endings, Link, Pace, Room


class _Process:
    """One operator while it runs; `end` has the times of the steps that it has run."""

    def __init__(self, pace: Pace) -> None:
        self.cycles: list[int] = pace.cycles.tolist()
        self.after: list[int] = pace.after.tolist()
        self.end: list[int] = []
        self.freed: list[int] = []  # when each step's words had been read
        # (times of the other side, its step that each of mine waits for or -1 for none, and the
        # cycles from the other's time to mine)
        self.words_from: list[tuple[list[int], list[int], int]] = []
        self.room_from: list[tuple[list[int], list[int], int]] = []

    def advance(self) -> bool:
        """Run the steps whose words and room have a time; False where there is none."""
        end, freed, cycles, after = self.end, self.freed, self.cycles, self.after
        step = begun = len(end)
        last = end[-1] if end else 0
        total = len(cycles)
        while step < total:
            now = last + cycles[step]
            rest = after[step]
            for times, needs, stages in self.words_from:
                need = needs[step]
                if need >= 0:
                    if need >= len(times):
                        return step > begun
                    come = times[need] + stages + rest
                    if come > now:
                        now = come
            for times, needs, lead in self.room_from:
                need = needs[step]
                if need >= 0:
                    if need >= len(times):
                        return step > begun
                    if times[need] - lead > now:
                        now = times[need] - lead
            end.append(now)
            freed.append(now - rest + 1)
            last = now
            step += 1
        return step > begun


def walked(paces: Sequence[Pace], links: Sequence[Link], rooms: Sequence[Room]) -> Endings:
    """The cycle in which each step ends, of those that ever do."""
    processes = [_Process(pace) for pace in paces]
    neighbours: list[set[int]] = [set() for _ in processes]
    for link, room in zip(links, rooms):
        reader, writer = processes[link.reader], processes[link.writer]
        needs = [-1] * link.start + link.needs[link.start :].tolist()
        reader.words_from.append((writer.end, needs, paces[link.writer].stages))
        if room.steps.size:
            waits = [-1] * room.start + room.steps.tolist()
            writer.room_from.append((reader.freed, waits, room.lead))
        neighbours[link.reader].add(link.writer)
        neighbours[link.writer].add(link.reader)
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
    return [np.array(process.end, dtype=np.int64) for process in processes]
