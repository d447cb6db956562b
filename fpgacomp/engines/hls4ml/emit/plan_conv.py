"""Dense and Conv as hls4ml's own matrix layers, padding and grouping made explicit."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from fpgacomp.engines.hls4ml.emit.nodes import Weights, ap_type, multiplier_type
from fpgacomp.engines.hls4ml.emit.plan import Planner
from fpgacomp.engines.hls4ml.emit.plan_pool import pool_extension
from fpgacomp.ir.layers import Conv, Dense, MaxPool, Tensor
from fpgacomp.ir.types import IntArray

_LAST = {"data_format": "channels_last"}


def dense(p: Planner, layer: Dense) -> str:
    """Dense on a vector, or a pointwise convolution where there are positions.

    hls4ml would make that replacement itself, silently (multi_dense.py); here it is asked for.
    """
    n_in, n_out = layer.weight.shape
    if len(layer.output.shape) > 1:
        ones = (1,) * (len(layer.output.shape) - 1)
        no_pads = ((0, 0),) * len(ones)
        kernel = layer.weight.array.reshape(*ones, n_in, n_out)
        return _convolution(p, layer, kernel, ones, no_pads, depthwise=False)
    attributes = {"n_in": n_in, "n_out": n_out}
    source = p.read_shaped(layer.input)
    return p.hls4ml("Dense", layer.output, (source,), attributes, folding=p.folding(layer),
                    **_arithmetic(layer, layer.weight.array))  # fmt: skip


def conv(p: Planner, layer: Conv) -> str:
    """A convolution over one position or many; groups and dilation are zeros in the kernel."""
    kernel = _dilated(layer.weight.array, layer.dilations)
    # A one-row window makes hls4ml's depthwise stream declare a line buffer of no lines.
    depthwise = layer.depthwise and (kernel.ndim == 3 or kernel.shape[0] > 1)
    if depthwise:
        kernel = kernel.swapaxes(-1, -2)  # [*kernel, 1, C] -> [*kernel, C, 1]
    elif layer.groups > 1:
        kernel = _block_diagonal(kernel, layer.groups)
    return _convolution(p, layer, kernel, layer.strides, layer.pads, depthwise=depthwise)


def _convolution(
    p: Planner,
    layer: Conv | Dense,
    kernel: IntArray,
    strides: tuple[int, ...],
    pads: tuple[tuple[int, int], ...],
    *,
    depthwise: bool,
) -> str:
    # In arrays, hls4ml's im2col goes by the shape of the variable; in streams, by the sizes.
    source, seen = (p.read if p.stream else p.read_shaped)(layer.input), layer.input
    if p.stream and any(before or after for before, after in pads):
        # hls4ml's line buffers take no padding; its own layer writes the zeros into the stream.
        source, seen = _padded(p, seen, source, pads, layer.output.name)
        pads = ((0, 0),) * len(pads)
    if p.stream and len(strides) == 2 and kernel.shape[0] == 1 < strides[0] and kernel.shape[1] > 1:
        # hls4ml's stream of a one-row window (compute_output_buffer_1d) skips no rows.
        source, seen = _every_row(p, seen, source, strides[0], layer.output.name)
        strides = (1, strides[1])
    attributes = _LAST | _sizes(seen, layer.output, kernel.shape[:-2], strides, pads)
    dimensions = f"{len(strides)}D"
    if depthwise:
        attributes["depth_multiplier"] = 1
    class_name = f"DepthwiseConv{dimensions}" if depthwise else f"Conv{dimensions}"
    return p.hls4ml(class_name, layer.output, (source,), attributes, folding=p.folding(layer),
                    **_arithmetic(layer, kernel))  # fmt: skip


def _arithmetic(layer: Conv | Dense, weight: IntArray) -> dict[str, Any]:
    """Weights and types: sums are formed modulo 2**bits, so the output's own width is enough."""
    kind = multiplier_type(weight)
    result = ap_type(layer.output.type)
    return {
        "weights": {"weight": Weights(weight, kind)},
        "types": {"weight": kind, "accum": result},
    }


def _sizes(
    source: Tensor,
    output: Tensor,
    kernel: tuple[int, ...],
    strides: tuple[int, ...],
    pads: tuple[tuple[int, int], ...],
) -> dict[str, Any]:
    """hls4ml's names for the sizes of a convolution, 1-D (width) or 2-D (height and width)."""
    sizes: dict[str, Any] = {"n_chan": source.channels, "n_filt": output.channels}
    axes = ("width",) if len(kernel) == 1 else ("height", "width")
    sides = {"height": ("pad_top", "pad_bottom"), "width": ("pad_left", "pad_right")}
    for i, axis in enumerate(axes):
        sizes |= {
            f"in_{axis}": source.shape[i], f"out_{axis}": output.shape[i],
            f"filt_{axis}": kernel[i], f"stride_{axis}": strides[i],
            sides[axis][0]: pads[i][0], sides[axis][1]: pads[i][1],
        }  # fmt: skip
    return sizes


def _padded(
    p: Planner, tensor: Tensor, source: str, pads: tuple[tuple[int, int], ...], reader: str
) -> tuple[str, Tensor]:
    """The stream with its zeros written in, in the same type (which always holds zero)."""
    spatial = tuple(n + before + after for n, (before, after) in zip(tensor.shape, pads))
    padded = replace(tensor, shape=(*spatial, tensor.channels))
    sizes = _sizes(tensor, padded, (1,) * len(pads), (1,) * len(pads), pads)
    attributes = _LAST | {
        key: value for key, value in sizes.items() if key.startswith(("in_", "out_", "pad_", "n_c"))
    }
    name = p.hls4ml(f"ZeroPadding{len(pads)}D", padded, (source,), attributes, traced=False,
                    wanted=f"{reader}_padding")  # fmt: skip
    return name, padded


def _every_row(
    p: Planner, tensor: Tensor, source: str, step: int, reader: str
) -> tuple[str, Tensor]:
    """The stream with only one row in `step`: a maximum over a window of one position."""
    height, width, channels = tensor.shape
    kept = replace(tensor, name=reader, shape=((height - 1) // step + 1, width, channels))
    layer = MaxPool(
        name=reader, output=kept, input=tensor, kernel=(1, 1), strides=(step, 1),
        pads=((0, 0), (0, 0)),
    )  # fmt: skip
    extension, weights = pool_extension(layer)
    return p.extension(extension, kept, (source,), weights=weights, traced=False)[0], kept


def _dilated(weight: IntArray, dilations: tuple[int, ...]) -> IntArray:
    """The kernel with dilation - 1 zeros between its taps."""
    if all(d == 1 for d in dilations):
        return weight
    rank = len(dilations)
    extent = tuple(d * (k - 1) + 1 for k, d in zip(weight.shape, dilations))
    kernel = np.zeros((*extent, *weight.shape[rank:]), dtype=np.int64)
    kernel[tuple(slice(None, None, d) for d in dilations)] = weight
    return kernel


def _block_diagonal(weight: IntArray, groups: int) -> IntArray:
    """[*kernel, c_in, groups * c_out] -> [*kernel, groups * c_in, groups * c_out] with zeros."""
    *kernel, c_in, total_out = weight.shape
    c_out = total_out // groups
    full = np.zeros((*kernel, groups * c_in, total_out), dtype=np.int64)
    for g in range(groups):
        outputs = slice(g * c_out, (g + 1) * c_out)
        full[..., g * c_in : (g + 1) * c_in, outputs] = weight[..., outputs]
    return full
