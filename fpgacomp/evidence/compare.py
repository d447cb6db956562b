"""Compares an engine's integers with the oracle's by equality: every layer, or outputs alone."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from fpgacomp.errors import InputDataError
from fpgacomp.ir.graph import Graph
from fpgacomp.ir.types import IntArray
from fpgacomp.results.agreement import Agreement, Mismatch


def compare(
    expected: Mapping[str, IntArray],
    got: Mapping[str, IntArray],
    graph: Graph,
    *,
    outputs_only: bool = False,
) -> Agreement:
    """Compare every integer of every tensor of the graph, or of its outputs, by equality.

    Args:
        expected, got: tensor name -> integers [N, *shape] of all these tensors.
        outputs_only: whether the graph's outputs are compared and nothing else.

    Raises:
        InputDataError: a tensor is missing on one side, or its shapes differ.
    """
    first: Mismatch | None = None
    by_tensor: dict[str, int] = {}
    vectors = integers = 0
    outputs = {tensor.name for tensor in graph.outputs}
    for layer in graph.layers:
        name = layer.output.name
        if outputs_only and name not in outputs:
            continue
        if name not in expected or name not in got or expected[name].shape != got[name].shape:
            raise InputDataError(name, "the two results to compare do not both hold this tensor "
                                 "in one shape.", "run both on the same samples.")  # fmt: skip
        wrong = expected[name] != got[name]
        vectors, integers = len(wrong), integers + layer.output.size
        if not wrong.any():
            continue
        by_tensor[name] = int(wrong.sum())
        if first is None:
            sample, *index = (int(i) for i in np.argwhere(wrong)[0])
            at = (sample, *index)
            first = Mismatch(layer.name, sample, tuple(index), int(expected[name][at]),
                             int(got[name][at]))  # fmt: skip
    return Agreement(vectors, integers, sum(by_tensor.values()), first, by_tensor)
