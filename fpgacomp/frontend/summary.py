"""Counts a network's parameters and multiplications, for the report."""

from __future__ import annotations

from math import prod

from fpgacomp.network.attributes import shape_of
from fpgacomp.network.canonical import Network
from fpgacomp.network.operators import WEIGHT_QUANTIZERS
from fpgacomp.results.report import ModelFacts


def facts(network: Network) -> ModelFacts:
    """Return the parameters and multiply-accumulates of one sample, and the shapes around them.

    Parameters are the weights, biases and normalisations of MatMul, Conv, Add, Mul,
    BatchNormalization and PRelu; scales of quantizers and shapes are none.
    """
    graph = network.model.graph
    sizes = {tensor.name: tuple(tensor.dims) for tensor in graph.initializer}
    shapes = sizes | {
        value.name: shape_of(value) for value in (*graph.input, *graph.value_info, *graph.output)
    }
    stored = {
        node.output[0]: node.input[0]
        for node in graph.node
        if node.op_type in WEIGHT_QUANTIZERS and node.input[0] in sizes
    }
    parameters: dict[str, int] = {}
    macs = 0
    for node in graph.node:
        if node.op_type in ("MatMul", "Conv", "Add", "Mul", "Div", "BatchNormalization", "PRelu"):
            constants = [stored.get(name, name) for name in node.input]
            parameters |= {name: prod(sizes[name]) for name in constants if name in sizes}
        if node.op_type == "MatMul":
            macs += prod(shapes[node.output[0]]) * shapes[node.input[0]][-1]
        elif node.op_type == "Conv":
            macs += prod(shapes[node.output[0]]) * prod(shapes[node.input[1]][1:])
    return ModelFacts(
        name=network.name,
        file=network.file,
        sha256=network.sha256,
        format=network.format,
        inputs={value.name: shapes[value.name] for value in graph.input},
        outputs={value.name: shapes[value.name] for value in graph.output},
        parameters=sum(parameters.values()),
        macs=macs,
        quantized_here=network.quantized_here,
    )
