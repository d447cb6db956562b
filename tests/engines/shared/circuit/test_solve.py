"""A constant matrix as shared additions: the same function, exact ranges, honest costs."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from fpgacomp.engines.shared.circuit import solve as solving
from fpgacomp.engines.shared.circuit.build import Builder
from fpgacomp.engines.shared.circuit.cost import luts
from fpgacomp.engines.shared.circuit.evaluate import evaluate, every_wire
from fpgacomp.engines.shared.circuit.linear import place, times
from fpgacomp.engines.shared.circuit.nodes import Addition
from fpgacomp.engines.shared.circuit.solve import AdderGraph
from fpgacomp.engines.shared.circuit.sums import PartialSums, of_three, of_two
from fpgacomp.errors import ToolError, UnsupportedLayer
from fpgacomp.ir.types import IntType

solve = solving.solve


@pytest.fixture(autouse=True)
def _alkaid() -> None:
    if not solving.installed():
        pytest.skip(f"alkaid is not installed ({solving.INSTALL})")


@pytest.mark.parametrize("sums", [of_two, of_three])
@pytest.mark.parametrize("seed", range(12))
def test_the_additions_are_the_matrix(seed: int, sums: Callable[[AdderGraph], PartialSums]) -> None:
    rng = np.random.default_rng(seed)
    n_in, n_out, bits = rng.integers(1, 20), rng.integers(1, 12), int(rng.integers(2, 9))
    reach = 1 << (bits - 1)
    weight = rng.integers(-reach, reach, (n_in, n_out))
    weight[rng.random(weight.shape) < rng.uniform(0, 0.9)] = 0
    lows = rng.integers(-9, 3, n_in)
    ranges = [(int(lo), int(lo + rng.integers(1, 40))) for lo in lows]
    builder = Builder([IntType(*span) for span in ranges])
    made = place(sums(solve(weight, ranges)), builder, [builder.source(i) for i in range(n_in)])
    circuit = builder.finish(made)
    ends = np.array(ranges)
    words = rng.integers(ends[:, 0], ends[:, 1] + 1, (200, n_in))
    # The ends of every sum are among these.
    words = np.concatenate([words, *(ends[np.arange(n_in), (column > 0).astype(int)][None]
                                     for column in (*weight.T, *-weight.T))])  # fmt: skip
    assert np.array_equal(evaluate(circuit, words), words @ weight)
    for values, (lo, hi) in zip(every_wire(circuit, words), circuit.ranges, strict=True):
        assert lo <= values.min() and values.max() <= hi


@pytest.mark.parametrize("value", [0, 3, -2])
def test_inputs_of_a_single_value_are_terms_as_others_are(value: int) -> None:
    """Streaming designs have matrices of which every input is such a one."""
    weight, single = np.array([[1, 2, -3], [1, 0, 6], [2, 5, 0]]), (value, value)
    for ranges in ([single] * 3, [single, (0, 7), (-4, 3)]):
        builder = Builder([IntType(*span) for span in ranges])
        sources = [builder.source(i) for i in range(3)]
        circuit = builder.finish(place(of_three(solve(weight, ranges)), builder, sources))
        words = np.array(ranges).T
        assert np.array_equal(evaluate(circuit, words), words @ weight)


# (a, b, left_a, left_b, subtract) of steps, and (term, left, negative) of outputs.
KEPT = {"steps": [(0, 1, 0, 0, False)], "outputs": [(2, 0, False)], "theirs": 1.0}


@pytest.mark.parametrize(
    ("changed", "read"),
    [
        ({}, True),
        ({"steps": [(0, 1, -1, 1, False)]}, False),
        ({"steps": [(0, 1, 0, 0, True)]}, False),
        ({"steps": [(0, 7, 0, 0, False)]}, False),
        ({"outputs": [(2, -64, False)]}, False),
        ({"outputs": [(9, 0, False)]}, False),
        # A sum of more than 62 bits, and one whose own bits are shifted out of int64.
        ({"steps": [(0, 1, 0, 0, False), (2, 0, 31, 0, False), (3, 0, 31, 0, False)]}, False),
        ({"steps": [(0, 1, 0, 0, False), (0, 0, 31, 0, False), (3, 3, 31, 31, True),
                    (4, 3, 31, 31, True)]}, False),
    ],
)  # fmt: skip
def test_what_was_kept_is_used_only_where_it_is_the_matrix(
    changed: dict[str, object], read: bool, tmp_path: Path
) -> None:
    place = tmp_path / "graph.json"
    place.write_text(json.dumps({**KEPT, **changed}))
    graph = solving._read(place, np.array([[1], [1]]), ((0, 7), (0, 7)))
    assert (graph is not None) == read


def test_what_outputs_share_is_computed_once() -> None:
    column = np.array([3, 5, -7, 9, 1, -2])
    weight = np.stack([column, 2 * column, -column], axis=1)
    graph = solve(weight, [(0, 15)] * 6)
    alone = solve(weight[:, :1], [(0, 15)] * 6)
    assert len(graph.steps) == len(alone.steps)


def test_a_range_is_that_of_the_sum_and_not_of_its_parts() -> None:
    # x + y - x is y, however it is added up; 3x - x has the range of 2x.
    graph = solve(np.array([[3, 2], [1, 1]]), [(0, 7), (0, 1)])
    spans = {step.span for step in graph.steps}
    assert max(hi for _, hi in spans) == 22


def test_without_alkaid_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(solving, "installed", lambda: False)
    with pytest.raises(ToolError) as raised:
        solve(np.array([[3, 5], [6, 77]]), [(0, 1), (0, 1)])
    assert solving.INSTALL in str(raised.value)


@pytest.mark.parametrize(
    ("weight", "word"),
    [(np.full((400, 100), 21), "signed digits"), (np.array([[1 << 24, 1]]), "24 bits")],
)
def test_a_matrix_beyond_the_solver_is_refused(weight: np.ndarray, word: str) -> None:
    with pytest.raises(UnsupportedLayer) as raised:
        solve(weight, [(0, 1)] * len(weight))
    assert word in str(raised.value)


def test_sums_beyond_int64_are_refused() -> None:
    """Their ranges would be those of other numbers, and their wires too narrow."""
    with pytest.raises(UnsupportedLayer, match="62 bits"):
        solve(np.array([[77, 5], [6, 77]]), [(0, 1 << 60), (0, 1 << 60)])


@pytest.mark.parametrize("inputs", [4, 6])
def test_a_bit_that_passes_the_carry_takes_a_lut_of_four_inputs_alone(inputs: int) -> None:
    builder = Builder([IntType(0, 4095), IntType(0, 63)])
    circuit = builder.finish([builder.sum(builder.source(0), builder.source(1))])
    assert sum(luts(circuit, inputs)) == {4: 13, 6: 6}[inputs]


@pytest.mark.parametrize("factor", [0, 1, -1, 2, 3, -3, 7, 11, 27, -45, 100, 255, -256])
def test_a_product_takes_an_addition_for_each_digit_but_one(factor: int) -> None:
    builder = Builder([IntType(-20, 30)])
    circuit = builder.finish([times(builder, builder.source(0), factor)])
    words = np.arange(-20, 31)[:, None]
    assert np.array_equal(evaluate(circuit, words), words * factor)
    digits = {0: 0, 1: 1, -1: 1, 2: 1, 3: 2, -3: 2, 7: 2, 11: 3, 27: 3, -45: 4, 100: 3, 255: 2,
              -256: 1}[factor]  # fmt: skip
    sums = sum(isinstance(node, Addition) for node in circuit.nodes)
    assert sums == max(digits - 1, 0) + (factor < 0)
