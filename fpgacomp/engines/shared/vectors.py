"""Whether test vectors go with the graph that they are to test."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from fpgacomp.errors import FpgacompError, InputDataError
from fpgacomp.ir.graph import Graph
from fpgacomp.ir.types import IntArray


def vector_problems(graph: Graph, vectors: Mapping[str, IntArray]) -> Iterator[FpgacompError]:
    """Every input and output of the graph that has no vectors, none at all or of another shape.

    Args:
        vectors: tensor name -> integers [N, *shape], N at least 1.
    """
    fix = "give the interpreter's values of the graph's inputs and outputs."
    for tensor in (*(layer.output for layer in graph.inputs), *graph.outputs):
        if tensor.name not in vectors:
            yield InputDataError(tensor.name, "no vectors were given for it.", fix)
        elif vectors[tensor.name].shape[1:] != tensor.shape or not len(vectors[tensor.name]):
            shape = vectors[tensor.name].shape
            yield InputDataError(tensor.name, f"its vectors have shape {shape}.", fix)
