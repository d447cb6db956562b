"""What FINN gets silently wrong unless it is told otherwise: every trap of our facts."""

from __future__ import annotations

import logging
import os
import sys
from dataclasses import replace

import numpy as np
import pytest

from fpgacomp.engines.finn import runtime as finn_runtime
from fpgacomp.engines.finn.execute import execute_finn
from fpgacomp.engines.finn.graph import build_finn, specialize
from fpgacomp.engines.finn.levels import levels_of, threshold_bits
from fpgacomp.engines.finn.runtime import finn_session
from fpgacomp.engines.finn.types import finn_type
from fpgacomp.engines.stream.design import Arithmetic, StreamDesign, StreamFolding
from fpgacomp.errors import ToolError, UnsupportedLayer
from fpgacomp.ir.graph import Graph
from fpgacomp.ir.infer import with_output
from fpgacomp.ir.interpreter import execute
from fpgacomp.ir.types import Ints, IntType
from tests.support import finn_designs as fd
from tests.support.finn_designs import builders, sd

finn = fd.needs_finn
slow = pytest.mark.slow


def dense_graph(weights: np.ndarray, lo: int, hi: int) -> Graph:
    b = builders.GraphBuilder("dense")
    x = b.input("x", (weights.shape[0],), lo, hi)
    b.dense("fc", x, weights.shape[1])
    layer = replace(b.layers.pop(), weight=Ints(weights))
    return b.graph(b.add(layer))


def folded(graph: Graph, arithmetic: Arithmetic = "lut") -> StreamDesign:
    return sd.design(graph, fc=StreamFolding(1, 1, "lutram", arithmetic))


# -- types ------------------------------------------------------------------------------------


@finn
@slow
@pytest.mark.parametrize("swapped", [False, True])
def test_an_unsigned_operand_is_on_the_left_and_the_sum_keeps_its_width(swapped: bool) -> None:
    b = builders.GraphBuilder("signs")
    signed, unsigned = b.input("s", (4,), -8, 7), b.input("u", (4,), 0, 15)
    sides = (unsigned, signed) if swapped else (signed, unsigned)
    total = b.add_two("sum", *sides)
    layer = b.layers.pop()
    total = b.add(replace(layer, multiplier_a=Ints([1]), multiplier_b=Ints([1])))
    graph = b.graph(b.thresholds("q", total, 9))
    design = sd.design(graph)
    model = build_finn(design)
    (add,) = fd.operators(model, "ElementwiseAdd")
    assert add.get_nodeattr("lhs_dtype") == "UINT4"
    assert add.get_nodeattr("rhs_dtype") == "INT4"
    assert add.get_nodeattr("out_dtype") == "INT6"  # -8..22
    assert set(fd.mismatches(design, 8, model).values()) == {0}


@finn
@slow
@pytest.mark.parametrize("values", [(-1, 0), (-1, -1), (0, 1), (-1, 1)])
def test_weights_of_one_bit_keep_their_values(values: tuple[int, int]) -> None:
    rng = np.random.default_rng(0)
    graph = dense_graph(rng.choice(values, size=(8, 4)), -8, 7)
    design = folded(graph)
    model = specialize(build_finn(design), design)
    (matrix,) = fd.operators(model, "MVAU")
    kind = matrix.get_nodeattr("weightDataType")
    assert kind == ("BIPOLAR" if set(values) <= {-1, 1} else "INT2")
    found = fd.mismatches(design, 8)
    assert set(found.values()) == {0}


def test_one_bit_numbers_take_two_bits_because_finn_refuses_them() -> None:
    assert finn_type(IntType(0, 1)) == "UINT2"
    assert finn_type(IntType(-1, 0)) == "INT2"
    assert finn_type(IntType(-1, 1, bipolar=True)) == "BIPOLAR"
    assert finn_type(IntType(-1, 1)) == "INT2"
    assert finn_type(IntType(0, 255)) == "UINT8"


@finn
@slow
@pytest.mark.parametrize("ends", [(0, 1), (1, 1), (0, 3)])
def test_a_concat_holds_all_that_its_parts_types_may_hold(ends: tuple[int, int]) -> None:
    """FINN derives the joined type anew: a UINT2 of 0 and 1 beside an INT2 makes an INT3."""
    b = builders.GraphBuilder("joined")
    x = b.input("x", (5, 5, 2), -3, 3)
    one = b.thresholds("one", b.conv("c1", x, 2, (1, 1)), ends[1] - ends[0], base=ends[0])
    other = b.thresholds("other", b.conv("c2", x, 2, (1, 1)), 1, base=-1, step=2)
    graph = b.graph(b.conv("c3", b.concat("both", one, other), 3, (3, 3), pads=((1, 1), (1, 1))))
    design = sd.design(graph)
    model = specialize(build_finn(design), design)
    assert model.model.get_tensor_datatype("both").name == "INT3"
    assert set(fd.mismatches(design, 8).values()) == {0}


@finn
@slow
def test_bipolar_products_are_counts_of_equal_bits() -> None:
    design = sd.design(fd.falling(), ones=StreamFolding(1, 1))
    model = build_finn(design)
    coding = model.tensors["ones"]
    assert (coding.gain, coding.offset) == (2, -8)
    assert coding.sign is not None and sorted(set(coding.sign.tolist())) == [-1, 1]
    assert set(fd.mismatches(design, 8, model).values()) == {0}


@finn
@slow
def test_bipolar_tensors_that_are_padded_take_two_bits() -> None:
    b = builders.GraphBuilder("padded")
    x = b.input("x", (5, 5, 2), -3, 3)
    signs = b.thresholds("signs", b.conv("c1", x, 4, (1, 1)), 1, base=-1, step=2)
    graph = b.graph(b.conv("c2", signs, 3, (3, 3), pads=((1, 1), (1, 1))))
    design = sd.design(graph)
    model = build_finn(design)
    assert model.model.get_tensor_datatype("signs").name == "INT2"
    assert set(fd.mismatches(design, 4, model).values()) == {0}


# -- implementation styles --------------------------------------------------------------------


@finn
@slow
@pytest.mark.parametrize(
    ("lo", "hi", "kind"), [(-8, 7, "INT5"), (-7, 7, "INT4"), (0, 3, "INT3"), (-1, 1, "INT2")]
)
def test_dsp_weights_are_typed_so_that_the_rtl_takes_them(lo: int, hi: int, kind: str) -> None:
    weights = np.random.default_rng(1).integers(lo, hi + 1, size=(8, 4))
    weights.flat[:2] = lo, hi
    design = folded(dense_graph(weights, 0, 15), "dsp")
    model = specialize(build_finn(design), design)
    (matrix,) = fd.operators(model, "MVAU")
    assert matrix.onnx_node.op_type == "MVAU_rtl"
    assert matrix.get_nodeattr("weightDataType") == kind


@finn
@slow
def test_bipolar_activations_go_to_the_hls_matrix_unit_on_purpose() -> None:
    foldings = {name: StreamFolding(1, 1, "auto", "dsp") for name in ("ones", "fc3", "fc4")}
    design = sd.design(fd.falling(), **foldings)
    model = specialize(build_finn(design), design)
    asked = build_finn(design).styles
    assert asked["ones"] == asked["fc3"] == "hls"
    kinds = {n.output[0]: n.op_type for n in model.model.graph.node}
    assert kinds["ones"] == kinds["fc3"] == "MVAU_hls"


@finn
@slow
def test_a_fallback_of_finns_is_an_error() -> None:
    design = folded(dense_graph(np.array([[-8], [7]]), 0, 15), "dsp")
    model = build_finn(design)
    fd.operators(model, "MVAU")[0].set_nodeattr("weightDataType", "INT4")  # reaches its lowest
    with pytest.raises(ToolError, match="fc became MVAU_hls where rtl was asked for"):
        specialize(model, design)


@finn
@slow
def test_requant_is_the_exact_rtl_and_never_the_rounding_hls() -> None:
    design = sd.design(fd.residual())
    model = specialize(build_finn(design), design)
    nodes = fd.operators(model, "Requant")
    assert nodes and all(node.onnx_node.op_type == "Requant_rtl" for node in nodes)
    # The RTL reads its input as signed (requant.sv).
    assert all(node.get_nodeattr("inputDataType").startswith("INT") for node in nodes)


@finn
@slow
def test_requant_of_unsigned_numbers_becomes_thresholds() -> None:
    b = builders.GraphBuilder("unsigned")
    x = b.input("x", (4,), 0, 255)
    graph = b.graph(b.requantize("q", x, 0, 15))
    model = build_finn(sd.design(graph))
    assert not fd.operators(model, "Requant") and fd.operators(model, "Thresholding")
    assert set(fd.mismatches(sd.design(graph), 8).values()) == {0}


# -- structure --------------------------------------------------------------------------------


@finn
@slow
@pytest.mark.parametrize("graph", [fd.residual(), builders.cnn()])
def test_depthwise_operators_have_the_lanes_of_their_generator(graph: Graph) -> None:
    for seed in range(4):
        design = sd.design(graph, seed)
        model = specialize(build_finn(design), design)
        nodes = fd.operators(model, "VVAU") + fd.operators(model, "Pool")
        assert nodes
        for node in nodes:
            fifo = model.model.find_producer(node.onnx_node.input[0])
            window = model.model.find_producer(fifo.input[0])
            assert fifo.op_type == "StreamingFIFO_rtl"
            assert window.op_type == "ConvolutionInputGenerator_rtl"
            lanes = next(a.i for a in window.attribute if a.name == "SIMD")
            assert lanes == node.get_nodeattr("PE")


@finn
@slow
def test_bypass_fifos_have_our_depth() -> None:
    design = sd.design(fd.residual())
    depths = {"stem_q_copy0": 37, "stem_q_copy1": 41}
    model = specialize(build_finn(replace(design, fifo_depths=depths)), design)
    found = {
        node.onnx_node.input[0]: node.get_nodeattr("depth")
        for node in fd.operators(model, "StreamingFIFO")
    }
    assert {name: found[name] for name in depths} == depths


@pytest.mark.parametrize(("steps", "bias", "bits"), [(15, 0, 4), (7, -4, 3), (8, -3, 4), (1, 0, 1)])
def test_output_bits_of_the_rtl_thresholding(steps: int, bias: int, bits: int) -> None:
    assert threshold_bits(steps, bias) == bits


@finn
@slow
def test_thresholding_is_as_wide_as_its_stream() -> None:
    for graph in (fd.falling(), fd.joined(), builders.cnn()):
        for node in fd.operators(build_finn(sd.design(graph)), "Thresholding"):
            width = threshold_bits(node.get_nodeattr("numSteps"), node.get_nodeattr("ActVal"))
            assert width == node.get_output_datatype().bitwidth(), node.onnx_node.name


def test_thresholds_of_a_falling_function_are_those_of_the_negated_input() -> None:
    b = builders.GraphBuilder("levels")
    x = b.input("x", (3,), -20, 30)
    b.requantize("q", x, -2, 5, negative=True)
    layer = b.layers[-1]
    levels = levels_of(layer)
    inputs = np.tile(np.arange(-20, 31)[:, None], (1, 3))
    assert (levels.sign == -1).all()
    counted = (levels.sign * inputs)[:, :, None] >= levels.thresholds[None]
    made = levels.output.lo + counted.sum(axis=2)
    assert np.array_equal(made, execute(layer, [inputs]))


# -- refusals ---------------------------------------------------------------------------------


@finn
@slow
def test_sums_beyond_float32_are_refused_in_execution() -> None:
    graph = dense_graph(np.full((2, 1), 1 << 12), -(1 << 12), 1 << 12)
    with pytest.raises(UnsupportedLayer, match=r"33554432.*exact below 2\*\*24"):
        execute_finn(build_finn(folded(graph)), builders.inputs(graph, 2))


def test_a_table_that_rises_and_falls_is_refused() -> None:
    b = builders.GraphBuilder("table")
    x = b.input("x", (3,), 0, 15)
    graph = b.graph(b.lookup("table", x))
    with pytest.raises(UnsupportedLayer, match="table neither rises nor falls"):
        build_finn(sd.design(graph))


def test_a_padded_maximum_of_signed_numbers_is_refused() -> None:
    b = builders.GraphBuilder("pool")
    x = b.input("x", (4, 4, 2), -8, 7)
    graph = b.graph(b.maxpool("pool", x, (3, 3), (1, 1), ((1, 1), (1, 1))))
    with pytest.raises(UnsupportedLayer, match=r"padding is -8.*fills with 0 only"):
        build_finn(sd.design(graph))


def test_a_matrix_folded_beyond_finns_limit_is_refused() -> None:
    graph = dense_graph(np.ones((2048, 1)), 0, 3)
    with pytest.raises(UnsupportedLayer, match="more than 1024 times"):
        build_finn(folded(graph))


def test_outputs_of_many_levels_are_refused() -> None:
    b = builders.GraphBuilder("levels")
    x = b.input("x", (2,), -4000, 4000)
    b.requantize("q", x, -2048, 2047)
    with pytest.raises(UnsupportedLayer, match="4095 thresholds per channel"):
        levels_of(with_output(b.layers[-1]))


# -- global state -----------------------------------------------------------------------------


@finn
@slow
def test_a_session_leaves_everything_as_it_was(capsys: pytest.CaptureFixture[str]) -> None:
    before = dict(os.environ)
    torch = sys.modules.get("torch")
    with finn_session() as folder:
        from finn.util import settings
        from finn.util.basic import make_build_dir

        assert folder.is_dir() and str(make_build_dir("x")).startswith(str(folder))
        print("chatter")
        logging.getLogger("finn_logger").warning("chatter")
    assert settings._SETTINGS is None
    assert not folder.exists()
    assert dict(os.environ) == before
    assert sys.modules.get("torch") is torch
    assert "chatter" not in capsys.readouterr().out


@pytest.mark.parametrize(("found", "why"), [(None, "not installed"), ("1.5.0", "1.5.0, not 1.6.1")])
def test_finn_missing_is_one_sentence_with_the_command(
    monkeypatch: pytest.MonkeyPatch, found: str | None, why: str
) -> None:
    monkeypatch.setattr(finn_runtime, "finn_version", lambda: found)
    with pytest.raises(ToolError, match=why) as caught:
        build_finn(sd.design(builders.mlp()))
    command = "pip install 'fpgacomp[finn]' && pip install --no-deps finn-plus==1.6.1"
    assert command in str(caught.value)
