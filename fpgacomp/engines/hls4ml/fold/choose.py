"""Chooses one option per layer: a mixed integer program, solved to optimality or a known gap."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from fpgacomp.devices.resources import RESOURCE_FIELDS
from fpgacomp.engines.hls4ml.design import Hls4mlFolding
from fpgacomp.engines.hls4ml.fold.candidates import Hls4mlOption, Hls4mlSpace
from fpgacomp.host.solver import Row, minimized
from fpgacomp.ir.layers import Input, Layer

NODE_LIMIT = 300  # nodes of the branch-and-bound tree, so that the answer does not depend on time
GAP = 1e-3  # relative distance from the proved bound at which the solver stops
FULL = 1.0 + 1e-9  # share of the board that still fits, rounding errors of the solver included


@dataclass(frozen=True)
class Hls4mlChoice:
    """One folding per layer, and how good it is.

    Args:
        folding: layer name -> folding.
        value: the objective that was minimized (share of the board, or cycles).
        gap: relative distance of the value from the solver's proved bound; 0 is an optimum.
    """

    folding: Mapping[str, Hls4mlFolding]
    value: float
    gap: float


class _Program:
    """Variables, rows and bounds of one program, by name of layer and option.

    Columns: every option of every layer (binary), one time per layer (cycles from the start
    to its last output), the slowest interval, the largest share of the board.
    """

    def __init__(self, space: Hls4mlSpace, *, slowest: float | None) -> None:
        self.space = space
        self.layers = space.graph.layers
        self.options: dict[str, tuple[Hls4mlOption, ...]] = {
            layer.name: tuple(
                option
                for option in space.options[layer.name]
                if slowest is None or option.interval <= slowest
            )
            for layer in self.layers
        }
        self.first: dict[str, int] = {}
        count = 0
        for layer in self.layers:
            self.first[layer.name] = count
            count += len(self.options[layer.name])
        self.binaries = count
        self.time = {layer.name: count + i for i, layer in enumerate(self.layers)}
        self.latency = count + len(self.layers)
        self.stage = self.latency + 1
        self.share = self.stage + 1
        self.columns = self.share + 1
        self.rows: list[Row] = []

    @property
    def possible(self) -> bool:
        return all(self.options.values())

    def build(self) -> None:
        """The rows that every objective needs."""
        for layer in self.layers:
            at = self.first[layer.name]
            self.row({at + i: 1.0 for i in range(len(self.options[layer.name]))}, 1.0, 1.0)
        self._resources()
        self._times()

    def area(self) -> dict[int, float]:
        """Column -> the sum of the option's shares of the board; two registers lie beside a LUT."""
        return {
            self.first[name] + i: sum(
                amount / budget
                for resource, amount, budget in zip(RESOURCE_FIELDS, option.cost, self.space.budget)
                if resource != "ff"
            )
            for name, options in self.options.items()
            for i, option in enumerate(options)
        }

    def row(self, coefficients: dict[int, float], low: float, high: float) -> None:
        self.rows.append((coefficients, low, high))

    def _resources(self) -> None:
        """Sum over layers + top <= share * budget."""
        space = self.space
        for index in range(len(RESOURCE_FIELDS)):
            budget = space.budget[index]
            row = {
                self.first[name] + i: option.cost[index] / budget
                for name, options in self.options.items()
                for i, option in enumerate(options)
                if option.cost[index]
            }
            top = space.top[index] / budget
            self.row({**row, self.share: -1.0}, -np.inf, -top)
            if space.ceiling is not None:
                self._upper_ends(index, space.ceiling[index])

    def _upper_ends(self, index: int, ceiling: float) -> None:
        """Sum over layers + top, at the upper ends, <= ceiling."""
        row = {
            self.first[name] + i: option.high[index] / ceiling
            for name, options in self.options.items()
            for i, option in enumerate(options)
            if option.high[index]
        }
        self.row(row, -np.inf, 1.0 - self.space.top_high[index] / ceiling)

    def _times(self) -> None:
        """Latency: the longest path, or in io_stream the slowest stage and the vectors' path.

        Words stream through the layers of an image at the same time; a vector is complete
        before the next layer starts.
        """
        streams = self.space.io_type == "io_stream"
        producer = self.space.graph.producer
        for layer in self.layers:
            spent = 0.0 if streams and layer.output.pixels > 1 else 1.0
            row = self._cycles(layer, spent)
            row[self.time[layer.name]] = -1.0
            for tensor in layer.inputs or (None,):
                before = {} if tensor is None else {self.time[producer[tensor.name].name]: 1.0}
                self.row({**row, **before}, -np.inf, 0.0)
            if streams and not isinstance(layer, Input):
                self.row({**self._cycles(layer, 1.0), self.stage: -1.0}, -np.inf, 0.0)
        for tensor in self.space.graph.outputs:
            end = {self.time[producer[tensor.name].name]: 1.0, self.latency: -1.0}
            if streams:
                end[self.stage] = 1.0
            self.row(end, -np.inf, 0.0)

    def _cycles(self, layer: Layer, factor: float) -> dict[int, float]:
        at = self.first[layer.name]
        # One cycle of handshake per layer keeps the path ordered where a layer takes none.
        return {
            at + i: factor * (option.cycles + 1.0)
            for i, option in enumerate(self.options[layer.name])
        }

    def solve(self, objective: Mapping[int, float]) -> Hls4mlChoice | None:
        found = minimized(
            objective, self.rows, self.columns,
            binaries=self.binaries, shares=self.binaries, node_limit=NODE_LIMIT, gap=GAP,
        )  # fmt: skip
        if found.x is None:
            return None
        return Hls4mlChoice(self._folding(found.x), float(found.fun), float(found.mip_gap or 0.0))

    def _folding(self, values: Sequence[float]) -> dict[str, Hls4mlFolding]:
        folding = {}
        for name, options in self.options.items():
            at = self.first[name]
            best = max(range(len(options)), key=lambda i, at=at: values[at + i])  # type: ignore[misc]
            folding[name] = options[best].folding
        return folding


def least_share(
    space: Hls4mlSpace,
    *,
    interval: float | None = None,
    latency: float | None = None,
    then_area: bool = False,
) -> Hls4mlChoice | None:
    """The choice whose largest share of any resource is smallest; None where there is none.

    Args:
        interval: most cycles between two frames.
        latency: most cycles from input to output.
        then_area: of the choices whose largest share is as small, the one that has the least sum
            of shares; otherwise any, which is solved in half the time.
    """
    program = _Program(space, slowest=interval)
    if not program.possible:
        return None
    program.build()
    if latency is not None:
        program.row({program.latency: 1.0}, -np.inf, latency)
    found = program.solve({program.share: 1.0})
    if found is None or not then_area:
        return found
    program.row({program.share: 1.0}, -np.inf, found.value * (1 + 1e-6))
    smaller = program.solve(program.area())
    return found if smaller is None else replace(found, folding=smaller.folding)


def least_latency(space: Hls4mlSpace, *, interval: float | None = None) -> Hls4mlChoice | None:
    """The choice of shortest latency within the budget, and of smallest share among those.

    Args:
        interval: most cycles between two frames.
    """
    program = _Program(space, slowest=interval)
    if not program.possible:
        return None
    program.build()
    program.row({program.share: 1.0}, -np.inf, 1.0)
    best = program.solve({program.latency: 1.0})
    if best is None:
        return None
    program.row({program.latency: 1.0}, -np.inf, best.value * (1 + 1e-9))
    smaller = program.solve({program.share: 1.0})
    return best if smaller is None else Hls4mlChoice(smaller.folding, best.value, best.gap)


def least_interval(
    space: Hls4mlSpace, *, latency: float | None = None, at_most: float | None = None
) -> Hls4mlChoice | None:
    """The choice of shortest interval within the budget, by bisection over those that occur.

    Args:
        latency: most cycles from input to output.
        at_most: most cycles between two frames.

    A pace that the node limit left undecided counts as refused; the gap is then the
    distance to the fastest such pace.
    """
    paces = sorted({option.interval for found in space.options.values() for option in found})
    fastest = max(min(option.interval for option in found) for found in space.options.values())
    paces = [p for p in paces if p >= fastest and (at_most is None or p <= at_most)]
    low, high = 0, len(paces) - 1
    best: Hls4mlChoice | None = None
    undecided: list[float] = []
    while low <= high:
        middle = (low + high) // 2
        found = least_share(space, interval=paces[middle], latency=latency)
        if found is not None and found.value <= FULL:
            best, high = Hls4mlChoice(found.folding, paces[middle], 0.0), middle - 1
            continue
        if found is not None and found.value * (1 - found.gap) <= FULL:
            undecided.append(paces[middle])
        low = middle + 1
    if best is None or not undecided:
        return best
    return Hls4mlChoice(best.folding, best.value, max(0.0, 1 - min(undecided) / best.value))
