"""Folding for hls4ml: every result legal, within budget where it says so, bounds kept."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fpgacomp.devices.board import Board
from fpgacomp.devices.families import FAMILIES
from fpgacomp.devices.resources import RESOURCE_FIELDS, counts
from fpgacomp.engines.hls4ml.check import problems
from fpgacomp.engines.hls4ml.design import Hls4mlDesign, IoType
from fpgacomp.engines.hls4ml.estimate.design import estimate_hls4ml
from fpgacomp.engines.hls4ml.fold.design import fold_hls4ml
from fpgacomp.engines.hls4ml.limits import UNROLL_LIMIT
from fpgacomp.engines.hls4ml.operators import with_matrix
from fpgacomp.engines.hls4ml.operators.dispatch import operator_of
from fpgacomp.engines.shared.narrow import narrowed, widest
from fpgacomp.engines.shared.result import FoldingResult
from fpgacomp.engines.shared.trial import uncrowded
from fpgacomp.errors import FpgacompError
from fpgacomp.ir.graph import Graph
from fpgacomp.ir.infer import unknown_output, with_output
from fpgacomp.ir.layers import (
    Activation,
    Add,
    Conv,
    Dense,
    Input,
    Layer,
    Lookup,
    MaxPool,
    Requantize,
    Reshape,
    Tensor,
    Thresholds,
)
from fpgacomp.ir.types import Ints, IntType
from fpgacomp.ir.verify import verify
from fpgacomp.results.certainty import certainty_of
from fpgacomp.results.target import Target

BOARD = Board(
    name="pynq-z2", title="PYNQ-Z2", vendor="xilinx", part="xc7z020clg400-1", family="zynq-7000",
    device=FAMILIES["zynq-7000"],
    resources=counts(53200, 106400, 220, 280, 0), lutram=17400,
    shell=counts(4000, 5000, 0, 4, 0), clock_mhz_default=100, clock_mhz_max=200, memory="",
    host="zynq-ps", sources=(), path=Path("pynq-z2.yaml"),
)  # fmt: skip
ROOMY = replace(BOARD, name="roomy", title="A roomy board",
                resources=counts(530000, 1060000, 2200, 2800, 0))  # fmt: skip
HUGE = replace(BOARD, name="huge", title="A huge board",
               resources=counts(5300000, 10600000, 22000, 28000, 0))  # fmt: skip


@pytest.fixture(autouse=True, scope="module")
def without_the_solver() -> Iterator[None]:
    """No shared additions (test_shared_sums.py): each random matrix would take seconds to solve."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(with_matrix, "installed", lambda: False)
        yield


class Builder:
    """A graph, layer after layer, with seeded weights."""

    def __init__(self, *shape: int, bits: int = 8, seed: int = 0) -> None:
        self.rng = np.random.default_rng(seed)
        tensor = Tensor("x", shape, IntType.of_bits(bits, signed=False))
        self.layers: list[Layer] = [Input(name="x", output=tensor)]

    @property
    def last(self) -> Tensor:
        return self.layers[-1].output

    def add(self, layer: Layer) -> None:
        self.layers.append(with_output(layer))

    def name(self, prefix: str) -> str:
        return f"{prefix}{len(self.layers)}"

    def weights(self, *shape: int, bits: int) -> Ints:
        top = 1 << (bits - 1)
        return Ints(self.rng.integers(-top, top, shape))

    def dense(self, n_out: int, bits: int = 4) -> Builder:
        name, weight = self.name("fc"), self.weights(self.last.channels, n_out, bits=bits)
        self.add(Dense(name=name, output=unknown_output(name), input=self.last, weight=weight))
        return self

    def conv(self, n_out: int, bits: int = 4, kernel: int = 3, groups: int = 1) -> Builder:
        name, channels = self.name("conv"), self.last.channels
        weight = self.weights(kernel, kernel, channels // groups, n_out, bits=bits)
        self.add(
            Conv(name=name, output=unknown_output(name), input=self.last, weight=weight,
                 strides=(1, 1), dilations=(1, 1), pads=((1, 1), (1, 1)), groups=groups)
        )  # fmt: skip
        return self

    def requantize(self, bits: int = 4) -> Builder:
        name = self.name("q")
        self.add(
            Requantize(name=name, output=unknown_output(name), input=self.last,
                       multiplier=Ints([5]), offset=Ints([2]),
                       shift=max(self.last.type.bits - bits, 0), lo=0, hi=(1 << bits) - 1)
        )  # fmt: skip
        return self

    def thresholds(self, count: int = 7) -> Builder:
        name, values = self.name("t"), self.last.type
        table = np.sort(self.rng.integers(values.lo, values.hi + 1, (self.last.channels, count)))
        self.add(
            Thresholds(name=name, output=unknown_output(name), input=self.last,
                       thresholds=Ints(table), base=Ints([0]), step=Ints([1]))
        )  # fmt: skip
        return self

    def lookup(self) -> Builder:
        name = self.name("lut")
        table = self.rng.integers(0, 16, (1, self.last.type.count))
        self.add(Lookup(name=name, output=unknown_output(name), input=self.last, table=Ints(table)))
        return self

    def pool(self) -> Builder:
        name = self.name("pool")
        self.add(
            MaxPool(name=name, output=unknown_output(name), input=self.last, kernel=(2, 2),
                    strides=(2, 2), pads=((0, 0), (0, 0)))
        )  # fmt: skip
        return self

    def skip_from(self, tensor: Tensor) -> Builder:
        name = self.name("add")
        self.add(
            Add(name=name, output=unknown_output(name), a=tensor, b=self.last,
                multiplier_a=Ints([1]), multiplier_b=Ints([3]))
        )  # fmt: skip
        return self

    def flatten(self) -> Builder:
        name = self.name("flat")
        output = unknown_output(name, (self.last.size,))
        self.add(Reshape(name=name, output=output, input=self.last))
        return self

    def graph(self) -> Graph:
        return Graph("net", tuple(self.layers), (self.last,))


def mlp(*sizes: int, bits: int = 4, input_bits: int = 8) -> Graph:
    builder = Builder(sizes[0], bits=input_bits)
    for size in sizes[1:-1]:
        builder.dense(size, bits).requantize(bits)
    return builder.dense(sizes[-1], bits).graph()


def digits_cnn() -> Graph:
    builder = Builder(8, 8, 1, bits=4).conv(16).thresholds(15).conv(16).requantize()
    return builder.pool().flatten().dense(10).graph()


@st.composite
def graphs(draw: st.DrawFn) -> Graph:
    """Small networks over the layers of the IR: an image part or none, then vectors."""
    seed = draw(st.integers(0, 1000))
    bits = draw(st.integers(2, 8))
    if draw(st.booleans()):
        builder = Builder(draw(st.integers(1, 96)), bits=draw(st.integers(1, 12)), seed=seed)
    else:
        size, channels = draw(st.sampled_from([4, 6, 8])), draw(st.integers(1, 4))
        builder = Builder(size, size, channels, bits=draw(st.integers(1, 8)), seed=seed)
        for _ in range(draw(st.integers(1, 2))):
            groups = channels if draw(st.booleans()) else 1
            channels = channels if groups > 1 else draw(st.integers(1, 12))
            builder.conv(channels, bits, groups=groups)
            before = builder.requantize(bits).last
            if draw(st.booleans()):
                builder.conv(channels, bits).requantize(bits).skip_from(before).requantize(bits)
        if draw(st.booleans()):
            builder.pool()
        builder.flatten()
    for _ in range(draw(st.integers(1, 3))):
        builder.dense(draw(st.integers(1, 64)), bits)
        kind = draw(st.sampled_from(["requantize", "thresholds", "requantize and lookup"]))
        if kind == "thresholds":
            builder.thresholds(draw(st.sampled_from([1, 3, 7])))
        else:
            builder.requantize(bits)
        if kind.endswith("lookup"):
            builder.lookup()
    return builder.dense(draw(st.integers(1, 10)), bits).graph()


targets = st.builds(
    Target,
    goal=st.sampled_from(["latency", "throughput", "area"]),
    fps=st.sampled_from([None, None, 1e4, 1e6, 1e8]),
    latency_us=st.sampled_from([None, None, 1.0, 50.0]),
)
quick = settings(
    deadline=None, max_examples=25, suppress_health_check=[HealthCheck.too_slow], derandomize=True
)


def fold(
    graph: Graph,
    board: Board = BOARD,
    target: Target = Target(),  # noqa: B008
    io_type: IoType | None = None,
    other_boards: tuple[Board, ...] = (),
) -> FoldingResult[Hls4mlDesign]:
    return fold_hls4ml(graph, board, clock_mhz=100, target=target, estimate=estimate_hls4ml,
                       io_type=io_type, other_boards=other_boards)  # fmt: skip


def share(result: FoldingResult[Hls4mlDesign]) -> float:
    budget = result.design.board.budget
    return max(
        result.estimate.resources[name].value / max(budget[name], 0.01) for name in RESOURCE_FIELDS
    )


@pytest.mark.slow
@quick
@given(
    graphs(),
    targets,
    st.sampled_from([BOARD, replace(BOARD, resources=counts(9000, 9000, 8, 9, 0))]),
)
def test_every_result_is_legal_and_fits_where_it_says_so(
    graph: Graph, target: Target, board: Board
) -> None:
    verify(graph)
    result = fold(graph, board, target)
    assert problems(result.design) == []
    assert set(result.design.folding) == set(graph.by_name)
    assert result.estimate == estimate_hls4ml(result.design)
    if result.verdict.fits:
        assert share(result) <= 1 + 1e-9
        if target.fps is not None:
            assert result.estimate.frames_per_second >= target.fps * (1 - 1e-9)
        if target.latency_us is not None:
            assert result.estimate.latency_us <= target.latency_us * (1 + 1e-9)
    else:
        assert result.verdict.shortfall is not None


@pytest.mark.slow
@quick
@given(graphs())
def test_a_larger_board_is_never_slower(graph: Graph) -> None:
    small, large = fold(graph), fold(graph, ROOMY)
    if small.verdict.fits:
        assert large.verdict.fits
        assert large.estimate.latency_cycles.value <= small.estimate.latency_cycles.value * 1.01


@pytest.mark.slow
@quick
@given(graphs())
def test_area_is_never_larger_than_latency_or_throughput(graph: Graph) -> None:
    area = fold(graph, HUGE, Target("area"))
    for goal in ("latency", "throughput"):
        other = fold(graph, HUGE, Target(goal))  # type: ignore[arg-type]
        assert share(area) <= share(other) * (1 + 2e-3)


@pytest.mark.slow
@quick
@given(graphs())
def test_throughput_is_the_least_interval(graph: Graph) -> None:
    fastest = fold(graph, HUGE, Target("throughput")).estimate.interval_cycles.value
    for goal in ("latency", "area"):
        found = fold(graph, HUGE, Target(goal))  # type: ignore[arg-type]
        assert fastest <= found.estimate.interval_cycles.value


@pytest.mark.slow
def test_same_input_same_answer() -> None:
    first, second = fold(digits_cnn()), fold(digits_cnn())
    assert first.design.folding == second.design.folding
    assert first.reasons == second.reasons


@pytest.mark.parametrize("sizes", [(490, 256, 256, 12), (784, 64, 64, 64, 10)])
def test_large_layers_fold_through_the_resource_strategy(sizes: tuple[int, ...]) -> None:
    result = fold(mlp(*sizes, bits=3))
    assert result.verdict.fits
    first = result.design.folding["fc1"]
    assert first.strategy == "resource"
    assert sizes[0] * sizes[1] / first.reuse_factor <= 4096


def test_small_network_is_unrolled_on_a_large_board() -> None:
    result = fold(mlp(16, 64, 32, 32, 5), HUGE)
    assert result.design.io_type == "io_parallel"
    assert all(f.strategy == "latency" for f in result.design.folding.values())
    assert result.estimate.interval_cycles.value == 1


def test_a_bound_is_kept_with_less_of_the_board() -> None:
    slow = fold(mlp(64, 64, 64, 10), target=Target("area", fps=1e5))
    fast = fold(mlp(64, 64, 64, 10), target=Target("area", fps=3e6))
    assert slow.verdict.fits and fast.verdict.fits
    assert slow.estimate.frames_per_second >= 1e5
    assert fast.estimate.frames_per_second >= 3e6
    assert share(slow) < share(fast)


def test_io_type_asked_for_is_kept() -> None:
    for io_type in ("io_parallel", "io_stream"):
        assert fold(mlp(16, 32, 5), io_type=io_type).design.io_type == io_type  # type: ignore[arg-type]


@pytest.mark.slow
def test_nothing_fits_names_resource_shortfall_and_ways_out() -> None:
    graph = mlp(64, *[64] * 10, 10, bits=8)
    small = replace(BOARD, name="small", resources=counts(30000, 60000, 90, 100, 0))
    result = fold(graph, small, other_boards=(HUGE, ROOMY, small))
    assert not result.verdict.fits
    limiting, factor = result.verdict.limiting_resource, result.verdict.shortfall
    assert limiting in RESOURCE_FIELDS and factor is not None and factor > 1
    assert factor == pytest.approx(share(result))
    assert f"{limiting}: the smallest design needs {factor:.2f} times the budget." in result.reasons
    (way,) = (way for way in result.ways() if way.kind == "another board")
    assert (way.what, way.options) == ("roomy (A roomy board) at 100 MHz", "--board roomy")
    assert way.board == ROOMY
    assert fold(graph, ROOMY).verdict.fits


@pytest.mark.slow
def test_the_bits_named_as_a_remedy_do_fit_and_one_more_leaves_no_reserve() -> None:
    graph = mlp(64, *[64] * 10, 10, bits=8)
    small = replace(BOARD, name="small", resources=counts(45000, 90000, 0, 100, 0))
    result = fold(graph, small, Target("area"))
    (way,) = (way for way in result.ways() if way.kind == "fewer bits")
    bits = way.bits
    assert way.options == f"--weight-bits {bits} --activation-bits {bits}"
    assert widest(narrowed(graph, bits)) == bits
    assert fold(narrowed(graph, bits), small, Target("area")).verdict.fits
    more = fold(narrowed(graph, bits + 1), uncrowded(small), Target("area"))
    certainty = certainty_of(more.estimate, uncrowded(small).budget)
    assert not more.verdict.fits or certainty == "doubtful"


@pytest.mark.slow
def test_a_rate_out_of_reach_names_the_rate_that_fits() -> None:
    result = fold(digits_cnn(), target=Target("area", fps=1e7), io_type="io_stream")
    assert not result.verdict.fits
    best = fold(digits_cnn(), target=Target("throughput"), io_type="io_stream")
    way = next(way for way in result.ways() if way.kind == "a lower rate")
    rate = best.estimate.frames_per_second
    assert 0.999 * rate <= way.target.fps <= rate
    assert way.options == f"--fps {way.target.fps:.10g}"
    assert result.verdict.limiting_resource is None
    assert "misses the bound by" in result.reasons[0]


@pytest.mark.slow
def test_a_latency_out_of_reach_names_the_latency_that_fits() -> None:
    result = fold(digits_cnn(), target=Target("latency", latency_us=0.5), io_type="io_stream")
    assert not result.verdict.fits
    assert any(way.kind == "a longer latency" for way in result.ways())


def test_no_legal_form_is_an_error_that_names_the_layer() -> None:
    graph = Builder(6000).dense(4).graph()
    with pytest.raises(FpgacompError) as caught:
        fold(graph)
    text = str(caught.value)
    assert "net in io_parallel: x: tensor x has 6000 elements to partition" in text
    assert "net in io_stream: fc1: 6000 inputs per output are partitioned" in text


def test_an_uncertain_fit_says_so() -> None:
    result = fold(mlp(64, 64, 64, 10, bits=6))
    over = [
        name
        for name in RESOURCE_FIELDS
        if result.estimate.resources[name].high > BOARD.budget[name]
    ]
    assert result.verdict.fits
    for name in over:
        assert any(
            r.startswith(f"{name}: the estimate fits, its upper end") for r in result.reasons
        )
    assert over


@pytest.mark.parametrize("io_type", ["io_parallel", "io_stream"])
def test_all_candidates_are_legal(io_type: IoType) -> None:
    for layer in digits_cnn().layers:
        operator = operator_of(layer)
        for folding in operator.foldings(io_type):
            assert operator.problems(folding, io_type) == []


@pytest.mark.slow
@quick
@given(graphs(), st.integers(2, 7))
def test_narrowed_graphs_are_valid_and_narrow(graph: Graph, bits: int) -> None:
    small = narrowed(graph, bits)
    verify(small)
    assert widest(small) <= max(bits, 2)
    assert [layer.name for layer in small.layers] == [layer.name for layer in graph.layers]


def test_a_resource_that_the_board_lacks_is_not_used() -> None:
    none = replace(BOARD, resources=counts(530000, 1060000, 0, 2800, 0))
    result = fold(mlp(64, 64, 10, bits=8), none)
    assert result.verdict.fits
    assert result.estimate.dsp.value == 0


@pytest.mark.slow
def test_twenty_layers() -> None:
    graph = mlp(32, *[32] * 9, 10, bits=5)
    assert len(graph.layers) == 20
    assert fold(graph).verdict.fits


def shared(result: FoldingResult[Hls4mlDesign]) -> dict[str, int]:
    """Reuse factors of the layers whose lanes serve several elements."""
    return {
        layer.name: result.design.folding[layer.name].reuse_factor
        for layer in result.design.graph.layers
        if isinstance(layer, Activation) and result.design.folding[layer.name].reuse_factor > 1
    }


@pytest.mark.slow
def test_lanes_are_shared_where_area_is_the_target() -> None:
    graph = Builder(64).dense(64).thresholds(15).dense(64).requantize().dense(10).graph()
    small = fold(graph, target=Target("area"))
    assert set(shared(small)) == {"t2", "q4"}
    slowest = max(small.estimate.layers.values(), key=lambda layer: layer.interval.value)
    assert slowest.interval.value == small.estimate.interval_cycles.value
    assert not shared(fold(graph, HUGE, Target("latency")))


@pytest.mark.slow
def test_wide_activations_fit_beside_a_folded_dense() -> None:
    """256 channels of 3-bit Thresholds, fully unrolled, filled a fifth of the board each."""
    builder = Builder(490).dense(256, 3).thresholds().dense(256, 3).thresholds()
    result = fold(builder.dense(256, 3).thresholds().dense(12, 3).graph())
    assert result.verdict.fits
    assert set(shared(result)) == {"t2", "t4", "t6"}


def test_more_comparisons_than_the_unroll_limit_are_spread_over_cycles() -> None:
    graph = Builder(8, 8, 1, bits=4).conv(16).thresholds(15).pool().flatten().dense(10).graph()
    assert 3 * UNROLL_LIMIT < 8 * 8 * 16 * 15
    result = fold(graph, ROOMY, io_type="io_parallel")
    assert result.verdict.fits and shared(result)["t2"] >= 4


def test_more_thresholds_than_one_lane_may_compare_have_no_folding() -> None:
    with pytest.raises(FpgacompError, match="t1: no reuse factor keeps it within Vitis' limits"):
        fold(Builder(4, bits=13).thresholds(5000).graph())
