"""Designs for the tests of the streaming backend: random legal foldings, and one run of it all."""

from __future__ import annotations

from dataclasses import fields, replace
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from fpgacomp.engines.stream.csim import simulate
from fpgacomp.engines.stream.design import Arithmetic, Memory, StreamDesign, StreamFolding
from fpgacomp.engines.stream.emit.project import emit_stream
from fpgacomp.evidence.compare import compare
from fpgacomp.host.toolchain import find_compiler
from fpgacomp.ir.graph import Graph
from fpgacomp.ir.interpreter import run
from fpgacomp.ir.layers import ArgMax, Concat, Conv, Dense, Input, Layer, Reshape, Tensor
from fpgacomp.ir.types import IntArray
from fpgacomp.ir.verify import verify
from fpgacomp.results.agreement import Agreement
from tests.support import builders

MEMORIES: tuple[Memory, ...] = ("auto", "lutram", "bram")
ARITHMETICS: tuple[Arithmetic, ...] = ("lut", "dsp")


def divisors(number: int) -> list[int]:
    return [d for d in range(1, number + 1) if number % d == 0]


def legal_folding(
    graph: Graph, rng: np.random.Generator, *, most: int = 64
) -> dict[str, StreamFolding]:
    """A random folding for every layer that has one; pe * simd is at most `most`."""
    return {
        layer.name: _folding(layer, rng, most)
        for layer in graph.layers
        if not isinstance(layer, Input | Reshape)
    }


def _folding(layer: Layer, rng: np.random.Generator, most: int) -> StreamFolding:
    channels = (layer.input if isinstance(layer, ArgMax) else layer.output).channels
    if isinstance(layer, Concat):
        channels = int(np.gcd.reduce([part.channels for part in layer.parts]))
    pe = int(rng.choice([d for d in divisors(channels) if d <= most]))
    simd = 1
    if isinstance(layer, Dense | Conv) and not (isinstance(layer, Conv) and layer.depthwise):
        inputs = layer.input.channels
        width = inputs * (prod(layer.kernel) if isinstance(layer, Conv) else 1)
        legal = [d for d in divisors(width) if inputs % d == 0 or d % inputs == 0]
        simd = int(rng.choice([d for d in legal if d * pe <= most] or [1]))
    return StreamFolding(pe, simd, MEMORIES[rng.integers(3)], ARITHMETICS[rng.integers(2)])


def merged(*graphs: Graph) -> Graph:
    """Independent graphs side by side in one: one compilation for all of them."""
    layers: list[Layer] = []
    outputs: list[Tensor] = []
    for number, graph in enumerate(graphs):
        layers += [_renamed(layer, f"g{number}_") for layer in graph.layers]
        outputs += [_renamed(tensor, f"g{number}_") for tensor in graph.outputs]
    return verify(Graph("merged", tuple(layers), tuple(outputs)))


def _renamed(value: Any, prefix: str) -> Any:
    """A layer or tensor with all its names prefixed."""
    changes: dict[str, Any] = {}
    for field in fields(value):
        old = getattr(value, field.name)
        if field.name == "name":
            changes["name"] = prefix + old
        elif isinstance(old, Tensor):
            changes[field.name] = _renamed(old, prefix)
        elif field.name == "parts":
            changes["parts"] = tuple(_renamed(part, prefix) for part in old)
    return replace(value, **changes)


def design(graph: Graph, seed: int = 0, *, most: int = 64, **special: Any) -> StreamDesign:
    """Random folding on the test board; `special` are layers' own."""
    folding = legal_folding(graph, np.random.default_rng(seed), most=most)
    return StreamDesign(
        graph=graph, board=builders.BOARD, clock_mhz=100.0, folding={**folding, **special}
    )


def compared(made: StreamDesign, workdir: Path, samples: int = 4, **given: IntArray) -> Agreement:
    """The emitted C++ against the oracle, on every integer of every layer."""
    graph = made.graph
    expected = run(graph, given or builders.inputs(graph, samples))
    project = emit_stream(made, {name: values[:2] for name, values in expected.items()})
    inputs = {layer.output.name: expected[layer.output.name] for layer in graph.inputs}
    result = simulate(project, graph, find_compiler(), inputs, workdir=workdir)
    print(f"{graph.name}: compiled in {result.compile_s:.1f} s, ran in {result.run_s:.2f} s")
    return compare(expected, result.values, graph)


def exact(made: StreamDesign, workdir: Path, samples: int = 4, **given: IntArray) -> bool:
    """All equal, and something was compared; prints the first mismatch."""
    outcome = compared(made, workdir, samples, **given)
    print(outcome.first, outcome.by_tensor)
    every = sum(layer.output.size for layer in made.graph.layers)
    return outcome.mismatches == 0 and outcome.integers == every


def balanced_folding(graph: Graph, cycles: int) -> dict[str, StreamFolding]:
    """The least parallel folding with which no layer takes more than `cycles` a frame, roughly."""
    return {
        layer.name: _balanced(layer, cycles)
        for layer in graph.layers
        if not isinstance(layer, Input | Reshape)
    }


def _balanced(layer: Layer, cycles: int) -> StreamFolding:
    channels, pixels = layer.output.channels, layer.output.pixels
    if isinstance(layer, Concat):
        channels = int(np.gcd.reduce([part.channels for part in layer.parts]))
    pes, simds, work = divisors(channels), [1], layer.output.size
    if isinstance(layer, Dense | Conv):
        depthwise = isinstance(layer, Conv) and layer.depthwise
        width = prod(layer.kernel) if isinstance(layer, Conv) else 1
        work = pixels * channels * width * (1 if depthwise else layer.input.channels)
        if not depthwise:
            simds = divisors(layer.input.channels)
    elif hasattr(layer, "kernel"):
        work = layer.output.size * prod(layer.kernel)
    enough = [(p * s, p, s) for p in pes for s in simds if work <= cycles * p * s]
    fallback = (0, pes[-1], simds[-1])
    _, pe, simd = min(enough, key=lambda c: (c[0], abs(c[1] - c[2])), default=fallback)
    return StreamFolding(pe, simd)
