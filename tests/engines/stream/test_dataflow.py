"""The dataflow's own rules: what fits a DSP block, which operators a graph becomes, cycles."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from fpgacomp.engines.stream.design import StreamFolding
from fpgacomp.engines.stream.expand import expand
from fpgacomp.engines.stream.operators.activate import Activate
from fpgacomp.engines.stream.operators.convert import Convert
from fpgacomp.engines.stream.operators.duplicate import Duplicate
from fpgacomp.engines.stream.operators.matrix_vector import MatrixVector
from fpgacomp.engines.stream.operators.operator import Operator
from fpgacomp.engines.stream.operators.pad import Pad
from fpgacomp.engines.stream.operators.window import Window
from fpgacomp.engines.stream.streams import Stream, container_bits
from fpgacomp.ir.graph import Graph
from fpgacomp.ir.types import BIPOLAR, Ints, IntType
from tests.support import stream_designs as sd
from tests.support.stream_designs import builders


def products(weight: list[int], x: IntType, pe: int) -> MatrixVector:
    """One row of weights; ends of the range included."""
    table = Ints(np.resize(np.array(weight), (1, pe)))
    return MatrixVector(
        name="m", layer="m", input=Stream("x", x, 1, 1), output=Stream("y", x, pe, 1),
        weight=table, vectors=1, pe=pe, simd=1, memory="auto", arithmetic="dsp",
    )  # fmt: skip


@pytest.mark.slow
@settings(deadline=None, max_examples=300)
@given(
    st.integers(-200, 200), st.integers(0, 300), st.integers(-70_000, 70_000),
    st.integers(0, 70_000), st.sampled_from([25, 27]),
)  # fmt: skip
def test_packed_weights_fit_the_port_and_products_come_back(
    lo: int, span: int, x_lo: int, x_span: int, port: int
) -> None:
    operator = products([lo, lo + span], IntType(x_lo, x_lo + x_span), 8)
    lanes, shift = operator.packing(port)
    assume(lanes > 1)
    for x in (x_lo, x_lo + x_span):
        assert -(1 << 17) <= x < 1 << 17
        for weights in np.random.default_rng(0).choice([lo, lo + span], size=(20, lanes)).tolist():
            joined = sum(w << (lane * shift) for lane, w in enumerate(weights))
            assert -(1 << (port - 1)) <= joined < 1 << (port - 1)
            rest, got = joined * x, []
            for _ in weights:
                low = (rest + (1 << (shift - 1))) % (1 << shift) - (1 << (shift - 1))
                got.append(low)
                rest = (rest - low) >> shift
            assert got == [w * x for w in weights]


def test_one_more_lane_would_not_fit() -> None:
    """Products of 0..7 and -3..3 take 6 bits: 3 + 3 * 6 = 21 of 25, 3 + 4 * 6 = 27 of 27."""
    operator = products([-3, 3], IntType(0, 7), 8)
    assert operator.packing(25) == (4, 6)
    assert operator.packing(27) == (5, 6)
    # -4 is the lowest of three bits: with negative neighbours it needs one more.
    assert products([-4, 3], IntType(0, 7), 8).packing(27) == (4, 6)


@pytest.mark.parametrize(
    ("weight", "x"),
    [([-1, 1], IntType(0, 7)), ([0, 1], IntType(0, 7)), ([-3, 3], IntType(-1, 0)),
     ([-3, 3], IntType(0, 1 << 18)), ([-99_999, 99_999], IntType(0, 255))],
)  # fmt: skip
def test_what_is_not_packed(weight: list[int], x: IntType) -> None:
    assert products(weight, x, 8).packing(27) == (1, 0)


def test_types_of_tables_and_containers() -> None:
    assert Ints([[-1, 1]]).stored_type == Ints([[1, 1]]).stored_type == BIPOLAR
    assert Ints([[-1, 0]]).stored_type == IntType(-1, 0)
    widths = [container_bits(IntType.of_bits(bits, signed=True)) for bits in (2, 8, 9, 17, 33)]
    assert widths == [8, 8, 16, 32, 64]
    assert container_bits(BIPOLAR) == 8


def operators(graph: Graph, **folding: StreamFolding) -> list[Operator]:
    ones = {layer.name: StreamFolding() for layer in graph.layers}
    return list(expand(sd.replace(sd.design(graph), folding={**ones, **folding})).operators)


def names(found: list[Operator]) -> list[str]:
    return [type(operator).__name__ for operator in found]


def test_a_padded_1x1_convolution_is_padded() -> None:
    b = builders.GraphBuilder()
    graph = b.graph(b.conv("c", b.input("x", (3, 3, 2), 0, 3), 2, (1, 1), pads=((1, 0), (0, 1))))
    assert {"Pad", "Window"} <= set(names(operators(graph)))


def test_a_plain_1x1_convolution_is_a_matrix_only() -> None:
    b = builders.GraphBuilder()
    graph = b.graph(b.conv("c", b.input("x", (3, 3, 2), 0, 3), 2, (1, 1)))
    assert names(operators(graph, c=StreamFolding(1, 2))) == ["Source", "MatrixVector", "Sink"]


def test_zeros_around_bipolar_values_widen_the_stream_and_a_maximum_does_not() -> None:
    b = builders.GraphBuilder()
    x = b.input("x", (3, 3, 2), -1, 1, bipolar=True)
    pads = ((1, 1), (1, 1))
    graph = b.graph(b.conv("c", x, 2, (3, 3), pads=pads), b.maxpool("m", x, (2, 2), pads=pads))
    conv, pool = (operator for operator in operators(graph) if isinstance(operator, Pad))
    assert (conv.fill, conv.output.type) == (0, IntType(-1, 1))
    assert (pool.fill, pool.output.type) == (-1, BIPOLAR)


def test_each_reader_has_a_stream_of_its_own() -> None:
    b = builders.GraphBuilder()
    x = b.input("x", (4,), 0, 3)
    graph = b.graph(b.add_two("doubled", x, x), x)
    (copies,) = (op.copies for op in operators(graph) if isinstance(op, Duplicate))
    assert [stream.name for stream in copies] == ["x_copy0", "x_copy1", "x_copy2"]


def test_readers_of_equal_lanes_read_an_input_as_it_comes() -> None:
    b = builders.GraphBuilder()
    x = b.input("x", (8, 8, 2), 0, 3)
    graph = b.graph(b.conv("p", x, 4, (3, 3)), b.conv("q", x, 4, (3, 3)))
    found = operators(graph, p=StreamFolding(1, 2), q=StreamFolding(2, 2))
    assert not [op for op in found if isinstance(op, Convert) and op.layer]
    other = operators(graph, p=StreamFolding(1, 2), q=StreamFolding(2, 1))
    assert [op.input.name for op in other if isinstance(op, Convert) and op.layer] == ["x_copy0"]


def test_plumbing_never_takes_the_name_of_a_tensor() -> None:
    b = builders.GraphBuilder()
    x = b.input("x", (4,), 0, 3)
    graph = b.graph(b.requantize("x_copy0", x, 0, 1), x)
    streams = [s.name for operator in operators(graph) for s in operator.outputs]
    assert len(streams) == len(set(streams)) and "x_copy0_" in streams


def test_binary_search_from_four_thresholds_on() -> None:
    b = builders.GraphBuilder()
    x = b.input("x", (2,), -99, 99)
    graph = b.graph(*(b.thresholds(f"t{n}", x, n) for n in (1, 3, 4, 7, 8)))
    found = [op.search_levels for op in operators(graph) if isinstance(op, Activate)]
    assert found == [0, 0, 3, 3, 4]


def test_cycles_of_operators() -> None:
    graph = builders.cnn()
    found = {op.name: op.cycles for op in operators(graph, c1=StreamFolding(2, 6))}
    assert found["c1"] == 64 * 3 * 2
    assert found["c1_pad"] == 100
    assert found["c1_window"] == 100  # a pixel a cycle, for 9 taps would be too slow
    assert found["t1"] == 256 and found["p1"] == 256
    assert found["fc"] == 24 * 5


def test_windows_come_whole_only_where_that_is_faster() -> None:
    graph = builders.cnn()

    def window(pe: int, simd: int) -> Window:
        found = operators(graph, c1=StreamFolding(pe, simd))
        return next(op for op in found if isinstance(op, Window))

    assert not window(1, 6).parallel and not window(4, 2).parallel
    assert window(4, 6).parallel and window(4, 6).output.lanes == 18
    assert window(4, 6).cycles < 9 * 64 <= window(1, 6).cycles


def test_widths_are_converted_only_where_they_differ() -> None:
    b = builders.GraphBuilder()
    x = b.input("x", (6,), 0, 3)
    graph = b.graph(b.dense("fc", b.requantize("q", x, 0, 1), 6))
    plain = operators(graph)
    wide = operators(graph, q=StreamFolding(6))
    assert names(plain) == ["Source", "Activate", "MatrixVector", "Sink"]
    found = [operator for operator in wide if isinstance(operator, Convert)]
    assert [(op.input.lanes, op.output.lanes, op.cycles) for op in found] == [(1, 6, 6), (6, 1, 6)]
