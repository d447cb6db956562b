"""Prices of layers under each of their foldings, and of the converters between layers.

The estimator itself says the prices. It gets a graph of many layers, each behind a tensor that
arrives in the words that it reads, so that no width converter is counted to a layer. Converters
have prices of their own. The integer program adds up both.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from fpgacomp.devices.board import Board
from fpgacomp.devices.resources import RESOURCE_FIELDS
from fpgacomp.engines.shared.trial import used
from fpgacomp.engines.stream.design import StreamDesign, StreamFolding
from fpgacomp.engines.stream.estimate.design import converter_price
from fpgacomp.engines.stream.layers import rules_of
from fpgacomp.engines.stream.layers.rules import rewired
from fpgacomp.engines.stream.streams import element_bits
from fpgacomp.ir.graph import Graph
from fpgacomp.ir.layers import Input, Layer, Tensor, Upsample
from fpgacomp.results.estimate import Estimate, LayerEstimate


class Estimator(Protocol):
    """A function like `estimate_stream`, which is handed in so that tests can replace it."""

    def __call__(self, design: StreamDesign, *, timed: bool = True) -> Estimate: ...

    def __hash__(self) -> int: ...


Costs = tuple[float, ...]  # an amount of each resource, in RESOURCE_FIELDS order
BATCH = 48  # layers priced in one graph


@dataclass(frozen=True)
class StreamOption:
    """One layer under one folding.

    Args:
        lanes_in: elements per word that it reads.
        lanes_out: elements per word that it writes.
        interval: cycles per frame of its slowest operator.
        cost: amount of each resource, in RESOURCE_FIELDS order.
    """

    folding: StreamFolding
    lanes_in: int
    lanes_out: int
    interval: float
    cost: Costs

    @property
    def lanes(self) -> tuple[int, int]:
        """(elements per word in, elements per word out)."""
        return self.lanes_in, self.lanes_out


class Prices:
    """Prices of layers and converters; layers of equal price are estimated once.

    Args:
        board: whose resources the estimate counts in.
        clock_mhz: of the designs that are estimated.
    """

    def __init__(self, board: Board, clock_mhz: float, estimate: Estimator) -> None:
        self.board, self.clock_mhz, self.estimate = board, clock_mhz, estimate
        self._options: dict[object, tuple[StreamOption, ...]] = {}
        self._converters: dict[tuple[int, int, int], Costs] = {}

    def options(self, layers: Iterable[Layer]) -> dict[str, tuple[StreamOption, ...]]:
        """Layer name -> its options, without those that another one of equal lanes beats."""
        keys = {
            layer.name: (rules.price_key, layer)
            for layer in layers
            if (rules := rules_of(layer)).foldable
        }
        missing = {key: layer for key, layer in keys.values() if key not in self._options}
        pairs = [
            (key, folding)
            for key, layer in missing.items()
            for folding in rules_of(layer).foldings(self.board.device)
        ]
        priced: dict[object, list[StreamOption]] = {key: [] for key in missing}
        for at in range(0, len(pairs), BATCH):
            some = pairs[at : at + BATCH]
            prices = self._price([(missing[key], folding) for key, folding in some])
            for (key, folding), figures in zip(some, prices):
                priced[key].append(_option(missing[key], folding, figures))
        self._options |= {key: _undominated(options) for key, options in priced.items()}
        return {name: self._options[key] for name, (key, _) in keys.items()}

    def converter(self, tensor: Tensor, a: int, b: int) -> Costs:
        """The price of a converter of the tensor from `a` to `b` lanes."""
        if a == b:
            return (0.0,) * len(RESOURCE_FIELDS)
        bits = element_bits(tensor.type)
        key = bits, a, b
        if key not in self._converters:
            found = converter_price(a * bits, b * bits, self.board.device)
            self._converters[key] = tuple(figure.value for figure in found)
        return self._converters[key]

    def _price(self, pairs: Sequence[tuple[Layer, StreamFolding]]) -> list[LayerEstimate]:
        """Estimate one graph of all layers, each behind inputs in the words that it reads."""
        chains = [_Chain.of(layer, folding) for layer, folding in pairs]
        layers: list[Layer] = []
        outputs: list[Tensor] = []
        folding: dict[str, StreamFolding] = {}
        names = []
        for index, chain in enumerate(chains):
            last, parts, folds = chain.built(str(index))
            layers += parts
            outputs.append(last.output)
            folding |= folds
            names.append(last.name)
        graph = Graph("prices", tuple(layers), tuple(outputs))
        figures = self.estimate(
            StreamDesign(graph=graph, board=self.board, clock_mhz=self.clock_mhz, folding=folding),
            timed=False,
        )
        return [figures.layers[name] for name in names]


@dataclass(frozen=True)
class _Chain:
    """A layer behind inputs that come in words of `lanes` elements."""

    layer: Layer
    folding: StreamFolding
    lanes: int

    @classmethod
    def of(cls, layer: Layer, folding: StreamFolding) -> _Chain:
        return cls(layer, folding, rules_of(layer).lanes_in(folding))

    def built(self, tag: str) -> tuple[Layer, list[Layer], dict[str, StreamFolding]]:
        """The layer renamed, all layers of its chain, and their foldings.

        Args:
            tag: what tells its names from those of other chains in the graph.
        """
        made: list[Layer] = []
        folding: dict[str, StreamFolding] = {}
        sources: list[Tensor] = []
        for index, tensor in enumerate(self.layer.inputs):
            raw = replace(tensor, name=f"x{tag}_{index}")
            ready = replace(tensor, name=f"w{tag}_{index}")
            shaper = Upsample(name=ready.name, output=ready, input=raw,
                              factors=(1,) * (len(tensor.shape) - 1))  # fmt: skip
            made += [Input(name=raw.name, output=raw), shaper]
            folding[shaper.name] = StreamFolding(self.lanes)
            sources.append(ready)
        last = rewired(self.layer, sources, f"y{tag}")
        folding[last.name] = self.folding
        return last, [*made, last], folding


def _option(layer: Layer, folding: StreamFolding, figures: LayerEstimate) -> StreamOption:
    rules = rules_of(layer)
    lanes = rules.lanes_in(folding), rules.lanes_out(folding)
    return StreamOption(folding, *lanes, figures.interval.value, used(figures))


def _undominated(options: Sequence[StreamOption]) -> tuple[StreamOption, ...]:
    """Among options of equal lanes, those that no other beats in pace and every resource."""
    kept: list[StreamOption] = []
    for option in sorted(options, key=lambda o: (o.lanes, o.interval, o.cost)):
        if not any(_beats(other, option) for other in kept if other.lanes == option.lanes):
            kept.append(option)
    return tuple(kept)


def _beats(one: StreamOption, other: StreamOption) -> bool:
    return one.interval <= other.interval and all(
        mine <= theirs for mine, theirs in zip(one.cost, other.cost)
    )
