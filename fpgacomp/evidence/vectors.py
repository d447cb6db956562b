"""Makes test vectors: seeded integers over the whole input range, extremes included."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from fpgacomp.ir.graph import Graph
from fpgacomp.ir.layers import Activation, Conv, Dense, Input, Layer, Requantize
from fpgacomp.ir.types import IntArray

_SMOOTH = 4  # one random vector in so many is constant per channel, which drives sums far out


def integer_vectors(graph: Graph, count: int, seed: int) -> dict[str, IntArray]:
    """Return `count` samples [count, *shape] per integer input, by tensor name.

    The first are the corners: all lowest, all highest, all nearest to zero, then for
    each output of the first weight layers the input that drives it to its extremes.
    The rest is random over the whole range, some of it constant over positions.
    """
    return {
        layer.output.name: _for_input(graph, layer, count, seed + index)
        for index, layer in enumerate(graph.inputs)
    }


def bytes_per_vector(graph: Graph) -> int:
    """Bytes of memory that each vector of `integer_vectors` takes until all of them are run.

    An integer of an input is there twice while vectors are put together, and later beside the
    number that the network reads; an integer of an output is kept and put together.
    """
    tensors = (*(layer.output for layer in graph.inputs), *graph.outputs)
    return 2 * np.dtype(np.int64).itemsize * sum(tensor.size for tensor in tensors)


def _for_input(graph: Graph, layer: Input, count: int, seed: int) -> IntArray:
    rng = np.random.default_rng(seed)
    kind, shape = layer.output.type, layer.output.shape
    zero = min(max(0, kind.lo), kind.hi)
    if kind.bipolar:
        zero = 1
    corners = [np.full(shape, value) for value in (kind.lo, kind.hi, zero)]
    corners += _driven(graph, layer, max(count // 4, 0))
    chosen = np.array(corners[:count], dtype=np.int64).reshape(-1, *shape)
    rest = rng.integers(kind.lo, kind.hi + 1, (count - len(chosen), *shape))
    smooth = rng.integers(kind.lo, kind.hi + 1, (len(rest), *(1,) * (len(shape) - 1), shape[-1]))
    rest[::_SMOOTH] = np.broadcast_to(smooth, rest.shape)[::_SMOOTH]
    if kind.bipolar:
        rest = np.where(rest >= 0, 1, -1)
    return np.concatenate([chosen, rest])


def _driven(graph: Graph, layer: Input, most: int) -> list[IntArray]:
    """Return inputs that drive single outputs of the weight layers behind this
    input to their ends.
    """
    found: list[IntArray] = []
    kind, shape = layer.output.type, layer.output.shape
    for reader in _first_weights(graph, layer):
        for column in _filters(reader):
            column = column.reshape(shape)
            found += [
                np.where(column > 0, kind.hi, kind.lo),
                np.where(column > 0, kind.lo, kind.hi),
            ]
            if len(found) >= most:
                return found[:most]
    return found


def _first_weights(graph: Graph, layer: Layer) -> list[Dense | Conv]:
    """Return the weight layers that see the input itself, under whatever shape.

    Every layer is looked at once, however many ways lead to it.
    """
    found: list[Dense | Conv] = []
    waiting, seen = [layer], {layer.output.name}
    while waiting:
        for reader in graph.consumers[waiting.pop(0).output.name]:
            if reader.output.name in seen:
                continue
            seen.add(reader.output.name)
            if isinstance(reader, Dense | Conv):
                found.append(reader)
            elif reader.output.size == layer.output.size and not isinstance(reader, Activation):
                waiting.append(reader)
    return found


def _filters(layer: Dense | Conv) -> list[IntArray]:
    """Return the weights of each output laid over the layer's own input, tiled over positions."""
    weight, shape = layer.weight.array, layer.input.shape
    if isinstance(layer, Dense):
        size = int(np.prod(shape))
        columns = weight.T if weight.shape[0] == size else np.tile(weight.T, size // len(weight))
        return [column.reshape(shape) for column in columns]
    if layer.groups > 1:
        return []
    tiled = []
    for index in range(weight.shape[-1]):
        repeats = [-(-n // k) for n, k in zip(shape, layer.kernel)]
        wide = np.tile(weight[..., index], (*repeats, 1))
        tiled.append(wide[tuple(slice(n) for n in shape[:-1])])
    return tiled


def unreached(graph: Graph, reached: Mapping[str, tuple[int, int]]) -> list[str]:
    """Return a phrase for each activation whose lowest or highest integer no vector reached.

    Args:
        graph: the integer graph.
        reached: tensor name -> (lowest, highest integer that any vector gave).
    """
    found = []
    for layer in graph.layers:
        # A Requantize that only puts classes in order has no lowest and highest level.
        ordered = isinstance(layer, Requantize) and layer.is_affine
        if isinstance(layer, Activation) and not ordered:
            (low, high), kind = reached[layer.output.name], layer.output.type
            if (low, high) != (kind.lo, kind.hi):
                found.append(f"{layer.name} reached {low}..{high} of {kind.lo}..{kind.hi}")
    return found


def narrow(layer: Layer, values: IntArray) -> IntArray:
    """The integers of a layer's output in the narrowest integer type that holds its range."""
    kind = layer.output.type
    dtype = np.result_type(np.min_scalar_type(kind.lo), np.min_scalar_type(kind.hi))
    if dtype.kind == "f":  # what NumPy makes of int64 and uint64 together
        dtype = np.dtype(np.int64)
    found: IntArray = values.astype(dtype)
    return found


def narrowed(graph: Graph, values: Mapping[str, IntArray]) -> dict[str, IntArray]:
    """Every layer's integers [N, *shape] in the narrowest integer type that holds its range."""
    return {layer.output.name: narrow(layer, values[layer.output.name]) for layer in graph.layers}
