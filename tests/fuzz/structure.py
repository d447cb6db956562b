"""Damages the structure of an ONNX model while its file stays well formed; seeded.

Each mutation is a function of a generator and a model, which it changes in place. What a mutation
has nothing to work on is left as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

import numpy as np
import onnx
from onnx import AttributeProto, TensorProto, helper, numpy_helper

QUANTIZERS = ("Quant", "IntQuant", "BipolarQuant", "Trunc", "QuantizeLinear", "DequantizeLinear")
OPERATORS = (
    "Relu", "Add", "Mul", "Sub", "Div", "MatMul", "Conv", "Concat", "Transpose", "Reshape",
    "Flatten", "MaxPool", "AveragePool", "GlobalAveragePool", "Softmax", "Sigmoid", "Split",
    "Gemm", "BatchNormalization", "Quant", "BipolarQuant", "Pad", "Squeeze", "ReduceSum",
    "Identity", "Resize", "ArgMax", "LSTM", "Slice", "Gather", "Cast", "Nonsense",
)  # fmt: skip
INTEGERS = (-(1 << 31), -7, -1, 0, 1, 2, 3, 5, 32, 1 << 20, (1 << 31) - 1, (1 << 62))
NUMBERS = (0.0, -0.0, -1.0, 0.3, 1e-30, 1e30, np.inf, -np.inf, np.nan, 33.0, 2.5)
DIMENSIONS = (-1, 0, 1, 2, 3, 5, 1000, 1 << 31)
TYPES = (TensorProto.FLOAT, TensorProto.DOUBLE, TensorProto.INT64, TensorProto.INT8,
         TensorProto.UINT8, TensorProto.BOOL, TensorProto.STRING, TensorProto.FLOAT16,
         TensorProto.UNDEFINED, TensorProto.COMPLEX64)  # fmt: skip
Rng = np.random.Generator
T = TypeVar("T")
Mutation = Callable[[Rng, onnx.ModelProto], None]


def mutate_structure(rng: Rng, model: onnx.ModelProto) -> bytes:
    """A copy of the model with one to three mutations, as the bytes of its file."""
    changed = onnx.ModelProto()
    changed.CopyFrom(model)
    for _ in range(int(rng.integers(1, 4))):
        pick(rng, MUTATIONS)(rng, changed)
    content: bytes = changed.SerializeToString()
    return content


def pick(rng: Rng, choices: Sequence[T]) -> T:
    """One of the choices."""
    return choices[int(rng.integers(0, len(choices)))]


def attribute_value(rng: Rng, model: onnx.ModelProto) -> None:
    """An attribute holds a number, or a list of numbers, that it should not."""
    attribute = _attribute(rng, model)
    if attribute is None:
        return
    if attribute.type == AttributeProto.INTS:
        values = list(attribute.ints)
        extra = int(pick(rng, INTEGERS))
        del attribute.ints[:]
        attribute.ints.extend(pick(rng, [values[:-1], [*values, extra], [extra] * len(values)]))
    elif attribute.type == AttributeProto.INT:
        attribute.i = int(pick(rng, INTEGERS))
    elif attribute.type == AttributeProto.FLOAT:
        attribute.f = float(pick(rng, NUMBERS))
    elif attribute.type == AttributeProto.STRING:
        attribute.s = pick(rng, [b"", b"VALID", b"SAME_UPPER", b"CEIL", b"\xff\xfe", b"[red]"])


def attribute_type(rng: Rng, model: onnx.ModelProto) -> None:
    """An attribute holds a value of another type than its operator takes."""
    attribute = _attribute(rng, model)
    if attribute is None:
        return
    values = (1, 2.5, b"text", [1, 2], [0.5], [b"a", b"b"],
              numpy_helper.from_array(np.ones(3, np.float32)))  # fmt: skip
    changed = helper.make_attribute(attribute.name, pick(rng, values))
    attribute.CopyFrom(changed)


def attribute_missing_or_twice(rng: Rng, model: onnx.ModelProto) -> None:
    """A node lacks an attribute, has it twice, or has one that it does not know."""
    owners = [node for node in model.graph.node if node.attribute]
    if not owners:
        return
    attributes = pick(rng, owners).attribute
    match int(rng.integers(0, 3)):
        case 0:
            del attributes[int(rng.integers(0, len(attributes)))]
        case 1:
            attributes.append(attributes[0])
        case _:
            attributes.append(helper.make_attribute("unheard_of", 3))


def initializer_shape(rng: Rng, model: onnx.ModelProto) -> None:
    """A constant has the same numbers in another shape, or says so of another shape."""
    tensor = _initializer(rng, model)
    if tensor is None:
        return
    try:
        array = numpy_helper.to_array(tensor)
    except Exception:
        return
    shapes = ([array.size], [1, *array.shape], list(reversed(array.shape)), [*array.shape, 1])
    if rng.random() < 0.3:  # the shape no longer goes with the numbers
        tensor.dims.append(int(pick(rng, DIMENSIONS)))
        return
    tensor.CopyFrom(numpy_helper.from_array(array.reshape(pick(rng, shapes)), tensor.name))


def initializer_values(rng: Rng, model: onnx.ModelProto) -> None:
    """A constant holds numbers out of the ordinary, or numbers of another type."""
    tensor = _initializer(rng, model)
    if tensor is None:
        return
    try:
        array = numpy_helper.to_array(tensor)
    except Exception:
        return
    if array.dtype.kind not in "fiub":
        return
    if rng.random() < 0.4:
        kind = pick(rng, [np.float64, np.float16, np.int64, np.int8, np.bool_])
        with np.errstate(invalid="ignore", over="ignore"):
            changed = array.astype(kind)
    else:
        changed = array.copy().reshape(-1)
        number = pick(rng, NUMBERS if array.dtype.kind == "f" else (0, 1, -1, 127))
        with np.errstate(invalid="ignore", over="ignore"):
            where = slice(None) if rng.random() < 0.5 else slice(0, 1)
            changed[where] = np.asarray(number).astype(array.dtype)
        changed = changed.reshape(array.shape)
    tensor.CopyFrom(numpy_helper.from_array(changed, tensor.name))


def quantizer_parameter(rng: Rng, model: onnx.ModelProto) -> None:
    """A quantizer's scale, zero point or width is another number or another constant."""
    nodes = [node for node in model.graph.node if node.op_type in QUANTIZERS]
    if not nodes:
        return
    node = pick(rng, nodes)
    at = int(rng.integers(1, max(2, len(node.input))))
    variants = [np.float32(v) for v in (0, -1, 0.1, 1, 2, 2.5, 3, 8, 16, 32, 64, np.nan, 1e-20)]
    value = np.asarray(pick(rng, variants))
    if rng.random() < 0.25:
        value = np.full(pick(rng, [(1,), (3,), (1, 4), (1, 3, 1, 1)]), value)
    name = f"mutated_{len(model.graph.initializer)}"
    model.graph.initializer.append(numpy_helper.from_array(value.astype(np.float32), name))
    if at < len(node.input):
        node.input[at] = name
    else:
        node.input.append(name)


def edge(rng: Rng, model: onnx.ModelProto) -> None:
    """An input of a node is another tensor, missing, or changes places with the next."""
    nodes = [node for node in model.graph.node if node.input]
    if not nodes:
        return
    node = pick(rng, nodes)
    at = int(rng.integers(0, len(node.input)))
    match int(rng.integers(0, 5)):
        case 0:
            other = int(rng.integers(0, len(node.input)))
            node.input[at], node.input[other] = node.input[other], node.input[at]
        case 1:
            node.input[at] = pick(rng, _tensors(model))
        case 2:
            del node.input[at]
        case 3:
            node.input[at] = pick(rng, ["", "nobody writes this"])
        case _:
            node.input.append(pick(rng, _tensors(model)))


def output(rng: Rng, model: onnx.ModelProto) -> None:
    """An output of a node has another name, one that exists, or is one too many."""
    node = pick(rng, list(model.graph.node))
    match int(rng.integers(0, 4)):
        case 0 if node.output:
            node.output[0] = pick(rng, _tensors(model))
        case 1 if node.output:
            del node.output[0]
        case 2:
            node.output.append(f"one_more_{len(node.output)}")
        case _:
            model.graph.output[0].name = pick(rng, _tensors(model))


def nodes(rng: Rng, model: onnx.ModelProto) -> None:
    """A node is missing, there twice, of another operator or domain, or out of order."""
    listed = model.graph.node
    if len(listed) < 2:
        return
    at = int(rng.integers(0, len(listed)))
    match int(rng.integers(0, 6)):
        case 0:
            del listed[at]
        case 1:
            listed.append(listed[at])
        case 2:
            listed[at].op_type = pick(rng, OPERATORS)
        case 3:
            listed[at].domain = pick(rng, ["", "ai.onnx", "qonnx.custom_op.general", "nobody"])
        case 4:
            other = int(rng.integers(0, len(listed)))
            copy = onnx.NodeProto.FromString(listed[at].SerializeToString())
            listed[at].CopyFrom(listed[other])
            listed[other].CopyFrom(copy)
        case _:
            _bypass(model, at)


def inserted_node(rng: Rng, model: onnx.ModelProto) -> None:
    """One more operator stands in front of a node's first input."""
    where = [i for i, node in enumerate(model.graph.node) if node.input]
    if not where:
        return
    at = pick(rng, where)
    node = model.graph.node[at]
    new = f"inserted_{len(model.graph.node)}"
    kinds = ("Relu", "Identity", "Flatten", "Transpose", "Sigmoid", "Neg", "Softmax", "Cast")
    simple = [helper.make_node(kind, [node.input[0]], [new]) for kind in kinds]
    simple[-1].attribute.append(helper.make_attribute("to", int(pick(rng, TYPES))))
    name = f"shape_{new}"
    shapes = ([1, -1], [-1, 1, 2], [0, 0, -1], [-1], [1, -1, 1, 1])
    shape = numpy_helper.from_array(np.asarray(pick(rng, shapes), np.int64), name)
    simple.append(helper.make_node("Reshape", [node.input[0], name], [new]))
    chosen = pick(rng, simple)
    if chosen.op_type == "Reshape":
        model.graph.initializer.append(shape)
    node.input[0] = new
    model.graph.node.insert(at, chosen)


def border(rng: Rng, model: onnx.ModelProto) -> None:
    """The shape, the type or the number of the network's inputs and outputs is another."""
    listed = model.graph.input if rng.random() < 0.6 else model.graph.output
    if not listed:
        return
    value = pick(rng, list(listed))
    tensor = value.type.tensor_type
    match int(rng.integers(0, 5)):
        case 0 if tensor.shape.dim:
            pick(rng, list(tensor.shape.dim)).dim_value = int(pick(rng, DIMENSIONS))
        case 1 if tensor.shape.dim:
            pick(rng, list(tensor.shape.dim)).dim_param = "N"
        case 2:
            tensor.elem_type = int(pick(rng, TYPES))
        case 3:
            listed.append(value)
            if rng.random() < 0.7:
                listed[-1].name = pick(rng, _tensors(model))
        case _:
            tensor.shape.dim.add(dim_value=int(pick(rng, DIMENSIONS)))


def versions(rng: Rng, model: onnx.ModelProto) -> None:
    """An opset, the IR version or the list of domains is another."""
    match int(rng.integers(0, 4)):
        case 0 if model.opset_import:
            pick(rng, list(model.opset_import)).version = int(
                pick(rng, [0, -1, 1, 6, 7, 9, 10, 11, 12, 14, 18, 21, 23, 99, 1 << 40])
            )
        case 1 if model.opset_import:
            model.opset_import.append(model.opset_import[0])
        case 2 if model.opset_import:
            del model.opset_import[int(rng.integers(0, len(model.opset_import)))]
        case _:
            model.ir_version = int(pick(rng, [0, 3, 4, 10, 13, 99]))


def sub_graph(rng: Rng, model: onnx.ModelProto) -> None:
    """A node moves into a branch of an If, the body of a Loop, or a function of the model."""
    at = int(rng.integers(0, len(model.graph.node)))
    node = onnx.NodeProto.FromString(model.graph.node[at].SerializeToString())
    if len(node.output) != 1:
        return
    if rng.random() < 0.4:
        _into_function(model, at, node)
        return
    value = helper.make_tensor_value_info(node.output[0], TensorProto.FLOAT, None)
    body = helper.make_graph([node], "body", [], [value])
    condition = numpy_helper.from_array(np.asarray(True), f"condition_{at}")
    model.graph.initializer.append(condition)
    if rng.random() < 0.6:
        wrapped = helper.make_node(
            "If", [condition.name], list(node.output), then_branch=body, else_branch=body
        )
    else:
        wrapped = helper.make_node("Loop", ["", condition.name], list(node.output), body=body)
    model.graph.node[at].CopyFrom(wrapped)


MUTATIONS: tuple[Mutation, ...] = (
    attribute_value, attribute_type, attribute_missing_or_twice, initializer_shape,
    initializer_values, quantizer_parameter, edge, output, nodes, inserted_node, border, versions,
    sub_graph,
)  # fmt: skip


def _into_function(model: onnx.ModelProto, at: int, node: onnx.NodeProto) -> None:
    name = f"F{at}"
    inputs = [i for i in dict.fromkeys(node.input) if i]
    imports = [helper.make_opsetid(e.domain, e.version) for e in model.opset_import]
    model.functions.append(
        helper.make_function("own", name, inputs, list(node.output), [node], imports)
    )
    if all(entry.domain != "own" for entry in model.opset_import):
        model.opset_import.append(helper.make_opsetid("own", 1))
    call = helper.make_node(name, inputs, list(node.output), domain="own")
    model.graph.node[at].CopyFrom(call)


def _bypass(model: onnx.ModelProto, at: int) -> None:
    """Remove a node; whoever read its output reads its first input."""
    node = model.graph.node[at]
    if not node.input or not node.output:
        return
    old, new = node.output[0], node.input[0]
    del model.graph.node[at]
    for other in model.graph.node:
        for i, name in enumerate(other.input):
            if name == old:
                other.input[i] = new


def _tensors(model: onnx.ModelProto) -> list[str]:
    names = [name for node in model.graph.node for name in (*node.input, *node.output) if name]
    return names or ["x"]


def _attribute(rng: Rng, model: onnx.ModelProto) -> AttributeProto | None:
    found = [attribute for node in model.graph.node for attribute in node.attribute]
    return pick(rng, found) if found else None


def _initializer(rng: Rng, model: onnx.ModelProto) -> TensorProto | None:
    listed = list(model.graph.initializer)
    return pick(rng, listed) if listed else None
