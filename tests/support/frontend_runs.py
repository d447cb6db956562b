"""How the front end's tests run a model: ONNX Runtime, or qonnx where quantizers are in it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from fpgacomp.frontend.canonicalize import AS_READ, apply
from fpgacomp.frontend.rewrites.modernize_opset import modernize_opset
from fpgacomp.network.editable import EditableGraph
from fpgacomp.network.fold_constants import fold_constants
from fpgacomp.network.operators import FPGACOMP_DOMAIN
from tests.support.paths import SHARED

MODELS = SHARED / "models"
QONNX = "qonnx.custom_op.general"

Rewrite = Callable[[EditableGraph], None]


def execute(model: onnx.ModelProto, x: np.ndarray, /, **more: np.ndarray) -> list[np.ndarray]:
    """All outputs for one batch; further inputs by name."""
    feeds = {model.graph.input[0].name: x} | more
    if all(node.domain == "" for node in model.graph.node):
        import onnxruntime

        options: Any = onnxruntime.SessionOptions()
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
        options.log_severity_level = 4
        session = onnxruntime.InferenceSession(
            model.SerializeToString(), options, providers=["CPUExecutionProvider"]
        )
        return [np.asarray(y) for y in session.run(None, feeds)]
    from qonnx.core.modelwrapper import ModelWrapper
    from qonnx.core.onnx_exec import execute_onnx
    from qonnx.transformation.infer_shapes import InferShapes

    wrapped = ModelWrapper(_without_fpgacomp(model))
    if not wrapped.check_all_tensor_shapes_specified():
        wrapped = wrapped.transform(InferShapes())
    feeds = {name: np.asarray(value, np.float32) for name, value in feeds.items()}
    found = execute_onnx(wrapped, feeds)
    return [found[value.name] for value in model.graph.output]


def _without_fpgacomp(model: onnx.ModelProto) -> onnx.ModelProto:
    """Silu and Gelu written out again, so that ONNX Runtime knows them."""
    if not any(node.domain == FPGACOMP_DOMAIN for node in model.graph.node):
        return model
    graph = EditableGraph.from_model(model)
    apply(graph, (fold_constants,))
    for node in graph.find("Silu", "Gelu", domain=FPGACOMP_DOMAIN):
        x, shape = node.inputs[0], graph.shape(node.output)
        if node.op == "Silu":
            gate = graph.make(node, "Sigmoid", [x], shape=shape).output
        else:
            root = graph.add_constant("root", np.float32(np.sqrt(0.5)))
            scaled = graph.make(node, "Mul", [x, root], shape=shape).output
            erf = graph.make(node, "Erf", [scaled], shape=shape).output
            one = graph.add_constant("one", np.float32(1))
            plus = graph.make(node, "Add", [erf, one], shape=shape).output
            half = graph.add_constant("half", np.float32(0.5))
            gate = graph.make(node, "Mul", [plus, half], shape=shape).output
        node.op, node.domain, node.attributes = "Mul", "", {}
        node.inputs.append("")
        graph.set_input(node, 1, gate)
    return graph.to_model()


def rewritten(model: onnx.ModelProto, *rewrites: Rewrite, spelled: bool = True) -> onnx.ModelProto:
    """The model after these rewrites alone, behind those that spell it and infer its shapes."""
    graph = EditableGraph.from_model(model)
    before = (*AS_READ, modernize_opset, fold_constants) if spelled else ()
    apply(graph, (*before, *rewrites))
    assert not graph.problems, graph.problems
    return graph.to_model()


def ops(model: onnx.ModelProto) -> list[str]:
    return [node.op_type for node in model.graph.node]


def node(op: str, inputs: Sequence[str], output: str, **attributes: Any) -> onnx.NodeProto:
    return helper.make_node(op, list(inputs), [output], **attributes)


def quant(inputs: Sequence[str], output: str, **attributes: Any) -> onnx.NodeProto:
    flags = {"signed": 1, "narrow": 0} | attributes
    return helper.make_node("Quant", list(inputs), [output], domain=QONNX, **flags)


def build(
    nodes: Sequence[onnx.NodeProto],
    shape: Sequence[int | str],
    constants: dict[str, Any] | None = None,
    *,
    opset: int = 13,
    dtype: int = TensorProto.FLOAT,
    output: str = "",
    output_dtype: int = TensorProto.FLOAT,
) -> onnx.ModelProto:
    """A model with one input x and, as its output, the last node's."""
    arrays = {
        name: np.asarray(value, np.float32 if np.asarray(value).dtype.kind == "f" else None)
        for name, value in (constants or {}).items()
    }
    result = output or nodes[-1].output[0]
    graph = helper.make_graph(
        list(nodes),
        "small",
        [helper.make_tensor_value_info("x", dtype, list(shape))],
        [helper.make_tensor_value_info(result, output_dtype, None)],
        [numpy_helper.from_array(array, name) for name, array in arrays.items()],
    )
    domains = sorted({n.domain for n in nodes} - {""})
    imports = [helper.make_opsetid("", opset), *(helper.make_opsetid(d, 2) for d in domains)]
    model = helper.make_model(graph, opset_imports=imports)
    model.ir_version = 8
    return model
