"""Which foldings a streaming design may have."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod

from fpgacomp.engines.stream.design import StreamDesign, StreamFolding
from fpgacomp.errors import FpgacompError, UnsupportedLayer
from fpgacomp.ir.layers import ArgMax, Concat, Conv, Dense, Input, Layer, Reshape


def folding_problems(design: StreamDesign) -> Iterator[FpgacompError]:
    """Every folding that the layer or the device does not allow, and every unread output."""
    graph = design.graph
    sinks = {tensor.name for tensor in graph.outputs}
    for layer in graph.layers:
        if not graph.consumers[layer.output.name] and layer.output.name not in sinks:
            yield UnsupportedLayer(layer.name, "nobody reads its output, so the stream would "
                                   "fill up and stop.", "remove the layer.")  # fmt: skip
        if isinstance(layer, Input | Reshape):
            continue
        folding = design.folding.get(layer.name)
        if folding is None:
            yield UnsupportedLayer(layer.name, "has no folding.", "give it one (pe=1, simd=1).")
        elif why := _illegal(layer, folding):
            yield UnsupportedLayer(layer.name, why, "choose divisors.")
        elif folding.arithmetic == "dsp" and design.board.device.multiplier is None:
            yield UnsupportedLayer(layer.name, f"board {design.board.name} has no DSP multiplier.",
                                   "choose arithmetic lut.")  # fmt: skip


def _illegal(layer: Layer, folding: StreamFolding) -> str:
    channels = (layer.input if isinstance(layer, ArgMax) else layer.output).channels
    if min(folding.pe, folding.simd) < 1:
        return f"pe {folding.pe} and simd {folding.simd} are not both 1 or more."
    if isinstance(layer, Concat):
        if any(part.channels % folding.pe for part in layer.parts):
            return f"pe {folding.pe} does not divide all of its inputs' channels."
        return ""
    if channels % folding.pe:
        return f"pe {folding.pe} does not divide its {channels} channels."
    if isinstance(layer, Dense | Conv) and not getattr(layer, "depthwise", False):
        inputs = layer.input.channels
        width = inputs * (prod(layer.kernel) if isinstance(layer, Conv) else 1)
        if width % folding.simd or (inputs % folding.simd and folding.simd % inputs):
            return f"simd {folding.simd} does not fold {inputs} channels of {width} products."
    return ""
