"""Rewrite: quantizers of QONNX, Brevitas and FINN get one domain, one spelling, all attributes."""

from __future__ import annotations

from fpgacomp.errors import ModelError
from fpgacomp.frontend.quantizers import ROUNDING, ROUNDING_ALIASES
from fpgacomp.network.editable import EditableGraph, Node
from fpgacomp.network.operators import QONNX_DOMAIN

DOMAINS = ("", "onnx.brevitas", "qonnx.custom_op.general", "finn.custom_op.general", "qonnx")
_NEVER_NEGATIVE = ("Relu", "Sigmoid", "HardSigmoid", "Abs")
_INPUTS = {"Quant": (4, 4), "BipolarQuant": (2, 2), "Trunc": (5, 6), "MultiThreshold": (2, 2)}


def normalize_quantizers(graph: EditableGraph) -> None:
    """Rename IntQuant to Quant, set the domain, and write out what QONNX would assume."""
    for node in list(graph.nodes):
        op = "Quant" if node.op == "IntQuant" else node.op
        if op not in _INPUTS or node.domain not in DOMAINS:
            continue
        least, most = _INPUTS[op]
        if not least <= len([name for name in node.inputs if name]) <= most:
            why = f"it has {len(node.inputs)} inputs where {op} takes {least}."
            graph.report(node, why, "export the model again with a current Brevitas or QONNX.")
            graph.disable(node)
            continue
        node.op, node.domain = op, QONNX_DOMAIN
        _normalize(graph, node)
        _warn_of_constant_sign(graph, node)
    first_trunc = any(n.op == "Trunc" and len(n.inputs) == 5 for n in graph.nodes)
    graph.domains[QONNX_DOMAIN] = 1 if first_trunc else 2


def _normalize(graph: EditableGraph, node: Node) -> None:
    match node.op:
        case "Quant":
            _set(graph, node, signed=1, narrow=0, rounding_mode="ROUND")
            _spell_rounding(graph, node)
        case "Trunc":
            _set(graph, node, signed=1, narrow=0, rounding_mode="FLOOR")
            _spell_rounding(graph, node)
        case "MultiThreshold":
            _set(graph, node, out_dtype="", out_scale=1.0, out_bias=0.0)


def _warn_of_constant_sign(graph: EditableGraph, node: Node) -> None:
    """Warn of 0 and 1 behind a ReLU, which Brevitas' own export writes as -1 and 1."""
    before = graph.producer(node.inputs[0])
    if node.op == "BipolarQuant" and before and before.op in _NEVER_NEGATIVE and not before.domain:
        graph.warnings.append(
            f"{node.name} (BipolarQuant) is +1 for every input, as {before.op} is never negative. "
            "Brevitas' own export writes unsigned quantizers of one bit like this; "
            "fpgacomp.frontend.brevitas writes them as 0 and 1."
        )


def _set(graph: EditableGraph, node: Node, **defaults: object) -> None:
    """Set exactly these attributes, with the file's value where it has one of the right type.

    onnx.checker does not know these operators, so that the types are checked here.
    """
    wanted = defaults | ({"data_layout": ""} if "data_layout" in node.attributes else {})
    for name, default in wanted.items():
        value = node.attributes.get(name, default)
        types = (int, float) if isinstance(default, float) else (type(default),)
        if not isinstance(value, types):
            why = f"its attribute {name} has type {type(value).__name__}, not {types[-1].__name__}."
            graph.report(node, why, "export the model again.", error=ModelError)
            value = default
        elif isinstance(default, int) and value not in (0, 1):
            why = f"its attribute {name} is {value}, where only 0 and 1 have a meaning."
            graph.report(node, why, "export the model again.", error=ModelError)
        wanted[name] = value
    node.attributes = wanted


def _spell_rounding(graph: EditableGraph, node: Node) -> None:
    mode = str(node.attributes["rounding_mode"]).upper()
    mode = ROUNDING_ALIASES.get(mode, mode)
    if mode not in ROUNDING:
        names = ", ".join(sorted(ROUNDING))
        graph.report(node, f"its rounding mode {mode} is unknown.", f"use one of {names}.")
    node.attributes["rounding_mode"] = mode
