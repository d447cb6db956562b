"""The foldings each layer may take in a streaming design, priced by the estimator itself.

A layer is priced alone: in a graph of many copies of it, each behind a tensor that arrives
in the words it wants, so that no width converter of a neighbour is counted to it. What
converters cost is priced the same way and added by the program that chooses.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import product
from math import gcd, log2, prod
from typing import Protocol

from fpgacomp.devices.board import Board
from fpgacomp.devices.device import Device
from fpgacomp.devices.resources import RESOURCE_FIELDS
from fpgacomp.engines.shared.trial import used
from fpgacomp.engines.stream.design import Arithmetic, Memory, StreamDesign, StreamFolding
from fpgacomp.ir.graph import Graph
from fpgacomp.ir.layers import (
    Add,
    ArgMax,
    Concat,
    Conv,
    Dense,
    Input,
    Layer,
    Lookup,
    Reshape,
    Tensor,
    Thresholds,
    Upsample,
)
from fpgacomp.ir.types import IntType
from fpgacomp.results.estimate import Estimate, LayerEstimate


class Estimator(Protocol):
    """`fpgacomp.estimate.estimate_stream`; `timed=False` is enough for prices."""

    def __call__(self, design: StreamDesign, *, timed: bool = True) -> Estimate: ...


Costs = tuple[float, ...]  # in RESOURCE_FIELDS order
PACES = 20  # of a weight layer: its parallelisms beyond that are thinned out on a log scale
SHAPES = 3  # PE x SIMD of the same parallelism
SHALLOW, DEEP = 32, 2048  # weight memories up to / from here are not worth block RAM / LUTs
# Bits of one word; FINN's operators are generated with ap_int of up to this width.
WIDEST_WORD = 8191
BATCH = 48  # copies of layers priced in one graph


@dataclass(frozen=True)
class Option:
    """One layer under one folding.

    Args:
        lanes_in: elements a word that it reads, 0 where it reads none.
        interval: cycles a frame of its slowest operator.
        cost: resources in RESOURCE_FIELDS order.
    """

    folding: StreamFolding
    lanes_in: int
    lanes_out: int
    interval: float
    cost: Costs

    @property
    def lanes(self) -> tuple[int, int]:
        return self.lanes_in, self.lanes_out


def divisors(number: int) -> tuple[int, ...]:
    """All of them, ascending."""
    small = [n for n in range(1, int(number**0.5) + 1) if number % n == 0]
    return tuple(sorted({*small, *(number // n for n in small)}))


def lanes_in(layer: Layer, folding: StreamFolding) -> int:
    """Elements per word that a layer's own operators read."""
    match layer:
        case Input():
            return 0
        case Conv() if not layer.depthwise:
            return min(folding.simd, layer.input.channels)
        case Dense():
            return folding.simd
        case _:
            return folding.pe


def lanes_out(layer: Layer, folding: StreamFolding) -> int:
    """Elements per word that a layer's own operators write."""
    return 1 if isinstance(layer, ArgMax) else folding.pe


def layer_foldings(layer: Layer, device: Device) -> tuple[StreamFolding, ...]:
    """Foldings worth pricing on the device; all are legal (`engines.stream.folding_rules`)."""
    match layer:
        case Input() | Reshape():
            return ()
        case Conv() if layer.depthwise:
            return tuple(
                StreamFolding(pe, 1, memory, arithmetic)
                for pe in divisors(layer.output.channels)
                for memory in _memories(prod(layer.kernel) * layer.output.channels // pe)
                for arithmetic in _arithmetics(layer, device)
            )
        case Dense() | Conv():
            return tuple(
                StreamFolding(pe, simd, memory, arithmetic)
                for pe, simd in _shapes(layer)
                for memory in _memories(_width(layer) * layer.output.channels // (pe * simd))
                for arithmetic in _arithmetics(layer, device)
            )
        case ArgMax():
            return tuple(StreamFolding(pe) for pe in divisors(layer.input.channels))
        case Concat():
            common = gcd(*(part.channels for part in layer.parts))
            return tuple(StreamFolding(pe) for pe in divisors(common))
        case Thresholds() | Lookup():
            memories: tuple[Memory, ...] = ("lutram", "bram")
            return tuple(
                StreamFolding(pe, 1, memory)
                for pe, memory in product(divisors(layer.output.channels), memories)
            )
        case _:
            return tuple(StreamFolding(pe) for pe in divisors(layer.output.channels))


def _width(layer: Dense | Conv) -> int:
    """Products of one output."""
    taps = prod(layer.kernel) if isinstance(layer, Conv) else 1
    return layer.input.channels * taps


def _memories(depth: int) -> tuple[Memory, ...]:
    """A weight memory's; URAM cannot be initialized."""
    if depth <= SHALLOW:
        return ("lutram",)
    return ("bram",) if depth >= DEEP else ("lutram", "bram")


def _arithmetics(layer: Dense | Conv, device: Device) -> tuple[Arithmetic, ...]:
    """What may multiply: for products of one bit gates alone, else LUTs or DSP blocks, if any."""
    weight = layer.weight.type
    one_bit = weight.magnitude <= 1 and layer.input.type.bits <= 2
    gates = one_bit or layer.input.type.bits == 1
    return ("lut",) if gates or device.multiplier is None else ("lut", "dsp")


def _shapes(layer: Dense | Conv) -> list[tuple[int, int]]:
    """(PE, SIMD): for each of PACES parallelisms the most even ones."""
    inputs, width = layer.input.channels, _width(layer)
    weight_bits = layer.weight.type.bits
    found: dict[int, list[tuple[int, int]]] = {}
    for simd in divisors(width):
        if inputs % simd == 0 or simd % inputs == 0:
            for pe in divisors(layer.output.channels):
                words = (pe * simd * weight_bits, simd * layer.input.type.bits,
                         pe * layer.output.type.bits)  # fmt: skip
                if max(words) > WIDEST_WORD:
                    continue
                found.setdefault(pe * simd, []).append((pe, simd))
    paces = _thinned(sorted(found))
    return [
        shape
        for pace in paces
        for shape in sorted(found[pace], key=lambda s: (abs(log2(s[0] / s[1])), s))[:SHAPES]
    ]


def _thinned(values: Sequence[int]) -> list[int]:
    """At most PACES of ascending values, the first and the last kept, evenly by logarithm."""
    if len(values) <= PACES:
        return list(values)
    span = log2(values[-1] / values[0])
    wanted = [values[0] * 2 ** (span * i / (PACES - 1)) for i in range(PACES)]
    return sorted({min(values, key=lambda v: abs(log2(v / w))) for w in wanted})


# ---------------------------------------------------------------- prices


class Prices:
    """Asks the estimator once for every kind of layer and converter.

    Args:
        board: whose resources the estimate counts in.
    """

    def __init__(self, board: Board, clock_mhz: float, estimate: Estimator) -> None:
        self.board, self.clock_mhz, self.estimate = board, clock_mhz, estimate
        self._options: dict[object, tuple[Option, ...]] = {}
        self._converters: dict[tuple[int, int, int], Costs] = {}

    def options(self, layers: Iterable[Layer]) -> dict[str, tuple[Option, ...]]:
        """Layer name -> its options, undominated among those of equal lanes."""
        device = self.board.device
        layers = [layer for layer in layers if layer_foldings(layer, device)]
        missing = {_likeness(layer): layer for layer in layers}
        missing = {key: layer for key, layer in missing.items() if key not in self._options}
        pairs = [
            (key, fold) for key, layer in missing.items() for fold in layer_foldings(layer, device)
        ]
        priced: dict[object, list[Option]] = {key: [] for key in missing}
        for at in range(0, len(pairs), BATCH):
            some = pairs[at : at + BATCH]
            for (key, fold), figures in zip(some, self._price([(missing[k], f) for k, f in some])):
                layer = missing[key]
                lanes = lanes_in(layer, fold), lanes_out(layer, fold)
                option = Option(fold, *lanes, figures.interval.value, used(figures))
                priced[key].append(option)
        self._options |= {key: _undominated(options) for key, options in priced.items()}
        return {layer.name: self._options[_likeness(layer)] for layer in layers}

    def converters(self, wanted: Iterable[tuple[Tensor, int, int]]) -> None:
        """Price converters (of a tensor, from lanes, to lanes) for `converter`."""
        missing = {}
        for tensor, a, b in wanted:
            key = _bits(tensor.type), a, b
            if a != b and key not in self._converters:
                missing[key] = tensor
        keys = list(missing)
        for at in range(0, len(keys), BATCH):
            some = keys[at : at + BATCH]
            chains = [_Chain.converter(missing[key], *key[1:]) for key in some]
            figures = self._run(chains)
            for key, pair in zip(some, zip(figures[::2], figures[1::2])):
                with_it, without = (used(f) for f in pair)
                self._converters[key] = tuple(x - y for x, y in zip(with_it, without))

    def converter(self, tensor: Tensor, a: int, b: int) -> Costs:
        """What `converters` has priced."""
        if a == b:
            return (0.0,) * len(RESOURCE_FIELDS)
        return self._converters[_bits(tensor.type), a, b]

    def _price(self, pairs: Sequence[tuple[Layer, StreamFolding]]) -> list[LayerEstimate]:
        return self._run([[_Chain.of(layer, folding)] for layer, folding in pairs])

    def _run(self, chains: Sequence[list[_Chain]]) -> list[LayerEstimate]:
        """One graph of all chains, and the figures of each chain's last layer."""
        layers: list[Layer] = []
        outputs: list[Tensor] = []
        folding: dict[str, StreamFolding] = {}
        names = []
        for index, chain in enumerate(c for group in chains for c in group):
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
        return cls(layer, folding, lanes_in(layer, folding))

    @classmethod
    def converter(cls, tensor: Tensor, a: int, b: int) -> list[_Chain]:
        """A layer that reads words of b: behind words of a, and of b."""
        pixel = replace(tensor, shape=(tensor.channels,))
        reader = Upsample(name="c", output=pixel, input=pixel, factors=())
        return [cls(reader, StreamFolding(b), a), cls(reader, StreamFolding(b), b)]

    def built(self, tag: str) -> tuple[Layer, list[Layer], dict[str, StreamFolding]]:
        """The renamed layer, all layers of the chain, and their folding."""
        made: list[Layer] = []
        folding: dict[str, StreamFolding] = {}
        sources: dict[str, Tensor] = {}
        for index, tensor in enumerate(self.layer.inputs):
            raw = replace(tensor, name=f"x{tag}_{index}")
            ready = replace(tensor, name=f"w{tag}_{index}")
            shaper = Upsample(name=ready.name, output=ready, input=raw,
                              factors=(1,) * (len(tensor.shape) - 1))  # fmt: skip
            made += [Input(name=raw.name, output=raw), shaper]
            folding[shaper.name] = StreamFolding(self.lanes)
            sources[f"{index}"] = ready
        last = _rewired(self.layer, list(sources.values()), f"y{tag}")
        folding[last.name] = self.folding
        return last, [*made, last], folding


def _rewired(layer: Layer, inputs: Sequence[Tensor], name: str) -> Layer:
    output = replace(layer.output, name=name)
    match layer:
        case Input():
            return replace(layer, name=name, output=output)
        case Add():
            return replace(layer, name=name, output=output, a=inputs[0], b=inputs[1])
        case Concat():
            return replace(layer, name=name, output=output, parts=tuple(inputs))
        case _:
            return replace(layer, name=name, output=output, input=inputs[0])


def _bits(kind: IntType) -> int:
    return 1 if kind.bipolar else kind.bits


def _likeness(layer: Layer) -> object:
    """Equal for layers of equal price: everything but names, and of weights only the range."""
    tensors = tuple((t.shape, t.type) for t in (*layer.inputs, layer.output))
    match layer:
        case Dense() | Conv():
            stats = layer.weight.stored_type
            rest = (layer.strides, layer.dilations, layer.pads, layer.groups, layer.kernel) \
                if isinstance(layer, Conv) else ()  # fmt: skip
            return type(layer), tensors, stats, rest
        case _:
            return _rewired(layer, [replace(t, name="") for t in layer.inputs], "")


def _undominated(options: Sequence[Option]) -> tuple[Option, ...]:
    """Among options of equal lanes, those that no other beats in pace and every resource."""
    kept: list[Option] = []
    for option in sorted(options, key=lambda o: (o.lanes, o.interval, o.cost)):
        if not any(_beats(other, option) for other in kept if other.lanes == option.lanes):
            kept.append(option)
    return tuple(kept)


def _beats(one: Option, other: Option) -> bool:
    return one.interval <= other.interval and all(
        mine <= theirs for mine, theirs in zip(one.cost, other.cost)
    )
