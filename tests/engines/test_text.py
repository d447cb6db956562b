"""A design as text: the graph that it folds, each layer's folding, a streaming design's parts."""

from __future__ import annotations

import pytest

from fpgacomp.engines.adders.design import AdderDesign
from fpgacomp.engines.engine import AnyEngine, Design
from fpgacomp.engines.registry import ENGINES
from fpgacomp.engines.shared.text import print_design, spell_folding
from fpgacomp.engines.stream.expand import expand
from fpgacomp.engines.stream.text import print_dataflow
from fpgacomp.ir.text import parse_graph, print_graph
from tests.support import builders, stream_designs


def designs() -> dict[str, Design]:
    """A design per engine, by the engine's name."""
    return {
        "stream": stream_designs.design(builders.cnn()),
        "hls4ml": builders.design(builders.cnn()),
        "adders": AdderDesign(
            graph=builders.mlp(),
            board=builders.BOARD,
            clock_mhz=100.0,
            levels=3,
            lanes_in=1,
            lanes_out=1,
        ),
    }


@pytest.mark.parametrize("engine", ENGINES, ids=lambda engine: engine.name)
def test_the_text_of_a_design_is_a_text_of_its_graph(engine: AnyEngine) -> None:
    design = designs()[engine.name]
    text, arrays = print_design(design, notes=["a note"], structure=engine.structure(design))
    assert parse_graph(text, arrays) == design.graph
    lines = text.splitlines()
    assert lines[1:3] == ["// a note", "// board test (xc7z020clg400-1), 100 MHz"]
    for name, folding in design.folding.items():
        (line,) = [line for line in lines if line.startswith(f"%{name} ")]
        assert line.endswith(f"// {spell_folding(folding)}")
    plain, same = print_graph(design.graph)
    assert same == arrays
    assert [line.split("//")[0].rstrip() for line in lines if line.startswith("%")] == [
        line for line in plain.splitlines() if line.startswith("%")
    ]


def test_a_folding_is_spelled_field_by_field() -> None:
    folding = designs()["hls4ml"].folding["c1"]
    assert spell_folding(folding) == "strategy=latency reuse_factor=1 parallelization=1"
    assert spell_folding({"pe": 2, "memory": "bram"}) == "pe=2 memory=bram"


@pytest.mark.parametrize(
    "graph", [builders.cnn(), builders.activations(), builders.windows(2), builders.labels()],
    ids=lambda graph: graph.name,
)  # fmt: skip
def test_every_operator_and_stream_has_a_line(graph) -> None:
    design = stream_designs.design(graph)
    flow, lines = expand(design), print_dataflow(design).splitlines()
    operators = [line for line in lines if line.startswith("operator ")]
    streams = [line for line in lines if line.startswith("stream ")]
    assert len(operators) == len(flow.operators)
    for operator, line in zip(flow.operators, operators, strict=True):
        assert line.split()[1] == type(operator).__name__
        for stream in (*operator.inputs, *operator.outputs):
            assert stream.name in line.replace(",", " ").split()
        if hasattr(operator, "pe"):
            assert f" pe={operator.pe}" in line
    for stream, line in zip(flow.streams, streams, strict=True):
        assert line.split()[1] == stream.name
        filled = f", the last one filled up by {stream.filling}" if stream.filling else ""
        assert line.endswith(f"{stream.words} words a frame{filled}, depth {stream.depth}")
