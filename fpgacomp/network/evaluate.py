"""Computes a node whose inputs are all constants, in the precision that the network runs in."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from onnx import helper, numpy_helper

from fpgacomp.ir.types import AnyArray
from fpgacomp.network.editable import Node, node_proto
from fpgacomp.network.runtime import open_session

# Only what numpy computes to the bit as ONNX Runtime does: moving values about, integer
# work, and the float operations IEEE 754 rounds correctly. All else runs in ONNX Runtime.
_EXACT: dict[str, Callable[..., AnyArray]] = {
    "Add": np.add,
    "Sub": np.subtract,
    "Mul": np.multiply,
    "Sqrt": np.sqrt,
    "Neg": np.negative,
    "Abs": np.abs,
    "Floor": np.floor,
    "Ceil": np.ceil,
    "Identity": lambda x: x,
    "Reshape": lambda x, shape: x.reshape([x.shape[i] if d == 0 else d for i, d in _dims(shape)]),
}


def _dims(shape: AnyArray) -> list[tuple[int, int]]:
    return [(i, int(d)) for i, d in enumerate(shape)]


def evaluate(node: Node, values: list[AnyArray | None], opset: int) -> list[AnyArray]:
    """Return the node's outputs.

    Args:
        node: of ONNX's own operators.
        values: its inputs, None for an optional one that is absent.
        opset: the version of the operators.

    Args:
        values: the inputs, None for an optional one that is absent.

    Raises:
        Exception: whatever numpy or ONNX Runtime raise; the caller keeps the node.
    """
    given = [value for value in values if value is not None]
    if not node.attributes and node.op in _EXACT and len(given) == len(values):
        return [np.asarray(_EXACT[node.op](*given))]
    match node.op, given:
        case "Div", [a, b] if np.issubdtype(a.dtype, np.floating):
            return [np.asarray(a / b)]
        case "Transpose", [x]:
            return [np.ascontiguousarray(x.transpose(node.attributes.get("perm")))]
        case "Concat", _:
            return [np.concatenate(given, axis=node.attributes["axis"])]
        case "Gather", [x, index]:
            return [np.asarray(np.take(x, index, axis=node.attributes.get("axis", 0)))]
        case "Unsqueeze", [x, axes]:
            return [np.expand_dims(x, tuple(int(a) for a in axes))]
        case "Squeeze", [x, axes]:
            return [np.squeeze(x, tuple(int(a) for a in axes))]
        case "Cast", [x]:
            kind = helper.tensor_dtype_to_np_dtype(node.attributes["to"])
            if kind.hasobject:
                raise ValueError("a cast to text gives no numbers")
            return [x.astype(kind)]
    return _by_onnxruntime(node, values, opset)


def _by_onnxruntime(node: Node, values: list[AnyArray | None], opset: int) -> list[AnyArray]:
    names = [f"x{i}" if value is not None else "" for i, value in enumerate(values)]
    outputs = [f"y{i}" if name else "" for i, name in enumerate(node.outputs)]
    graph = helper.make_graph(
        [node_proto(Node(node.op, names, outputs, node.name, "", node.attributes))],
        "fold",
        [],
        [helper.make_empty_tensor_value_info(name) for name in outputs if name],
        [numpy_helper.from_array(v, n) for v, n in zip(values, names) if v is not None],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)])
    model.ir_version = 8
    found = iter(open_session(model).run(None, {}))
    return [np.asarray(next(found)) if name else np.empty(0) for name in outputs]
