"""Every kind of layer through the streaming engine: carried, or refused by its name."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from typing import Any, cast, get_args

import pytest

from fpgacomp.engines.shared.circuit.solve import installed
from fpgacomp.engines.stream.dataflow import Dataflow
from fpgacomp.engines.stream.design import StreamDesign, StreamFolding
from fpgacomp.engines.stream.emit.project import emit_stream
from fpgacomp.engines.stream.estimate.design import estimate_stream
from fpgacomp.engines.stream.expand import expand
from fpgacomp.engines.stream.layers import rules_of
from fpgacomp.engines.stream.layers.matrix import MatrixRules
from fpgacomp.engines.stream.operators.operator import Operator
from fpgacomp.engines.stream.operators.shared_matrix import SharedMatrix
from fpgacomp.errors import UnsupportedLayer
from fpgacomp.ir.graph import Graph
from fpgacomp.ir.interpreter import run
from fpgacomp.ir.layers import Dense, Layer, Tensor
from tests.support import builders
from tests.support.stream_operators import operator_classes

Builder = builders.GraphBuilder
# One layer "x" of each kind on a tensor [4, 4, 6] of 3 bits, in all the forms that it has here.
FORMS: dict[str, list[Callable[[Builder, Tensor], Tensor]]] = {
    "Input": [lambda b, x: b.upsample("other", x, (1, 1))],
    "Dense": [lambda b, x: b.dense("x", x, 4)],
    "Conv": [
        lambda b, x: b.conv("x", x, 4, (3, 2), pads=((1, 1), (0, 1))),
        lambda b, x: b.conv("x", x, 4, (1, 1)),
        lambda b, x: b.conv("x", x, 4, (2, 2), groups=2, dilations=(2, 1)),
        lambda b, x: b.conv("x", x, 6, (3, 3), groups=6, strides=(1, 1)),
    ],
    "MaxPool": [lambda b, x: b.maxpool("x", x, (2, 2), pads=((1, 0), (0, 1)))],
    "SumPool": [
        lambda b, x: b.sumpool("x", x, (2, 2)),
        lambda b, x: b.sumpool("x", x, (2, 2), scaled=True),
        lambda b, x: b.sumpool("x", x, (4, 4)),
    ],
    "Add": [lambda b, x: b.add_two("x", x, b.upsample("other", x, (1, 1)), per_channel=True)],
    "Concat": [lambda b, x: b.concat("x", x, b.dense("other", x, 4))],
    "Reshape": [lambda b, x: b.reshape("x", x, (16, 6))],
    "Upsample": [lambda b, x: b.upsample("x", x, (2, 3))],
    "Requantize": [lambda b, x: b.requantize("x", x)],
    "Thresholds": [
        lambda b, x: b.thresholds("x", x, 2),
        lambda b, x: b.thresholds("x", x, 7, per_channel=False),
    ],
    "Lookup": [lambda b, x: b.lookup("x", x)],
    "ArgMax": [lambda b, x: b.argmax("x", x)],
}
CASES = [(kind, form) for kind, forms in FORMS.items() for form in range(len(forms))]
UNFOLDED = StreamFolding()


def example(kind: str, form: int) -> tuple[Graph, Layer]:
    """A graph with the layer under test, and that layer."""
    b = Builder(f"{kind.lower()}_net")
    source = "x" if kind == "Input" else "source"
    graph = b.graph(FORMS[kind][form](b, b.input(source, (4, 4, 6), -4, 3)))
    return graph, graph.by_name["x"]


def folded(graph: Graph, folding: StreamFolding) -> StreamDesign:
    """The layer under test with a folding, the others without parallelism."""
    others = {layer.name: UNFOLDED for layer in graph.layers if rules_of(layer).foldable}
    if rules_of(graph.by_name["x"]).foldable:
        others["x"] = folding
    return StreamDesign(graph=graph, board=builders.BOARD, clock_mhz=100.0, folding=others)


def foldings(layer: Layer) -> list[StreamFolding]:
    return list(rules_of(layer).foldings(builders.BOARD.device)) or [UNFOLDED]


def dataflows() -> Iterator[Dataflow]:
    """Every example under every folding worth pricing."""
    for kind, form in CASES:
        graph, layer = example(kind, form)
        for folding in foldings(layer):
            yield expand(folded(graph, folding))
        if isinstance(rules := rules_of(layer), MatrixRules) and installed():
            yield expand(folded(graph, rules.unfolded))


def test_every_layer_class_has_an_example() -> None:
    assert {cls.__name__ for cls in get_args(Layer)} == set(FORMS)
    for kind, form in CASES:
        assert type(example(kind, form)[1]).__name__ == kind


def test_every_operator_class_is_used_and_keeps_the_protocol() -> None:
    used = {type(operator) for flow in dataflows() for operator in flow.operators}
    assert used | ({SharedMatrix} if not installed() else set()) == set(operator_classes())
    members = {name for name in vars(Operator) if not name.startswith("_")}
    assert {"inputs", "outputs", "cycles", "cost_kind", "steps", "terms", "call"} <= members
    for cls in used:
        stated = {*dir(cls), *(field.name for field in fields(cls))}
        assert members <= stated, f"{cls.__name__} lacks {members - stated}"


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "form"), CASES)
def test_a_layer_is_carried_under_every_folding(kind: str, form: int) -> None:
    graph, layer = example(kind, form)
    vectors = run(graph, builders.inputs(graph, 2))
    rules = rules_of(layer)
    for folding in foldings(layer):
        design = folded(graph, folding)
        assert rules.foldable is bool(list(rules.foldings(builders.BOARD.device)))
        assert not rules.foldable or rules.why_illegal(folding) == ""
        figures = estimate_stream(design, timed=False).layers["x"]
        project = emit_stream(design, vectors)
        source = project.files[f"hls/{graph.name}.cpp"].decode()
        mine = [op for op in expand(design).operators if op.layer == "x"]
        assert source.count(" of layer x") == len(mine)
        assert figures.interval.value == max((op.cycles for op in mine), default=0)
        assert (figures.lut.value > 0) is bool(mine)


@pytest.mark.parametrize(("kind", "form"), CASES)
def test_lanes_are_those_of_the_operators(kind: str, form: int) -> None:
    graph, layer = example(kind, form)
    rules = rules_of(layer)
    read = {tensor.name for tensor in layer.inputs}
    for folding in foldings(layer):
        operators = expand(folded(graph, folding)).operators
        mine = [op for op in operators if op.layer == "x" and type(op).__name__ != "Convert"]
        written = {s.name for op in mine for s in op.outputs}
        outer = [s for op in mine for s in op.inputs if s.name not in written]
        # Behind its windows a convolution may convert once more, to words of SIMD.
        outer = [s for s in outer if not s.name.startswith("x_windows")]
        assert {s.lanes for s in outer} <= {rules.lanes_in(folding)}
        assert bool(outer) is bool(read and mine)
        ends = [s.lanes for op in mine for s in op.outputs if s.tensor == "x"]
        if kind == "Input":  # its port is as wide as the other layers ask for
            assert len(ends) == 1 and ends[0].bit_count() == 1
        else:
            assert ends == ([rules.lanes_out(folding)] if mine else [])


@pytest.mark.parametrize(("kind", "form"), CASES)
def test_every_other_folding_is_refused_by_name(kind: str, form: int) -> None:
    """All legal foldings of these small layers are priced; any other error names the layer."""
    graph, layer = example(kind, form)
    rules = rules_of(layer)
    if not rules.foldable:
        return
    priced = {(folding.pe, folding.simd) for folding in rules.foldings(builders.BOARD.device)}
    # Where SIMD means nothing, one value of it stands for all.
    simds = range(40) if any(simd > 1 for _, simd in priced) else range(2)
    for pe, simd in [(pe, simd) for pe in range(14) for simd in simds]:
        design = folded(graph, StreamFolding(pe, simd))
        if (pe, simd) in priced:
            expand(design)
        else:
            with pytest.raises(UnsupportedLayer, match=r"^x: (pe|simd) .* Fix: choose divisors"):
                expand(design)


def test_a_layer_without_a_folding_is_refused_by_name() -> None:
    graph, _ = example("Dense", 0)
    design = StreamDesign(graph=graph, board=builders.BOARD, clock_mhz=100.0)
    with pytest.raises(UnsupportedLayer, match="x: has no folding"):
        expand(design)


def test_a_class_that_is_no_layer_has_no_rules() -> None:
    @dataclass(frozen=True, kw_only=True)
    class Novel:
        name: str = "novel"

    with pytest.raises(AssertionError, match="Novel"):
        rules_of(cast(Any, Novel()))
    with pytest.raises(AssertionError, match="Dense"):  # not even one that is called like one
        rules_of(cast(Any, type(Dense.__name__, (), {})()))


@pytest.mark.slow
def test_steps_move_every_word_in_the_cycles_of_the_operator() -> None:
    for flow in dataflows():
        for operator in flow.operators:
            for limit in (1, 7, 10**6):
                steps = operator.steps(limit)
                assert steps.cycles.sum() == operator.cycles, (operator, limit)
                ends = [int(words[-1]) for words in (*steps.reads, *steps.writes)]
                assert ends == [s.words for s in (*operator.inputs, *operator.outputs)]
