"""FIFO depths of hls4ml streams: which are shortened, and that none of them can deadlock."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fpgacomp.engines.hls4ml.design import Hls4mlFolding
from fpgacomp.engines.hls4ml.emit.project import emit
from fpgacomp.engines.hls4ml.estimate.design import estimate_hls4ml
from fpgacomp.engines.hls4ml.fifos import fifo_depths, is_bridge
from fpgacomp.ir.graph import Graph
from fpgacomp.ir.interpreter import run
from fpgacomp.ir.layers import Input
from tests.support import builders

PADS = ((1, 1), (1, 1))


def chain() -> Graph:
    b = builders.GraphBuilder("chain")
    x = b.input("x", (8, 8, 2), 0, 15)
    h = b.requantize("q1", b.thresholds("t1", b.conv("c1", x, 4, (3, 3), pads=PADS), 7), 0, 3)
    return b.graph(b.thresholds("t2", b.conv("c2", h, 6, (3, 3)), 3))


def residual() -> Graph:
    b = builders.GraphBuilder("residual")
    x = b.input("x", (8, 8, 2), 0, 15)
    h = b.requantize("q1", b.conv("c1", x, 4, (3, 3), pads=PADS), -8, 7)
    branch = b.requantize("q2", b.conv("c2", h, 4, (3, 3), pads=PADS), -8, 7)
    return b.graph(b.thresholds("t3", b.add_two("sum", h, branch), 3))


def depths(graph: Graph, **folding: Hls4mlFolding) -> dict[str, int]:
    return fifo_depths(builders.design(graph, "io_stream", **folding))


def test_a_chain_keeps_a_frame_only_where_words_become_windows() -> None:
    found = depths(chain())
    assert found["x"] == found["q1"] == 64 and found["t2"] == 36
    assert 2 <= found["c1"] <= 16 and 2 <= found["c2"] <= 16 and found["t1"] == 16


def test_reconvergent_branches_keep_the_frame() -> None:
    found = depths(residual())
    assert found["c2"] == found["q1"] == found["q2"] == 64
    assert found["c1"] < 64 and found["sum"] < 64


def test_a_reader_slower_than_its_writer_keeps_the_frame() -> None:
    graph = chain()
    assert depths(graph, t1=Hls4mlFolding("latency", 2))["c1"] == 64
    both = {"c1": Hls4mlFolding("resource", 6), "t1": Hls4mlFolding("latency", 4)}
    assert depths(graph, **both)["c1"] < 64


def test_the_hosts_ends_close_cycles() -> None:
    b = builders.GraphBuilder("two")
    x = b.input("x", (8, 8, 2), 0, 15)
    one = b.requantize("one", b.conv("c1", x, 4, (3, 3)))
    two = b.requantize("two", b.conv("c2", x, 4, (3, 3)))
    assert not is_bridge(b.graph(one, two), "c1", "one")
    assert is_bridge(residual(), "c1", "q1") and not is_bridge(residual(), "c2", "q2")


def test_the_project_and_the_estimate_say_the_same() -> None:
    design = builders.design(chain(), "io_stream")
    vectors = run(design.graph, builders.inputs(design.graph, 2))
    top = emit(design, vectors).files["hls/firmware/chain.cpp"].decode()
    found = fifo_depths(design)
    lines = [line.rsplit("depth=", 1)[1] for line in top.splitlines() if "depth=" in line]
    short = sorted(str(words) for words in found.values() if words <= 16)
    assert sorted(words for words in lines if int(words) <= 16) == short

    slow = {"t1": Hls4mlFolding("latency", 4), "t2": Hls4mlFolding("latency", 6)}
    framed = estimate_hls4ml(replace(design, folding={**design.folding, **slow}))
    assert estimate_hls4ml(design).bram18.value < framed.bram18.value


Step = tuple[str, str]  # ("read" or "write", FIFO)


def processes(graph: Graph, frames: int, rng: np.random.Generator) -> dict[str, list[Step]]:
    """Each process of the design as its reads and writes, in order, over some frames.

    A layer that has windows writes its words anywhere behind the inputs they need at most.
    """
    leaving = {tensor.name for tensor in graph.outputs}
    taken: list[Step] = []
    made: dict[str, list[Step]] = {"host sends": []}
    for layer in graph.layers:
        name, words = layer.output.name, layer.output.pixels
        reads = [f"{t.name}>{layer.name}.{k}" for k, t in enumerate(layer.inputs)]
        for _ in range(frames):
            if isinstance(layer, Input):
                made["host sends"] += [("write", f"{name}>")] * words
                continue
            n_in = layer.inputs[0].pixels
            late = 0 if len(reads) > 1 or (n_in == words and rng.random() < 0.5) else n_in // 2
            written = 0
            for i in range(n_in):
                made.setdefault(layer.name, []).extend(("read", fifo) for fifo in reads)
                due = words if i == n_in - 1 else max((i + 1 - late) * words // n_in, 0)
                made[layer.name] += [("write", f"{name}>")] * (due - written)
                written = due
        readers = [f"{name}>{reader.name}.{k}" for reader in graph.layers
                   for k, tensor in enumerate(reader.inputs) if tensor.name == name]  # fmt: skip
        if name in leaving:
            readers.append(f"{name}>host")
            taken += [("read", f"{name}>host")] * words
        copied = [[("read", f"{name}>")], *([("write", fifo)] for fifo in readers)]
        made[f"{name} cloned"] = [step for steps in copied for step in steps] * (words * frames)
    made["host receives"] = taken * frames  # one output after the other
    return made


def completes(made: Mapping[str, list[Step]], depth: Mapping[str, int]) -> bool:
    """Run every process as far as it gets, blocking on full and on empty FIFOs."""
    level: dict[str, int] = {}
    waiting: dict[str, Iterator[Step]] = {name: iter(steps) for name, steps in made.items()}
    held = {name: next(steps, None) for name, steps in waiting.items()}
    moved = True
    while moved:
        moved = False
        for name, steps in waiting.items():
            while (step := held[name]) is not None:
                kind, fifo = step
                full = level.get(fifo, 0) >= depth[fifo]
                if full if kind == "write" else not level.get(fifo, 0):
                    break
                level[fifo] = level.get(fifo, 0) + (1 if kind == "write" else -1)
                held[name] = next(steps, None)
                moved = True
    return all(step is None for step in held.values())


def random_graph(seed: int) -> Graph:
    """Convolutions and activations with skips, some of which leave."""
    b = builders.GraphBuilder("random", seed)
    tensors = [b.input("x", (6, 6, 2), -8, 7)]
    for i in range(int(b.rng.integers(3, 9))):
        x = tensors[-1 - int(b.rng.integers(min(len(tensors), 3)))]
        kind = b.rng.integers(3)
        if kind == 0:
            x = b.conv(f"c{i}", x, 2, (3, 3), pads=PADS)
        elif kind == 1:
            x = b.add_two(f"a{i}", x, tensors[int(b.rng.integers(len(tensors)))])
        tensors.append(b.requantize(f"q{i}", x, -8, 7))
    read = {tensor.name for layer in b.layers for tensor in layer.inputs}
    return b.graph(*(t for t in tensors if t.name not in read or b.rng.random() < 0.1))


@pytest.mark.slow
@settings(deadline=None, max_examples=60, derandomize=True)
@given(st.integers(0, 10**6))
def test_short_fifos_complete_whatever_frame_deep_ones_do(seed: int) -> None:
    graph = random_graph(seed)
    made = processes(graph, 3, np.random.default_rng(seed))
    words = {layer.output.name: layer.output.pixels for layer in graph.layers}
    fifos = {fifo for steps in made.values() for _, fifo in steps}
    framed = {fifo: words[fifo.split(">")[0]] for fifo in fifos}
    few = {
        fifo
        for name, found in depths(graph).items()
        for fifo in fifos
        if found < words[name] and fifo.split(">")[0] == name
    }
    short = {fifo: 1 if fifo in few else depth for fifo, depth in framed.items()}
    assert completes(made, framed)
    assert completes(made, short)


def test_the_model_does_find_a_deadlock() -> None:
    """One word on the skip of a residual block, whose other branch fills its windows first."""
    graph = residual()
    made = processes(graph, 1, np.random.default_rng(3))
    made["c2"] = [("read", "q1>c2.0")] * 64 + [("write", "c2>")] * 64
    framed = {fifo: 64 for steps in made.values() for _, fifo in steps}
    assert completes(made, framed)
    assert not completes(made, {**framed, "q1>sum.0": 1})
