"""Vectors that do not go with a graph: every one is named."""

from __future__ import annotations

import numpy as np

from fpgacomp.engines.shared.vectors import vector_problems
from fpgacomp.ir.interpreter import run
from tests.support import builders

GRAPH = builders.mlp()
VALUES = run(GRAPH, builders.inputs(GRAPH, 3))


def test_the_interpreters_values_have_no_problem() -> None:
    assert not list(vector_problems(GRAPH, VALUES))


def test_every_problem_is_named_at_once() -> None:
    bad = {"fc3": VALUES["fc3"].reshape(3, -1, 1)}
    text = "\n".join(map(str, vector_problems(GRAPH, bad)))
    assert "x: no vectors were given for it." in text
    assert "fc3: its vectors have shape (3, 5, 1)." in text


def test_no_vectors_at_all_are_a_problem() -> None:
    none = {name: values[:0] for name, values in VALUES.items()}
    assert [str(problem).split(":")[0] for problem in vector_problems(GRAPH, none)] == ["x", "fc3"]
    assert np.shape(none["x"]) == (0, 6)
