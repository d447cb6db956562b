"""From an integer graph to the typed context of the streaming templates.

The smallest complete emitter: what the tests of the templates need, and a worked example of
every operator's context. One folding number per layer is enough here.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import prod

import numpy as np

from fpgacomp.ir.graph import Graph
from fpgacomp.ir.layers import (
    Add,
    Concat,
    Conv,
    Dense,
    Input,
    Layer,
    Lookup,
    MaxPool,
    Requantize,
    Reshape,
    Rounding,
    SumPool,
    Tensor,
    Thresholds,
    Upsample,
)
from fpgacomp.ir.types import IntArray, IntType
from tests.support.stream_context import (
    Buffer,
    Port,
    Process,
    RomTable,
    Stream,
    StreamDesign,
    block_diagonal,
    codes,
    group_lanes,
    group_rows,
    pack,
    weight_type,
)
from tests.support.stream_harness import ctype

ROUNDING = {
    Rounding.FLOOR: "RoundFloor",
    Rounding.ROUND: "RoundEven",
    Rounding.HALF_UP: "RoundHalfUp",
    Rounding.HALF_DOWN: "RoundHalfDown",
    Rounding.UP: "RoundUp",
    Rounding.DOWN: "RoundDown",
}


class Emitter:
    """Walks a graph; `fold` gives (SIMD or lanes, PE) wishes per layer name."""

    def __init__(self, graph: Graph, fold: Mapping[str, tuple[int, int]]) -> None:
        self.graph = graph
        self.fold = fold
        self.design = StreamDesign(graph.name, f"Streaming design of {graph.name}")
        self.ready: dict[str, list[Stream]] = {}  # tensor -> one stream per consumer
        self.counter = 0

    def run(self) -> StreamDesign:
        for layer in self.graph.layers:
            self._layer(layer)
        for tensor in self.graph.outputs:
            self._output(tensor)
        return self.design

    # -- building blocks

    def stream(self, type_: IntType, lanes: int, tensor: str = "") -> Stream:
        self.counter += 1
        made = Stream(f"s{self.counter}", type_, lanes, tensor=tensor)
        self.design.streams.append(made)
        return made

    def rom(self, name: str, values: IntArray, type_: IntType) -> RomTable:
        table = RomTable(name, "Rom", ctype(type_), pack(values, type_), values.shape[1])
        self.design.roms.append(table)
        return table

    def banks(self, name: str, values: IntArray, type_: IntType) -> RomTable:
        rows = codes(values, type_).tolist()
        table = RomTable(name, "Banks", ctype(type_), rows, values.shape[1], "lutram")
        self.design.roms.append(table)
        return table

    def process(
        self,
        operator: str,
        parameters: list[object],
        streams: list[Stream],
        arguments: list[str] | None = None,
        *,
        roms: tuple[RomTable, ...] = (),
        buffers: tuple[Buffer, ...] = (),
        extra: tuple[str, ...] = (),
    ) -> None:
        names = [s.name for s in streams] if arguments is None else arguments
        tables = [] if extra else [r.name for r in roms]
        self.design.processes.append(
            Process(
                name=f"p{len(self.design.processes)}_{operator}",
                operator=operator,
                parameters=parameters,
                arguments=[*names, *tables, *extra, *(b.name for b in buffers)],
                streams=list(streams),
                taps=[s for s in streams[-1:] if isinstance(s, Stream) and s.tensor],
                roms=list(roms),
                buffers=list(buffers),
                title=f"{operator}<{', '.join(map(str, parameters))}>",
            )
        )

    def at(self, stream: Stream, lanes: int, elements: int) -> Stream:
        """The same elements at another width."""
        if stream.lanes == lanes:
            return stream
        out = self.stream(stream.type, lanes)
        self.process("convert_width", [elements], [stream, out])
        return out

    def take(self, tensor: Tensor, lanes: int) -> Stream:
        return self.at(self.ready[tensor.name].pop(), lanes, tensor.size)

    def give(self, layer: Layer, stream: Stream) -> None:
        """Registers the layer's output, duplicated where it has several consumers."""
        tensor = layer.output
        uses = sum(t.name == tensor.name for la in self.graph.layers for t in la.inputs)
        uses += sum(t.name == tensor.name for t in self.graph.outputs)
        if uses <= 1:
            self.ready[tensor.name] = [stream]
            return
        copies = [self.stream(stream.type, stream.lanes) for _ in range(uses)]
        self.process("duplicate", [tensor.size // stream.lanes], [stream, *copies])
        self.ready[tensor.name] = copies

    def wish(self, layer: Layer, n_in: int, n_out: int) -> tuple[int, int]:
        a, b = self.fold.get(layer.name, (1, 1))
        return max(d for d in range(1, a + 1) if n_in % d == 0), max(
            d for d in range(1, b + 1) if n_out % d == 0
        )

    # -- layers

    def _layer(self, layer: Layer) -> None:
        match layer:
            case Input():
                self._input(layer)
            case Dense():
                n_in, n_out = layer.weight.shape
                simd, pe = self.wish(layer, n_in, n_out)
                source = self.take(layer.input, simd)
                self._mvau(layer, source, layer.weight.array, layer.input.pixels, pe)
            case Conv():
                self._conv(layer)
            case MaxPool() | SumPool():
                self._pool(layer)
            case Add():
                self._add(layer)
            case Concat():
                self._concat(layer)
            case Reshape():
                source = self.ready[layer.input.name].pop()
                self.give(layer, source)
            case Upsample():
                self._upsample(layer)
            case Requantize():
                self._requantize(layer)
            case Thresholds():
                self._thresholds(layer)
            case Lookup():
                self._lookup(layer)

    def _input(self, layer: Input) -> None:
        port = self._port(layer.name, layer.output)
        self.design.inputs.append(port)
        out = self.stream(layer.output.type, port.lanes, layer.output.name)
        self.process("from_axis", [layer.output.size, port.container], [port, out])  # type: ignore[list-item]
        self.give(layer, out)

    def _output(self, tensor: Tensor) -> None:
        port = self._port(f"{tensor.name}_out", tensor)
        self.design.outputs.append(port)
        source = self.take(tensor, port.lanes)
        self.process("to_axis", [tensor.size, port.container], [source, port])  # type: ignore[list-item]

    def _port(self, name: str, tensor: Tensor) -> Port:
        bits = max(tensor.type.bits, 2 if tensor.type.bipolar else 1)
        container = next(c for c in (8, 16, 32, 64) if bits <= c)
        lanes = max(n for n in (1, 2, 4, 8, 16) if n * container <= 128 and tensor.size % n == 0)
        return Port(name, tensor.name, tensor, container, lanes, f"Beat<{container}, {lanes}>")

    def _mvau(
        self, layer: Dense | Conv, source: Stream, weight: IntArray, vectors: int, pe: int
    ) -> None:
        mw, mh = weight.shape
        simd = source.lanes
        out = self.stream(layer.output.type, pe, layer.output.name)
        tiles = weight.reshape(mw // simd, simd, mh // pe, pe).transpose(2, 0, 3, 1)
        type_ = weight_type(weight)
        table = self.rom(f"{layer.name}_weights", tiles.reshape(-1, pe * simd), type_)
        self.process("mvau", [mw, mh, vectors, "MulLut"], [source, out], roms=(table,))
        self.give(layer, out)

    def _padded(
        self, source: Stream, tensor: Tensor, pads: tuple[tuple[int, int], ...], fill: int
    ) -> tuple[Stream, list[int]]:
        """The stream surrounded by `fill`, and its height and width."""
        size, border = list(tensor.shape[:-1]), list(pads)
        if len(size) == 1:
            size, border = [1, *size], [(0, 0), *border]
        if not any(map(any, border)):
            return source, size
        type_ = source.type
        if not (type_.lo <= fill <= type_.hi) or (type_.bipolar and fill == 0):
            type_ = IntType(min(type_.lo, fill), max(type_.hi, fill))
        out = self.stream(type_, source.lanes)
        (top, bottom), (left, right) = border
        parameters: list[object] = [*size, tensor.channels, top, bottom, left, right, fill]
        self.process("pad", parameters, [source, out])
        return out, [size[0] + top + bottom, size[1] + left + right]

    def _window(
        self,
        source: Stream,
        size: list[int],
        channels: int,
        shape: tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]],
        order: str,
    ) -> Stream:
        geometry: list[object] = [*size, channels]
        for values in shape:
            geometry += [1, *values] if len(values) == 1 else list(values)
        out = self.stream(source.type, source.lanes)
        window = f"Window<{', '.join(map(str, geometry))}, {order}, {source.lanes}>"
        buffer = Buffer("buffer", source.word, f"{window}::DEPTH", "auto")
        self.process("sliding_window", [*geometry, order], [source, out], buffers=(buffer,))
        return out

    def _conv(self, layer: Conv) -> None:
        channels, taps = layer.input.channels, prod(layer.kernel)
        shape = (layer.kernel, layer.strides, layer.dilations)
        if layer.depthwise:
            lanes, _ = self.wish(layer, channels, 1)
            source = self.take(layer.input, lanes)
            source, size = self._padded(source, layer.input, layer.pads, 0)
            windows = self._window(source, size, channels, shape, "KernelInner")
            weight = layer.weight.array.reshape(taps, channels // lanes, lanes).transpose(1, 0, 2)
            out = self.stream(layer.output.type, lanes, layer.output.name)
            table = self.rom(
                f"{layer.name}_weights", weight.reshape(-1, lanes), weight_type(weight)
            )
            parameters: list[object] = [channels, taps, layer.output.pixels, "MulLut"]
            self.process("vvau", parameters, [windows, out], roms=(table,))
            self.give(layer, out)
            return
        n_out = layer.output.channels
        simd, pe = self.wish(layer, channels, n_out)
        source, size = self._padded(self.take(layer.input, simd), layer.input, layer.pads, 0)
        if taps > 1 or max(layer.strides) > 1:
            source = self._window(source, size, channels, shape, "ChannelsInner")
        weight = block_diagonal(layer).reshape(-1, n_out)
        self._mvau(layer, source, weight, layer.output.pixels, pe)

    def _pool(self, layer: MaxPool | SumPool) -> None:
        channels, taps = layer.input.channels, prod(layer.kernel)
        lanes, _ = self.wish(layer, channels, 1)
        source = self.take(layer.input, lanes)
        out = self.stream(layer.output.type, lanes, layer.output.name)
        whole = layer.kernel == layer.input.shape[:-1] and not any(map(any, layer.pads))
        if isinstance(layer, SumPool) and whole and layer.multiplier is None:
            sums = Buffer("sums", out.word, channels // lanes, "registers")
            self.process(
                "global_sum", [channels, layer.input.pixels], [source, out], buffers=(sums,)
            )
            self.give(layer, out)
            return
        fill = layer.input.type.lo if isinstance(layer, MaxPool) else 0
        source, size = self._padded(source, layer.input, layer.pads, fill)
        shape = (layer.kernel, layer.strides, (1,) * len(layer.kernel))
        windows = self._window(source, size, channels, shape, "KernelInner")
        pixels = layer.output.pixels
        if isinstance(layer, MaxPool):
            self.process("max_pool", [taps, pixels * channels // lanes], [windows, out])
        else:
            roms: tuple[RomTable, ...] = ()
            if layer.multiplier is not None:
                factors = layer.multiplier.array.reshape(-1, 1)
                roms = (self.rom(f"{layer.name}_factors", factors, IntType.of_values(factors)),)
            self.process("sum_pool", [taps, channels, pixels], [windows, out], roms=roms)
        self.give(layer, out)

    def _add(self, layer: Add) -> None:
        channels = layer.output.channels
        lanes, _ = self.wish(layer, channels, 1)
        a, b = self.take(layer.a, lanes), self.take(layer.b, lanes)
        out = self.stream(layer.output.type, lanes, layer.output.name)
        factors = (layer.multiplier_a.array, layer.multiplier_b.array)
        if all(np.all(f == 1) for f in factors):
            self.process("add", [layer.output.size // lanes], [a, b, out])
        else:
            roms = tuple(
                self.rom(f"{layer.name}_{side}", group_rows(f, lanes), IntType.of_values(f))
                for side, f in zip("ab", factors)
            )
            self.process("scaled_add", [channels, layer.output.pixels], [a, b, out], roms=roms)
        self.give(layer, out)

    def _concat(self, layer: Concat) -> None:
        channels = [part.channels for part in layer.parts]
        lanes, _ = self.wish(layer, int(np.gcd.reduce(channels)), 1)
        parts = [self.take(part, lanes) for part in layer.parts]
        out = self.stream(layer.output.type, lanes, layer.output.name)
        names = [s.name for s in (out, *parts)]
        self.process("concat", [layer.output.pixels, *channels], [*parts, out], names)
        self.give(layer, out)

    def _upsample(self, layer: Upsample) -> None:
        lanes, _ = self.wish(layer, layer.input.channels, 1)
        source = self.take(layer.input, lanes)
        out = self.stream(layer.output.type, lanes, layer.output.name)
        *size, channels = layer.input.shape
        factors = layer.factors
        if len(size) == 1:
            size, factors = [1, *size], (1, *factors)
        row = Buffer("row", source.word, size[1] * channels // lanes)
        self.process("upsample", [*size, channels, *factors], [source, out], buffers=(row,))
        self.give(layer, out)

    def _activation(self, layer: Requantize | Thresholds | Lookup) -> tuple[Stream, Stream, int]:
        lanes, _ = self.wish(layer, layer.input.channels, 1)
        source = self.take(layer.input, lanes)
        return source, self.stream(layer.output.type, lanes, layer.output.name), lanes

    def _requantize(self, layer: Requantize) -> None:
        source, out, lanes = self._activation(layer)
        m, o = layer.multiplier.array, layer.offset.array
        roms = (
            self.rom(f"{layer.name}_multiplier", group_rows(m, lanes), IntType.of_values(m)),
            self.rom(f"{layer.name}_offset", group_rows(o, lanes), IntType.of_values(o)),
        )
        largest = layer.input.type.magnitude * int(abs(m).max()) + int(abs(o).max())
        largest += (1 << layer.shift) + abs(layer.zero_point)
        largest = max(largest, abs(layer.lo), abs(layer.hi)) + abs(layer.zero_point)
        bits = max(IntType(-largest, largest).bits, layer.shift + 2)
        parameters: list[object] = [layer.input.channels, layer.input.pixels, bits, layer.shift]
        parameters += [ROUNDING[layer.rounding], layer.lo, layer.hi, layer.zero_point]
        self.process("requantize", parameters, [source, out], roms=roms)
        self.give(layer, out)

    def _thresholds(self, layer: Thresholds) -> None:
        source, out, lanes = self._activation(layer)
        base, step = layer.base.array, layer.step.array
        table = group_lanes(layer.thresholds.array, lanes)
        type_ = IntType.of_values(table)
        count = table.shape[-1]
        name = layer.name
        parameters: list[object] = [layer.input.channels, layer.input.pixels]
        if np.all(base == base[0]) and np.all(step == step[0]):
            level, roms = f"SameLevels<{base[0]}, {step[0]}>()", []
        else:
            level = f"levels({name}_base, {name}_step)"
            roms = [
                self.rom(f"{name}_base", group_rows(base, lanes), IntType.of_values(base)),
                self.rom(f"{name}_step", group_rows(step, lanes), IntType.of_values(step)),
            ]
        if count <= 15:
            rom = self.rom(f"{name}_table", table.reshape(len(table), -1), type_)
            call = [rom.name, level]
            operator, parameters = "thresholds", [*parameters, count]
            roms.append(rom)
        else:
            depth = count.bit_length()
            never = IntType(type_.lo, max(type_.hi, layer.input.type.hi + 1))
            missing = (1 << depth) - 1 - count
            table = np.pad(table, ((0, 0), (0, 0), (0, missing)), constant_values=never.hi)
            call = [level]
            for index in range(depth):
                first, stride = (1 << (depth - index - 1)) - 1, 1 << (depth - index)
                bank = table[:, :, first::stride].transpose(1, 0, 2).reshape(lanes, -1)
                roms.append(self.banks(f"{name}_level{index}", bank, never))
                call.append(roms[-1].name)
            operator, parameters = "thresholds_search", [*parameters, ctype(never)]
        self.process(operator, parameters, [source, out], roms=tuple(roms), extra=tuple(call))
        self.give(layer, out)

    def _lookup(self, layer: Lookup) -> None:
        source, out, lanes = self._activation(layer)
        bank = group_lanes(layer.table.array, lanes).transpose(1, 0, 2).reshape(lanes, -1)
        table = self.banks(f"{layer.name}_table", bank, layer.output.type)
        domain = layer.input.type
        parameters: list[object] = [layer.input.channels, layer.input.pixels]
        parameters += [domain.lo, domain.count]
        self.process("lookup", parameters, [source, out], roms=(table,))
        self.give(layer, out)
