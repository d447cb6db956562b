"""Infers the static shape and type of every tensor, the quantizers of other domains included."""

from __future__ import annotations

from functools import cache
from math import prod

import numpy as np
import onnx
from onnx import checker, defs, helper, numpy_helper, shape_inference

from fpgacomp.errors import ModelError
from fpgacomp.network.budget import activation_problem
from fpgacomp.network.editable import FLOAT, EditableGraph, Node, TensorInfo, node_proto
from fpgacomp.network.native import WINDOWED, unsound
from fpgacomp.network.operators import FPGACOMP_DOMAIN, FUNCTIONS, QONNX_DOMAIN, QUANTIZERS

# Operators whose output has the type and shape of their first input. It is quicker to say so
# than to ask ONNX, and ONNX does not know those that are missing in the file's opset.
SAME_SHAPE = frozenset(
    (
        *(name for name in FUNCTIONS if name != "Pow"),
        *("Swish", "Softmax", "LogSoftmax", "Identity", "Neg", "InstanceNormalization"),
    )
)

# ONNX's inference needs the values of short constants only: Reshape targets, axes, scales.
_MAX_VALUE_SIZE = 1024


def infer_node(graph: EditableGraph, node: Node) -> bool:
    """Set `graph.info` of the node's outputs; return False where they stay unknown.

    An inconsistency (shapes that do not go together), an activation without values and one
    that takes more than the budget are kept as problems.
    """
    known = _infer_outputs(graph, node)
    if all(not name or name in graph.constants for name in node.inputs):
        return known  # `fold_constants` looks at the sizes of constants
    for name in node.outputs:
        problem = activation_problem(name, graph.shape(name)) if name in graph.info else ""
        if problem:
            graph.report(node, problem, "give the network smaller tensors.", error=ModelError)
            graph.disable(node)
            del graph.info[name]
            return False
    return known


def _infer_outputs(graph: EditableGraph, node: Node) -> bool:
    if not all(not name or name in graph.info for name in node.inputs):
        return False
    if node.domain == QONNX_DOMAIN and node.op in QUANTIZERS:
        graph.info[node.output] = TensorInfo(FLOAT, _quantizer_shape(graph, node))
        return True
    if not node.domain and node.op == "Clip" and not _scalar_limits(graph, node):
        return False
    if not node.domain and node.op in ("Softmax", "LogSoftmax") and not _axis_fits(graph, node):
        return False
    if node.domain == FPGACOMP_DOMAIN or (not node.domain and node.op in SAME_SHAPE):
        graph.info[node.output] = graph.info[node.inputs[0]]
        return True
    if node.domain:
        return False
    if node.op == "BatchNormalization":
        graph.info[node.output] = graph.info[node.inputs[0]]
        return len([name for name in node.outputs if name]) == 1
    if node.op in ("QuantizeLinear", "DequantizeLinear"):
        graph.info[node.output] = TensorInfo(
            _linear_dtype(graph, node), graph.shape(node.inputs[0])
        )
        return True
    return _infer_by_onnx(graph, node)


def infer_missing(graph: EditableGraph) -> None:
    """Infer every node that has an output of unknown shape."""
    for node in graph.nodes:
        if any(name and name not in graph.info for name in node.outputs):
            infer_node(graph, node)


def _axis_fits(graph: EditableGraph, node: Node) -> bool:
    """Refuse an axis that the input does not have; nobody asks ONNX about these operators."""
    axis, rank = node.attributes.get("axis", -1), len(graph.shape(node.inputs[0]))
    if -rank <= axis < rank:
        return True
    why = f"its axis {axis} is none of its input's {rank}."
    graph.report(node, why, "export the model again.", error=ModelError)
    graph.disable(node)
    return False


def _scalar_limits(graph: EditableGraph, node: Node) -> bool:
    sizes = [graph.shape(name) for name in node.inputs[1:] if name]
    wrong = [size for size in sizes if np.prod(size) != 1]
    if wrong:
        why = f"its limit has the shape {list(wrong[0])}, not that of one number."
        graph.report(node, why, "export the model again.", error=ModelError)
    return not wrong


def _quantizer_shape(graph: EditableGraph, node: Node) -> tuple[int, ...]:
    shape = graph.shape(node.inputs[0])
    for name in node.inputs:
        if name in graph.info and not _holds_numbers(graph.info[name].dtype):
            kind = onnx.TensorProto.DataType.Name(graph.info[name].dtype).lower()
            why = f"its input {name} is of type {kind}."
            graph.report(node, why, "give it real numbers.", error=ModelError)
            graph.disable(node)
            return shape
    if node.op == "MultiThreshold":
        return shape
    parameters = [graph.shape(name) for name in node.inputs[1:]]
    try:
        return tuple(np.broadcast_shapes(shape, *parameters))
    except ValueError:
        told = ", ".join(str(list(size)) for size in parameters)
        why = f"its parameters of shapes {told} do not broadcast to its input {list(shape)}."
        graph.report(node, why, "give one scale, or one per channel along the channel axis.")
        graph.disable(node)
        return shape


def _holds_numbers(dtype: int) -> bool:
    """Return whether an element type is one of integers or real numbers; not bool or text."""
    try:
        return helper.tensor_dtype_to_np_dtype(dtype).kind in "fiu"
    except (KeyError, ValueError):
        return False


def _linear_dtype(graph: EditableGraph, node: Node) -> int:
    if node.op == "DequantizeLinear":
        return graph.info[node.inputs[1]].dtype
    if node.input(2):
        return graph.info[node.input(2)].dtype
    return int(node.attributes.get("output_dtype", 0)) or onnx.TensorProto.UINT8


@cache
def _schema(op: str, opset: int) -> defs.OpSchema | None:
    try:
        return defs.get_schema(op, min(opset, defs.onnx_opset_version()), "")
    except defs.SchemaError:
        return None


def _infer_by_onnx(graph: EditableGraph, node: Node) -> bool:
    schema = _schema(node.op, graph.opset)
    if schema is None:
        return False
    if why := unsound(node, [graph.shape(name) if name else None for name in node.inputs]):
        graph.report(node, why, "export the model again.", error=ModelError)
        return False
    proto = node_proto(node)
    types = {n: _type(graph.info[n]) for n in node.inputs if n}
    values = {
        name: numpy_helper.from_array(graph.constants[name], name)
        for name in node.inputs
        if name in graph.constants and graph.constants[name].size <= _MAX_VALUE_SIZE
    }
    try:
        found = shape_inference.infer_node_outputs(
            schema, proto, types, values, opset_imports=[helper.make_opsetid("", graph.opset)]
        )
    except (checker.ValidationError, ValueError) as error:
        why = f"its inputs or attributes are of the wrong type: {_reason(error)}."
        graph.report(node, why, "export the model again.", error=ModelError)
        return False
    except (shape_inference.InferenceError, RuntimeError) as error:
        shapes = ", ".join(f"{n} {list(graph.shape(n))}" for n in node.inputs if n)
        why = f"the shapes of its inputs do not go together ({shapes}): "
        fix = "export the model again with batch size 1."
        graph.report(node, f"{why}{_reason(error)}.", fix, error=ModelError)
        return False
    if node.attributes.get("ceil_mode", 0) and node.output in found:
        _drop_outer_windows(graph, node, found[node.output])
    if node.op in WINDOWED and not _has_windows(graph, node, found.get(node.output)):
        return False
    kept = [_keep(graph, name, found) for name in node.outputs if name]
    return all(kept) and _keeps_its_values(graph, node)


def _has_windows(graph: EditableGraph, node: Node, found: onnx.TypeProto | None) -> bool:
    """Refuse a window that is larger than its padded input: ONNX infers a negative size."""
    sizes = [dim.dim_value for dim in found.tensor_type.shape.dim[2:]] if found else []
    before = graph.shape(node.inputs[0])
    if all(size > 0 for size in sizes) or min(before) <= 0:
        return True
    why = f"its window is larger than its input {list(before)} with its padding."
    graph.report(node, why, "export the model again with larger inputs.", error=ModelError)
    return False


def _keeps_its_values(graph: EditableGraph, node: Node) -> bool:
    """Refuse a Reshape or Transpose that ONNX lets pass, but that loses or invents values."""
    if node.op not in ("Reshape", "Transpose"):
        return True
    before, after = graph.shape(node.inputs[0]), graph.shape(node.output)
    if -1 in before or prod(before) == prod(after):
        perm = node.attributes.get("perm", range(len(before)))
        if node.op == "Reshape" or sorted(perm) == list(range(len(before))):
            return True
    why = f"it makes the shape {list(after)} of {list(before)}, which has other values."
    graph.report(node, why, "export the model again with batch size 1.", error=ModelError)
    del graph.info[node.output]
    return False


def _drop_outer_windows(graph: EditableGraph, node: Node, found: onnx.TypeProto) -> None:
    """Leave out windows of ceil_mode that begin behind the input and its padding.

    ONNX Runtime and PyTorch compute so; ONNX's own inference is one too high there.
    """
    spatial = len(node.attributes["kernel_shape"])
    pads = node.attributes.get("pads", [0] * spatial)
    strides = node.attributes.get("strides", [1] * spatial)
    if "pads" in node.attributes or node.attributes.get("auto_pad", "NOTSET") == "NOTSET":
        sizes = graph.shape(node.inputs[0])[2:]
        for dim, size, pad, stride in zip(found.tensor_type.shape.dim[2:], sizes, pads, strides):
            if (dim.dim_value - 1) * stride >= size + pad:
                dim.dim_value -= 1


def _type(info: TensorInfo) -> onnx.TypeProto:
    return helper.make_tensor_type_proto(info.dtype, info.shape)


def _keep(graph: EditableGraph, name: str, found: dict[str, onnx.TypeProto]) -> bool:
    tensor = found[name].tensor_type if name in found else None
    if tensor is None or not tensor.HasField("shape"):
        return False
    if not all(dim.HasField("dim_value") for dim in tensor.shape.dim):
        return False
    graph.info[name] = TensorInfo(tensor.elem_type, tuple(d.dim_value for d in tensor.shape.dim))
    return True


def _reason(error: Exception) -> str:
    return str(error).splitlines()[0].split("] ")[-1].strip().rstrip(".")
