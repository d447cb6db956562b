"""A float ONNX model as the compression reads it: shapes known, everything constant folded."""

from __future__ import annotations

from dataclasses import dataclass

import onnx

from fpgacomp.errors import UnsupportedLayer
from fpgacomp.ir.types import AnyArray
from fpgacomp.network.drop_unused import drop_unused
from fpgacomp.network.editable import EditableGraph, Node, TensorInfo
from fpgacomp.network.evaluate import evaluate
from fpgacomp.network.fold_constants import fold_constants
from fpgacomp.network.onnx_file import read_graph

_FLOATS = (onnx.TensorProto.FLOAT, onnx.TensorProto.DOUBLE, onnx.TensorProto.FLOAT16)
# Operators that only move the values of a constant: its codebook indices move along.
_MOVES = {"Transpose", "Reshape", "Identity", "Squeeze", "Unsqueeze", "Flatten"}


@dataclass(frozen=True, eq=False)
class FloatGraph:
    """A network of one float input and one output, its constants folded.

    Args:
        graph: nodes, constants and shapes; the batch axis is as the file has it, 1 where
            the file leaves it open.
        codes: for a constant gathered from a codebook, the index of each of its values.
    """

    graph: EditableGraph
    codes: dict[str, AnyArray]

    @property
    def input(self) -> str:
        """Name of the network's input."""
        return self.graph.inputs[0]

    @property
    def outputs(self) -> list[str]:
        """Names of the network's outputs."""
        return self.graph.outputs

    @property
    def constants(self) -> dict[str, AnyArray]:
        """Values of the constant tensors by name."""
        return self.graph.constants


def open_graph(model: onnx.ModelProto) -> FloatGraph:
    """Read a model, infer its shapes and fold its constants.

    Raises:
        ModelError: not a valid model, or shapes that do not go together.
        UnsupportedLayer: not one float input, no output, or sizes that are left open.
        Problems: several of these at once.
    """
    graph = read_graph(model)
    _fix_batch(graph)
    codes: dict[str, AnyArray] = {}
    fold_constants(graph, before_folding=lambda node: _keep_codes(graph, codes, node))
    graph.raise_problems()
    drop_unused(graph)
    return FloatGraph(graph, codes)


def _fix_batch(graph: EditableGraph) -> None:
    """Make an open batch axis 1, and refuse what is not one float input with some output."""
    if len(graph.inputs) != 1:
        raise UnsupportedLayer(
            "the network", f"it has {len(graph.inputs)} inputs.", "give a network with one input."
        )
    if not graph.outputs:
        raise UnsupportedLayer("the network", "it has no output.", "export it with one.")
    (name,) = graph.inputs
    info = graph.info[name]
    if info.dtype not in _FLOATS:
        kind = onnx.TensorProto.DataType.Name(info.dtype)
        raise UnsupportedLayer(
            f"input {name}", f"it takes {kind}.", "export it with a float32 input."
        )
    if len(info.shape) < 2 or min(info.shape[1:]) < 1:
        sizes = ", ".join(str(size) if size > 0 else "?" for size in info.shape)
        raise UnsupportedLayer(
            f"input {name}",
            f"its shape [{sizes}] is not known.",
            "export it with fixed sizes behind a batch axis.",
        )
    graph.info[name] = TensorInfo(info.dtype, (max(info.shape[0], 1), *info.shape[1:]))


def _keep_codes(graph: EditableGraph, codes: dict[str, AnyArray], node: Node) -> None:
    """Remember which value of a codebook each weight is, before folding hides it."""
    source, output = node.input(0), node.output
    if node.op == "Gather":
        codebook, indices = (graph.constants[name] for name in node.inputs)
        if codebook.ndim == 1 and codebook.dtype.kind == "f" and indices.ndim >= 2:
            codes[output] = indices % len(codebook)
    elif node.op in _MOVES and source in codes:
        values = [codes[source], *(graph.constant(name) for name in node.inputs[1:])]
        codes[output] = evaluate(node, values, graph.opset)[0]
