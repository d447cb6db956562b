"""Reads a network file into the canonical form, or says everything that stands in the way."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import onnx
from onnx import helper

from fpgacomp.frontend.canonicalize import AS_READ, REDUCED, SPELLED, apply
from fpgacomp.frontend.rules import check_rules
from fpgacomp.network.canonical import Network
from fpgacomp.network.editable import FLOAT, EditableGraph
from fpgacomp.network.onnx_file import load_onnx, read_graph
from fpgacomp.network.operators import HOST_EXTRAS, HOST_ONLY, QUANTIZERS

Status = Literal["supported", "software side", "unsupported"]


@dataclass(frozen=True)
class NodeFinding:
    """What becomes of one node (or input) of the file.

    Args:
        node: its name; a node without one is called operator_index.
        op: its operator, "input" or "output" for one of the network.
        status: supported, software side (runs on the host) or unsupported.
        why: what is wrong, "" unless unsupported.
        fix: what the user can do about it.
    """

    node: str
    op: str
    status: Status
    why: str = ""
    fix: str = ""


def read_network(source: str | Path | onnx.ModelProto, *, name: str | None = None) -> Network:
    """Return the network of an ONNX file (QONNX, QDQ, FINN or float) in canonical form.

    Raises:
        ModelError: the file cannot be read or is not a valid network.
        UnsupportedLayer: one node cannot be carried.
        Problems: several of these at once.
    """
    loaded = load_onnx(source, name)
    graph = read_graph(loaded.model, loaded.file or "the model")
    apply(graph, AS_READ)
    if any(name in graph.problems for name in graph.inputs):
        graph.raise_problems()
    original = graph.to_model()
    origin = _format(graph)
    apply(graph, SPELLED)
    _add_shapes(original, graph)
    apply(graph, REDUCED)
    check_rules(graph)
    graph.raise_problems()
    graph.name = loaded.name
    warnings = tuple(dict.fromkeys(graph.warnings))
    return Network(
        loaded.name, graph.to_model(), original, origin, loaded.file, loaded.sha256, warnings
    )


def canonicalize(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return the canonical form of a model in memory; errors as `read_network`."""
    return read_network(model).model


def check(source: str | Path | onnx.ModelProto) -> list[NodeFinding]:
    """Return one finding per node of the file, in its order, behind those about inputs.

    Raises:
        ModelError: the file cannot be read at all.
    """
    loaded = load_onnx(source)
    graph = read_graph(loaded.model, loaded.file or "the model")
    apply(graph, AS_READ)
    if not any(name in graph.problems for name in graph.inputs):
        before = _before_quantizers(graph)
        apply(graph, SPELLED + REDUCED)
        check_rules(graph)
    else:
        before = set()
    return _findings(graph, before)


def _add_shapes(original: onnx.ModelProto, graph: EditableGraph) -> None:
    """List every inner tensor with its shape, which some executors of QONNX ask for."""
    listed = {value.name for value in (*original.graph.value_info, *original.graph.output)}
    for node in original.graph.node:
        for name in node.output:
            info = graph.info.get(name)
            if info is not None and name not in listed:
                value = helper.make_tensor_value_info(name, info.dtype, info.shape)
                original.graph.value_info.append(value)
    for value in original.graph.output:
        info = graph.info.get(value.name)
        if info is not None:
            value.CopyFrom(helper.make_tensor_value_info(value.name, info.dtype, info.shape))


def _format(graph: EditableGraph) -> str:
    ops = {node.op for node in graph.nodes}
    if "MultiThreshold" in ops:
        return "finn"
    if ops & {"Quant", "IntQuant", "BipolarQuant", "Trunc"}:
        return "qonnx"
    return "qcdq" if ops & {"QuantizeLinear", "DequantizeLinear"} else "float"


def _before_quantizers(graph: EditableGraph) -> set[str]:
    """Return the names of the nodes between an input and the first quantizer behind it.

    They run in float on the host. Empty for a network without quantizers.
    """
    quantizers = {*QUANTIZERS, "IntQuant", "QuantizeLinear"}
    if not any(node.op in quantizers for node in graph.nodes):
        return set()
    names: set[str] = set()
    floating = {
        name
        for name in graph.inputs
        if graph.info[name].dtype == FLOAT and "INT" not in graph.annotations.get(name, "")
    }
    for node in graph.nodes:
        inner = [name for name in node.inputs if name and name not in graph.constants]
        if inner and all(name in floating for name in inner) and node.op not in quantizers:
            floating.update(node.outputs)
            names.add(node.name)
    return names


def _findings(graph: EditableGraph, before: set[str]) -> list[NodeFinding]:
    found = [
        NodeFinding(name, kind, "unsupported", problem.why, problem.fix)
        for kind, names in (("input", graph.inputs), ("output", graph.outputs))
        for name in names
        for problem in graph.problems.get(name, ())
    ]
    behind = {node.origin for node in graph.nodes if node.op in HOST_EXTRAS}
    for name, op in graph.file_nodes.items():
        problems = graph.problems.get(name, [])
        if problems:
            found += [NodeFinding(name, op, "unsupported", p.why, p.fix) for p in problems]
        else:
            software = op in HOST_ONLY or name in before or name in behind
            found.append(NodeFinding(name, op, "software side" if software else "supported"))
    return found
