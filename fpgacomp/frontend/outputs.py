"""What the outputs of a network look like: their shapes, and what their values are."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import onnx
from onnx import TensorProto

from fpgacomp.data.tasks import Ending, OutputForm
from fpgacomp.ir.types import NamedArrays
from fpgacomp.network.attributes import decode_attributes, initializers
from fpgacomp.network.canonical import Network

_INTEGERS = {
    TensorProto.INT8, TensorProto.INT16, TensorProto.INT32, TensorProto.INT64,
    TensorProto.UINT8, TensorProto.UINT16, TensorProto.UINT32, TensorProto.UINT64,
}  # fmt: skip
# Operators that move values about or quantize them: what the values are stays the same.
_LOOKED_THROUGH = {
    "Identity", "Flatten", "Reshape", "Squeeze", "Unsqueeze", "Transpose", "Cast", "Dropout",
    "Quant", "BipolarQuant", "Trunc", "IntQuant", "QuantizeLinear", "DequantizeLinear", "Clip",
}  # fmt: skip
_ENDINGS: dict[str, Ending] = {
    "Softmax": "softmax",
    "LogSoftmax": "log-softmax",
    "Sigmoid": "sigmoid",
    "HardSigmoid": "sigmoid",
}
_LABELS = ("ArgMax", "ArgMin", "TopK")


def output_forms(network: Network) -> tuple[OutputForm, ...]:
    """Tell what the outputs of a network look like, as its author's framework gives them."""
    return forms_of(network.original, network.model)


def forms_of(
    model: onnx.ModelProto, canonical: onnx.ModelProto | None = None
) -> tuple[OutputForm, ...]:
    """Tell what the outputs of an ONNX model look like.

    Args:
        model: as its author wrote it, or canonical.
        canonical: the same network, whose shapes are known where the model's own are not.
    """
    graph = model.graph
    whole = () if canonical is None else canonical.graph.output
    constants = initializers(graph)
    makers = {output: node for node in graph.node for output in node.output}
    shapes = {value.name: value for value in (*graph.output, *whole)}
    forms = []
    for value in graph.output:
        ending, label = _ending(value.name, makers, constants)
        kind = value.type.tensor_type.elem_type
        sizes = [dim.dim_value for dim in shapes[value.name].type.tensor_type.shape.dim]
        form = OutputForm(value.name, tuple(sizes[1:]), ending)
        one_each = form.size == 1 or len(form.shape) > 1
        forms.append(replace(form, integer=label or (kind in _INTEGERS and one_each)))
    return tuple(forms)


def _ending(
    tensor: str, makers: dict[str, onnx.NodeProto], constants: NamedArrays
) -> tuple[Ending, bool]:
    """What a tensor's values are by the operator that makes them, and whether they are labels."""
    while tensor in makers:
        node = makers[tensor]
        if node.op_type in _LABELS:
            return "scores", True
        if node.op_type in _ENDINGS:
            return _ENDINGS[node.op_type], False
        if node.op_type == "Clip" and _bounds(node, constants) == (0.0, 1.0):
            return "sigmoid", False  # a hard sigmoid, spelled out
        if node.op_type not in _LOOKED_THROUGH:
            break
        tensor = node.input[0]
    return "scores", False


def _bounds(node: onnx.NodeProto, constants: NamedArrays) -> tuple[float | None, float | None]:
    """The limits of a Clip; None where one is missing or computed."""
    attributes = decode_attributes(node)
    found: list[float | None] = []
    for place, name in ((1, "min"), (2, "max")):
        value = attributes.get(name)
        if len(node.input) > place and node.input[place] in constants:
            value = constants[node.input[place]]
        found.append(None if value is None else float(np.asarray(value).reshape(-1)[0]))
    return found[0], found[1]
