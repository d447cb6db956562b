"""Writes the software side as ONNX: inputs to integers, and integers to the network's outputs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import permutations
from math import prod

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper

from fpgacomp.ir.graph import Graph
from fpgacomp.ir.layers import ArgMax, Tensor
from fpgacomp.ir.types import IntArray
from fpgacomp.lower.builder import NetworkIndex
from fpgacomp.lower.scalar import Affine, Chain, Function
from fpgacomp.lower.value import Value
from fpgacomp.network.attributes import shape_of
from fpgacomp.network.lowered import integer_name
from fpgacomp.network.operators import FPGACOMP_DOMAIN
from fpgacomp.network.standard_form import write_standard_form
from fpgacomp.network.writer import OnnxWriter

OPSET = 17
# An image's are three; so many that trying every order takes no time.
_MOST_AXES = 4


@dataclass(frozen=True)
class InputRecipe:
    """How a raw network input becomes an integer tensor.

    Args:
        name: the network input.
        place: [size] raw flat position of each integer, channels last.
        chain: what happens to the raw numbers before the quantizer.
        tensor: the integer input; the other fields are its quantizer's numbers.
    """

    name: str
    place: IntArray
    chain: Chain
    tensor: Tensor
    scale: npt.NDArray[np.float64]
    zero_point: npt.NDArray[np.float64]
    rounding: str  # QONNX's mode, or BIPOLAR
    lo: int
    hi: int
    base: int


def before_model(source: NetworkIndex, recipes: list[InputRecipe]) -> onnx.ModelProto:
    """Return the ONNX model from network inputs (batch N) to integer inputs (int64), in float64."""
    writer = OnnxWriter()
    inputs: list[onnx.ValueInfoProto] = []
    outputs: list[onnx.ValueInfoProto] = []
    for recipe in recipes:
        shape = source.inputs[recipe.name]
        elem_type = source.input_types[recipe.name]
        if recipe.name not in {given.name for given in inputs}:
            batch: list[str | int | None] = ["N", *shape[1:]]
            inputs.append(helper.make_tensor_value_info(recipe.name, elem_type, batch))
        integers: list[str | int | None] = ["N", *recipe.tensor.shape]
        outputs.append(
            helper.make_tensor_value_info(
                integer_name(recipe.tensor.name), TensorProto.INT64, integers
            )
        )
        _quantize_input(writer, recipe, shape[1:])
    return writer.model("before", inputs, outputs, [helper.make_opsetid("", OPSET)])


def _quantize_input(writer: OnnxWriter, recipe: InputRecipe, raw_shape: tuple[int, ...]) -> None:
    name = writer.op("Cast", recipe.name, to=TensorProto.DOUBLE)
    name = _reordered(writer, name, recipe.place, raw_shape, recipe.tensor.shape)
    name = _chain(writer, name, recipe.chain)
    if recipe.rounding == "BIPOLAR":
        above = writer.op(
            "GreaterOrEqual", name, writer.constant(-recipe.zero_point * recipe.scale)
        )
        plus, minus = (writer.constant(v, np.int64) for v in (1, -1))
        writer.op("Where", above, plus, minus, output=integer_name(recipe.tensor.name))
        return
    name = writer.op("Div", name, writer.constant(recipe.scale))
    if np.any(recipe.zero_point):
        name = writer.op("Add", name, writer.constant(recipe.zero_point))
    name = writer.op("Clip", name, writer.constant(recipe.lo), writer.constant(recipe.hi))
    name = _round(writer, name, recipe.rounding)
    if recipe.base:
        name = writer.op("Add", name, writer.constant(recipe.base))
    writer.op("Cast", name, to=TensorProto.INT64, output=integer_name(recipe.tensor.name))


def _reordered(
    writer: OnnxWriter, name: str, order: IntArray, given: Sequence[int], wanted: Sequence[int]
) -> str:
    """Append what puts [N, *given] in another order and shape, [N, *wanted].

    A change of layout is a Transpose, whose few numbers a driver computes with; any other order
    lists the position of every element.

    Args:
        order: for each element of `wanted`, row major, its position in `given`.
    """
    axes = _transposition(order, given)
    if axes is None:
        name = writer.op("Reshape", name, writer.constant([0, -1], np.int64))
        name = writer.op("Gather", name, writer.constant(order, np.int64), axis=1)
        moved: tuple[int, ...] = order.shape
    else:
        moved = tuple(given[axis] for axis in axes)
        if axes != tuple(range(len(given))):
            name = writer.op("Transpose", name, perm=[0, *(axis + 1 for axis in axes)])
    if moved == tuple(wanted):
        return name
    return writer.op("Reshape", name, writer.constant([0, *wanted], np.int64))


def _transposition(order: IntArray, shape: Sequence[int]) -> tuple[int, ...] | None:
    """The order of axes that gives this order of elements; None where no order of axes does."""
    if order.size != prod(shape) or len(shape) > _MOST_AXES:
        return None
    positions = np.arange(order.size).reshape(shape)
    for axes in permutations(range(len(shape))):
        if np.array_equal(positions.transpose(axes).ravel(), order):
            return axes
    return None


def _chain(writer: OnnxWriter, name: str, chain: Chain) -> str:
    for step in (chain.affine, *chain.steps):
        if isinstance(step, Affine):
            if np.any(step.scale.array != 1):
                name = writer.op("Mul", name, writer.constant(step.scale.array))
            if np.any(step.offset.array != 0):
                name = writer.op("Add", name, writer.constant(step.offset.array))
        else:
            name = _clip(writer, name, step)
    return name


def _clip(writer: OnnxWriter, name: str, step: Function) -> str:
    """Append ReLU or Clip; lowering refuses every other function in front of the
    first quantizer.
    """
    if step.op == "Relu":
        # Not as Relu: ONNX Runtime merges it with a Clip behind it, which fails in float64.
        return writer.op("Max", name, writer.constant(0.0))
    low, high = (writer.constant(p.array.reshape(())) for p in step.parameters)
    return writer.op("Clip", name, low, high)


def _round(writer: OnnxWriter, name: str, rounding: str) -> str:
    plain = {"ROUND": "Round", "HALF_EVEN": "Round", "FLOOR": "Floor", "CEIL": "Ceil"}
    if rounding in plain:
        return writer.op(plain[rounding], name)
    sign, size = writer.op("Sign", name), writer.op("Abs", name)
    half = writer.constant(0.5)
    match rounding:
        case "DOWN" | "ROUND_TO_ZERO":
            size = writer.op("Floor", size)
        case "UP":
            size = writer.op("Ceil", size)
        case "HALF_UP":
            size = writer.op("Floor", writer.op("Add", size, half))
        case "HALF_DOWN":
            size = writer.op("Ceil", writer.op("Sub", size, half))
        case _:
            raise ValueError(f"rounding mode {rounding!r}")
    return writer.op("Mul", sign, size)


def after_model(
    source: NetworkIndex, graph: Graph, values: dict[str, Value]
) -> tuple[onnx.ModelProto, tuple[str, ...]]:
    """Return the ONNX model from integer outputs (int64, batch N) to network outputs.

    The scale is applied in float64; the network's own trailing nodes follow in float32, those
    of our own domain written in standard operators.

    Returns:
        The model, and the operators of the network that it computes, each once.
    """
    writer = OnnxWriter()
    needed = frontier(source, values)
    inputs = []
    for tensor in graph.outputs:
        shape: list[str | int | None] = ["N", *tensor.shape]
        name = integer_name(tensor.name)
        inputs.append(helper.make_tensor_value_info(name, TensorProto.INT64, shape))
    for name in needed:
        _dequantize(writer, name, values[name], graph)
    tail = tail_nodes(source, values)
    for node in tail:
        _copy_node(writer, source, node)
    outputs = [_batched(info) for info in source.model.graph.output]
    opsets = [o for o in source.model.opset_import if o.domain in ("", "ai.onnx")]
    model = writer.model("after", inputs, outputs, opsets)
    return model, tuple(dict.fromkeys(node.op_type for node in tail))


def _copy_node(writer: OnnxWriter, source: NetworkIndex, node: onnx.NodeProto) -> None:
    """Append a node of the network as it stands; one of our own domain in standard operators."""
    if node.domain == FPGACOMP_DOMAIN:
        write_standard_form(
            node.op_type,
            node.input[0],
            node.output[0],
            emit=lambda op, inputs, output: writer.op(op, *inputs, output=output or None),
            constant=lambda value: writer.constant(value, np.float32),
        )
        return
    copied = onnx.NodeProto()
    copied.CopyFrom(node)
    writer.nodes.append(copied)
    for name in node.input:
        if name in source.initializers:
            writer.constants[name] = source.initializers[name]


def _batched(info: onnx.ValueInfoProto) -> onnx.ValueInfoProto:
    kind = info.type.tensor_type
    return helper.make_tensor_value_info(info.name, kind.elem_type, ["N", *shape_of(info)[1:]])


def _dequantize(writer: OnnxWriter, name: str, value: Value, graph: Graph) -> None:
    assert isinstance(value.source, Tensor)
    is_label = isinstance(graph.producer[value.source.name], ArgMax)
    elem_type = TensorProto.INT64 if is_label else TensorProto.FLOAT
    real = writer.op("Cast", integer_name(value.source.name), to=TensorProto.DOUBLE)
    shape = writer.constant([0, *value.source_shape], np.int64)
    real = writer.op("Reshape", real, shape)
    real = _chain(writer, real, value.chain)
    order = value.order
    real = _reordered(writer, real, order.ravel(), tuple(value.source_shape), order.shape[1:])
    writer.op("Cast", real, to=elem_type, output=name)


def tail_nodes(source: NetworkIndex, values: dict[str, Value]) -> list[onnx.NodeProto]:
    """Return the network's nodes that software computes, in order: between integers and outputs."""
    needed, names = set(source.outputs), set[str]()
    for node in reversed(source.nodes):
        if any(o in needed and not is_dequantizable(o, values) for o in node.output):
            names.update(node.output)
            needed.update(node.input)
    return [node for node in source.nodes if set(node.output) & names]


def frontier(source: NetworkIndex, values: dict[str, Value]) -> list[str]:
    """Return the network's tensors at which the software side takes over from the integers."""
    read = [*source.outputs, *(i for node in tail_nodes(source, values) for i in node.input)]
    return [name for name in dict.fromkeys(read) if is_dequantizable(name, values)]


def is_dequantizable(name: str, values: dict[str, Value]) -> bool:
    """Return whether the tensor is integers times a scale plus an offset."""
    value = values.get(name)
    return value is not None and isinstance(value.source, Tensor) and value.chain.is_affine
