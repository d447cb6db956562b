"""hls4ml's own rules beside ours, and the texts of what is refused."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from fpgacomp.engines.hls4ml.check import problems
from fpgacomp.engines.hls4ml.dataflow import is_dataflow
from fpgacomp.engines.hls4ml.design import Hls4mlDesign, Hls4mlFolding, IoType
from fpgacomp.engines.hls4ml.lanes import lane_reuse_factors, lane_schedule
from fpgacomp.engines.hls4ml.operators.conv import ConvOperator
from fpgacomp.engines.hls4ml.operators.dense import DenseOperator
from fpgacomp.engines.hls4ml.operators.lookup import LookupOperator
from fpgacomp.engines.hls4ml.operators.thresholds import ThresholdsOperator
from fpgacomp.engines.hls4ml.reuse_factors import resource_reuse_factors
from fpgacomp.engines.shared.divisors import divisors
from fpgacomp.ir.graph import Graph
from fpgacomp.ir.infer import unknown_output, with_output
from fpgacomp.ir.layers import Conv, Dense, Input, Layer, Lookup, MaxPool, Tensor, Thresholds
from fpgacomp.ir.types import Ints, IntType


def source(*shape: int, bits: int = 4) -> Input:
    return Input(name="x", output=Tensor("x", shape, IntType.of_bits(bits, signed=False)))


def dense(x: Tensor, n_out: int, name: str = "fc") -> Dense:
    weight = Ints(np.ones((x.channels, n_out), dtype=np.int64))
    return with_output(Dense(name=name, output=unknown_output(name), input=x, weight=weight))


def conv(x: Tensor, n_out: int, kernel: int, groups: int = 1, dilation: int = 1) -> Conv:
    weight = Ints(np.ones((kernel, kernel, x.channels // groups, n_out), dtype=np.int64))
    return with_output(
        Conv(name="conv", output=unknown_output("conv"), input=x, weight=weight, strides=(1, 1),
             dilations=(dilation,) * 2, pads=((0, 0), (0, 0)), groups=groups)
    )  # fmt: skip


def design(
    *layers: Layer, io_type: IoType = "io_parallel", **folding: Hls4mlFolding
) -> Hls4mlDesign:
    graph = Graph("net", layers, (layers[-1].output,))
    full = {layer.name: folding.get(layer.name, Hls4mlFolding()) for layer in layers}
    return Hls4mlDesign(graph=graph, board=None, clock_mhz=100, io_type=io_type, folding=full)  # type: ignore[arg-type]


def texts(found: Hls4mlDesign) -> str:
    return "\n".join(map(str, problems(found)))


def test_reuse_factors_equal_hls4ml() -> None:
    backends = pytest.importorskip("hls4ml.backends")
    backend = backends.get_backend("Vitis")
    shapes = [*product(range(1, 14), range(1, 12)), (16, 64), (64, 5), (27, 16), (72, 24), (90, 7)]
    for n_in, n_out in shapes:
        theirs = tuple(backend.get_valid_reuse_factors(n_in, n_out))
        assert resource_reuse_factors(n_in, n_out) == theirs, (n_in, n_out)


def test_large_dense_folds_only_through_resource() -> None:
    layer = DenseOperator(dense(source(490).output, 256))
    assert layer.reuse_factors("latency", "io_parallel") == ()
    factors = layer.reuse_factors("resource", "io_parallel")
    assert factors and max(factors) == 15680  # the next, 31,360, is beyond MAX_REUSE
    assert max(490 * 256 // rf for rf in factors) <= 4096


def test_latency_beyond_the_unroll_limit_is_named() -> None:
    x = source(128)
    bad = design(x, dense(x.output, 64), fc=Hls4mlFolding("latency", 4))
    assert "fc: 8192 products are unrolled, beyond Vitis' limit of 4096." in texts(bad)
    good = design(x, dense(x.output, 64), fc=Hls4mlFolding("resource", 4))
    assert problems(good) == []


def test_invalid_resource_reuse_factor_lists_the_valid_ones() -> None:
    x = source(8)
    bad = design(x, dense(x.output, 6), fc=Hls4mlFolding("resource", 9))
    assert "reuse factor 9 is not valid for 8x6. Fix: use one of 1, 2, 4, 8, 16, 24, 48" in (
        texts(bad)
    )


def test_all_problems_at_once_and_missing_folding() -> None:
    x = source(80, 80, 3)
    layer = conv(x.output, 4, 3)
    bad = design(x, layer, conv=Hls4mlFolding("latency", 1, 7))
    bad = Hls4mlDesign(graph=bad.graph, board=bad.board, clock_mhz=1, io_type=bad.io_type,
                       folding={"conv": bad.folding["conv"]})  # fmt: skip
    text = texts(bad)
    assert "x: it has no folding." in text
    assert "conv: tensor x has 19200 elements to partition" in text
    assert "parallelization 7 does not divide 6084 output positions" in text


def test_parallel_resource_convolution_is_capped_at_its_inputs() -> None:
    x = source(6, 6, 2)
    layer = conv(x.output, 4, 3)
    assert max(ConvOperator(layer).reuse_factors("resource", "io_parallel")) == 18
    assert max(ConvOperator(layer).reuse_factors("resource", "io_stream")) == 72
    bad = design(x, layer, conv=Hls4mlFolding("resource", 36))
    assert "reuse factor 36 exceeds the 18 inputs of an io_parallel convolution" in texts(bad)


def test_expanded_shapes() -> None:
    x = source(8, 8, 4).output
    assert ConvOperator(conv(x, 8, 3, groups=2, dilation=2)).matrix_shape == (100, 8)
    depthwise = ConvOperator(conv(x, 4, 3, groups=4))
    assert depthwise.products == 36
    assert depthwise.reuse_factors("resource", "io_stream") == ()
    assert depthwise.reuse_factors("latency", "io_stream") == divisors(36)


def test_stream_pooling_and_thresholds() -> None:
    x = source(6, 6, 64)
    pool = with_output(
        MaxPool(name="pool", output=unknown_output("pool"), input=x.output, kernel=(3, 3),
                strides=(2, 2), pads=((0, 1), (0, 1)))
    )  # fmt: skip
    table = Ints(np.tile(np.arange(1, 256), (64, 1)))
    levels = with_output(
        Thresholds(name="act", output=unknown_output("act"), input=pool.output, thresholds=table,
                   base=Ints([0]), step=Ints([1]))
    )  # fmt: skip
    text = texts(design(x, pool, levels, io_type="io_stream"))
    assert "pool:" not in text  # fpgacomp_pool.h takes any padding and stride
    assert "act: 16320 comparisons are unrolled, beyond Vitis' limit of 4096." in text
    shared = design(x, pool, levels, io_type="io_stream", act=Hls4mlFolding("latency", 4))
    assert problems(shared) == []


def thresholds(x: Tensor, count: int) -> Thresholds:
    table = Ints(np.tile(np.arange(1, count + 1), (x.channels, 1)))
    return with_output(Thresholds(name="act", output=unknown_output("act"), input=x,
                                  thresholds=table, base=Ints([0]), step=Ints([1])))  # fmt: skip


def lookup(x: Tensor, rows: int) -> Lookup:
    table = Ints(np.arange(rows * x.type.count).reshape(rows, -1))
    return with_output(Lookup(name="act", output=unknown_output("act"), input=x, table=table))


def test_lanes_are_whole_channels_or_whole_pixels() -> None:
    x = source(3, 2, 12).output
    assert lane_reuse_factors(x, "io_stream") == (1, 2, 3, 4, 6, 12)
    assert lane_reuse_factors(x, "io_parallel") == (1, 2, 3, 6, 12, 18, 24, 36, 72)
    for io_type, size in (("io_stream", 12), ("io_parallel", 72)):
        for rf in lane_reuse_factors(x, io_type):  # type: ignore[arg-type]
            found = lane_schedule(x, rf, io_type)  # type: ignore[arg-type]
            assert found.lanes * rf == size
            assert found.lanes * found.groups * found.passes == 72
            assert 12 % found.lanes == 0 or (found.groups == 1 and found.lanes % 12 == 0)


def test_a_reuse_factor_without_whole_lanes_lists_the_valid_ones() -> None:
    x = source(12)
    layer = thresholds(x.output, 3)
    for io_type, what in (("io_stream", "12 channels"), ("io_parallel", "12 elements")):
        bad = design(x, layer, io_type=io_type, act=Hls4mlFolding("latency", 5))  # type: ignore[arg-type]
        assert f"act: reuse factor 5 does not leave whole lanes of {what}." in texts(bad)
        assert "Fix: use one of 1, 2, 3, 4, 6, 12." in texts(bad)


def test_comparisons_are_limited_per_cycle_not_per_frame() -> None:
    x = source(8, 8, 8, bits=7)
    layer = thresholds(x.output, 15)
    assert "act: 7680 comparisons are unrolled" in texts(design(x, layer))
    assert ThresholdsOperator(layer).reuse_factors("io_parallel") == (
        2,
        4,
        8,
        16,
        32,
        64,
        128,
        256,
        512,
    )
    assert ThresholdsOperator(layer).reuse_factors("io_stream") == (1, 2, 4, 8)
    assert problems(design(x, layer, act=Hls4mlFolding("latency", 2))) == []


def test_a_table_is_partitioned_unless_each_lane_has_its_own() -> None:
    x = source(64, bits=8)
    wide = lookup(x.output, 64)
    assert "act: 16384 table entries are partitioned" in texts(design(x, wide))
    assert LookupOperator(wide).reuse_factors("io_stream") == (2, 4, 8, 16, 32, 64)
    assert LookupOperator(lookup(x.output, 1)).reuse_factors("io_stream") == divisors(64)


def test_shared_lanes_need_a_dataflow_top() -> None:
    x = source(12)
    layer = thresholds(x.output, 3)
    assert not is_dataflow(design(x, layer))
    assert is_dataflow(design(x, layer, act=Hls4mlFolding("latency", 3)))
