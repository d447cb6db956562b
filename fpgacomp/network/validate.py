"""Holds a file's graph against the ONNX standard before any rewrite relies on it."""

from __future__ import annotations

from onnx import checker, defs

from fpgacomp.errors import ModelError
from fpgacomp.network.editable import EditableGraph, Node, node_proto
from fpgacomp.network.operators import CANONICAL_DOMAINS, QUANTIZERS, remedy

# ONNX's checker does not know these: quantizers that some exporters leave without a domain,
# an operator that is deprecated and still common, and operators whose inner graphs refer to
# tensors outside.
_QUANTIZERS = {"IntQuant", *QUANTIZERS}
_UNCHECKED = {*_QUANTIZERS, "Upsample", "If", "Loop", "Scan"}
_EXPORT = "export the model again."


def validate(graph: EditableGraph) -> None:
    """Report every node that its operator does not allow, and refuse a graph that is none.

    Raises:
        ModelError: a tensor is written twice, or read and never written.
    """
    damage = find_damage(graph)
    if damage:
        raise ModelError("the graph", damage, _EXPORT)
    context = checker.C.CheckerContext()
    context.ir_version = 8
    context.opset_imports = {"": min(graph.opset, defs.onnx_opset_version())}
    for node in graph.nodes:
        if node.domain in CANONICAL_DOMAINS or node.op in _QUANTIZERS:
            _check_ends(graph, node)
        if node.domain or node.op in _UNCHECKED:
            continue
        if not _has_schema(node.op, graph.opset):
            why = f"operator {node.op} is not supported (ONNX has none in opset {graph.opset})."
            graph.report(node, why, remedy(node.op))
            graph.disable(node)
            continue
        try:
            checker.check_node(node_proto(node), context)
        except checker.ValidationError as error:
            why = f"it is not valid ONNX: {_first_sentence(error)}."
            graph.report(node, why, _EXPORT, error=ModelError)
            graph.disable(node)


def _check_ends(graph: EditableGraph, node: Node) -> None:
    """Report an operator unknown to ONNX's checker that reads nothing, or has several outputs."""
    if node.inputs and node.inputs[0] and len(node.outputs) == 1 and node.outputs[0]:
        return
    why = f"it has {len(node.inputs)} inputs and {len(node.outputs)} outputs; it needs one of each."
    graph.report(node, why, _EXPORT, error=ModelError)
    graph.disable(node)


def find_damage(graph: EditableGraph) -> str:
    """Return what is structurally wrong with the graph: "" or one sentence."""
    written = set(graph.inputs) | set(graph.constants)
    for node in graph.nodes:
        for name in node.inputs:
            if name and name not in written:
                return f"node {node.name} reads {name}, which nothing before it writes."
        for name in node.outputs:
            if name and name in written:
                return f"{name} is written twice, the second time by node {node.name}."
        written.update(name for name in node.outputs if name)
    missing = [name for name in graph.outputs if name not in written]
    return f"output {missing[0]} is written by nothing." if missing else ""


def _has_schema(op: str, opset: int) -> bool:
    try:
        defs.get_schema(op, min(opset, defs.onnx_opset_version()), "")
    except defs.SchemaError:
        return False
    return True


def _first_sentence(error: Exception) -> str:
    return str(error).splitlines()[0].strip().rstrip(".")
