"""Emits, simulates and compares one design; shared by the tests of this folder."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "backends_hls4ml"))

import builders

from fpgacomp.backends.hls4ml import emit
from fpgacomp.ir.design import Hls4mlDesign
from fpgacomp.ir.interpreter import run
from fpgacomp.simulate.csim import Comparison, compare, simulate
from fpgacomp.toolchain import find_compiler


def compared(design: Hls4mlDesign, workdir: Path, samples: int = 40, **options: Any) -> Comparison:
    """The emitted C++ against the oracle, on every integer of every layer."""
    graph = design.graph
    expected = run(graph, builders.inputs(graph, samples))
    project = emit(design, {name: values[:3] for name, values in expected.items()})
    inputs = {layer.output.name: expected[layer.output.name] for layer in graph.inputs}
    result = simulate(project, graph, find_compiler(), inputs, workdir=workdir, **options)
    return compare(expected, result.values, graph)


def exact(design: Hls4mlDesign, workdir: Path, samples: int = 40) -> bool:
    """All equal, and something was compared; prints the first mismatch."""
    outcome = compared(design, workdir, samples)
    print(outcome.first)
    every = sum(layer.output.size for layer in design.graph.layers)
    return outcome.mismatches == 0 and outcome.integers == every and outcome.vectors == samples
