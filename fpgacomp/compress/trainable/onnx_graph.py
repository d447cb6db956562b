"""A float ONNX model with its shapes known and everything constant folded away."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime
from onnx import helper, numpy_helper, shape_inference

from fpgacomp.errors import ModelError, UnsupportedLayer
from fpgacomp.network.canonical import FPGACOMP_DOMAIN

Array = npt.NDArray[Any]

_RERANK = {"Transpose", "Reshape", "Identity", "Squeeze", "Unsqueeze", "Flatten"}
_MAX_FOLDED = 1 << 28  # values of one constant


@dataclass(frozen=True)
class OnnxNode:
    """A node with its attributes as Python values."""

    op: str
    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: dict[str, Any]
    domain: str

    @property
    def label(self) -> str:
        """What a message calls it."""
        return self.name or f"{self.op} making {self.outputs[0]}"

    def input(self, position: int) -> str:
        """Name of this input, "" where it is not given."""
        return self.inputs[position] if position < len(self.inputs) else ""


@dataclass
class OnnxGraph:
    """What is left of a model when constants are folded.

    Args:
        opset: version of the standard operators.
        batch: size of axis 0 of the input in `shapes` (1 where the file leaves it open).
        input: name of the one input.
        output: name of the one output.
        shapes: of the tensors whose shape is known, batch included.
        constants: values by tensor name.
        codes: for a constant gathered from a codebook, the index of each of its values.
        nodes: in order of execution, none of them constant.
    """

    opset: int
    batch: int
    input: str
    output: str
    shapes: dict[str, tuple[int, ...]]
    constants: dict[str, Array]
    codes: dict[str, Array] = field(default_factory=dict)
    nodes: list[OnnxNode] = field(default_factory=list)

    @cached_property
    def uses(self) -> Counter[str]:
        """How often each tensor is read, the network's output counted."""
        counts = Counter(name for node in self.nodes for name in node.inputs if name)
        counts[self.output] += 1
        return counts

    def drop_dead(self) -> None:
        """Keep the nodes that the output depends on."""
        wanted, kept = {self.output}, []
        for node in reversed(self.nodes):
            if wanted & set(node.outputs):
                wanted.update(node.inputs)
                kept.append(node)
        self.nodes = kept[::-1]


def open_graph(model: onnx.ModelProto) -> OnnxGraph:
    """Shapes and constants of a model.

    Raises:
        ModelError: not a valid model.
        UnsupportedLayer: not one float input and one output, or sizes that are left open.
    """
    opset = next((o.version for o in model.opset_import if o.domain in ("", "ai.onnx")), 0)
    constants = {t.name: numpy_helper.to_array(t) for t in model.graph.initializer}
    source = _only_input(model, constants)
    shape = _sizes(source)
    graph = OnnxGraph(
        opset, shape[0], source.name, _only_output(model).name, {source.name: shape}, constants
    )
    pending = [_node(proto) for proto in model.graph.node]
    while True:
        graph.shapes.update(_inferred(model, graph, pending))
        kept = [node for node in pending if not _fold(graph, node)]
        if len(kept) == len(pending):
            break
        pending = kept
    graph.nodes = pending
    graph.drop_dead()
    return graph


def _only_input(model: onnx.ModelProto, constants: dict[str, Array]) -> onnx.ValueInfoProto:
    inputs: list[onnx.ValueInfoProto] = [
        value for value in model.graph.input if value.name not in constants
    ]
    if len(inputs) != 1:
        raise UnsupportedLayer(
            "the network", f"it has {len(inputs)} inputs.", "give a network with one input."
        )
    kind = inputs[0].type.tensor_type.elem_type
    if kind not in (onnx.TensorProto.FLOAT, onnx.TensorProto.DOUBLE, onnx.TensorProto.FLOAT16):
        name = onnx.TensorProto.DataType.Name(kind)
        raise UnsupportedLayer(
            f"input {inputs[0].name}", f"it takes {name}.", "export it with a float32 input."
        )
    (source,) = inputs
    return source


def _only_output(model: onnx.ModelProto) -> onnx.ValueInfoProto:
    outputs: list[onnx.ValueInfoProto] = list(model.graph.output)
    if len(outputs) != 1:
        raise UnsupportedLayer(
            "the network", f"it has {len(outputs)} outputs.", "give a network with one output."
        )
    (result,) = outputs
    return result


def _sizes(source: onnx.ValueInfoProto) -> tuple[int, ...]:
    dims = source.type.tensor_type.shape.dim
    shape = tuple(int(d.dim_value) if d.dim_value > 0 else 0 for d in dims)
    if len(shape) < 2 or 0 in shape[1:]:
        raise UnsupportedLayer(
            f"input {source.name}",
            f"its shape {[d.dim_value or d.dim_param or '?' for d in dims]} is not known.",
            "export it with fixed sizes behind a batch axis.",
        )
    return (shape[0] or 1, *shape[1:])


def _node(proto: onnx.NodeProto) -> OnnxNode:
    attributes = {a.name: _attribute(a) for a in proto.attribute}
    domain = "" if proto.domain == "ai.onnx" else proto.domain
    return OnnxNode(
        proto.op_type, proto.name, tuple(proto.input), tuple(proto.output), attributes, domain
    )


def _attribute(attribute: onnx.AttributeProto) -> Any:
    value = helper.get_attribute_value(attribute)
    if isinstance(value, bytes):
        return value.decode()
    return numpy_helper.to_array(value) if isinstance(value, onnx.TensorProto) else value


def _inferred(
    model: onnx.ModelProto, graph: OnnxGraph, nodes: list[OnnxNode]
) -> dict[str, tuple[int, ...]]:
    """Shapes of the tensors of the standard operators, as far as they follow."""
    shape = graph.shapes[graph.input]
    elem = _only_input(model, graph.constants).type.tensor_type.elem_type
    value = helper.make_tensor_value_info(graph.input, elem, shape)
    needed = {name for node in nodes for name in node.inputs}
    stand_ins = [_stand_in(n, v) for n, v in graph.constants.items() if n in needed]
    copy = helper.make_model(
        helper.make_graph(
            [_proto(_standard(n)) for n in nodes if not n.domain or n.domain == FPGACOMP_DOMAIN],
            "shapes",
            [value, *(s for s in stand_ins if isinstance(s, onnx.ValueInfoProto))],
            [],
            [s for s in stand_ins if isinstance(s, onnx.TensorProto)],
        ),
        opset_imports=[helper.make_opsetid("", graph.opset)],
    )
    try:
        found = shape_inference.infer_shapes(copy, data_prop=True)
    except Exception as error:  # the checker's and the inference's own exceptions
        reason = str(error).splitlines()[0]
        raise ModelError(
            "the network", f"its shapes do not fit: {reason}.", "export it again."
        ) from None
    shapes = {name: value.shape for name, value in graph.constants.items()}
    for value in found.graph.value_info:
        dims = value.type.tensor_type.shape.dim
        if value.type.tensor_type.HasField("shape") and all(d.dim_value > 0 for d in dims):
            shapes[value.name] = tuple(d.dim_value for d in dims)
    return shapes


def _standard(node: OnnxNode) -> OnnxNode:
    """Our own activation functions, of which shape inference knows nothing, as Identity."""
    return replace(node, op="Identity", attributes={}, domain="") if node.domain else node


def _stand_in(name: str, value: Array) -> onnx.TensorProto | onnx.ValueInfoProto:
    """A constant for shape inference: large ones by their shape alone."""
    if value.size <= 64:
        return numpy_helper.from_array(np.array(value, order="C"), name)
    elem = helper.np_dtype_to_tensor_dtype(value.dtype)
    return helper.make_tensor_value_info(name, elem, value.shape)


def _proto(node: OnnxNode) -> onnx.NodeProto:
    attributes = {
        key: numpy_helper.from_array(value) if isinstance(value, np.ndarray) else value
        for key, value in node.attributes.items()
    }
    return helper.make_node(node.op, node.inputs, node.outputs, node.name, **attributes)


def _fold(graph: OnnxGraph, node: OnnxNode) -> bool:
    """Whether the node was constant; its values are among the constants then."""
    given = [name for name in node.inputs if name]
    if node.domain or node.op in ("QuantizeLinear", "DequantizeLinear"):
        return False
    if node.op == "Shape" and given[0] in graph.shapes:
        shape = graph.shapes[given[0]]
        start, end = node.attributes.get("start", 0), node.attributes.get("end", len(shape))
        graph.constants[node.outputs[0]] = np.asarray(shape[start:end], np.int64)
        return True
    if not all(name in graph.constants for name in given):
        return False
    sizes = [np.prod(graph.shapes.get(name, ()), dtype=float) for name in node.outputs]
    if max(sizes) > _MAX_FOLDED:
        raise UnsupportedLayer(
            node.label, f"it makes a constant of {max(sizes):.0f} values.", "use a smaller one."
        )
    _keep_codes(graph, node)
    values = evaluate(node, [graph.constants[name] for name in given], graph.opset)
    graph.constants.update(zip(node.outputs, values))
    return True


def _keep_codes(graph: OnnxGraph, node: OnnxNode) -> None:
    """Remember which value of a codebook each weight is, before folding hides it."""
    if not node.inputs or node.op not in {"Gather", *_RERANK}:
        return
    source, output = node.inputs[0], node.outputs[0]
    if node.op == "Gather":
        codebook = graph.constants[source]
        indices = graph.constants[node.inputs[1]]
        if codebook.ndim == 1 and codebook.dtype.kind == "f" and indices.ndim >= 2:
            graph.codes[output] = indices % len(codebook)
    elif source in graph.codes:
        rest = [graph.constants[name] for name in node.inputs[1:] if name]
        graph.codes[output] = evaluate(node, [graph.codes[source], *rest], graph.opset)[0]


def evaluate(node: OnnxNode, values: list[Array], opset: int) -> list[Array]:
    """The outputs of a node whose given inputs have these values.

    Raises:
        UnsupportedLayer: ONNX Runtime cannot compute it.
    """
    names = [name for name in node.inputs if name]
    inputs = [
        helper.make_tensor_value_info(n, helper.np_dtype_to_tensor_dtype(v.dtype), v.shape)
        for n, v in dict(zip(names, values)).items()
    ]
    outputs = [onnx.ValueInfoProto(name=name) for name in node.outputs if name]
    model = helper.make_model(
        helper.make_graph([_proto(node)], "constant", inputs, outputs),
        opset_imports=[helper.make_opsetid("", opset)],
        ir_version=8,
    )
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    try:
        session = onnxruntime.InferenceSession(
            model.SerializeToString(), options, providers=["CPUExecutionProvider"]
        )
        return list(session.run(None, dict(zip(names, values))))
    except Exception as error:  # whatever ONNX Runtime raises for a node it cannot run
        reason = str(error).splitlines()[0]
        raise UnsupportedLayer(
            node.label, f"its value cannot be computed: {reason}.", "check the export of this node."
        ) from None
