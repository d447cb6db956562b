"""Writes the integer graph as ONNX with QuantizeLinear and DequantizeLinear (QDQ).

Every float tensor holds the integers of the graph themselves, so that all scales are 1 and all
zero points 0: sums below 2**24 are exact in float32, in any order. What a Requantize multiplies
with stands behind the sum, as Mul and Add with a number per channel. Weights of at most 8 bits are
int8 behind a DequantizeLinear; a tensor of at most 8 bits that a layer rounds to passes a
QuantizeLinear and a DequantizeLinear. These are the forms that TensorRT's explicit quantization
asks for: symmetric int8, one scale for an activation, and a bias that is not quantized.

Tensors are channels first, as ONNX has them; the integer graph has them last.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper

from fpgacomp.errors import ModelError, Problems
from fpgacomp.ir.graph import Graph
from fpgacomp.ir.interpreter import execute
from fpgacomp.ir.layers import (
    Activation,
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
    kind,
)
from fpgacomp.ir.types import AnyArray, IntArray, Ints, IntType
from fpgacomp.network.lowered import integer_name
from fpgacomp.network.writer import OnnxWriter
from fpgacomp.qdq.line import FLOAT32_INTEGERS, MOST_LEVELS, line_of

INT8 = IntType.of_bits(8, signed=True)
# A curve becomes a table in the file; over that many entries it is refused.
_LARGEST_TABLE = 1 << 20


def answer_name(tensor_name: str) -> str:
    """What an output's integers are called; an input may be an output as it is."""
    return f"{integer_name(tensor_name)}_out"


@dataclass(frozen=True)
class Quantized:
    """The hardware's integers as a QDQ network.

    Args:
        model: integer inputs (called as `integer_name` says) -> integer outputs (`answer_name`),
            int64, channels last, batch N.
        tensors: activations that are int8 in the file, by their names in the integer graph.
        wide: activations and inputs that stay float because they do not fit int8.
        wide_products: layers that multiply in float, as weights or inputs do not fit int8.
        curves: layers that are a table in the file, because no factor and offset give their steps.
    """

    model: onnx.ModelProto
    tensors: tuple[str, ...]
    wide: tuple[str, ...]
    wide_products: tuple[str, ...]
    curves: tuple[str, ...]


def quantized_network(graph: Graph, opset: int) -> Quantized:
    """Write an integer graph as a QDQ network of standard operators.

    Args:
        graph: a verified graph.
        opset: version of the operators, at least 13.

    Raises:
        ModelError, Problems: layers whose integers float32 does not hold, or whose steps no
            factor and offset give while their range is too wide for a table.
    """
    writer = _Writer()
    problems: list[ModelError] = []
    for layer in graph.layers:
        try:
            refuse_inexact(layer)
            writer.write(layer)
        except ModelError as problem:
            problems.append(problem)
            writer.names[layer.output.name] = layer.output.name  # so that all problems are found
    if problems:
        raise problems[0] if len(problems) == 1 else Problems(problems)
    for tensor in dict.fromkeys(graph.outputs):
        last = writer.channels_last(writer.names[tensor.name], tensor)
        writer.op("Cast", last, output=answer_name(tensor.name), to=TensorProto.INT64)
    return Quantized(
        writer.whole(graph, opset), tuple(writer.tensors), tuple(writer.wide),
        tuple(writer.wide_products), tuple(writer.curves),
    )  # fmt: skip


def refuse_inexact(layer: Layer) -> None:
    """Refuse a layer with a sum, or a part of one, that float32 rounds."""
    largest = layer.output.type.magnitude
    match layer:
        case Dense() | Conv():
            weight = abs(layer.weight.array)
            sums = weight.reshape(-1, weight.shape[-1]).sum(axis=0)
            largest = layer.input.type.magnitude * int(sums.max(initial=0))
        case SumPool():
            largest = max(largest, layer.input.type.magnitude * int(np.prod(layer.kernel)))
        case Add():
            largest = sum(
                tensor.type.magnitude * values.type.magnitude
                for tensor, values in ((layer.a, layer.multiplier_a), (layer.b, layer.multiplier_b))
            )
        case _:
            pass
    if largest >= FLOAT32_INTEGERS:
        raise ModelError(
            f"layer {layer.name} ({kind(layer)})",
            f"its integers may reach {largest:,}, and float32, in which other engines sum, rounds "
            f"from {FLOAT32_INTEGERS:,} on.",
            "quantize its input or its weights to fewer bits.",
        )


@dataclass
class _Writer(OnnxWriter):
    """The network so far, and what each tensor of the integer graph is called in it."""

    names: dict[str, str] = field(default_factory=dict)
    tensors: list[str] = field(default_factory=list)
    wide: list[str] = field(default_factory=list)
    wide_products: list[str] = field(default_factory=list)
    from_int8: set[str] = field(default_factory=set)
    curves: list[str] = field(default_factory=list)
    _known: dict[bytes, str] = field(default_factory=dict)

    def shared(self, values: npt.ArrayLike, dtype: npt.DTypeLike = np.float32) -> str:
        """Add a constant, or find an equal one; returns its name."""
        array = np.asarray(values, dtype=dtype)
        key = f"{array.dtype.str}{array.shape}".encode() + array.tobytes()
        if key not in self._known:
            self._known[key] = self.constant(array, dtype)
        return self._known[key]

    def whole(self, graph: Graph, opset: int) -> onnx.ModelProto:
        """All of it as a model, each node called after its output."""

        def info(name: str, tensor: Tensor) -> onnx.ValueInfoProto:
            shape: list[str | int | None] = ["N", *tensor.shape]
            return helper.make_tensor_value_info(name, TensorProto.INT64, shape)

        read, answered = [x.output for x in graph.inputs], dict.fromkeys(graph.outputs)
        inputs = [info(integer_name(tensor.name), tensor) for tensor in read]
        outputs = [info(answer_name(tensor.name), tensor) for tensor in answered]
        for node in self.nodes:
            node.name = f"{node.output[0]}_node"
        return self.model("quantized", inputs, outputs, [helper.make_opsetid("", opset)])

    # The axes

    def channels_first(self, name: str, shape: tuple[int, ...]) -> str:
        """[N, *spatial, C] as [N, C, *spatial]."""
        rank = len(shape)
        return name if rank == 1 else self.op("Transpose", name, perm=[0, rank, *range(1, rank)])

    def channels_last(self, name: str, tensor: Tensor) -> str:
        """[N, C, *spatial] as [N, *spatial, C]."""
        rank = len(tensor.shape)
        if rank == 1:
            return name
        return self.op("Transpose", name, perm=[0, *range(2, rank + 1), 1])

    def per_channel(self, values: AnyArray, tensor: Tensor) -> str:
        """A constant of [1] or [C] numbers that broadcasts over [N, C, *spatial]."""
        return self.shared(values.reshape(1, -1, *[1] * (len(tensor.shape) - 1)))

    # The layers

    def write(self, layer: Layer) -> None:
        """Append a layer; what reads it finds it under its tensor's name."""
        form = _FORMS.get(type(layer))
        if form is None:
            raise ModelError(
                f"layer {layer.name} ({kind(layer)})", "it has no form in QDQ ONNX.",
                "run the build's integers with `fpgacomp simulate` instead.",
            )  # fmt: skip
        operands = [self.names[tensor.name] for tensor in layer.inputs]
        self.names[layer.output.name] = form(self, layer, *operands)

    # One per kind of layer: the layer and its operands' names to its output's name.

    def input(self, layer: Input) -> str:
        """From int64, channels last."""
        tensor = layer.output
        name = self.op("Cast", integer_name(tensor.name), to=TensorProto.FLOAT)
        return self._int8(self.channels_first(name, tensor.shape), tensor)

    def _int8(self, name: str, tensor: Tensor) -> str:
        """Through int8 and back where the integers fit, so that the engine may compute in it."""
        if not INT8.contains(tensor.type):
            self.wide.append(tensor.name)
            return name
        self.tensors.append(tensor.name)
        return self._through_int8(name)

    def _through_int8(self, name: str) -> str:
        name = self.op("QuantizeLinear", name, self.shared(1.0), self._zero())
        name = self.op("DequantizeLinear", name, self.shared(1.0), self._zero())
        self.from_int8.add(name)
        return name

    def _products(self, layer: Dense | Conv, x: str, values: IntArray) -> tuple[str, str]:
        """The operands of a sum of products: both from int8, or both float.

        A weight alone from int8 is no exact product: ONNX Runtime then quantizes the other operand
        on the fly, with a scale that it takes from the values at hand.
        """
        if not (INT8.contains(layer.input.type) and INT8.contains(layer.weight.type)):
            self.wide_products.append(layer.name)
            return x, self.shared(values)
        if x not in self.from_int8:
            x = self._through_int8(x)  # behind a pool, a concat or a transpose
        weight = self._own(values)
        return x, self.op("DequantizeLinear", weight, self.shared(1.0), self._zero())

    def _zero(self) -> str:
        return self._own(np.zeros((), np.int64))

    def _own(self, values: IntArray) -> str:
        """An int8 constant of one node alone: ONNX Runtime rewrites wide weights in place."""
        return self.constant(values, np.int8)

    def dense(self, layer: Dense, x: str) -> str:
        """As a product of matrices, or over positions as a convolution with windows of 1."""
        weight, rank = layer.weight.array, len(layer.output.shape)
        if rank == 1:
            return self.op("MatMul", *self._products(layer, x, weight))
        kernel = [1] * (rank - 1)
        filters = weight.T.reshape(*weight.T.shape, *kernel)
        return self.op("Conv", *self._products(layer, x, filters), kernel_shape=kernel)

    def conv(self, layer: Conv, x: str) -> str:
        """As itself, without a bias."""
        rank = len(layer.kernel)
        filters = layer.weight.array.transpose(rank + 1, rank, *range(rank))
        return self.op(
            "Conv", *self._products(layer, x, filters), kernel_shape=layer.kernel,
            strides=layer.strides, dilations=layer.dilations, pads=_pads(layer.pads),
            group=layer.groups,
        )  # fmt: skip

    def max_pool(self, layer: MaxPool, x: str) -> str:
        """As itself: ONNX pads with the least number, too."""
        return self.op("MaxPool", x, kernel_shape=layer.kernel, strides=layer.strides,
                       pads=_pads(layer.pads))  # fmt: skip

    def sum_pool(self, layer: SumPool, x: str) -> str:
        """As a sum, where AveragePool would divide and round."""
        channels, rank = layer.input.channels, len(layer.kernel)
        if layer.kernel == layer.input.shape[:-1] and not any(map(any, layer.pads)):
            axes = self.shared(list(range(2, rank + 2)), np.int64)
            total = self.op("ReduceSum", x, axes, keepdims=1)
        else:
            ones = self.shared(np.ones((channels, 1, *layer.kernel)))
            total = self.op(
                "Conv", x, ones, kernel_shape=layer.kernel, strides=layer.strides,
                pads=_pads(layer.pads), group=channels,
            )  # fmt: skip
        if layer.multiplier is None:
            return total
        return self.op("Mul", total, self.shared(layer.multiplier.array[None, None]))

    def _scaled(self, name: str, tensor: Tensor, multiplier: Ints) -> str:
        if np.all(multiplier.array == 1):
            return name
        return self.op("Mul", name, self.per_channel(multiplier.array, tensor))

    def add(self, layer: Add, a: str, b: str) -> str:
        """With both operands on the common scale."""
        return self.op("Add", self._scaled(a, layer.output, layer.multiplier_a),
                       self._scaled(b, layer.output, layer.multiplier_b))  # fmt: skip

    def concat(self, layer: Concat, *parts: str) -> str:
        """Along the channels."""
        return self.op("Concat", *parts, axis=1)

    def reshape(self, layer: Reshape, x: str) -> str:
        """In channels-last order."""
        shape = self.shared([0, *layer.output.shape], np.int64)
        name = self.op("Reshape", self.channels_last(x, layer.input), shape)
        return self.channels_first(name, layer.output.shape)

    def upsample(self, layer: Upsample, x: str) -> str:
        """As the nearest position on the left and above."""
        return self.op(
            "Resize", x, "", self.shared([1, 1, *layer.factors]), mode="nearest",
            nearest_mode="floor", coordinate_transformation_mode="asymmetric",
        )  # fmt: skip

    def arg_max(self, layer: ArgMax, x: str) -> str:
        """Of equal ones the first, as ONNX has it."""
        return self.op("Cast", self.op("ArgMax", x, axis=1, keepdims=1), to=TensorProto.FLOAT)

    def activation(self, layer: Activation, x: str) -> str:
        """As a factor and an offset per channel, clipped and rounded; a curve as a table."""
        if isinstance(layer, Requantize) and layer.is_affine and _is_exact(layer):
            name = self._scaled(x, layer.output, layer.multiplier)
            offset = layer.offset.array - layer.zero_point
            if np.any(offset != 0):
                name = self.op("Add", name, self.per_channel(offset, layer.output))
            return self._int8(name, layer.output)
        line = line_of(layer)
        if line is None:
            return self._int8(self._table(layer, x), layer.output)
        name = x
        if np.any(line.factor != 1):
            name = self.op("Mul", name, self.per_channel(line.factor, layer.output))
        if np.any(line.offset != 0):
            name = self.op("Add", name, self.per_channel(line.offset, layer.output))
        name = self.op("Clip", name, self.shared(line.lo), self.shared(line.hi))
        if not INT8.contains(layer.output.type):
            name = self.op("Round", name)  # a QuantizeLinear rounds otherwise, to even as well
        return self._int8(name, layer.output)

    def _table(self, layer: Activation, x: str) -> str:
        """A curve as a table that the integers are places of."""
        given = layer.input.type
        entries = given.count * layer.input.channels
        if entries > _LARGEST_TABLE:
            raise ModelError(
                f"layer {layer.name} ({kind(layer)})",
                f"no factor and offset give its steps in float32 (or there are over "
                f"{MOST_LEVELS:,} of them), and a table of {entries:,} "
                f"entries is too large for the file (the limit is {_LARGEST_TABLE:,}).",
                "use an activation with even steps (ReLU or Identity), or fewer accumulator bits.",
            )
        self.curves.append(layer.name)
        table = _entries(layer)
        place = self.op("Sub", x, self.shared(given.lo)) if given.lo else x
        if len(table) > 1:
            firsts = np.arange(len(table)) * given.count
            place = self.op("Add", place, self.per_channel(firsts, layer.output))
        place = self.op("Cast", place, to=TensorProto.INT32)
        return self.op("Gather", self.shared(table.reshape(-1)), place, axis=0)


# A layer without one is refused: a new layer need not come here before it is asked for.
_FORMS: Mapping[type[Layer], Callable[..., str]] = {
    Input: _Writer.input,
    Dense: _Writer.dense,
    Conv: _Writer.conv,
    MaxPool: _Writer.max_pool,
    SumPool: _Writer.sum_pool,
    Add: _Writer.add,
    Concat: _Writer.concat,
    Reshape: _Writer.reshape,
    Upsample: _Writer.upsample,
    Requantize: _Writer.activation,
    Thresholds: _Writer.activation,
    Lookup: _Writer.activation,
    ArgMax: _Writer.arg_max,
}


def _is_exact(layer: Requantize) -> bool:
    """Whether the product alone, in front of the offset, is an exact float32 too."""
    product = layer.input.type.magnitude * layer.multiplier.type.magnitude
    return product < FLOAT32_INTEGERS and layer.offset.type.magnitude < FLOAT32_INTEGERS


def _entries(layer: Activation) -> IntArray:
    """[1 or C, input count]: what each channel makes of each integer of the input's range."""
    if isinstance(layer, Lookup):
        return layer.table.array
    x = np.arange(layer.input.type.lo, layer.input.type.hi + 1)
    return execute(layer, [x[:, None].repeat(layer.input.channels, axis=1)]).T


def _pads(pads: tuple[tuple[int, int], ...]) -> list[int]:
    """ONNX' order: all befores, then all afters."""
    return [before for before, _ in pads] + [after for _, after in pads]
