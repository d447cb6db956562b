"""Integer graph and folding to a dataflow of streaming operators."""

from __future__ import annotations

from collections import Counter
from functools import lru_cache
from math import prod
from typing import assert_never

import numpy as np

from fpgacomp.engines.stream.dataflow import (
    Activate,
    Convert,
    Dataflow,
    Duplicate,
    Join,
    Label,
    MatrixVector,
    MaxOver,
    Operator,
    Order,
    Pad,
    Pair,
    Repeat,
    ScaledAdd,
    Shape,
    Sink,
    Source,
    SumAll,
    SumOver,
    VectorVector,
    Window,
)
from fpgacomp.engines.stream.design import StreamDesign, StreamFolding
from fpgacomp.engines.stream.folding_rules import folding_problems
from fpgacomp.engines.stream.streams import Stream, container_bits
from fpgacomp.errors import raise_all
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
from fpgacomp.ir.types import Ints, IntType


def plane(shape: tuple[int, ...]) -> Shape:
    """(H, W, C) of a tensor's shape."""
    h, w, c = (1,) * (3 - len(shape)) + shape
    return h, w, c


def pair(values: tuple[int, ...], missing: int) -> Pair:
    """A value per spatial axis as (down, across)."""
    down, across = (missing,) * (2 - len(values)) + values
    return down, across


@lru_cache(maxsize=16)  # a folding search expands the same layers over and over
def _matrix_of(kernels: Ints, groups: int) -> Ints:
    """[taps * C, O]: a convolution's weights in the order of `channels_inner` windows.

    Groups are block-diagonal: products with the zeros cost nothing that is not built.
    """
    weight = kernels.array
    *kernel, per_group, filters = weight.shape
    whole = np.zeros((prod(kernel), per_group * groups, filters), dtype=np.int64)
    flat = weight.reshape(prod(kernel), per_group, filters)
    share = filters // groups
    for group in range(groups):
        rows = slice(group * per_group, (group + 1) * per_group)
        columns = slice(group * share, (group + 1) * share)
        whole[:, rows, columns] = flat[:, :, columns]
    return Ints(whole.reshape(-1, filters))


def is_global(layer: SumPool) -> bool:
    """One window that is the whole unpadded frame."""
    whole = layer.kernel == layer.input.shape[:-1]
    return whole and layer.multiplier is None and not any(max(pad) for pad in layer.pads)


def needs_window(layer: Conv) -> bool:
    """False for a 1x1 convolution of every position."""
    padded = any(max(pad) for pad in layer.pads)
    return prod(layer.kernel) > 1 or max(layer.strides) > 1 or padded


def _beat_lanes(lanes: int, kind: IntType) -> int:
    """Most lanes, a divisor of `lanes`, that an AXI beat of 64 bits (a host's DMA) carries."""
    room = max(1, 64 // container_bits(kind))
    return max(n for n in range(1, min(lanes, room) + 1) if lanes % n == 0)


def expand(design: StreamDesign) -> Dataflow:
    """The design's operators with every converter, duplicate and pad in place.

    Raises:
        UnsupportedLayer, Problems: a folding that does not divide what it folds.
    """
    raise_all(list(folding_problems(design)))
    return _Expansion(design).run()


class _Expansion:
    """Walks the graph once; `heads` are the streams that carry each tensor, one per reader."""

    def __init__(self, design: StreamDesign) -> None:
        self.design = design
        self.operators: list[Operator] = []
        self.heads: dict[str, list[Stream]] = {}
        self.taken = {layer.output.name for layer in design.graph.layers}  # stream names
        graph = design.graph
        read = [tensor for layer in graph.layers for tensor in layer.inputs]
        self.readers = Counter(tensor.name for tensor in (*read, *graph.outputs))

    def run(self) -> Dataflow:
        graph = self.design.graph
        for layer in graph.layers:
            self._publish(layer.output, self._layer(layer))
        for tensor in graph.outputs:
            head = self._take(tensor)
            lanes = _beat_lanes(head.lanes, head.type)
            head = self._with_lanes(head, lanes, "", f"{tensor.name}_sink")
            self.operators.append(Sink(name=f"{tensor.name}_sink", layer="", input=head))
        return Dataflow(graph.name, tuple(self.operators))

    # -- streams --------------------------------------------------------------------

    def _stream(
        self, name: str, kind: IntType, lanes: int, elements: int, tensor: str = ""
    ) -> Stream:
        while not tensor and name in self.taken:
            name += "_"
        self.taken.add(name)
        depth = self.design.fifo_depths.get(name, 2)
        return Stream(name, kind, lanes, elements // lanes, tensor, depth)

    def _publish(self, tensor: Tensor, stream: Stream) -> None:
        """Give the tensor's stream to its readers, through a Duplicate where there are several."""
        readers = self.readers[tensor.name]
        if readers <= 1:
            self.heads[tensor.name] = [stream]
            return
        elements = stream.words * stream.lanes
        copies = tuple(
            self._stream(f"{stream.name}_copy{i}", stream.type, stream.lanes, elements)
            for i in range(readers)
        )
        self.operators.append(
            Duplicate(name=f"{tensor.name}_dup", layer="", input=stream, copies=copies)
        )
        self.heads[tensor.name] = list(copies)

    def _take(self, tensor: Tensor) -> Stream:
        return self.heads[tensor.name].pop(0)

    def _with_lanes(self, stream: Stream, lanes: int, layer: str, port: str = "") -> Stream:
        """The stream in words of so many lanes, for a layer (or the sink named by `port`)."""
        if stream.lanes == lanes:
            return stream
        name = f"{stream.name}_for_{layer}{port}"
        wide = self._stream(name, stream.type, lanes, stream.words * stream.lanes)
        self.operators.append(Convert(name=f"{name}_width", layer=layer, input=stream, output=wide))
        return wide

    def _output(self, layer: Layer, lanes: int, kind: IntType | None = None) -> Stream:
        tensor = layer.output
        return self._stream(tensor.name, kind or tensor.type, lanes, tensor.size, tensor.name)

    # -- one rule per layer -----------------------------------------------------------

    def _layer(self, layer: Layer) -> Stream:
        folding = self.design.folding.get(layer.name, StreamFolding())
        match layer:
            case Input():
                output = self._output(layer, self._input_lanes(layer))
                self.operators.append(Source(name=layer.name, layer=layer.name, output=output))
                return output
            case Reshape():
                return self._take(layer.input)
            case Dense():
                return self._dense(layer, folding)
            case Conv() if layer.depthwise:
                return self._depthwise(layer, folding)
            case Conv():
                return self._conv(layer, folding)
            case MaxPool() | SumPool():
                return self._pool(layer, folding)
            case Add():
                return self._add(layer, folding)
            case Concat():
                return self._concat(layer, folding)
            case Upsample():
                return self._upsample(layer, folding)
            case Requantize() | Thresholds() | Lookup():
                source = self._with_lanes(self._take(layer.input), folding.pe, layer.name)
                output = self._output(layer, folding.pe)
                self.operators.append(
                    Activate(name=layer.name, layer=layer.name, input=source, output=output,
                             function=layer, memory=folding.memory)
                )  # fmt: skip
                return output
            case ArgMax():
                return self._label(layer, folding)
            case _:
                assert_never(layer)

    def _input_lanes(self, layer: Input) -> int:
        """An input comes one element at a time, or one pixel where that fits a beat."""
        channels = layer.output.channels
        whole = _beat_lanes(channels, layer.output.type) == channels
        return channels if len(layer.output.shape) > 1 and whole else 1

    def _dense(self, layer: Dense, folding: StreamFolding) -> Stream:
        source = self._with_lanes(self._take(layer.input), folding.simd, layer.name)
        return self._matrix(layer, source, layer.weight, folding)

    def _matrix(
        self, layer: Dense | Conv, source: Stream, weight: Ints, folding: StreamFolding
    ) -> Stream:
        output = self._output(layer, folding.pe)
        self.operators.append(
            MatrixVector(
                name=layer.name, layer=layer.name, input=source, output=output, weight=weight,
                vectors=layer.output.pixels, pe=folding.pe, simd=folding.simd,
                memory=folding.memory, arithmetic=folding.arithmetic,
            )
        )  # fmt: skip
        return output

    def _conv(self, layer: Conv, folding: StreamFolding) -> Stream:
        lanes = min(folding.simd, layer.input.channels)
        source = self._with_lanes(self._take(layer.input), lanes, layer.name)
        if needs_window(layer):
            width = prod(layer.kernel) * layer.input.channels
            fold = (width // folding.simd) * (layer.output.channels // folding.pe)
            parallel = folding.simd > lanes and fold < prod(layer.kernel)
            source = self._windows(layer, source, layer.dilations, "channels_inner",
                                   lanes=width if parallel else lanes)  # fmt: skip
        source = self._with_lanes(source, folding.simd, layer.name, "_products")
        return self._matrix(layer, source, _matrix_of(layer.weight, layer.groups), folding)

    def _depthwise(self, layer: Conv, folding: StreamFolding) -> Stream:
        source = self._with_lanes(self._take(layer.input), folding.pe, layer.name)
        source = self._windows(layer, source, layer.dilations, "kernel_inner", lanes=folding.pe)
        output = self._output(layer, folding.pe)
        weight = Ints(layer.weight.array.reshape(-1, layer.output.channels))
        self.operators.append(
            VectorVector(
                name=layer.name, layer=layer.name, input=source, output=output, weight=weight,
                vectors=layer.output.pixels, pe=folding.pe,
                memory=folding.memory, arithmetic=folding.arithmetic,
            )
        )  # fmt: skip
        return output

    def _windows(
        self, layer: Conv | MaxPool | SumPool, source: Stream, dilations: tuple[int, ...],
        order: Order, *, lanes: int,
    ) -> Stream:  # fmt: skip
        """Padding and sliding window in front of a layer."""
        (rows, columns) = ((0, 0),) * (2 - len(layer.pads)) + layer.pads
        h, w, c = plane(layer.input.shape)
        kind = source.type
        if any((*rows, *columns)):
            fill = kind.lo if isinstance(layer, MaxPool) else 0
            if not kind.lo <= fill <= kind.hi or (kind.bipolar and fill == 0):
                kind = IntType(min(kind.lo, fill), max(kind.hi, fill))
            shape = (h + sum(rows), w + sum(columns), c)
            padded = self._stream(f"{layer.name}_padded", kind, source.lanes, prod(shape))
            self.operators.append(
                Pad(name=f"{layer.name}_pad", layer=layer.name, input=source, output=padded,
                    shape=(h, w, c), rows=rows, columns=columns, fill=fill)
            )  # fmt: skip
            source, (h, w, c) = padded, shape
        kernel = pair(layer.kernel, 1)
        elements = layer.output.pixels * prod(kernel) * c
        windows = self._stream(f"{layer.name}_windows", kind, lanes, elements)
        self.operators.append(
            Window(
                name=f"{layer.name}_window", layer=layer.name, input=source, output=windows,
                shape=(h, w, c), kernel=kernel, strides=pair(layer.strides, 1),
                dilations=pair(dilations, 1), order=order,
            )
        )  # fmt: skip
        return windows

    def _pool(self, layer: MaxPool | SumPool, folding: StreamFolding) -> Stream:
        source = self._with_lanes(self._take(layer.input), folding.pe, layer.name)
        kind = source.type if isinstance(layer, MaxPool) else None  # a maximum is one of them
        output = self._output(layer, folding.pe, kind)
        name = layer.name
        if isinstance(layer, SumPool) and is_global(layer):
            self.operators.append(
                SumAll(name=name, layer=name, input=source, output=output,
                       channels=layer.input.channels, pixels=layer.input.pixels)
            )  # fmt: skip
            return output
        ones = (1,) * len(layer.kernel)
        windows = self._windows(layer, source, ones, "kernel_inner", lanes=folding.pe)
        taps = prod(layer.kernel)
        if isinstance(layer, MaxPool):
            self.operators.append(
                MaxOver(name=name, layer=name, input=windows, output=output, taps=taps)
            )
            return output
        multiplier = None if layer.multiplier is None else Ints(layer.multiplier.array.ravel())
        self.operators.append(
            SumOver(name=name, layer=name, input=windows, output=output, taps=taps,
                    channels=layer.output.channels, multiplier=multiplier)
        )  # fmt: skip
        return output

    def _add(self, layer: Add, folding: StreamFolding) -> Stream:
        a = self._with_lanes(self._take(layer.a), folding.pe, layer.name, "_a")
        b = self._with_lanes(self._take(layer.b), folding.pe, layer.name, "_b")
        output = self._output(layer, folding.pe)
        self.operators.append(
            ScaledAdd(name=layer.name, layer=layer.name, a=a, b=b, output=output, add=layer)
        )
        return output

    def _concat(self, layer: Concat, folding: StreamFolding) -> Stream:
        parts = tuple(
            self._with_lanes(self._take(part), folding.pe, layer.name, f"_{index}")
            for index, part in enumerate(layer.parts)
        )
        output = self._output(layer, folding.pe)
        channels = tuple(part.channels for part in layer.parts)
        self.operators.append(
            Join(name=layer.name, layer=layer.name, parts=parts, channels=channels, output=output)
        )
        return output

    def _label(self, layer: ArgMax, folding: StreamFolding) -> Stream:
        source = self._with_lanes(self._take(layer.input), folding.pe, layer.name)
        output = self._output(layer, 1)
        self.operators.append(
            Label(name=layer.name, layer=layer.name, input=source, output=output,
                  channels=layer.input.channels)
        )  # fmt: skip
        return output

    def _upsample(self, layer: Upsample, folding: StreamFolding) -> Stream:
        source = self._with_lanes(self._take(layer.input), folding.pe, layer.name)
        output = self._output(layer, folding.pe, source.type)
        self.operators.append(
            Repeat(name=layer.name, layer=layer.name, input=source, output=output,
                   shape=plane(layer.input.shape), factors=pair(layer.factors, 1))
        )  # fmt: skip
        return output
