"""The least words of each FIFO in front of a join without which the design would stop for ever."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

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
    return Joins.of(dataflow, pipelines).least(depths)


@dataclass(frozen=True, eq=False)
class _Need:
    """What a join asks of a copy that one of its inputs comes from.

    Args:
        last: input of the join that the branch ends in.
        step: of the Duplicate that the other branches need before each step of the join.
    """

    copy: str
    last: Link
    step: IntArray


@dataclass(frozen=True)
class Joins:
    """The streams of a dataflow over one frame, for many depths of its FIFOs.

    Args:
        inputs: the streams by the position of the operator that reads them; none where no
            tensor is read twice.
        duplicates: positions of the operators that copy tensors.
    """

    inputs: Mapping[int, tuple[Link, ...]]
    duplicates: tuple[int, ...]

    @classmethod
    def of(cls, dataflow: Dataflow, pipelines: Pipelines) -> Joins:
        """The streams of a dataflow without depths of its own."""
        duplicates = tuple(
            index for index, op in enumerate(dataflow.operators) if isinstance(op, Duplicate)
        )
        if not duplicates:
            return cls({}, ())
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
        return cls(inputs, duplicates)

    def least(self, depths: Mapping[str, int]) -> dict[str, int]:
        """What `least_depths` returns."""
        least: dict[str, int] = {}
        for need in self._needs:
            words = self._room(need, depths)
            if words is not None:
                least[need.copy] = max(least.get(need.copy, 1), words)
        return least

    @cached_property
    def _needs(self) -> tuple[_Need, ...]:
        return tuple(need for index in self.duplicates for need in self._needs_of(index))

    def _needs_of(self, duplicate: int) -> Iterator[_Need]:
        """What each join behind a Duplicate asks of its copies."""
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
                    yield _Need(name, one, np.max(others, axis=0))

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

    def _room(self, need: _Need, depths: Mapping[str, int]) -> int | None:
        """Words that a copy must hold; None where a join of its own is on the way."""
        one = need.last
        taken = np.concatenate([[0], one.reads[:-1]])  # of this branch, before each step
        while one.stream.name != need.copy:
            inputs = self.inputs[one.writer]
            if len(inputs) != 1:
                return None
            depth = depths.get(one.stream.name, one.stream.depth)
            fired = np.searchsorted(one.waits, taken + depth, side="right")
            one = inputs[0]
            taken = np.concatenate([[0], one.reads])[fired]
        written = np.concatenate([[0], one.waits])[need.step + 1]
        return int((written - taken).max())
