"""One rule per streaming operator: which FINN nodes it becomes, with which attributes."""

from __future__ import annotations

from dataclasses import replace
from math import prod
from typing import assert_never

import numpy as np

from fpgacomp.engines.finn.carried import FinnOperator
from fpgacomp.engines.finn.levels import flipped, is_affine
from fpgacomp.engines.finn.requant import requant_node
from fpgacomp.engines.finn.tensors import Wire
from fpgacomp.engines.finn.thresholding import thresholding_node
from fpgacomp.engines.finn.types import finn_type, joined_type
from fpgacomp.engines.finn.weights import FinnWeights, weights_of
from fpgacomp.engines.finn.wires import Wires
from fpgacomp.engines.stream.dataflow import Dataflow
from fpgacomp.engines.stream.design import Memory, StreamDesign
from fpgacomp.engines.stream.operators.activate import Activate
from fpgacomp.engines.stream.operators.convert import Convert
from fpgacomp.engines.stream.operators.duplicate import Duplicate
from fpgacomp.engines.stream.operators.join import Join
from fpgacomp.engines.stream.operators.label import Label
from fpgacomp.engines.stream.operators.matrix_vector import MatrixVector
from fpgacomp.engines.stream.operators.max_over import MaxOver
from fpgacomp.engines.stream.operators.pad import Pad
from fpgacomp.engines.stream.operators.repeat import Repeat
from fpgacomp.engines.stream.operators.scaled_add import ScaledAdd
from fpgacomp.engines.stream.operators.sink import Sink
from fpgacomp.engines.stream.operators.source import Source
from fpgacomp.engines.stream.operators.sum_all import SumAll
from fpgacomp.engines.stream.operators.sum_over import SumOver
from fpgacomp.engines.stream.operators.vector_vector import VectorVector
from fpgacomp.engines.stream.operators.window import Window
from fpgacomp.engines.stream.shapes import plane
from fpgacomp.engines.stream.streams import Stream, container_bits
from fpgacomp.errors import UnsupportedLayer
from fpgacomp.ir.layers import Requantize
from fpgacomp.ir.types import IntArray, IntType

RAM_STYLE: dict[Memory, str] = {
    "auto": "auto", "lutram": "distributed", "bram": "block", "uram": "ultra",
}  # fmt: skip
_FLOAT32_HOLDS = 1 << 24  # every integer below
_VECTOR_PORTS = {"cpp_interface": "hls_vector", "hls_style": "freerunning"}


class Nodes(Wires):
    """Walks the dataflow once and puts each operator's nodes on the canvas."""

    def __init__(self, design: StreamDesign, dataflow: Dataflow) -> None:
        super().__init__(design, dataflow)
        for operator in self.operators:
            self._add(operator)

    # -- dispatch -----------------------------------------------------------------------

    def _add(self, op: FinnOperator) -> None:
        match op:
            case Source():
                wire = self._out(op.output, self._shape(op.layer), op.output.type)
                self.canvas.wires[wire.name] = wire
                self.canvas.inputs.append(wire)
            case Sink():
                self.canvas.outputs.append(self._in(op.input))
            case Convert():  # FINN's InsertDWC puts converters in
                self._keep(op.output, self._in(op.input))
            case Pad():
                self._pad(op)
            case Window():
                self._window(op)
            case MatrixVector():
                self._matrix(op)
            case VectorVector():
                self._depthwise(op)
            case Activate():
                self._activate(op)
            case MaxOver() | SumOver():
                self._pool(op)
            case SumAll():
                self._sum_all(op)
            case ScaledAdd():
                self._scaled_add(op)
            case Join():
                self._join(op)
            case Repeat():
                self._repeat(op)
            case Duplicate():
                self._duplicate(op)
            case Label():
                self._label(op)
            case _:
                assert_never(op)

    # -- moving ---------------------------------------------------------------------------

    def _pad(self, op: Pad) -> None:
        (top, bottom), (left, right) = op.rows, op.columns
        height, width, channels = op.shape
        source = self.canvas.reshaped(self._in(op.input), (1, *op.shape), op.name, op.input.lanes)
        shape = (1, height + top + bottom, width + left + right, channels)
        output = self._like(op.output, source, shape)
        output = self._widened(op.output, output, 0)
        self.canvas.node(
            "FMPadding", op.name, [source.name], [output], ImgDim=[height, width],
            Padding=[top, left, bottom, right], NumChannels=channels, SIMD=op.input.lanes,
            inputDataType=source.type, **self._fifo(op),
        )  # fmt: skip

    def _widened(self, stream: Stream, wire: Wire, value: int) -> Wire:
        """The wire with a range that holds `value` too (FINN's type holds 0 always)."""
        held = IntType(min(wire.range.lo, value), max(wire.range.hi, value))
        wire = replace(wire, range=held)
        self._keep(stream, wire)
        return wire

    def _window(self, op: Window) -> None:
        source = self.canvas.reshaped(self._in(op.input), (1, *op.shape), op.name, op.input.lanes)
        shape = (1, *op.positions, prod(op.kernel) * op.shape[2])
        whole_words = op.order == "channels_inner" or op.input.lanes == op.shape[2]
        if op.kernel == op.shape[:2] and whole_words:  # the only window is the frame, in order
            source = self.canvas.reshaped(source, shape, op.name, op.input.lanes)
            self._keep(op.output, source)
            return
        output = self._like(op.output, source, shape)
        # FINN refuses a stride beyond the frame; a lone window never takes it.
        strides = [
            s if count > 1 else size - extent + 1
            for s, count, size, extent in zip(op.strides, op.positions, op.shape, op.extent)
        ]
        self.canvas.node(
            "ConvolutionInputGenerator", op.name, [source.name], [output],
            ConvKernelDim=list(op.kernel), IFMChannels=op.shape[2], IFMDim=list(op.shape[:2]),
            OFMDim=list(op.positions), SIMD=op.input.lanes, Stride=strides,
            Dilation=list(op.dilations), inputDataType=source.type, outputDataType=source.type,
            depthwise=int(op.order == "kernel_inner"), is1D=int(op.shape[0] == 1),
            parallel_window=int(op.parallel), ram_style="auto", **self._fifo(op),
        )  # fmt: skip

    def _join(self, op: Join) -> None:
        sources = [self._in(part) for part in op.parts]
        kind = IntType(min(w.range.lo for w in sources), max(w.range.hi for w in sources))
        shape = self._shape(op.layer)
        sources = [
            self.canvas.reshaped(w, (*shape[:-1], c), f"{op.name}_{i}", op.output.lanes)
            for i, (w, c) in enumerate(zip(sources, op.channels))
        ]
        output = self._out(op.output, shape, kind)
        output = replace(output, type=joined_type(w.type for w in sources))
        self._keep(op.output, output)
        self.canvas.node(
            "StreamingConcat", op.name, [w.name for w in sources], [output],
            SIMD=op.output.lanes, ChannelsPerStream=list(op.channels),
            inputDataTypes=[w.type for w in sources], numInputVectors=output.vectors,
            **_VECTOR_PORTS, **self._fifo(op),
        )  # fmt: skip

    def _label(self, op: Label) -> None:
        shape = self._shape(op.layer)
        frame = (*shape[:-1], op.channels)
        source = self.canvas.reshaped(self._in(op.input), frame, op.name, op.input.lanes)
        # In whole bytes, as FINN asks of what may leave its design.
        label = self._out(op.output, shape, op.output.type)
        label = replace(label, type=f"UINT{container_bits(op.output.type)}")
        self._keep(op.output, label)
        self.canvas.node(
            "LabelSelect", op.name, [source.name], [label], Labels=op.channels, PE=op.input.lanes,
            K=1, inputDataType=source.type, outputDataType=label.type,
            numInputVectors=label.vectors, **self._fifo(op),
        )  # fmt: skip

    def _repeat(self, op: Repeat) -> None:
        height, width, channels = op.shape
        source = self.canvas.reshaped(self._in(op.input), (1, *op.shape), op.name, op.input.lanes)
        shape = (1, height * op.factors[0], width * op.factors[1], channels)
        output = self._like(op.output, source, shape)
        self.canvas.node(
            "UpsampleNearestNeighbour", op.name, [source.name], [output], SIMD=op.input.lanes,
            HI=height, WI=width, HO=shape[1], WO=shape[2], NumChannels=channels,
            inputDataType=source.type, **_VECTOR_PORTS, **self._fifo(op),
        )  # fmt: skip

    def _duplicate(self, op: Duplicate) -> None:
        source = self._in(op.input)
        outputs = [self._like(copy, source, source.shape) for copy in op.copies]
        self.canvas.node(
            "DuplicateStreams", op.name, [source.name], outputs, NumChannels=source.channels,
            PE=op.input.lanes, NumOutputStreams=len(outputs), inputDataType=source.type,
            numInputVectors=source.vectors, **_VECTOR_PORTS, **self._fifo(op),
        )  # fmt: skip

    # -- computing ------------------------------------------------------------------------

    def _weights(self, op: MatrixVector | VectorVector) -> FinnWeights:
        reader = self._reader(op.output)
        sign = None
        if isinstance(reader, Activate) and not is_affine(reader.function):
            sign = self._levels(reader).sign
        return weights_of(op, self._in(op.input), sign, self.part)

    def _matrix(self, op: MatrixVector) -> None:
        source, weights = self._in(op.input), self._weights(op)
        rows, columns = op.weight.shape
        output = self._summed(op, weights)
        constant = self.canvas.constant(
            f"{op.name}_weights", weights.values, (rows, columns), weights.type
        )
        self.canvas.node(
            "MVAU", op.name, [source.name, constant], [output], MW=rows, MH=columns,
            PE=op.pe, SIMD=op.simd, inputDataType=source.type, weightDataType=weights.type,
            outputDataType=output.type, accDataType=output.type, noActivation=1, ActVal=0,
            binaryXnorMode=0, numInputVectors=output.vectors, mem_mode="internal_decoupled",
            ram_style=RAM_STYLE[op.memory], runtime_writeable_weights=int(op.memory == "uram"),
            resType=op.arithmetic, preferred_impl_style=weights.style, **self._fifo(op),
        )  # fmt: skip

    def _depthwise(self, op: VectorVector) -> None:
        source, weights = self._in(op.input), self._weights(op)
        window = self.writers[op.input.name]
        assert isinstance(window, Window) and window.input.lanes == op.pe
        channels, kernel = op.weight.shape[1], window.kernel
        output = self._summed(op, weights)
        shape = (channels, 1, *kernel)
        constant = self.canvas.constant(
            f"{op.name}_weights", weights.values.T.reshape(shape), shape, weights.type
        )
        self.canvas.node(
            "VVAU", op.name, [source.name, constant], [output], Channels=channels,
            Kernel=list(kernel), Dim=output.vectors[1:], PE=op.pe, SIMD=1,
            inputDataType=source.type, weightDataType=weights.type, outputDataType=output.type,
            accDataType=output.type, noActivation=1, mem_mode="internal_decoupled",
            ram_style=RAM_STYLE[op.memory], runtime_writeable_weights=int(op.memory == "uram"),
            resType=op.arithmetic, preferred_impl_style=weights.style, **self._fifo(op),
        )  # fmt: skip

    def _summed(self, op: MatrixVector | VectorVector, weights: FinnWeights) -> Wire:
        """The output of a weight operator, in FINN's coding."""
        output = self._out(op.output, self._shape(op.layer), op.output.type)
        sums = output.range if weights.sign is None else flipped(output.range, weights.sign)
        if weights.matches:  # equal bits are counted: sum = 2 * count - MW
            rows = op.weight.shape[0]
            counted = finn_type(IntType(0, rows))
            wire = replace(output, type=counted, sign=weights.sign, gain=2, offset=-rows)
        else:
            wire = replace(output, type=finn_type(sums), sign=weights.sign)
        self._keep(op.output, wire)
        return wire

    def _activate(self, op: Activate) -> None:
        shape = self._shape(op.layer)
        source = self.canvas.reshaped(self._in(op.input), shape, op.name, op.input.lanes)
        output = self._out(op.output, shape, op.function.output.type)
        if isinstance(op.function, Requantize) and is_affine(op.function):
            self._scale(op, op.function, source, output)
            return
        if isinstance(op.function, Requantize) and source.sign is None and source.gain == 1:
            lanes = op.input.lanes
            made = requant_node(self.canvas, op, source, output, self.part, lanes, self._fifo(op))
            if made:
                return
        levels = self._levels(op)
        if levels.falling and source.sign is None:
            kind = flipped(source.range, levels.sign)
            turned = Wire(f"{op.name}_turned", shape, finn_type(kind), source.range, levels.sign)
            source = self.canvas.times(
                f"{op.name}_turn", source, levels.sign, turned, op.input.lanes
            )
        thresholding_node(self.canvas, op, levels, source, output, self._fifo(op))

    def _scale(self, op: Activate, layer: Requantize, source: Wire, output: Wire) -> None:
        """x * multiplier + offset with nothing to round or to clip."""
        products = layer.multiplier.array
        if max(abs(products).max(), abs(layer.offset.array).max()) >= _FLOAT32_HOLDS:
            raise UnsupportedLayer(
                layer.name, "its constants take more than the 24 bits of FINN's float32 tensors.",
                "leave --argmax out, or quantize the last layer's weights per tensor.",
            )  # fmt: skip
        if (products != 1).any():
            ends = np.array([products * source.range.lo, products * source.range.hi])
            kind = IntType.of_values(ends)
            scaled = Wire(f"{op.name}_scaled", source.shape, finn_type(kind), kind)
            source = self.canvas.times(f"{op.name}_scale", source, products, scaled, op.input.lanes)
        self.canvas.plus(
            f"{op.name}_shift", source, layer.offset.array - layer.zero_point, output,
            op.input.lanes,
        )  # fmt: skip

    def _pool(self, op: MaxOver | SumOver) -> None:
        source, window = self._in(op.input), self.writers[op.input.name]
        assert isinstance(window, Window) and window.input.lanes == op.input.lanes
        shape = self._shape(op.layer)
        fields = {"Channels": shape[-1], "PE": op.input.lanes, "KernelSize": list(window.kernel),
                  "OutImgDims": list(shape[1:3]), "InputDataType": source.type,
                  "cpp_interface": "hls_vector", "BatchSize": 1}  # fmt: skip
        if isinstance(op, MaxOver):
            output = self._like(op.output, source, shape)
            self.canvas.node(
                "Pool", op.name, [source.name], [output], Function="MaxPool",
                OutputDataType=output.type, **fields, **self._fifo(op),
            )  # fmt: skip
            return
        kind = IntType(op.taps * source.range.lo, op.taps * source.range.hi)
        output = self._out(op.output, shape, op.output.type)
        total = output if op.multiplier is None else Wire(
            f"{op.name}_sums", shape, finn_type(kind), kind
        )  # fmt: skip
        bits = int(total.type.lstrip("UINT"))
        self.canvas.node(
            "Pool", op.name, [source.name], [total], Function="AccPool",
            OutputDataType=total.type, AccumBits=bits, **fields, **self._fifo(op),
        )  # fmt: skip
        if op.multiplier is not None:
            factors = op.multiplier.array.reshape(1, *shape[1:3], 1)
            self.canvas.times(f"{op.name}_scale", total, factors, output, op.input.lanes)

    def _sum_all(self, op: SumAll) -> None:
        layer = self.graph.by_name[op.layer]
        frame = (1, *plane(layer.inputs[0].shape))
        source = self.canvas.reshaped(self._in(op.input), frame, op.name, op.input.lanes)
        sums = IntType(op.pixels * source.range.lo, op.pixels * source.range.hi)
        signed = source.type.startswith("INT")
        bits = int(source.type.lstrip("UINT"))
        # FINN derives the type from the input's type, not from its range.
        widest = IntType.of_bits(bits, signed=signed)
        end = op.pixels * (widest.lo if signed else widest.hi)
        kind = finn_type(IntType(end, 0) if signed else IntType(0, end))
        output = replace(self._out(op.output, self._shape(op.layer), sums), type=kind)
        self._keep(op.output, output)
        self.canvas.node(
            "GlobalAccPool", op.name, [source.name], [output], NumChannels=op.channels,
            PE=op.input.lanes, inputDataType=source.type, numInputVectors=source.vectors,
            **self._fifo(op),
        )  # fmt: skip

    def _scaled_add(self, op: ScaledAdd) -> None:
        shape = self._shape(op.layer)
        sides = [(op.a, op.add.multiplier_a.array), (op.b, op.add.multiplier_b.array)]
        wires = [self._scaled(op, i, s, m, shape) for i, (s, m) in enumerate(sides)]
        # FINN's own width rules assume an unsigned operand on the left.
        wires.sort(key=lambda wire: wire.type.startswith("INT"))
        output = self._out(op.output, shape, op.output.type)
        self.canvas.node(
            "ElementwiseAdd", op.name, [w.name for w in wires], [output], PE=op.output.lanes,
            lhs_shape=list(shape), rhs_shape=list(shape), out_shape=list(shape),
            lhs_dtype=wires[0].type, rhs_dtype=wires[1].type, out_dtype=output.type,
            lhs_style="input", rhs_style="input", **self._fifo(op),
        )  # fmt: skip

    def _scaled(
        self, op: ScaledAdd, side: int, stream: Stream, factors: IntArray, shape: tuple[int, ...]
    ) -> Wire:
        name = f"{op.name}_{'ab'[side]}"
        wire = self.canvas.reshaped(self._in(stream), shape, name, stream.lanes)
        if (factors == 1).all():
            return wire
        ends = np.array([factors * wire.range.lo, factors * wire.range.hi])
        kind = IntType.of_values(ends)
        output = Wire(f"{name}_scaled", shape, finn_type(kind), kind)
        return self.canvas.times(f"{name}_scale", wire, factors, output, stream.lanes)
