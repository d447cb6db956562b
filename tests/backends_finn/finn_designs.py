"""Designs for the tests of FINN's graph, and one run of it all against the oracle."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

TESTS = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(TESTS / "backends_stream"), str(TESTS / "backends_hls4ml")]

import builders  # noqa: E402
import stream_designs as sd  # noqa: E402

from fpgacomp.backends.finn.finn_execute import execute_finn  # noqa: E402
from fpgacomp.backends.finn.finn_graph import FinnModel, build_finn  # noqa: E402
from fpgacomp.ir.design import StreamDesign  # noqa: E402
from fpgacomp.ir.interpreter import run  # noqa: E402
from fpgacomp.ir.types import IntArray  # noqa: E402

__all__ = ["builders", "mismatches", "sd"]


def mismatches(
    design: StreamDesign, samples: int = 3, model: FinnModel | None = None, **given: IntArray
) -> dict[str, int]:
    """Tensor -> integers in which FINN's execution differs from the oracle; every tensor is in."""
    graph = design.graph
    inputs = given or builders.inputs(graph, samples)
    expected = run(graph, inputs)
    found = execute_finn(model or build_finn(design), inputs)
    assert set(found) == set(expected)
    return {name: int(np.count_nonzero(found[name] != expected[name])) for name in expected}
