"""Float ONNX to the canonical torch network."""

from __future__ import annotations

from collections.abc import Callable

import onnx
import torch
from torch import fx

from fpgacomp.compress.trainable import read_elementwise as elementwise
from fpgacomp.compress.trainable import read_pooling as pooling
from fpgacomp.compress.trainable import read_shapes as shapes
from fpgacomp.compress.trainable import read_weights as weights
from fpgacomp.compress.trainable.float_graph import open_graph
from fpgacomp.compress.trainable.gates import recognise_gates
from fpgacomp.compress.trainable.layers import example_input
from fpgacomp.compress.trainable.outputs import join_results
from fpgacomp.compress.trainable.reader import Reader, ShapeUnknown, refuse
from fpgacomp.errors import FpgacompError, ModelError, UnsupportedLayer, raise_all
from fpgacomp.network.editable import Node
from fpgacomp.network.operators import FPGACOMP_DOMAIN, QUANTIZERS
from fpgacomp.network.standard_form import STANDARD_FORMS

_RULES: dict[str, Callable[[Reader, Node], None]] = {
    "Add": elementwise.add,
    "AveragePool": pooling.window_pool,
    "BatchNormalization": weights.batch_normalization,
    "Clip": elementwise.clip,
    "Concat": shapes.concat,
    "Conv": weights.convolution,
    "Div": elementwise.arithmetic,
    "Dropout": shapes.dropout,
    "Elu": elementwise.activation,
    "Flatten": shapes.reshape,
    "Gelu": elementwise.activation,
    "Gemm": weights.gemm,
    "GlobalAveragePool": pooling.global_pool,
    "GlobalMaxPool": pooling.global_pool,
    "HardSigmoid": elementwise.hard_sigmoid,
    "HardSwish": elementwise.activation,
    "Identity": shapes.identity,
    "LeakyRelu": elementwise.activation,
    "LogSoftmax": elementwise.softmax,
    "MatMul": weights.matmul,
    "MaxPool": pooling.window_pool,
    "Mul": elementwise.arithmetic,
    "Neg": elementwise.negate,
    "PRelu": elementwise.parametric_relu,
    "Pad": shapes.pad,
    "ReduceMax": pooling.reduce,
    "ReduceMean": pooling.reduce,
    "Relu": elementwise.activation,
    "Reshape": shapes.reshape,
    "Resize": shapes.upsample,
    "Selu": elementwise.activation,
    "Sigmoid": elementwise.activation,
    "Silu": elementwise.activation,
    "Softmax": elementwise.softmax,
    "Squeeze": shapes.reshape,
    "Sub": elementwise.arithmetic,
    "Sum": elementwise.add,
    "Swish": elementwise.activation,
    "Tanh": elementwise.activation,
    "Transpose": shapes.transpose,
    "Unsqueeze": shapes.reshape,
    "Upsample": shapes.upsample,
}

_QUANTIZERS = {*QUANTIZERS, "IntQuant", "FloatQuant"}


def from_onnx(model: onnx.ModelProto) -> fx.GraphModule:
    """The canonical network of a float ONNX model.

    Layers with at least 1 % exact zeros carry them as a constraint, weights gathered from a
    codebook their indices (`fpgacomp.compress.constraints`).

    Args:
        model: one float input with a batch axis and known sizes. Several outputs become one, side
            by side (`fpgacomp.compress.trainable.outputs.JoinOutputs`).

    Returns:
        The network in inference mode; `meta` holds input_shape (without batch), input_name
        and output_name.

    Raises:
        ModelError: not a valid model.
        UnsupportedLayer: one node cannot be carried, or the model is quantized already.
        Problems: several of these at once.
    """
    _refuse_quantized(model)
    source = open_graph(model)
    recognise_gates(source.graph)
    reader = Reader(source)
    reader.values[source.input] = reader.graph.placeholder("input")
    reader.reserve()
    for node in source.graph.nodes:
        _read(reader, node)
    raise_all(reader.problems)
    for name in source.outputs:
        if name not in reader.values:
            raise UnsupportedLayer(
                f"output {name}", "it does not depend on the input.", "export it again."
            )
    results = [(n, reader.values[n], source.graph.shape(n)[1:]) for n in source.outputs]
    reader.graph.output(join_results(reader.graph, reader.root, results))
    network = fx.GraphModule(reader.root, reader.graph, "Network")
    network.graph.eliminate_dead_code()
    network.recompile()
    network.delete_all_unused_submodules()
    network.eval()
    network.meta["input_shape"] = source.graph.shape(source.input)[1:]
    network.meta["input_name"], network.meta["output_name"] = source.input, source.outputs[0]
    network.meta["onnx_names"] = dict(reader.onnx_names)
    _check_runs(network)
    return network


def _check_runs(network: fx.GraphModule) -> None:
    x = example_input(network)
    try:
        with torch.no_grad():
            network(x)
    except RuntimeError as error:
        reason = str(error).splitlines()[0]
        raise ModelError(
            "the network",
            f"its shapes do not fit for two samples of shape {list(x.shape[1:])}: {reason}.",
            "export it again, with a batch axis of any size.",
        ) from error


def _read(reader: Reader, node: Node) -> None:
    """Append what a node does, or note why it cannot be done and go on behind it."""
    try:
        known = node.op in (_RULES if not node.domain else STANDARD_FORMS)
        if node.domain not in ("", FPGACOMP_DOMAIN) or not known:
            name = f"{node.domain}.{node.op}" if node.domain else node.op
            raise refuse(
                node,
                f"operator {name} is not carried.",
                f"replace it; these are: {', '.join(sorted(_RULES))}.",
            )
        _RULES[node.op](reader, node)
    except ShapeUnknown as unknown:
        if not reader.problems:  # otherwise it follows from them
            why = f"the shape of {unknown} does not follow."
            reader.problems.append(refuse(node, why, "export it with fixed sizes."))
    except FpgacompError as problem:
        reader.problems.append(problem)
    inputs = [reader.values[name] for name in node.inputs if name in reader.values]
    for name in node.outputs:
        if name and inputs and reader.problems:
            reader.values.setdefault(name, inputs[0])


def _refuse_quantized(model: onnx.ModelProto) -> None:
    for node in model.graph.node:
        integer = "quantizelinear" in node.op_type.lower() or node.op_type.startswith("QLinear")
        if node.op_type in _QUANTIZERS or integer or node.op_type.endswith("Integer"):
            raise UnsupportedLayer(
                node.name or f"{node.op_type} making {node.output[0]}",
                f"{node.op_type} says that the network is quantized already.",
                "give the float network it was made from; compile takes this file as it is.",
            )
