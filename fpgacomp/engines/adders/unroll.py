"""An integer graph as one circuit: every element of every tensor is a wire."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import product
from typing import Any, assert_never

import numpy as np
import numpy.typing as npt

from fpgacomp.engines.adders.activations import requantized
from fpgacomp.engines.shared.circuit.build import Builder
from fpgacomp.engines.shared.circuit.linear import place, times
from fpgacomp.engines.shared.circuit.nodes import Circuit, Range
from fpgacomp.engines.shared.circuit.solve import solve
from fpgacomp.engines.shared.circuit.sums import sums_of
from fpgacomp.engines.shared.digits import signed_digits
from fpgacomp.errors import FpgacompError, UnsupportedLayer
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
    MaxPool,
    Requantize,
    Reshape,
    SumPool,
    Thresholds,
    Upsample,
)
from fpgacomp.ir.types import IntArray

Wires = npt.NDArray[np.int64]  # a wire for each element of a tensor, in the tensor's shape
# The wires of rows [positions, n_in] times a matrix [n_in, n_out].
Multiply = Callable[[IntArray, Wires, Builder], Wires]
# Additions of a circuit without sharing that are still tried: beyond these neither the circuit nor
# its simulation is a matter of seconds, and no board holds it.
MOST_ADDITIONS = 150_000
_ENTRIES = 16  # of a table that count as one addition


def refusals(graph: Graph) -> Iterator[FpgacompError]:
    """What keeps a graph from being one circuit."""
    for what, count in (("inputs", len(graph.inputs)), ("outputs", len(graph.outputs))):
        if count != 1:
            yield UnsupportedLayer(graph.name, f"it has {count} {what}; the adders engine builds "
                                   "networks of one.", "use --backend stream.")  # fmt: skip
    if (count := additions(graph)) > MOST_ADDITIONS:
        yield UnsupportedLayer(
            graph.name, f"unrolled it is {count:,} additions before any is shared; the adders "
            f"engine builds up to {MOST_ADDITIONS:,}.", "use --backend stream."
        )  # fmt: skip


def additions(graph: Graph) -> int:
    """Signed digits of all weights at all positions, and other operations of about that size."""
    return sum(_additions(layer) for layer in graph.layers)


def _additions(layer: Layer) -> int:
    match layer:
        case Dense() | Conv():
            return int(signed_digits(layer.weight.array).sum()) * layer.output.pixels
        case MaxPool() | SumPool():
            return int(np.prod(layer.kernel)) * layer.output.size
        case Thresholds():
            return layer.thresholds.shape[1] * layer.output.size
        case Lookup():  # its text grows with its entries
            return -(-layer.table.shape[1] // _ENTRIES) * layer.output.size
        case Reshape():
            return 0
        case Input() | Concat() | Upsample():  # no hardware, but wires, which ports and tests hold
            return layer.output.size
        case _:
            return 2 * layer.output.size


def unroll(graph: Graph, *, ternary: bool) -> Circuit:
    """The circuit of a graph.

    Its input word has the elements of the graph's inputs, one after the other and each row-major;
    its output word those of the outputs. The taps are the tensors of all layers.

    Args:
        ternary: whether one row of LUTs adds three numbers.

    Raises:
        ToolError: alkaid is not installed.
        UnsupportedLayer: a matrix is too large to share its additions.
    """
    return unrolled_with(graph, partial(_matrix, ternary))


def unrolled_with(graph: Graph, multiply: Multiply) -> Circuit:
    """The circuit of a graph whose matrices are made by `multiply`."""
    builder = Builder([i.output.type for i in graph.inputs for _ in range(i.output.size)])
    elements = iter(range(len(builder.inputs)))
    wires: dict[str, Wires] = {}
    for layer in graph.layers:
        with builder.working_for(layer.name):
            if isinstance(layer, Input):
                made = np.array([builder.source(next(elements)) for _ in range(layer.output.size)])
                made = made.reshape(layer.output.shape)
            else:
                read = [wires[tensor.name] for tensor in layer.inputs]
                made = _layer(layer, read, builder, multiply)
        wires[layer.output.name] = made
        known = layer.output.type.lo, layer.output.type.hi
        for wire in made.ravel().tolist():
            builder.narrow(wire, known)
        builder.taps[layer.output.name] = tuple(made.ravel().tolist())
    written = [wires[tensor.name].ravel() for tensor in graph.outputs]
    return builder.finish(np.concatenate(written).tolist())


def _layer(layer: Layer, operands: list[Wires], builder: Builder, multiply: Multiply) -> Wires:
    x = operands[0]
    match layer:
        case Input():
            raise ValueError("an Input is no function")
        case Dense():
            return multiply(layer.weight.array, x.reshape(-1, x.shape[-1]), builder).reshape(
                layer.output.shape
            )
        case Conv():
            return _conv(layer, x, builder, multiply)
        case MaxPool():
            windows = _windows(x, layer.kernel, (1,) * len(layer.kernel), layer, -1)
            return _pool(windows, layer.output.shape, builder.larger)
        case SumPool():
            return _sum_pool(layer, x, builder)
        case Add():
            a, b = (
                _scaled(operand, multiplier.array, builder)
                for operand, multiplier in zip(operands, (layer.multiplier_a, layer.multiplier_b))
            )
            pairs = zip(a.ravel().tolist(), b.ravel().tolist())
            return np.array([builder.sum(*pair) for pair in pairs]).reshape(layer.output.shape)
        case Concat():
            return np.concatenate(operands, axis=-1)
        case Reshape():
            return x.reshape(layer.output.shape)
        case Upsample():
            for axis, factor in enumerate(layer.factors):
                x = x.repeat(factor, axis=axis)
            return x
        case Requantize():
            return _channelwise(x, lambda wire, c: requantized(layer, c, wire, builder))
        case Thresholds():
            return _channelwise(x, lambda wire, c: _thresholds(layer, c, wire, builder))
        case Lookup():
            return _channelwise(x, lambda wire, c: _lookup(layer, c, wire, builder))
        case ArgMax():
            rows = x.reshape(-1, x.shape[-1])
            found = [_arg_max(row.tolist(), builder) for row in rows]
            return np.array(found).reshape(layer.output.shape)
        case _:
            assert_never(layer)


def _channelwise(x: Wires, wire: Callable[[int, int], int]) -> Wires:
    """A function of each element and of its channel."""
    channels = x.shape[-1]
    made = [wire(one, index % channels) for index, one in enumerate(x.ravel().tolist())]
    return np.array(made).reshape(x.shape)


def _matrix(ternary: bool, weight: IntArray, rows: Wires, builder: Builder) -> Wires:
    """[positions, n_in] wires times a matrix: the same additions at each position."""
    hull = hulls(rows, builder)
    varying = [index for index, (lo, hi) in enumerate(hull) if lo < hi]
    fixed = np.array([lo if lo == hi else 0 for lo, hi in hull], dtype=np.int64) @ weight
    constants = [builder.constant(value) for value in fixed.tolist()]
    if not varying:
        return np.tile(np.array(constants), (len(rows), 1))
    graph = solve(weight[varying], [hull[index] for index in varying])
    made = sums_of(graph, ternary=ternary)
    return np.array([
        [builder.sum(wire, constant) for wire, constant in zip(wires, constants)]
        for wires in (place(made, builder, row) for row in rows[:, varying].tolist())
    ])  # fmt: skip


def hulls(rows: Wires, builder: Builder) -> list[Range]:
    """The range of each column of rows [positions, n_in], over all positions."""
    return [_hull(builder, column) for column in rows.T.tolist()]


def _hull(builder: Builder, wires: Sequence[int]) -> Range:
    spans = [builder.ranges[wire] for wire in wires]
    return min(lo for lo, _ in spans), max(hi for _, hi in spans)


def _conv(layer: Conv, x: Wires, builder: Builder, multiply: Multiply) -> Wires:
    zero = builder.constant(0)
    windows = _windows(x, layer.kernel, layer.dilations, layer, zero)  # [*out, taps, C]
    spatial, taps = windows.shape[:-2], windows.shape[-2]
    c_in, c_out = layer.weight.shape[-2:]
    width = c_out // layer.groups
    weight = layer.weight.array.reshape(taps, c_in, c_out)
    parts = []
    for group in range(layer.groups):
        rows = windows[..., group * c_in : (group + 1) * c_in].reshape(-1, taps * c_in)
        matrix = weight[..., group * width : (group + 1) * width].reshape(taps * c_in, width)
        parts.append(multiply(matrix, rows, builder).reshape(*spatial, width))
    return np.concatenate(parts, axis=-1)


def _windows(
    x: Wires, kernel: tuple[int, ...], dilations: tuple[int, ...], layer: Any, padding: int
) -> Wires:
    """[*out, taps, C]: the wires that each position of a Conv or a pool reads."""
    padded = np.pad(x, (*layer.pads, (0, 0)), constant_values=padding)
    spatial = layer.output.shape[:-1]
    found = np.empty((*spatial, int(np.prod(kernel)), x.shape[-1]), np.int64)
    for tap, offset in enumerate(product(*map(range, kernel))):
        places = tuple(
            slice(o * d, o * d + (n - 1) * s + 1, s)
            for o, d, n, s in zip(offset, dilations, spatial, layer.strides)
        )
        found[..., tap, :] = padded[places]
    return found


def _pool(windows: Wires, shape: tuple[int, ...], join: Callable[[int, int], int]) -> Wires:
    """Join the taps of each window, but for the padding, whose wire is -1."""
    columns = np.moveaxis(windows, -2, -1).reshape(-1, windows.shape[-2])
    return np.array([_tree([w for w in row if w >= 0], join) for row in columns.tolist()]).reshape(
        shape
    )


def _tree(wires: list[int], join: Callable[[int, int], int]) -> int:
    """Join wires in pairs until one is left."""
    while len(wires) > 1:
        pairs = [join(a, b) for a, b in zip(wires[::2], wires[1::2])]
        wires = pairs + wires[len(wires) - len(wires) % 2 :]
    return wires[0]


def _sum_pool(layer: SumPool, x: Wires, builder: Builder) -> Wires:
    windows = _windows(x, layer.kernel, (1,) * len(layer.kernel), layer, builder.constant(0))
    sums = _pool(windows, layer.output.shape, builder.sum)
    if layer.multiplier is None:
        return sums
    factors = np.broadcast_to(layer.multiplier.array[..., None], sums.shape)
    pairs = zip(sums.ravel().tolist(), factors.ravel().tolist())
    return np.array([times(builder, *pair) for pair in pairs]).reshape(sums.shape)


def _scaled(x: Wires, multiplier: IntArray, builder: Builder) -> Wires:
    factors = np.broadcast_to(multiplier, x.shape[-1:]).tolist()
    return _channelwise(x, lambda wire, c: times(builder, wire, factors[c]))


def _thresholds(layer: Thresholds, channel: int, wire: int, builder: Builder) -> int:
    def of(values: IntArray) -> Any:
        return values[channel if len(values) > 1 else 0].tolist()

    return builder.count(
        wire, of(layer.thresholds.array), of(layer.base.array), of(layer.step.array)
    )


def _lookup(layer: Lookup, channel: int, wire: int, builder: Builder) -> int:
    table = layer.table.array
    lo, hi = (end - layer.input.type.lo for end in builder.ranges[wire])
    return builder.table(wire, table[channel if len(table) > 1 else 0, lo : hi + 1].tolist())


def _arg_max(row: list[int], builder: Builder) -> int:
    """A tournament of neighbours, which keeps the lower index of equal values."""

    def join(a: tuple[int, int], b: tuple[int, int]) -> tuple[int, int]:
        first = builder.compare(a[0], b[0])
        return builder.larger(a[0], b[0]), builder.choose(first, a[1], b[1])

    players = [(wire, builder.constant(index)) for index, wire in enumerate(row)]
    while len(players) > 1:
        pairs = [join(a, b) for a, b in zip(players[::2], players[1::2])]
        players = pairs + players[len(players) - len(players) % 2 :]
    return players[0][1]
