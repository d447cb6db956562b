"""Decodes attributes, constants and shapes of ONNX protobufs into Python and numpy values."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper

from fpgacomp.ir.types import AnyArray

# What an attribute may hold: a number, a text, a list of these, an array, or a whole graph.
# ONNX says only in the operator's definition which of them it is, so its type is open here.
Attributes = dict[str, Any]

# ONNX element types narrower than a byte: the numpy type that holds them, their range.
NARROW_TYPES: dict[int, tuple[type[np.integer[Any]], tuple[int, int]]] = {
    onnx.TensorProto.UINT4: (np.uint8, (0, 15)),
    onnx.TensorProto.INT4: (np.int8, (-8, 7)),
}
if hasattr(onnx.TensorProto, "INT2"):  # since onnx 1.20
    NARROW_TYPES[onnx.TensorProto.UINT2] = (np.uint8, (0, 3))
    NARROW_TYPES[onnx.TensorProto.INT2] = (np.int8, (-2, 1))


def to_array(tensor: onnx.TensorProto) -> AnyArray:
    """Return the tensor's values; integers narrower than a byte come as int8 or uint8."""
    array = numpy_helper.to_array(tensor)
    if tensor.data_type in NARROW_TYPES:
        return array.astype(NARROW_TYPES[tensor.data_type][0])
    return array


def initializers(graph: onnx.GraphProto) -> dict[str, AnyArray]:
    """Return the graph's constants by tensor name."""
    return {tensor.name: to_array(tensor) for tensor in graph.initializer}


def shape_of(value: onnx.ValueInfoProto) -> tuple[int, ...]:
    """Return the shape that a model states for a tensor; 0 where a size is open."""
    return tuple(dim.dim_value for dim in value.type.tensor_type.shape.dim)


def decode_attributes(node: onnx.NodeProto) -> Attributes:
    """Return a node's attributes by name: text as str, lists as list, tensors as arrays."""
    return {attribute.name: decode(attribute) for attribute in node.attribute}


def decode(attribute: onnx.AttributeProto) -> Any:
    """Return one attribute's value as `decode_attributes` does."""
    value = helper.get_attribute_value(attribute)
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    match attribute.type:
        case onnx.AttributeProto.TENSOR:
            return to_array(attribute.t)
        case onnx.AttributeProto.INTS | onnx.AttributeProto.FLOATS:
            return list(value)
        case onnx.AttributeProto.STRINGS:
            return [text.decode("utf-8", "replace") for text in value]
    return value


def attribute(node: onnx.NodeProto, name: str, default: Any = None) -> Any:
    """Return one attribute of a node, or the default where the node does not state it."""
    return next((decode(item) for item in node.attribute if item.name == name), default)


def int_attribute(node: onnx.NodeProto, name: str, default: int) -> int:
    """Return an integer attribute, or the default where the node does not state it."""
    return int(attribute(node, name, default))


def float_attribute(node: onnx.NodeProto, name: str, default: float) -> float:
    """Return a float attribute (ONNX stores float32), or the default where it is not stated."""
    return float(attribute(node, name, default))


def text_attribute(node: onnx.NodeProto, name: str, default: str = "") -> str:
    """Return a text attribute, or the default where the node does not state it."""
    return str(attribute(node, name, default))


def ints_attribute(node: onnx.NodeProto, name: str, default: tuple[int, ...]) -> tuple[int, ...]:
    """Return a list of integers as a tuple, or the default where the node does not state it."""
    return tuple(int(value) for value in attribute(node, name, default))


def constant_value(attributes: Attributes) -> AnyArray | None:
    """Return what a Constant node with these attributes writes, or None for text and sparse."""
    match attributes:
        case {"value": value}:
            return np.asarray(value)
        case {"value_float": value} | {"value_floats": value}:
            return np.asarray(value, np.float32)
        case {"value_int": value} | {"value_ints": value}:
            return np.asarray(value, np.int64)
    return None
