"""Which function of an emitted project works for which layer."""

from __future__ import annotations

import re

from fpgacomp.engines.hls4ml.interface import Hls4mlInterface
from fpgacomp.ir.graph import Graph
from fpgacomp.results.project import Project

# A call in the top function: its configuration, which HLS writes into the module's name, and
# behind it the name of hls4ml's layer.
_CALL = re.compile(
    r"^ *\w+::\w+<.*?\b(?P<config>\w*config\d+)\b.*; // (?P<node>\S+)$", re.MULTILINE
)


def parts(graph: Graph, project: Project) -> dict[str, str]:
    """Name of each configuration -> the layer it works for; "" where it is no layer's."""
    interface = Hls4mlInterface.of(project)
    text = project.files[f"hls/firmware/{interface.top}.cpp"].decode()
    writers = {layer.output.name: layer.name for layer in graph.layers}
    nodes = {trace.node: writers.get(trace.tensor, "") for trace in interface.traces}
    return {call["config"]: _layer(call["node"], nodes) for call in _CALL.finditer(text)}


def _layer(node: str, nodes: dict[str, str]) -> str:
    """The layer of hls4ml's node; what hls4ml adds to one, as its padding, begins with its name."""
    owners = [name for name in nodes if node == name or node.startswith(f"{name}_")]
    return nodes[max(owners, key=len)] if owners else ""
