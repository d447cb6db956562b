"""Rewrite: DepthToSpace and SpaceToDepth go behind what computes element by element."""

from __future__ import annotations

from fpgacomp.network.editable import EditableGraph, Node
from fpgacomp.network.operators import FUNCTIONS, QONNX_DOMAIN, QUANTIZERS


def sink_depth_to_space(graph: EditableGraph) -> None:
    """Let functions and quantizers with one parameter for all elements run before the move.

    A super-resolution network ends in Conv, DepthToSpace, Relu, Quant: the hardware then ends
    in the quantizer, and the host moves its integers.
    """
    for node in graph.find("DepthToSpace", "SpaceToDepth"):
        reader = graph.only_consumer(node.output)
        while reader is not None and _is_elementwise(graph, reader, node.output):
            _swap(graph, node, reader)
            reader = graph.only_consumer(node.output)


def _is_elementwise(graph: EditableGraph, node: Node, tensor: str) -> bool:
    """Return whether a node treats every element of the tensor, its first input, alike."""
    parameters = [graph.constant(name) for name in node.inputs[1:] if name]
    return (
        node.domain in ("", QONNX_DOMAIN)
        and node.op in (*FUNCTIONS, *QUANTIZERS, "Add", "Mul", "Div")
        and node.inputs[0] == tensor
        and graph.known(node)
        and graph.shape(node.output) == graph.shape(tensor)
        and all(value is not None and value.size == 1 for value in parameters)
    )


def _swap(graph: EditableGraph, move: Node, reader: Node) -> None:
    """Write move(x), reader(...) as reader(x), move(...); the last tensor keeps its name."""
    source, result = move.inputs[0], reader.output
    between = graph.new_tensor(f"{result}_in_place", graph.shape(source))
    parameters, attributes = reader.inputs[1:], dict(reader.attributes)
    first = Node(
        reader.op, [source, *parameters], [between], reader.name, reader.domain, attributes,
        reader.origin,
    )  # fmt: skip
    graph.remove(reader)
    graph.insert_before(move, first)
    graph.set_input(move, 0, between)
    graph.rename_output(move, result)
