"""Padding and sliding windows in front of convolutions and pools."""

from __future__ import annotations

from math import prod

from fpgacomp.engines.stream.operators.pad import Pad
from fpgacomp.engines.stream.operators.window import Order, Window
from fpgacomp.engines.stream.plumbing import Plumbing
from fpgacomp.engines.stream.shapes import Shape, pair, plane
from fpgacomp.engines.stream.streams import Stream
from fpgacomp.ir.layers import Conv, MaxPool, SumPool
from fpgacomp.ir.types import IntType

WindowLayer = Conv | MaxPool | SumPool


def place_windows(
    layer: WindowLayer, source: Stream, plumbing: Plumbing, *,
    order: Order, lanes: int, fill: int = 0, dilations: tuple[int, ...] = (1, 1),
) -> Stream:  # fmt: skip
    """Place a layer's Pad, where it has one, and its Window; return the windows' stream.

    Args:
        source: the layer's input.
        order: of a window's words (see Window).
        lanes: elements per word of the windows.
        fill: value of padded elements.
        dilations: distance between a window's elements, per spatial axis.
    """
    source, shape = _padded(layer, source, plumbing, fill)
    kernel = pair(layer.kernel, 1)
    elements = layer.output.pixels * prod(kernel) * shape[2]
    windows = plumbing.stream(f"{layer.name}_windows", source.type, lanes, elements)
    plumbing.add(
        Window(
            name=f"{layer.name}_window", layer=layer.name, input=source, output=windows,
            shape=shape, kernel=kernel, strides=pair(layer.strides, 1),
            dilations=pair(dilations, 1), order=order,
        )
    )  # fmt: skip
    return windows


def _padded(
    layer: WindowLayer, source: Stream, plumbing: Plumbing, fill: int
) -> tuple[Stream, Shape]:
    """The layer's input with its border, and its shape."""
    (rows, columns) = ((0, 0),) * (2 - len(layer.pads)) + layer.pads
    h, w, c = plane(layer.input.shape)
    if not any((*rows, *columns)):
        return source, (h, w, c)
    kind = source.type
    if not kind.lo <= fill <= kind.hi or (kind.bipolar and fill == 0):
        kind = IntType(min(kind.lo, fill), max(kind.hi, fill))
    shape = (h + sum(rows), w + sum(columns), c)
    padded = plumbing.stream(f"{layer.name}_padded", kind, source.lanes, prod(shape))
    plumbing.add(
        Pad(name=f"{layer.name}_pad", layer=layer.name, input=source, output=padded,
            shape=(h, w, c), rows=rows, columns=columns, fill=fill)
    )  # fmt: skip
    return padded, shape
