"""ArgMax under hls4ml: our kernel in both io types, every kind of number, exact."""

from __future__ import annotations

from pathlib import Path

import pytest

from fpgacomp.engines.hls4ml.design import IoType
from fpgacomp.engines.hls4ml.estimate.design import estimate_hls4ml
from tests.support.csim_run import builders, exact

IO_TYPES: tuple[IoType, ...] = ("io_parallel", "io_stream")


@pytest.mark.slow
@pytest.mark.parametrize("io_type", IO_TYPES)
@pytest.mark.parametrize("seed", range(2))
def test_labels(seed: int, io_type: IoType, tmp_path: Path) -> None:
    assert exact(builders.design(builders.labels(seed), io_type), tmp_path, samples=200)


@pytest.mark.parametrize("io_type", IO_TYPES)
def test_more_classes_cost_more(io_type: IoType) -> None:
    luts = []
    for classes in (10, 100):
        b = builders.GraphBuilder("wide", 1)
        graph = b.graph(b.argmax("label", b.input("x", (classes,), -100, 100)))
        luts.append(estimate_hls4ml(builders.design(graph, io_type)).layers["label"].lut.value)
    assert 0 < 5 * luts[0] < luts[1]
