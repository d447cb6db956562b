"""Unfolded matrices as additions that their outputs share: exact, and refused where folded."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from fpgacomp.engines.shared.circuit.solve import INSTALL, installed
from fpgacomp.engines.stream.design import StreamFolding
from fpgacomp.engines.stream.engine import STREAM
from fpgacomp.engines.stream.expand import expand
from fpgacomp.engines.stream.operators.shared_matrix import SharedMatrix
from fpgacomp.errors import Problems, ToolError, UnsupportedLayer
from fpgacomp.evidence.compare import compare
from fpgacomp.host.toolchain import find_compiler, find_verilator
from fpgacomp.ir import interpreter
from fpgacomp.ir.graph import Graph
from tests.support import builders, stream_designs

FRAMES = 6


@pytest.fixture(autouse=True)
def _alkaid() -> None:
    if not installed():
        pytest.skip(f"alkaid is not installed ({INSTALL})")


def convolved() -> Graph:
    own = builders.GraphBuilder("convolved")
    x = own.input("x", (6, 6, 2), -8, 7)
    c = own.conv("c", x, 4, (3, 3), pads=((1, 1), (1, 1)))
    return own.graph(own.dense("d", own.thresholds("t", c, 3), 3, -3, 3))


def unfolded(graph: Graph) -> dict[str, StreamFolding]:
    """Both matrices with additions that they share."""
    return {
        "c": StreamFolding(4, 18, "lutram", "adders"), "d": StreamFolding(3, 4, "lutram", "adders"),
        "t": StreamFolding(4),
    }  # fmt: skip


@pytest.mark.slow
def test_every_level_is_exact(tmp_path: Path) -> None:
    graph = convolved()
    design = replace(stream_designs.design(graph), folding=unfolded(graph))
    assert sum(isinstance(op, SharedMatrix) for op in expand(design).operators) == 2
    given = builders.inputs(graph, FRAMES)
    expected = interpreter.run(graph, given)
    emitted = STREAM.emit(design, {name: values[:2] for name, values in expected.items()})
    levels = ["c", "hls"]
    try:
        find_verilator()
        levels.append("rtl")
    except ToolError:
        pass  # the C++ is looked at in any case
    for level in levels:
        folder = tmp_path / level
        folder.mkdir()
        runs = STREAM.simulate(
            emitted,
            [given],
            level,
            compiler=find_compiler(),
            workdir=folder,  # type: ignore[arg-type]
        )
        found = compare(expected, next(runs).values, graph)
        assert found.mismatches == 0, (level, found.first)


@pytest.mark.parametrize(
    ("layer", "folding", "word"),
    [
        ("c", StreamFolding(4, 6, "lutram", "adders"), "all 18 products"),
        ("c", StreamFolding(2, 18, "lutram", "adders"), "all 18 products"),
    ],
)
def test_a_folded_matrix_shares_nothing(layer: str, folding: StreamFolding, word: str) -> None:
    graph = convolved()
    design = replace(stream_designs.design(graph), folding={**unfolded(graph), layer: folding})
    with pytest.raises((UnsupportedLayer, Problems)) as raised:
        expand(design)
    assert word in str(raised.value)


def test_a_depthwise_layer_shares_nothing() -> None:
    own = builders.GraphBuilder("depthwise")
    x = own.input("x", (4, 4, 3), 0, 3)
    graph = own.graph(own.conv("c", x, 3, (2, 2), groups=3))
    design = stream_designs.design(graph, c=StreamFolding(3, 1, "lutram", "adders"))
    with pytest.raises((UnsupportedLayer, Problems)) as raised:
        expand(design)
    assert "same inputs" in str(raised.value)


def test_frames_differ() -> None:
    """What the exactness above stands on."""
    (values,) = builders.inputs(convolved(), FRAMES).values()
    assert len(np.unique(values.reshape(FRAMES, -1), axis=0)) == FRAMES
