"""Every layer class walks through this engine: carried or refused by name, never defaulted."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from math import isfinite
from typing import get_args

import pytest

from fpgacomp.engines.hls4ml.check import problems
from fpgacomp.engines.hls4ml.design import Hls4mlDesign, Hls4mlFolding, IoType
from fpgacomp.engines.hls4ml.emit.plan import plan
from fpgacomp.engines.hls4ml.estimate.coefficients import load
from fpgacomp.engines.hls4ml.estimate.design import estimate_hls4ml
from fpgacomp.engines.hls4ml.operators.base import Operator
from fpgacomp.engines.hls4ml.operators.dispatch import operator_of
from fpgacomp.engines.hls4ml.operators.without_folding import UnfoldedOperator
from fpgacomp.ir.graph import Graph
from fpgacomp.ir.layers import Input, Layer, Tensor
from tests.support import builders
from tests.support.paths import PACKAGE

IO_TYPES: tuple[IoType, ...] = ("io_parallel", "io_stream")
CLASSES: tuple[type[Layer], ...] = get_args(Layer)
Make = Callable[[builders.GraphBuilder, Tensor], Tensor]
# One layer called "probe" of each class, behind an image [H, W, 4].
PROBES: dict[str, Make] = {
    "Input": lambda b, x: b.input("probe", x.shape, 0, 3),
    "Dense": lambda b, x: b.dense("probe", x, 4),
    "Conv": lambda b, x: b.conv("probe", x, 4, (3, 3), pads=((1, 1), (1, 1))),
    "MaxPool": lambda b, x: b.maxpool("probe", x, (2, 2)),
    "SumPool": lambda b, x: b.sumpool("probe", x, (2, 2), scaled=True),
    "Add": lambda b, x: b.add_two("probe", x, x, per_channel=True),
    "Concat": lambda b, x: b.concat("probe", x, x),
    "Reshape": lambda b, x: b.reshape("probe", x, (x.shape[0], x.shape[1] * x.channels)),
    "Upsample": lambda b, x: b.upsample("probe", x, (2, 1)),
    "Requantize": lambda b, x: b.requantize("probe", x, 0, 1),
    "Thresholds": lambda b, x: b.thresholds("probe", x, 3),
    "Lookup": lambda b, x: b.lookup("probe", x),
    "ArgMax": lambda b, x: b.argmax("probe", x),
}
every_class = pytest.mark.parametrize("layer_class", CLASSES, ids=lambda c: c.__name__)
every_io = pytest.mark.parametrize("io_type", IO_TYPES)


def probe(layer_class: type[Layer], *, side: int = 4, channels: int = 4) -> tuple[Graph, Layer]:
    """A graph of an input and one layer of the class, and that layer."""
    b = builders.GraphBuilder("walk")
    x = b.input("x", (side, side, channels), 0, 7)
    graph = b.graph(x, PROBES[layer_class.__name__](b, x))
    layer = graph.by_name["probe"]
    assert type(layer) is layer_class
    return graph, layer


def folded(graph: Graph, io_type: IoType, folding: Hls4mlFolding) -> Hls4mlDesign:
    return builders.design(graph, io_type, probe=folding)


@every_class
@every_io
def test_a_small_layer_is_carried_under_every_folding(
    layer_class: type[Layer], io_type: IoType
) -> None:
    graph, layer = probe(layer_class)
    operator = operator_of(layer)
    assert operator.layer is layer
    foldings = operator.foldings(io_type)
    assert foldings
    for folding in foldings:
        design = folded(graph, io_type, folding)
        assert problems(design) == []
        planned = plan(design)
        assert "probe" in {node.traces for node in planned.nodes} | set(planned.aliases)
        figures = estimate_hls4ml(design).layers["probe"]
        assert isfinite(figures.cycles.value) and figures.interval.value >= 1
        assert operator.calibration_kind(folding) in load("logic_synth").spread
        assert operator.least_step(folding) >= 1


@every_class
@every_io
def test_a_layer_beyond_the_limits_is_refused_by_name(
    layer_class: type[Layer], io_type: IoType
) -> None:
    """io_parallel: more elements than Vitis partitions; io_stream: more channels in a word."""
    size = {"side": 40} if io_type == "io_parallel" else {"side": 2, "channels": 4100}
    graph, layer = probe(layer_class, **size)
    what = "elements to partition" if io_type == "io_parallel" else "one stream word has"
    texts = [str(found) for found in problems(folded(graph, io_type, Hls4mlFolding()))]
    assert any(text.startswith("probe: ") and what in text for text in texts)
    assert any(operator_of(layer).form_problems(io_type))


@every_class
@every_io
def test_a_folding_that_is_none_is_refused_by_name(
    layer_class: type[Layer], io_type: IoType
) -> None:
    graph, _ = probe(layer_class)
    found = problems(folded(graph, io_type, Hls4mlFolding("latency", 0)))
    assert found and all(str(problem).startswith("probe: reuse factor 0 ") for problem in found)


def test_the_walk_covers_the_union() -> None:
    assert set(PROBES) == {layer_class.__name__ for layer_class in CLASSES}
    classes = {type(operator_of(probe(layer_class)[1])) for layer_class in CLASSES}
    assert len(classes) == len(CLASSES)
    assert not any(inspect.isabstract(operator) for operator in classes)


def test_an_operator_that_lacks_an_answer_cannot_be_made() -> None:
    @dataclass(frozen=True)
    class Half(UnfoldedOperator[Input]):
        """Everything but its nodes, terms and cycles."""

    _, layer = probe(Input)
    missing = {"nodes", "terms", "parallel_timing", "stream_timing"}
    assert Half.__abstractmethods__ == missing < Operator.__abstractmethods__
    with pytest.raises(TypeError, match="abstract"):
        Half(layer)  # type: ignore[abstract, arg-type]


def test_a_layer_of_no_known_class_is_not_taken_for_another() -> None:
    with pytest.raises(AssertionError, match="unreachable"):
        operator_of("not a layer")  # type: ignore[arg-type]


FILES = sorted((PACKAGE / "engines" / "hls4ml").rglob("*.py"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_no_match_has_a_default(path: object) -> None:
    """A `case _` says assert_never, so that mypy names what it would catch."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):  # type: ignore[attr-defined]
        if isinstance(node, ast.match_case) and ast.unparse(node.pattern) == "_":
            assert node.guard is None and ast.unparse(node.body[0]).startswith("assert_never(")


def test_each_kind_has_a_file_of_its_own() -> None:
    homes = {
        layer_class.__name__: inspect.getfile(type(operator_of(probe(layer_class)[1])))
        for layer_class in CLASSES
    }
    assert homes.pop("MaxPool") == homes.pop("SumPool")
    assert len(set(homes.values())) == len(homes)
