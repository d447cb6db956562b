"""Which node of FINN's hardware graph works for which layer."""

from __future__ import annotations

from collections.abc import Iterable

import onnx

from fpgacomp.host.strict_json import read_json
from fpgacomp.ir.graph import Graph
from fpgacomp.results.project import Project

_FIFO = "StreamingFIFO"


def parts(graph: Graph, project: Project) -> dict[str, str]:
    """Name of each node -> the layer it works for; "" where it is no layer's.

    A node belongs to the next layer whose tensor it leads to, as a window does to its
    convolution. A FIFO belongs to the layer whose node writes to it, as in the estimate.
    """
    content = project.files.get("finn/hardware.onnx")
    if content is None:
        return {}
    tensors = read_json(project.files["finn/tensors.json"])
    writers = {layer.output.name: layer.name for layer in graph.layers}
    layers = {entry["finn"]: writers.get(name, "") for name, entry in tensors.items()}
    nodes = list(onnx.load_from_string(content).graph.node)
    known = _downstream(nodes, layers)
    found = {}
    for node in nodes:
        ends = node.input[:1] if node.op_type.startswith(_FIFO) else node.output
        found[node.name] = next((known[name] for name in ends if known.get(name)), "")
    return found


def _downstream(nodes: Iterable[onnx.NodeProto], layers: dict[str, str]) -> dict[str, str]:
    """Tensor -> the layer that wrote it, or that it leads to."""
    known = dict(layers)
    for node in reversed(list(nodes)):
        leads = next((known[name] for name in node.output if known.get(name)), "")
        for name in node.input:
            known.setdefault(name, leads)
    return known
