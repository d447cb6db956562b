"""The oracle: executes the integer graph in numpy, exactly.

Semantics are int64. Sums of products go through float32 or float64 BLAS where the
operands' ranges prove that every partial sum is an integer the float type holds
exactly (below 2**24 or 2**53), and through int64 otherwise: the same integers, faster.
"""

from __future__ import annotations

from typing import assert_never

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from fpgacomp.errors import InputDataError
from fpgacomp.ir.graph import Graph
from fpgacomp.ir.infer import requantize
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
    Tensor,
    Thresholds,
    Upsample,
)
from fpgacomp.ir.types import IntArray, NamedArrays

Values = dict[str, IntArray]


def run(graph: Graph, inputs: NamedArrays) -> Values:
    """Execute the graph on N samples and return every tensor of it.

    Args:
        graph: a verified graph.
        inputs: input tensor name -> integers [N, *shape], each within the tensor's range.

    Returns:
        Every tensor of the graph: name -> int64 [N, *shape].

    Raises:
        InputDataError: an input is missing, of the wrong shape, not integer, or out of range.
    """
    values: Values = {}
    for layer in graph.layers:
        if isinstance(layer, Input):
            values[layer.output.name] = _checked(layer.output, inputs)
        else:
            operands = [values[tensor.name] for tensor in layer.inputs]
            values[layer.output.name] = execute(layer, operands)
    return values


def execute(layer: Layer, operands: list[IntArray]) -> IntArray:
    """Return one layer's output [N, *shape] from its operands, each int64 [N, *shape]."""
    x = operands[0] if operands else np.zeros(0, dtype=np.int64)
    match layer:
        case Input():
            raise ValueError("an Input has nothing to execute")
        case Dense():
            return _exact_matmul(x, layer.weight.array, layer.input.type.magnitude)
        case Conv():
            return _conv(layer, x)
        case MaxPool():
            floor = np.iinfo(np.int64).min
            largest: IntArray = _pool_windows(layer, x, floor).max(axis=_window_axes(layer))
            return largest
        case SumPool():
            total: IntArray = _pool_windows(layer, x, 0).sum(axis=_window_axes(layer))
            return total if layer.multiplier is None else total * layer.multiplier.array[..., None]
        case Add():
            return x * layer.multiplier_a.array + operands[1] * layer.multiplier_b.array
        case Concat():
            return np.concatenate(operands, axis=-1)
        case Reshape():
            return x.reshape(len(x), *layer.output.shape)
        case Upsample():
            for axis, factor in enumerate(layer.factors, start=1):
                x = x.repeat(factor, axis=axis)
            return x
        case Requantize():
            return requantize(layer, x)
        case Thresholds():
            return _thresholds(layer, x)
        case Lookup():
            return _lookup(layer, x)
        case ArgMax():
            first: IntArray = x.argmax(axis=-1, keepdims=True)  # numpy: the lowest of equal ones
            return first
        case _:
            assert_never(layer)


def _checked(tensor: Tensor, inputs: NamedArrays) -> IntArray:
    if tensor.name not in inputs:
        raise InputDataError(tensor.name, "no integers were given for this input.",
                             f"give one of {sorted(inputs)} this name.")  # fmt: skip
    array = np.asarray(inputs[tensor.name])
    if array.dtype.kind not in "iu":
        raise InputDataError(tensor.name, f"the integer graph got {array.dtype} values.",
                             "convert the input with the software side first.")  # fmt: skip
    if array.shape[1:] != tensor.shape:
        raise InputDataError(tensor.name, f"got shape {array.shape}, expected [N, {tensor.shape}].",
                             "give channels-last integers, samples first.")  # fmt: skip
    low, high = (int(array.min()), int(array.max())) if array.size else (tensor.type.lo,) * 2
    if low < tensor.type.lo or high > tensor.type.hi:
        raise InputDataError(tensor.name, f"values {low}..{high} leave {tensor.type}.",
                             "quantize the input with the software side first.")  # fmt: skip
    return array.astype(np.int64)


def _exact_matmul(x: IntArray, weight: IntArray, magnitude: int) -> IntArray:
    """Return x @ weight by the fastest arithmetic that is exact for |x| <= magnitude."""
    bound = magnitude * int(abs(weight).sum(axis=-2).max(initial=0))
    if bound < 1 << 24:
        return (x.astype(np.float32) @ weight.astype(np.float32)).astype(np.int64)
    if bound < 1 << 53:
        return (x.astype(np.float64) @ weight.astype(np.float64)).astype(np.int64)
    return x @ weight


def _conv(layer: Conv, x: IntArray) -> IntArray:
    windows = _conv_windows(layer, x)  # [N, *out, *kernel, C]
    weight = layer.weight.array
    if layer.depthwise:
        return _depthwise(windows, weight[..., 0, :])
    spatial = windows.shape[: 1 + len(layer.kernel)]
    groups, c_in, c_out = layer.groups, *weight.shape[-2:]
    magnitude = layer.input.type.magnitude
    if groups == 1:
        return _exact_matmul(windows.reshape(*spatial, -1), weight.reshape(-1, c_out), magnitude)
    taps = int(np.prod(layer.kernel))
    columns: IntArray = windows.reshape(-1, taps, groups, c_in).transpose(2, 0, 1, 3)
    columns = columns.reshape(groups, -1, taps * c_in)
    matrices = weight.reshape(taps, c_in, groups, c_out // groups).transpose(2, 0, 1, 3)
    result = _exact_matmul(columns, matrices.reshape(groups, taps * c_in, -1), magnitude)
    return result.transpose(1, 0, 2).reshape(*spatial, c_out)


def _depthwise(windows: IntArray, weight: IntArray) -> IntArray:
    """Return [N, *out, *kernel, C] windows times [*kernel, C] filters, summed over the kernel."""
    rank = weight.ndim - 1
    total = np.zeros((*windows.shape[: 1 + rank], weight.shape[-1]), dtype=np.int64)
    for tap in np.ndindex(*weight.shape[:-1]):
        total += windows[(slice(None),) * (1 + rank) + tap] * weight[tap]
    return total


def _conv_windows(layer: Conv, x: IntArray) -> IntArray:
    extent = tuple(d * (k - 1) + 1 for k, d in zip(layer.kernel, layer.dilations))
    windows = _windows(x, extent, layer.strides, layer.pads, 0)
    rank = len(extent)
    dilated = (slice(None),) * (1 + rank) + tuple(slice(None, None, d) for d in layer.dilations)
    return windows[dilated]


def _pool_windows(layer: MaxPool | SumPool, x: IntArray, padding: int) -> IntArray:
    return _windows(x, layer.kernel, layer.strides, layer.pads, padding)


def _window_axes(layer: MaxPool | SumPool) -> tuple[int, ...]:
    rank = len(layer.kernel)
    return tuple(range(1 + rank, 1 + 2 * rank))


def _windows(
    x: IntArray,
    extent: tuple[int, ...],
    strides: tuple[int, ...],
    pads: tuple[tuple[int, int], ...],
    padding: int,
) -> IntArray:
    """Return a view [N, *out, *extent, C] of x [N, *spatial, C]."""
    rank = len(extent)
    if any(before or after for before, after in pads):
        x = np.pad(x, ((0, 0), *pads, (0, 0)), constant_values=padding)
    windows = sliding_window_view(x, extent, axis=tuple(range(1, 1 + rank)))
    windows = windows[(slice(None), *(slice(None, None, s) for s in strides))]
    return np.moveaxis(windows, 1 + rank, -1)


def _thresholds(layer: Thresholds, x: IntArray) -> IntArray:
    thresholds = layer.thresholds.array
    channels = x.shape[-1]
    if len(thresholds) == 1:
        count = np.searchsorted(thresholds[0], x.ravel(), side="right").reshape(x.shape)
    else:
        count = np.empty_like(x)
        for channel in range(channels):
            flat = x[..., channel]
            count[..., channel] = np.searchsorted(thresholds[channel], flat, side="right")
    return layer.base.array + layer.step.array * count


def _lookup(layer: Lookup, x: IntArray) -> IntArray:
    table = layer.table.array
    row = np.arange(x.shape[-1]) if len(table) > 1 else 0
    found: IntArray = table[row, x - layer.input.type.lo]
    return found
