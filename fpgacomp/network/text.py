"""An ONNX network as text: one line per node, for golden tests and for reading.

    network small

    %x = input                                           : [1, 5]
    %q = Quant [3, 5]#0b1c2d3e, 0.5, 0.0, 3.0 signed=1 narrow=0 : [3, 5]
    %t = Transpose %q perm=[1, 0]                        : [5, 3]
    %y = MatMul %x, %t                                   : [1, 3]

    return %y

Constants stand where they are read: up to eight numbers as they are (`0.5` is a float, `2` an
integer; another type than float32 and int64 is named), larger ones as shape and the first digits
of the SHA-256 of type, shape and content. `_` is an optional input that is absent. The text is
only printed, never read back.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import onnx

from fpgacomp.ir.types import AnyArray
from fpgacomp.network.editable import FLOAT, INT64, EditableGraph, Node, TensorInfo
from fpgacomp.network.operators import CANONICAL_DOMAINS

_INLINE = 8  # numbers of a constant that stand in the line
_WIDEST_COLUMN = 64
_PLAIN = (np.dtype(np.float32), np.dtype(np.int64))


def print_network(model: onnx.ModelProto) -> str:
    """The network as text; a tensor whose shape the model does not state has none here."""
    graph = EditableGraph.from_model(model)
    info = {value.name: _info(value) for value in (*model.graph.value_info, *model.graph.output)}
    info |= graph.info
    rows = [(f"%{name}", "input", _type(info.get(name))) for name in graph.inputs]
    for node in graph.nodes:
        names = ", ".join(f"%{name}" for name in node.outputs)
        rows.append((names, _node(graph, node), _type(info.get(node.output))))
    returned = ", ".join(f"%{name}" for name in graph.outputs)
    lines = [f"network {graph.name}", "", *_aligned(rows), "", f"return {returned}"]
    return "\n".join(lines) + "\n"


def _aligned(rows: Sequence[tuple[str, str, str]]) -> Iterator[str]:
    names = max((len(name) for name, _, _ in rows), default=0)
    told = [body for _, body, kind in rows if kind and len(body) <= _WIDEST_COLUMN]
    bodies = max(map(len, told), default=0)
    for name, body, kind in rows:
        yield f"{name:{names}} = {body:{bodies}} : {kind}" if kind else f"{name:{names}} = {body}"


def _node(graph: EditableGraph, node: Node) -> str:
    inputs = ", ".join(_operand(graph, name) for name in node.inputs)
    attributes = (f"{key}={_attribute(value)}" for key, value in sorted(node.attributes.items()))
    foreign = f"{node.domain}." if node.domain not in ("", *CANONICAL_DOMAINS) else ""
    return " ".join([f"{foreign}{node.op}", inputs, *attributes]).rstrip()


def _operand(graph: EditableGraph, name: str) -> str:
    if not name:
        return "_"
    constant = graph.constant(name)
    return f"%{name}" if constant is None else _constant(constant)


def _constant(values: AnyArray) -> str:
    named = "" if values.dtype in _PLAIN else f"{values.dtype} "
    if values.size <= _INLINE:
        return f"{named}{_number(values.tolist())}"
    head = f"{values.dtype.str}{values.shape}".encode()
    digest = hashlib.sha256(head + np.ascontiguousarray(values).tobytes()).hexdigest()
    return f"{named}{list(values.shape)}#{digest[:_INLINE]}"


def _number(value: Any) -> str:
    """A number or nested lists of them; a float is as short as float32 needs it."""
    if isinstance(value, list):
        return f"[{', '.join(map(_number, value))}]"
    if isinstance(value, float):
        short = np.format_float_positional(np.float32(value), unique=True, trim="0")
        return short if len(short) <= 12 else f"{np.float32(value):e}"
    return str(value)


def _attribute(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return _constant(value)
    return value if isinstance(value, str) else _number(value)


def _type(info: TensorInfo | None) -> str:
    """The shape, and the element type where it is not float32."""
    if info is None:
        return ""
    shape = str(list(info.shape))
    if info.dtype == FLOAT:
        return shape
    dtype = "int64" if info.dtype == INT64 else onnx.helper.tensor_dtype_to_np_dtype(info.dtype)
    return f"{dtype} {shape}"


def _info(value: onnx.ValueInfoProto) -> TensorInfo | None:
    tensor = value.type.tensor_type
    if not tensor.HasField("shape"):
        return None
    return TensorInfo(tensor.elem_type, tuple(dim.dim_value for dim in tensor.shape.dim))
