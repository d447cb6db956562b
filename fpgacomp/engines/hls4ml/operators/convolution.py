"""The nodes of a convolution, for Conv and for a Dense at several positions.

Padding and skipped rows that hls4ml's streams cannot do become nodes of their own.
"""

from __future__ import annotations

from dataclasses import replace

from fpgacomp.engines.hls4ml.emit.nodes import (
    Attribute,
    NodeWeights,
    ap_type,
    multiplier_type,
)
from fpgacomp.engines.hls4ml.emit.planner import Planner
from fpgacomp.engines.hls4ml.operators.pool import MaxPoolOperator
from fpgacomp.engines.hls4ml.windows import Pads
from fpgacomp.engines.shared.circuit.solve import AdderGraph
from fpgacomp.ir.layers import Conv, Dense, MaxPool, Tensor
from fpgacomp.ir.types import IntArray

_LAST: dict[str, Attribute] = {"data_format": "channels_last"}


def convolution(
    p: Planner,
    layer: Conv | Dense,
    kernel: IntArray,
    strides: tuple[int, ...],
    pads: Pads,
    *,
    depthwise: bool = False,
    sums: AdderGraph | None = None,
) -> str:
    """Add a convolution's nodes to the plan and return the name of its output.

    Args:
        kernel: [*window, C_in, C_out], without groups and dilation; [*window, C, 1] where
            `depthwise`.
        strides: one per axis of the window, as `pads`.
        sums: additions that take the place of hls4ml's products.
    """
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
                    weights=weights(kernel), types=types(kernel, layer.output),
                    sums=sums)  # fmt: skip


def weights(values: IntArray) -> dict[str, NodeWeights]:
    """The weights of one of hls4ml's own layers."""
    return {"weight": NodeWeights(values, multiplier_type(values))}


def types(values: IntArray, output: Tensor) -> dict[str, str]:
    """Their C++ type and the sums', which wrap modulo 2**bits: the output's width is enough."""
    return {"weight": multiplier_type(values), "accum": ap_type(output.type)}


def _sizes(
    source: Tensor,
    output: Tensor,
    kernel: tuple[int, ...],
    strides: tuple[int, ...],
    pads: Pads,
) -> dict[str, Attribute]:
    """hls4ml's names for the sizes of a convolution, 1-D (width) or 2-D (height and width)."""
    sizes: dict[str, Attribute] = {"n_chan": source.channels, "n_filt": output.channels}
    axes = ("width",) if len(kernel) == 1 else ("height", "width")
    sides = {"height": ("pad_top", "pad_bottom"), "width": ("pad_left", "pad_right")}
    for i, axis in enumerate(axes):
        sizes |= {
            f"in_{axis}": source.shape[i], f"out_{axis}": output.shape[i],
            f"filt_{axis}": kernel[i], f"stride_{axis}": strides[i],
            sides[axis][0]: pads[i][0], sides[axis][1]: pads[i][1],
        }  # fmt: skip
    return sizes


def _padded(p: Planner, tensor: Tensor, source: str, pads: Pads, reader: str) -> tuple[str, Tensor]:
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
    extension, factors = MaxPoolOperator(layer).extension()
    return p.extension(extension, kept, (source,), weights=factors, traced=False)[0], kept
