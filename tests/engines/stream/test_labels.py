"""ArgMax in the streaming design: random foldings, one position and several, exact."""

from __future__ import annotations

from pathlib import Path

import pytest

from fpgacomp.engines.stream.design import StreamFolding
from fpgacomp.engines.stream.estimate.design import estimate_stream
from fpgacomp.engines.stream.expand import expand
from fpgacomp.engines.stream.fold.design import fold_stream
from fpgacomp.engines.stream.operators.label import Label
from fpgacomp.engines.stream.timing.steps import STEP_LIMIT
from fpgacomp.errors import FpgacompError
from fpgacomp.results.target import Target
from tests.support import stream_designs as sd
from tests.support.stream_designs import builders


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_labels_under_random_foldings(seed: int, tmp_path: Path) -> None:
    assert sd.exact(sd.design(builders.labels(seed), seed), tmp_path, samples=30)


def test_pe_folds_the_classes_that_come_in() -> None:
    graph = builders.labels()
    dataflow = expand(sd.design(graph, few=StreamFolding(4), pixels=StreamFolding(3)))
    found = {op.name: op for op in dataflow.operators if isinstance(op, Label)}
    few, pixels = found["few"], found["pixels"]
    assert (few.input.lanes, few.output.lanes, few.output.words, few.cycles) == (4, 1, 1, 3)
    assert (pixels.output.words, pixels.cycles) == (6, 12)
    for operator in (few, pixels):
        steps = operator.steps(STEP_LIMIT)
        assert steps.reads[0][-1] == operator.input.words
        assert steps.writes[0][-1] == operator.output.words
        assert steps.cycles.sum() == operator.cycles
    with pytest.raises(FpgacompError, match="pe 5 does not divide its 12 channels"):
        expand(sd.design(graph, few=StreamFolding(5)))


@pytest.mark.slow
def test_the_folding_finds_legal_and_faster_ones() -> None:
    b = builders.GraphBuilder("wide", 1)
    graph = b.graph(b.argmax("label", b.dense("fc", b.input("x", (8,), -4, 3), 100)))
    fast, small = (
        fold_stream(graph, builders.BOARD, clock_mhz=100.0, target=Target(goal),
                    estimate=estimate_stream)
        for goal in ("latency", "area")
    )  # fmt: skip
    assert fast.design.folding["label"].pe > small.design.folding["label"].pe
    layer = fast.estimate.layers["label"]
    assert layer.lut.value > small.estimate.layers["label"].lut.value > 0
