"""Sums of three: fewer LUTs than sums of two, and never more; what is merged stays the matrix."""

from __future__ import annotations

import numpy as np
import pytest

from fpgacomp.engines.shared.circuit.build import Builder
from fpgacomp.engines.shared.circuit.cost import luts
from fpgacomp.engines.shared.circuit.evaluate import evaluate
from fpgacomp.engines.shared.circuit.linear import place
from fpgacomp.engines.shared.circuit.nodes import TernaryAddition
from fpgacomp.engines.shared.circuit.schedule import schedule
from fpgacomp.engines.shared.circuit.solve import AdderGraph, Output, SharedAddition
from fpgacomp.engines.shared.circuit.sums import PartialSums, luts_of, of_three, of_two
from fpgacomp.ir.types import IntType

BITS = [(0, 63)]


def chain(signs: list[bool]) -> AdderGraph:
    """x0 +- x1 +- x2 ...: one addition after the other."""
    spans, steps = BITS * (len(signs) + 1), []
    lo, hi, last = 0, 63, 0
    for index, minus in enumerate(signs, 1):
        lo, hi = (lo - 63, hi) if minus else (lo, hi + 63)
        steps.append(SharedAddition(last, index, 0, 0, minus, (lo, hi)))
        last = len(spans) + index - 1
    return AdderGraph(tuple(spans), tuple(steps), (Output(last, 0, False),), 0.0)


def values(graph: AdderGraph, made: PartialSums, words: np.ndarray) -> np.ndarray:
    builder = Builder([IntType(*span) for span in graph.spans])
    wires = place(made, builder, [builder.source(i) for i in range(len(graph.spans))])
    return evaluate(builder.finish(wires), words)


@pytest.mark.parametrize("count", [2, 3, 4, 5, 6, 9, 12])
def test_a_sum_of_n_takes_half_as_many_rows(count: int) -> None:
    graph = chain([False] * (count - 1))
    sizes = sorted(len(one.terms) for one in of_three(graph).sums)
    assert sizes == [2] * (1 - count % 2) + [3] * ((count - 1) // 2)
    assert [len(one.terms) for one in of_two(graph).sums] == [2] * (count - 1)


@pytest.mark.parametrize("seed", range(8))
def test_signs_end_where_they_belong(seed: int) -> None:
    """Among them chains in which groups of three are all subtracted."""
    rng = np.random.default_rng(seed)
    signs = [bool(minus) for minus in rng.random(11) < 0.7]
    graph, words = chain(signs), rng.integers(0, 64, (100, 12))
    expected = words @ np.array([1] + [-1 if minus else 1 for minus in signs])
    for made in (of_two(graph), of_three(graph)):
        assert np.array_equal(values(graph, made, words)[:, 0], expected)


def test_what_two_read_is_added_up_twice_where_that_is_free() -> None:
    """s = a + b; s + c and s + d are two sums of three, which take the place of three of two."""
    steps = (
        SharedAddition(0, 1, 0, 0, False, (0, 126)),
        SharedAddition(4, 2, 0, 0, False, (0, 189)),
        SharedAddition(4, 3, 0, 0, False, (0, 189)),
    )
    graph = AdderGraph(tuple(BITS * 4), steps, (Output(5, 0, False), Output(6, 0, False)), 0.0)
    assert [len(one.terms) for one in of_three(graph).sums] == [3, 3]
    # As an output of its own it is kept.
    kept = AdderGraph(graph.spans, steps, (*graph.outputs, Output(4, 0, False)), 0.0)
    assert [len(one.terms) for one in of_three(kept).sums] == [2, 2, 2]


def test_sums_of_three_that_take_more_are_not_made() -> None:
    """7x and 9x of one number: 8x - x and 8x + x have no third term."""
    steps = (
        SharedAddition(0, 0, 3, 0, True, (0, 441)),
        SharedAddition(0, 0, 3, 0, False, (0, 567)),
    )
    graph = AdderGraph(tuple(BITS), steps, (Output(1, 0, False), Output(2, 0, False)), 0.0)
    assert luts_of(of_three(graph), graph.spans) <= luts_of(of_two(graph), graph.spans)


def test_a_partial_sum_beyond_int64_leaves_additions_of_two() -> None:
    """x - y is small where z is added last; x + z alone is not."""
    large = (0, 1 << 60)
    steps = tuple(
        SharedAddition(a, b, 0, 0, False, (0, 3 << 60)) for a, b in ((0, 1), (4, 2), (5, 3))
    )
    graph = AdderGraph((large,) * 4, steps, (Output(6, 0, False),), 0.0)
    assert of_three(graph) == of_two(graph)


def test_terms_that_cancel_are_added_up_as_any_others() -> None:
    """Two decompositions that feed each other may take away again what the first has added."""
    steps = (
        SharedAddition(0, 1, 0, 0, False, (0, 126)),
        SharedAddition(3, 2, 0, 0, False, (0, 189)),
        SharedAddition(4, 0, 0, 0, True, (0, 126)),
    )
    graph = AdderGraph(tuple(BITS * 3), steps, (Output(5, 0, False),), 0.0)
    words = np.random.default_rng(0).integers(0, 64, (50, 3))
    for made in (of_two(graph), of_three(graph)):
        assert np.array_equal(values(graph, made, words)[:, 0], words[:, 1] + words[:, 2])


def test_a_term_that_is_shifted_beyond_int64_leaves_additions_of_two() -> None:
    """Their difference is 0 before it is shifted; merged, both are shifted by themselves."""
    steps = (
        SharedAddition(0, 0, 31, 31, True, (0, 0)),
        SharedAddition(2, 1, 31, 0, False, (0, 63)),
        SharedAddition(3, 1, 31, 0, False, (0, (63 << 31) + 63)),
    )
    graph = AdderGraph(tuple(BITS * 2), steps, (Output(4, 0, False),), 0.0)
    assert of_three(graph) == of_two(graph)


def test_the_count_of_a_circuit_is_that_of_its_sums() -> None:
    graph = chain([False, True, True, False, True])
    builder = Builder([IntType(*span) for span in graph.spans])
    made = of_three(graph)
    circuit = builder.finish(place(made, builder, [builder.source(i) for i in range(6)]))
    assert sum(luts(circuit)) == luts_of(made, graph.spans)
    assert sum(isinstance(node, TernaryAddition) for node in circuit.nodes) == 2


@pytest.mark.parametrize(("levels", "stages"), [(1, 2), (2, 2), (3, 2), (4, 1)])
def test_a_sum_of_three_takes_two_levels_of_one_stage(levels: int, stages: int) -> None:
    graph = chain([False] * 8)
    builder = Builder([IntType(*span) for span in graph.spans])
    circuit = builder.finish(place(of_three(graph), builder, [builder.source(i) for i in range(9)]))
    # Two rows of sums of three.
    assert schedule(circuit, levels).stages == stages


def test_what_no_output_needs_lies_within_the_stages_of_the_outputs() -> None:
    """Simulation looks at it; a design of a constant output has one stage, however deep it is."""
    graph = chain([False] * 8)
    for read in (False, True):
        builder = Builder([IntType(*span) for span in graph.spans])
        sources = [builder.source(i) for i in range(9)]
        (deep,) = place(of_three(graph), builder, sources)
        builder.taps["deep"] = (deep, builder.left(builder.clip(deep, 3, 7), 1))
        output = builder.sum(sources[0], sources[1]) if read else builder.constant(5)
        plan = schedule(builder.finish([output]), 1)
        assert plan.stages == 1 and set(plan.stage) == {0}
        assert plan.depth == int(read)
