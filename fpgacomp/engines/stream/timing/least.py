"""The least words of each FIFO in front of a join without which the design would stop for ever."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from fpgacomp.engines.stream.dataflow import Dataflow
from fpgacomp.engines.stream.operators.duplicate import Duplicate
from fpgacomp.engines.stream.timing.links import Link, link
from fpgacomp.engines.stream.timing.pipelines import Pipelines
from fpgacomp.engines.stream.timing.steps import UNMERGED
from fpgacomp.ir.types import IntArray


def least_depths(
    dataflow: Dataflow, pipelines: Pipelines, depths: Mapping[str, int]
) -> dict[str, int]:
    """Name of each copy that is read again at a join -> words that it must hold at least.

    Before a join takes its next word of one branch, words must come to it on the others, and the
    Duplicate must have run up to a certain step for these. What it has written on the copy of
    the branch by then needs room: in the FIFOs of the branch, in the registers behind its
    operators, and the rest in the FIFO of the copy. Times do not matter, so the words suffice
    whatever pauses there are. A branch that contains a join of the same copies is left out.

    Args:
        depths: words of the other FIFOs of the branches.
    """
    if not any(isinstance(operator, Duplicate) for operator in dataflow.operators):
        return {}
    joins = _Joins.of(dataflow, pipelines, depths)
    least: dict[str, int] = {}
    for index, operator in enumerate(dataflow.operators):
        if isinstance(operator, Duplicate):
            for name, words in joins.needs(index):
                least[name] = max(least.get(name, 1), words)
    return least


@dataclass(frozen=True)
class _Joins:
    """The streams of a dataflow over one frame, by the operator that reads them."""

    inputs: Mapping[int, tuple[Link, ...]]
    depths: Mapping[str, int]

    @classmethod
    def of(cls, dataflow: Dataflow, pipelines: Pipelines, depths: Mapping[str, int]) -> _Joins:
        steps = [operator.steps(UNMERGED) for operator in dataflow.operators]
        writer = {
            stream.name: (index, steps[index].writes[port])
            for index, operator in enumerate(dataflow.operators)
            for port, stream in enumerate(operator.outputs)
        }
        inputs = {
            index: tuple(
                link(stream, writer[stream.name][0], index, writer[stream.name][1], reads, 1,
                     pipelines)
                for stream, reads in zip(operator.inputs, steps[index].reads)
            )
            for index, operator in enumerate(dataflow.operators)
        }  # fmt: skip
        return cls(inputs, depths)

    def needs(self, duplicate: int) -> Iterator[tuple[str, int]]:
        """(copy, words that it must hold) for each join behind a Duplicate."""
        found = self._reached(duplicate)
        for reader, links in self.inputs.items():
            if len(links) < 2:
                continue
            for one in links:
                names = {name for name in found if one in found[name].get(reader, {})}
                others = [
                    step
                    for name in found.keys() - names
                    for other, step in found[name].get(reader, {}).items()
                    if other is not one
                ]
                if len(names) == 1 and others:
                    (name,) = names
                    taken = np.concatenate([[0], one.reads[:-1]])
                    words = self._room(name, one, np.max(others, axis=0), taken)
                    if words is not None:
                        yield name, words

    def _reached(self, duplicate: int) -> dict[str, dict[int, dict[Link, IntArray]]]:
        """By copy, reader and input: the Duplicate's step that each step of the reader needs."""
        found: dict[str, dict[int, dict[Link, IntArray]]] = {}
        for reader, links in self.inputs.items():
            for one in links:
                if one.writer == duplicate:
                    found.setdefault(one.stream.name, {}).setdefault(reader, {})[one] = one.needs
        for behind in found.values():
            for reader, links in self.inputs.items():
                for one in links:
                    if one.writer in behind and one not in behind.get(reader, {}):
                        before = np.max(list(behind[one.writer].values()), axis=0)
                        step = np.where(one.reads > 0, before[one.needs], -1)
                        behind.setdefault(reader, {})[one] = step
        return found

    def _room(self, copy: str, last: Link, step: IntArray, taken: IntArray) -> int | None:
        """Words that a copy must hold; None where a join of its own is on the way.

        Args:
            last: input of the join that the branch ends in.
            step: of the Duplicate that the other branches need before each step of the join.
            taken: words that the join has read of this branch before it.
        """
        one = last
        while one.stream.name != copy:
            inputs = self.inputs[one.writer]
            if len(inputs) != 1:
                return None
            depth = self.depths.get(one.stream.name, one.stream.depth)
            fired = np.searchsorted(one.waits, taken + depth, side="right")
            one = inputs[0]
            taken = np.concatenate([[0], one.reads])[fired]
        written = np.concatenate([[0], one.waits])[step + 1]
        return int((written - taken).max())
