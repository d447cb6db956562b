"""Turns a software side in ONNX into the steps that the device runtime computes with numpy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
from onnx import helper, shape_inference

from fpgacomp.ir.types import AnyArray
from fpgacomp.network.attributes import decode_attributes, initializers
from fpgacomp.runtime.program import OPERATORS, TYPES, parse_program

# What ONNX states as inputs and the runtime as attributes.
_AXES = ("Squeeze", "Unsqueeze")
_AS_RESHAPE = (*_AXES, "Flatten", "Reshape")
# Softmax and the operators that state axes have meant the same since.
_OLDEST_OPSET = 13


def program_of(model: onnx.ModelProto) -> dict[str, Any] | None:
    """The steps of a software side, as plain values for JSON.

    Args:
        model: `Lowered.before` or `Lowered.after`.

    Returns:
        What `parse_program` reads; None where an operator, a type or a form is not among those of
        the runtime, so that the side needs ONNX Runtime.
    """
    single = _of_one_sample(model)
    if single is None:
        return None
    side = _Side.of(single)
    steps = [side.step(node) for node in single.graph.node]
    if any(step is None for step in steps):
        return None
    read = {name for step in steps if step for name in step["inputs"]}
    constants = [_constant(name, array) for name, array in side.constants.items() if name in read]
    program = {
        "inputs": [side.tensor(i.name) for i in single.graph.input if i.name not in side.constants],
        "outputs": [side.tensor(o.name) for o in single.graph.output],
        "constants": constants,
        "steps": steps,
    }
    try:
        parse_program(program, "side")
    except ValueError:  # a form that mixes samples, or is too large
        return None
    return program


def _of_one_sample(model: onnx.ModelProto) -> onnx.ModelProto | None:
    """The model with a batch of 1 in every shape; None where its operators are of an old opset."""
    if any(opset.domain == "" and opset.version < _OLDEST_OPSET for opset in model.opset_import):
        return None
    single = onnx.ModelProto()
    single.CopyFrom(model)
    for info in (*single.graph.input, *single.graph.output):
        dims = info.type.tensor_type.shape.dim
        if dims:
            dims[0].dim_value = 1
    del single.graph.value_info[:]
    return shape_inference.infer_shapes(single, data_prop=True)


@dataclass(frozen=True)
class _Side:
    """What the steps of one model need to know of it."""

    specs: Mapping[str, onnx.TypeProto.Tensor]
    constants: Mapping[str, AnyArray]

    @classmethod
    def of(cls, model: onnx.ModelProto) -> _Side:
        graph = model.graph
        known = (*graph.value_info, *graph.input, *graph.output)
        return cls({i.name: i.type.tensor_type for i in known}, initializers(graph))

    def spec(self, name: str) -> dict[str, Any] | None:
        """Type and shape of a tensor without its batch; None where they are not known."""
        found = self.specs.get(name)
        if found is None or not found.shape.dim:
            return None
        kind = helper.tensor_dtype_to_np_dtype(found.elem_type).name
        shape = [dim.dim_value for dim in found.shape.dim][1:]
        return None if kind not in TYPES or 0 in shape else {"type": kind, "shape": shape}

    def tensor(self, name: str) -> dict[str, Any]:
        """An input or output; `parse_program` refuses one whose type is not known."""
        return {"name": name, **(self.spec(name) or {})}

    def step(self, node: onnx.NodeProto) -> dict[str, Any] | None:
        """The step of a node; None where the runtime has none."""
        spec = self.spec(node.output[0])
        op = "Reshape" if node.op_type in _AS_RESHAPE else node.op_type
        inputs = list(node.input[:1] if op == "Reshape" else node.input)
        if op == "Clip" and "" in (*inputs, "")[1:3]:  # a limit may be left out
            op = "Max" if len(inputs) == 2 or not inputs[2] else "Min"
            inputs = [name for name in inputs if name]
        whole = spec is not None and not spec["type"].startswith("float")
        known = op in OPERATORS and not node.domain and len(node.output) == 1
        # Whole numbers are divided towards zero in ONNX and exactly in numpy.
        if not known or spec is None or "" in inputs or (op == "Div" and whole):
            return None
        attributes = decode_attributes(node)
        kept = {name: attributes[name] for name in _ATTRIBUTES.get(op, ()) if name in attributes}
        names = {"inputs": inputs, "output": node.output[0]}
        plain = {name: list(v) if isinstance(v, tuple) else v for name, v in kept.items()}
        return {"op": op, **names, "attributes": plain, **spec}


# Attributes that the runtime reads; what it computes a step's shape from needs none.
_ATTRIBUTES = {
    "Transpose": ("perm",),
    "Gather": ("axis",),
    "Concat": ("axis",),
    "Softmax": ("axis",),
    "LogSoftmax": ("axis",),
    "ArgMax": ("axis", "keepdims", "select_last_index"),
}


def _constant(name: str, array: AnyArray) -> dict[str, Any]:
    values = array.ravel().tolist()
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        values = [repr(value) for value in values]  # JSON has no infinity
    return {"name": name, "type": array.dtype.name, "shape": [*array.shape], "values": values}
