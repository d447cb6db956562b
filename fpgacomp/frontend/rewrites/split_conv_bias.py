"""Rewrite: the bias of a Conv becomes an Add of shape [1, C, 1, 1]."""

from __future__ import annotations

import numpy as np

from fpgacomp.errors import ModelError
from fpgacomp.network.editable import EditableGraph, Node


def split_conv_bias(graph: EditableGraph) -> None:
    """Turn each Conv with three inputs into a Conv with two and an Add."""
    for node in graph.find("Conv"):
        if node.input(2):
            channels, bias = graph.shape(node.inputs[1])[0], graph.shape(node.inputs[2])
            if bias != (channels,):
                why = f"its bias has the shape {list(bias)} where it has {channels} filters."
                graph.report(node, why, "export the model again.", error=ModelError)
                continue
            _split(graph, node)
        elif len(node.inputs) > 2:
            node.inputs.pop()


def _split(graph: EditableGraph, node: Node) -> None:
    x, weight, bias = node.inputs
    output = node.output
    shape = (1, -1, *[1] * (len(graph.shape(output)) - 2))
    value = graph.constant(bias)
    if value is not None:
        wide = graph.add_constant(f"{bias}_wide", value.reshape(shape))
    else:  # the bias is behind a quantizer, or computed from the input
        channels = graph.shape(bias)[0]
        target = tuple(channels if size == -1 else size for size in shape)
        name = graph.add_constant(f"{bias}_shape", np.asarray(target, np.int64))
        wide = graph.make(node, "Reshape", [bias, name], shape=target).output
    product = graph.new_tensor(f"{node.name}_product", graph.shape(output))
    conv = Node("Conv", [x, weight], [product], node.name, "", node.attributes, node.origin)
    name = graph.unique(f"{node.name}_bias")
    graph.replace(node, conv, Node("Add", [product, wide], [output], name, origin=node.origin))
