"""Emits, simulates and compares one design; shared by the tests of this folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fpgacomp.engines.hls4ml.csim import simulate
from fpgacomp.engines.hls4ml.design import Hls4mlDesign
from fpgacomp.engines.hls4ml.emit.project import emit
from fpgacomp.evidence.compare import compare
from fpgacomp.host.toolchain import find_compiler
from fpgacomp.ir.interpreter import run
from fpgacomp.results.agreement import Agreement
from tests.support import builders


def compared(design: Hls4mlDesign, workdir: Path, samples: int = 40, **options: Any) -> Agreement:
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
