"""One option per layer, converters between neighbours included, as an integer program.

Each layer takes exactly one of its options. Between neighbours one unit is transported from
the writer's lanes to the reader's, and the way that it takes costs what the converter costs.
The program's sum is therefore that of the estimate, except for what belongs to no layer, and for
the converters behind an input whose port depends on more than one reader or on the pace.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from fpgacomp.engines.shared.trial import budget_of
from fpgacomp.engines.stream.design import StreamFolding
from fpgacomp.engines.stream.fold.prices import Costs
from fpgacomp.engines.stream.fold.space import PORT, Edge, StreamSpace
from fpgacomp.engines.stream.layers import rules_of
from fpgacomp.host.solver import Minimum, Row, minimized

NODE_LIMIT = 60  # nodes of the branch and bound tree
GAP = 2e-3  # relative distance from the proved bound at which the solver may stop
LATENCY_GAP = 2e-2  # the same for latency, whose sum of layers is no nearer to the truth
# A program of more coefficients (over fifty layers) takes HiGHS seconds for each node. Its first
# selections are within a few parts in a thousand of those that it finds in ten times the effort;
# what is missing is the proof, so that the gap that is told is wide.
LARGE, LARGE_GAP = 30_000, 0.1
Objective = Literal["area", "share", "latency"]
TIE = 1 + 1e-6  # shares that differ by less are equal
INFEASIBLE = 2  # scipy's status


class Undecided(Exception):
    """The solver came to its node limit before it had a first solution."""


@dataclass(frozen=True)
class StreamChoice:
    """One option per layer.

    Args:
        folding: layer name -> folding.
        cost: resources of all layers and converters, as the program adds them up.
        interval: cycles of the slowest layer.
        gap: relative distance to the proved bound; 0 for a proved optimum.
    """

    folding: Mapping[str, StreamFolding]
    cost: Costs
    interval: float
    gap: float


class Program:
    """The integer program of a space.

    Its columns are the options (binary), the transports of each edge, the slowest interval and
    the largest share of a resource.

    Args:
        slowest: options of a longer interval (cycles) are left out.
    """

    def __init__(self, space: StreamSpace, slowest: float | None) -> None:
        self.space = space
        # What a port has to keep up with. Where nothing bounds the layers a port is priced as the
        # narrowest: their pace is not known yet, and the estimate corrects the sum.
        self.cycles = float("inf") if slowest is None else slowest
        self.options = {
            name: tuple(o for o in found if slowest is None or o.interval <= slowest + 1e-9)
            for name, found in space.options.items()
        }
        self.first: dict[str, int] = {}
        self.cost: list[Costs] = []
        for name, found in self.options.items():
            self.first[name] = len(self.cost)
            self.cost += [option.cost for option in found]
        self.binaries = len(self.cost)
        self.rows: list[Row] = []
        for name, found in self.options.items():
            at = self.first[name]
            self.rows.append(({at + i: 1.0 for i in range(len(found))}, 1.0, 1.0))
        for edge in space.edges:
            self._transport(edge)
        self.slowest, self.share = len(self.cost), len(self.cost) + 1
        self.columns = len(self.cost) + 2

    @property
    def possible(self) -> bool:
        """Whether every layer has an option left."""
        return all(self.options.values())

    def _transport(self, edge: Edge) -> None:
        written = self._by_lanes(edge.writer, 1)
        read = self._by_lanes(edge.reader, 0)
        at = len(self.cost)
        pairs = [(a, b) for a in written for b in read]
        self.cost += [self.space.transported(edge, a, b, self.cycles) for a, b in pairs]
        for side, groups in enumerate((written, read)):
            for lanes, columns in groups.items():
                row = {at + i: 1.0 for i, pair in enumerate(pairs) if pair[side] == lanes}
                total = 0.0 if columns else 1.0  # a graph input is in every design
                self.rows.append((row | dict.fromkeys(columns, -1.0), total, total))

    def _by_lanes(self, name: str, side: int) -> dict[int, list[int]]:
        """Lanes on one side (0 read, 1 written) -> columns of the options that have them."""
        if name not in self.options:
            return {PORT: []}
        found: dict[int, list[int]] = {}
        for i, option in enumerate(self.options[name]):
            found.setdefault(option.lanes[side], []).append(self.first[name] + i)
        return found

    def _budget(self, objective: Objective) -> None:
        for index, available in enumerate(self.space.budget):
            row = {c: cost[index] / available for c, cost in enumerate(self.cost) if cost[index]}
            top = self.space.top[index] / available
            if objective == "share":
                self.rows.append((row | {self.share: -1.0}, -np.inf, -top))
            else:
                self.rows.append((row, -np.inf, 1.0 - top))

    def _objective(self, objective: Objective) -> dict[int, float]:
        """Column -> weight; a small weight of area decides between otherwise equal selections."""
        whole = self.space.equivalent(budget_of(self.space.board))
        area = {c: self.space.equivalent(cost) / whole for c, cost in enumerate(self.cost)}
        if objective == "area":
            return area
        small = {column: 1e-4 * value for column, value in area.items()}
        if objective == "share":
            return small | {self.share: 1.0}
        for column, frames in self._first_frame().items():
            small[column] = small.get(column, 0.0) + frames
        return small

    def _first_frame(self) -> dict[int, float]:
        """Weights that add up the first frame, in units of `StreamSpace.fastest`.

        Rows are added that bound every layer's interval by the column `slowest`.
        """
        times = {self.slowest: 1.0}
        unit = self.space.fastest
        for name, found in self.options.items():
            share = rules_of(self.space.graph.by_name[name]).exposure
            at = self.first[name]
            row = {at + i: option.interval / unit for i, option in enumerate(found)}
            self.rows.append((row | {self.slowest: -1.0}, -np.inf, 0.0))
            for column, frames in row.items():
                times[column] = share * frames
        return times

    def solve(
        self, objective: Objective, latency: float | None, *, relaxed: bool = False
    ) -> StreamChoice | None:
        """The best selection; None where there is none.

        Args:
            latency: most cycles of the first frame.
            relaxed: solve with fractions of options, and take each layer's largest one.

        Raises:
            Undecided: the solver reached its node limit first.
        """
        self._budget(objective)
        weights = self._objective(objective)
        if latency is not None:
            self.rows.append((self._first_frame(), -np.inf, latency / self.space.fastest))
        gap = LATENCY_GAP if objective == "latency" else GAP
        found = self._minimized(weights, gap, relaxed=relaxed)
        if found.x is None:
            if found.status != INFEASIBLE:
                raise Undecided
            return None
        gap, x = found.mip_gap, found.x
        if objective == "share":
            # One resource rules the share: the others are free to grow as large until the least
            # area at that share is asked for.
            self.rows.append(({self.share: 1.0}, -np.inf, x[self.share] * TIE))
            smaller = self._minimized(self._objective("area"), GAP, relaxed=relaxed)
            x = x if smaller.x is None else smaller.x
        return self._choice(x, gap)

    def _minimized(self, weights: Mapping[int, float], gap: float, *, relaxed: bool) -> Minimum:
        large = sum(len(coefficients) for coefficients, _, _ in self.rows) > LARGE
        return minimized(
            weights, self.rows, self.columns,
            binaries=0 if relaxed else self.binaries, shares=self.slowest,
            node_limit=1 if large else NODE_LIMIT, gap=max(gap, LARGE_GAP) if large else gap,
        )  # fmt: skip

    def _choice(self, values: Sequence[float], gap: float) -> StreamChoice:
        picked = {}
        for name, found in self.options.items():
            at = self.first[name]
            picked[name] = max(enumerate(found), key=lambda o, at=at: values[at + o[0]])[1]  # type: ignore[misc]
        folding = {name: option.folding for name, option in picked.items()}
        interval = max(option.interval for option in picked.values())
        return StreamChoice(folding, self.space.cost(picked, interval), interval, gap)
