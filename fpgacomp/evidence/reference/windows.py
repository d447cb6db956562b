"""Convolution and pooling for the reference executor, 1-D and 2-D, channels first."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from math import prod

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from fpgacomp.evidence.reference.node import Operands, ReferenceNode, operand, optional
from fpgacomp.ir.types import AnyArray

_BLOCK = 1 << 22  # elements of the column matrix that are held at once


@dataclass(frozen=True)
class _Window:
    """Where a kernel looks along the spatial axes, paddings resolved."""

    kernel: tuple[int, ...]
    strides: tuple[int, ...]
    dilations: tuple[int, ...]
    pads: tuple[tuple[int, int], ...]

    @property
    def extent(self) -> tuple[int, ...]:
        """Length of the dilated kernel along each spatial axis."""
        return tuple(d * (k - 1) + 1 for k, d in zip(self.kernel, self.dilations))

    def positions(self, spatial: tuple[int, ...]) -> tuple[int, ...]:
        """Return the number of output positions over an already padded input."""
        return tuple((n - e) // s + 1 for n, e, s in zip(spatial, self.extent, self.strides))


def conv(node: ReferenceNode, operands: Operands) -> AnyArray:
    """Compute Conv: [N, C, *spatial], weight [O, C / group, *kernel], optional bias [O]."""
    x, weight, bias = operand(operands, 0), operand(operands, 1), optional(operands, 2)
    window = _window(node, weight.shape[2:], x.shape[2:])
    x = _padded(x, window, 0.0)
    groups = int(node.get("group", 1))
    matrix = weight.reshape(groups, weight.shape[0] // groups, -1)
    out_spatial = window.positions(x.shape[2:])
    columns_per_sample = x.shape[1] * prod(window.kernel) * prod(out_spatial)
    block = max(1, _BLOCK // max(1, columns_per_sample))
    result = np.empty((len(x), weight.shape[0], *out_spatial), dtype=x.dtype)
    for start in range(0, len(x), block):
        columns = _columns(x[start : start + block], window, groups)
        rows = np.matmul(matrix, columns)
        result[start : start + block] = rows.reshape(-1, weight.shape[0], *out_spatial)
    if bias is not None:
        result += bias.reshape(-1, *(1 for _ in out_spatial))
    return result


def max_pool(node: ReferenceNode, operands: Operands) -> AnyArray:
    """Compute MaxPool; a padded position never wins."""
    x = operand(operands, 0)
    window = _window(node, tuple(node.get("kernel_shape")), x.shape[2:])
    taps = iter(_taps(_padded(x, window, -np.inf), window))
    largest = next(taps).copy()
    for tap in taps:
        np.maximum(largest, tap, out=largest)
    return largest


def average_pool(node: ReferenceNode, operands: Operands) -> AnyArray:
    """Compute AveragePool; the divisor counts padded positions only under count_include_pad."""
    x = operand(operands, 0)
    if node.get("ceil_mode", 0):
        raise node.unsupported("average pooling with ceil_mode 1 is not executed.")
    window = _window(node, tuple(node.get("kernel_shape")), x.shape[2:])
    total = _sum_of_taps(x, window)
    if node.get("count_include_pad", 0):
        return total / prod(window.kernel)
    return total / _sum_of_taps(np.ones((1, 1, *x.shape[2:]), dtype=x.dtype), window)


def global_average_pool(node: ReferenceNode, operands: Operands) -> AnyArray:
    """Compute GlobalAveragePool: the mean over all spatial axes, kept as size 1."""
    x = operand(operands, 0)
    return np.asarray(x.mean(axis=tuple(range(2, x.ndim)), keepdims=True))


def global_max_pool(node: ReferenceNode, operands: Operands) -> AnyArray:
    """Compute GlobalMaxPool: the maximum over all spatial axes, kept as size 1."""
    x = operand(operands, 0)
    return np.asarray(x.max(axis=tuple(range(2, x.ndim)), keepdims=True))


def _window(node: ReferenceNode, kernel: tuple[int, ...], spatial: tuple[int, ...]) -> _Window:
    rank = len(kernel)
    strides = tuple(node.get("strides", (1,) * rank))
    dilations = tuple(node.get("dilations", (1,) * rank))
    bare = _Window(tuple(kernel), strides, dilations, ((0, 0),) * rank)
    pads = _pads(node, bare, spatial)
    if node.get("ceil_mode", 0):
        pads = tuple(
            (before, after + (e - n - before - after) % s)
            for n, (before, after), e, s in zip(spatial, pads, bare.extent, strides)
        )
    return _Window(bare.kernel, strides, dilations, pads)


def _pads(
    node: ReferenceNode, window: _Window, spatial: tuple[int, ...]
) -> tuple[tuple[int, int], ...]:
    auto = node.get("auto_pad", "NOTSET")
    if auto == "VALID":
        return ((0, 0),) * len(spatial)
    if auto == "NOTSET":
        flat = tuple(node.get("pads", (0,) * (2 * len(spatial))))
        return tuple(zip(flat[: len(spatial)], flat[len(spatial) :]))
    pads = []
    for n, extent, stride in zip(spatial, window.extent, window.strides):
        total = max((-(-n // stride) - 1) * stride + extent - n, 0)
        small, large = total // 2, total - total // 2
        pads.append((small, large) if auto == "SAME_UPPER" else (large, small))
    return tuple(pads)


def _padded(x: AnyArray, window: _Window, value: float) -> AnyArray:
    if not any(before or after for before, after in window.pads):
        return x
    return np.pad(x, ((0, 0), (0, 0), *window.pads), constant_values=value)


def _columns(x: AnyArray, window: _Window, groups: int) -> AnyArray:
    """[n, C, *spatial] -> [n, groups, C / groups * taps, positions]."""
    rank = len(window.kernel)
    views = sliding_window_view(x, window.extent, axis=tuple(range(2, 2 + rank)))
    steps = tuple(slice(None, None, s) for s in window.strides + window.dilations)
    views = views[(slice(None), slice(None), *steps)]  # [n, C, *out, *kernel]
    order = (0, 1, *range(2 + rank, 2 + 2 * rank), *range(2, 2 + rank))
    positions = prod(views.shape[2 : 2 + rank])
    return views.transpose(order).reshape(len(x), groups, -1, positions)


def _taps(x: AnyArray, window: _Window) -> list[AnyArray]:
    """One strided view [N, C, *out] of the padded input for each position of the kernel."""
    out = window.positions(x.shape[2:])
    views = []
    for tap in product(*(range(k) for k in window.kernel)):
        starts = (t * d for t, d in zip(tap, window.dilations))
        cut = (
            slice(start, start + (n - 1) * s + 1, s)
            for start, n, s in zip(starts, out, window.strides)
        )
        views.append(x[(slice(None), slice(None), *cut)])
    return views


def _sum_of_taps(x: AnyArray, window: _Window) -> AnyArray:
    taps = _taps(_padded(x, window, 0.0), window)
    total = taps[0].copy()
    for tap in taps[1:]:
        total += tap
    return total
