"""Every layer kind, in both io types and strategies, bit-exact against the oracle."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from fpgacomp.engines.hls4ml.design import Hls4mlFolding, Hls4mlStrategy, IoType
from fpgacomp.ir.graph import Graph
from tests.support.csim_run import builders, compared, exact

pytestmark = pytest.mark.slow
IO_TYPES: tuple[IoType, ...] = ("io_parallel", "io_stream")


@pytest.mark.parametrize("io_type", IO_TYPES)
@pytest.mark.parametrize(
    ("strategy", "reuse_factor"),
    [("latency", 1), ("resource", 2), ("distributed_arithmetic", 1)],
)
@pytest.mark.parametrize("rank", [1, 2])
def test_windows(
    rank: int, strategy: Hls4mlStrategy, reuse_factor: int, io_type: IoType, tmp_path: Path
) -> None:
    graph = builders.windows(rank)
    assert exact(builders.design(graph, io_type, strategy, reuse_factor), tmp_path)


@pytest.mark.parametrize("io_type", IO_TYPES)
def test_activations(io_type: IoType, tmp_path: Path) -> None:
    assert exact(builders.design(builders.activations(), io_type), tmp_path)


@pytest.mark.parametrize("io_type", IO_TYPES)
@pytest.mark.parametrize(
    ("strategy", "reuse_factor"),
    [("latency", 3), ("resource", 8), ("distributed_arithmetic", 1)],
)
def test_traps(
    strategy: Hls4mlStrategy, reuse_factor: int, io_type: IoType, tmp_path: Path
) -> None:
    graph = builders.traps()
    assert exact(builders.design(graph, io_type, strategy, reuse_factor), tmp_path)


def test_shared_additions_on_arbitrary_precision_types(tmp_path: Path) -> None:
    design = builders.design(builders.mlp(), "io_stream", "distributed_arithmetic")
    assert compared(design, tmp_path, open_types=True).mismatches == 0


@pytest.mark.parametrize("io_type", IO_TYPES)
def test_mlp_under_every_resource_form(io_type: IoType, tmp_path: Path) -> None:
    """nnet_dense_resource.h has three functions: RF below, above, and a multiple of n_in."""
    resource = {
        "fc1": Hls4mlFolding("resource", 3),  # 6 x 8
        "fc2": Hls4mlFolding("resource", 16),  # 8 x 8
        "fc3": Hls4mlFolding("resource", 40),  # 8 x 5, one multiplier
    }
    design = builders.design(builders.mlp(), io_type, **resource)
    assert exact(design, tmp_path, samples=300)


@pytest.mark.parametrize(("inputs", "weights"), [(16, 7), (17, 7), (8, 17), (16, 16)])
def test_resource_with_numbers_of_many_bits(inputs: int, weights: int, tmp_path: Path) -> None:
    """C-simulation has a form for factors of 16 bits and sums of 32, and one for wider ones."""
    b = builders.GraphBuilder("wide", inputs)
    x = b.input("x", (40,), -(1 << inputs - 1), (1 << inputs - 1) - 1)
    graph = b.graph(b.dense("fc", x, 7, -(1 << weights - 1), (1 << weights - 1) - 1))
    assert exact(builders.design(graph, fc=Hls4mlFolding("resource", 5)), tmp_path)


@pytest.mark.parametrize("io_type", IO_TYPES)
@pytest.mark.parametrize(
    "folding",
    [Hls4mlFolding("latency", 4), Hls4mlFolding("resource", 9)],
    ids=["latency", "resource"],
)
def test_cnn(folding: Hls4mlFolding, io_type: IoType, tmp_path: Path) -> None:
    design = builders.design(builders.cnn(), io_type, c1=folding, c2=folding)
    assert exact(design, tmp_path, samples=100)


def test_parallel_convolutions_with_several_pixels_at_once(tmp_path: Path) -> None:
    graph = builders.windows(2, seed=5)
    foldings = {
        "pointwise": Hls4mlFolding("latency", 1, 30),
        "positions": Hls4mlFolding("resource", 4, 15),
        "dilated": Hls4mlFolding("resource", 9, 6),
        "depthwise": Hls4mlFolding("latency", 2, 3),
        "grouped": Hls4mlFolding("distributed_arithmetic", 1, 5),
    }
    pixels = {layer.name: layer.output.pixels for layer in graph.layers}
    assert all(pixels[name] % f.parallelization == 0 for name, f in foldings.items())
    assert exact(builders.design(graph, **foldings), tmp_path)


def test_one_dimensional_batched_dense(tmp_path: Path) -> None:
    """A 1-D pointwise Latency layer with one partition takes hls4ml's BatchedDenseForConv1D."""
    graph = builders.windows(1)
    foldings = {name: Hls4mlFolding("latency", 1, 9) for name in ("pointwise", "positions")}
    assert exact(builders.design(graph, **foldings), tmp_path)


def _many_readers() -> Graph:
    b = builders.GraphBuilder("readers")
    x = b.input("x", (3, 3, 2), 0, 7)
    shared = b.requantize("shared", x, 0, 7, shift=1)
    readers = [b.requantize(f"r{i}", shared, 0, 7, shift=i) for i in range(9)]
    flat = b.reshape("flat", shared, (18,))
    one, two = b.dense("d1", flat, 3), b.dense("d2", flat, 4)
    again = b.reshape("again", b.reshape("rows", shared, (9, 2)), (3, 3, 2))
    total = b.add_two("total", again, readers[0])
    return b.graph(shared, x, one, two, total, b.concat("only", one), *readers[1:])


def _awkward_names() -> Graph:
    b = builders.GraphBuilder("int")
    x = b.input("weight", (4,), -4, 3)
    h = b.dense("Fc", b.requantize("int", x, 0, 7), 4)
    h = b.dense("fc", b.requantize("layer3_out", h, 0, 7), 4)
    h = b.dense("index", b.requantize("input", h, 0, 7), 4)
    return b.graph(b.dense("samples", b.requantize("accum_t", h, 0, 7), 2), h)


def _deep() -> Graph:
    """Residual and concat branches over convolutions."""
    b = builders.GraphBuilder("deep", 7)
    x = b.input("x", (6, 6, 2), -8, 7)
    a = b.requantize("qa", b.conv("ca", x, 4, (3, 3), pads=((1, 1), (1, 1))), -8, 7)
    c = b.requantize("qc", b.conv("cc", a, 4, (3, 3), pads=((1, 1), (1, 1))), -8, 7)
    s = b.thresholds("qs", b.add_two("sum", a, c), 7)
    j = b.concat("cat", s, b.maxpool("mp", a, (3, 3), (1, 1), ((1, 1), (1, 1))), x)
    g = b.sumpool("gap", b.requantize("qj", b.conv("cj", j, 3, (1, 1)), 0, 7), (6, 6))
    return b.graph(b.dense("head", b.reshape("flat", g, (3,)), 4))


@pytest.mark.parametrize("io_type", IO_TYPES)
@pytest.mark.parametrize("make", [_many_readers, _awkward_names, _deep])
def test_structure(make: Callable[[], Graph], io_type: IoType, tmp_path: Path) -> None:
    assert exact(builders.design(make(), io_type), tmp_path)
