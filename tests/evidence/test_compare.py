"""Integers of an engine against the oracle's: every layer, or the outputs alone."""

from __future__ import annotations

import pytest

from fpgacomp.errors import InputDataError
from fpgacomp.evidence.compare import compare
from fpgacomp.ir import interpreter
from tests.support import builders


def test_outputs_alone_are_compared_where_nothing_else_is_there() -> None:
    graph = builders.mlp()
    expected = interpreter.run(graph, builders.inputs(graph, 4))
    (output,) = (tensor.name for tensor in graph.outputs)
    got = {output: expected[output].copy()}
    with pytest.raises(InputDataError, match="do not both hold this tensor"):
        compare(expected, got, graph)
    agreed = compare(expected, got, graph, outputs_only=True)
    assert (agreed.mismatches, agreed.vectors) == (0, 4)
    assert agreed.integers == sum(tensor.size for tensor in graph.outputs)
    got[output][2].flat[0] += 1
    differ = compare(expected, got, graph, outputs_only=True)
    assert differ.mismatches == 1 and differ.first is not None and differ.first.sample == 2
