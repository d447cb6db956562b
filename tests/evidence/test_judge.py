"""The judge on a two-layer network lowered by hand: what it must call a mismatch and a tie."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import onnx
import pytest

from fpgacomp.errors import InputDataError, InvalidGraph, ModelError
from fpgacomp.evidence import judge as judge_module
from fpgacomp.evidence.judge import judge
from fpgacomp.ir.graph import Graph
from fpgacomp.ir.layers import Tensor
from fpgacomp.ir.types import Ints, IntType, Reals
from fpgacomp.network.lowered import Lowered, TensorView
from tests.support.network_builder import Grid, NetworkBuilder

STEP, WEIGHT, OUT = 0.25, 0.5, np.float32(0.3)
MATRIX = np.asarray([[1, -2], [3, 0], [-1, 1]])


def network():
    builder = NetworkBuilder(np.random.default_rng(0), (3,))
    x = builder.quant(builder.input, Grid(np.float32(STEP), 0.0, 4))
    w = builder.quant(builder.constant(MATRIX * WEIGHT), Grid(np.float32(WEIGHT), 0.0, 4))
    product = builder.op("MatMul", x, w)
    y = builder.quant(product, Grid(OUT, 2.0, 5))
    return builder.finish(y), x, product, y


def view(name, size, scale, quantized=True, offset=(0.0,)):
    return TensorView(name, Ints(np.arange(size)[None]), Reals(scale), Reals(offset), quantized)


def lowered():
    model, x, product, y = network()
    output = Tensor("out", (2,), IntType(-18, 13))
    empty = onnx.ModelProto()
    views = {
        "in": view(x, 3, [STEP]),
        "sum": view(product, 2, [STEP * WEIGHT], quantized=False),
        "out": view(y, 2, [float(OUT)]),
    }
    return model, Lowered(Graph("by_hand", (), (output,)), empty, empty, views)


def oracle(codes):
    """Input codes [N, 3] -> the integers of every tensor."""
    codes = np.asarray(codes, dtype=np.int64)
    total = codes @ MATRIX
    level = np.clip(np.rint(total * (STEP * WEIGHT) / float(OUT) + 2), -16, 15)
    return {"in": codes, "sum": total, "out": level.astype(np.int64) - 2}


def judged(real, codes, change=None):
    model, low = lowered()
    integers = oracle(codes)
    for (tensor, *index), value in (change or {}).items():
        integers[tensor][tuple(index)] += value
    return judge(low, model, {"network_input": np.asarray(real, np.float64)}, integers)


def test_equal_integers_are_equal():
    codes = np.random.default_rng(1).integers(-8, 8, (50, 3))
    result = judged(codes * STEP, codes)
    assert (result.vectors, result.mismatches, result.ties, result.first) == (50, 0, 0, None)
    assert [(k, v.compared) for k, v in result.per_layer.items()] == [
        ("in", 150), ("sum", 100), ("out", 100),
    ]  # fmt: skip


@pytest.mark.parametrize("tensor", ["in", "sum", "out"])
def test_one_changed_integer_is_one_mismatch_with_its_place(tensor):
    codes = np.random.default_rng(1).integers(-7, 7, (50, 3))
    result = judged(codes * STEP, codes, {(tensor, 31, 1): 1})
    assert result.mismatches == 1
    assert result.per_layer[tensor].mismatches == 1
    assert (result.first.tensor, result.first.sample, result.first.index) == (tensor, 31, (1,))
    assert result.first.oracle == result.first.network + 1
    assert f"{tensor} (" in str(result.first) and "vector 31 index [1]" in str(result.first)


def test_a_tie_is_counted_and_does_not_taint_what_follows():
    """0.125 is half a step: the network rounds to even (0), the oracle's 1 is a tie."""
    result = judged([[0.125, 0.5, 0.0]], [[1, 2, 0]])
    assert (result.mismatches, result.ties) == (0, 1)
    assert result.per_layer["in"].ties == 1


@pytest.mark.parametrize(("distance", "ties"), [(1e-7, 1), (-1e-7, 0), (-1e-3, 0), (1e-3, 0)])
def test_only_a_value_near_the_boundary_is_a_tie(distance, ties):
    """Just above half a step the network says 1; an oracle's 0 is a tie only very near."""
    result = judged([[0.125 + distance, 0.5, 0.0]], [[0, 2, 0]])
    wrong = distance > 0 and not ties
    assert result.ties == ties
    assert (result.mismatches > 0) == wrong


def test_a_tie_never_excuses_a_distance_of_two():
    assert judged([[0.125, 0.5, 0.0]], [[2, 2, 0]]).per_layer["in"].mismatches == 1


@pytest.mark.parametrize("tensor", ["in", "sum", "out"])
@pytest.mark.parametrize("field", ["scale", "offset"])
def test_a_wrong_scale_or_offset_is_found(tensor, field):
    model, low = lowered()
    codes = np.random.default_rng(1).integers(-8, 8, (50, 3))
    old = low.views[tensor]
    new = Reals(getattr(old, field).array * 1.01 + (field == "offset") * 0.01)
    views = {**low.views, tensor: replace(old, **{field: new})}
    inputs = {"network_input": codes * STEP}
    result = judge(replace(low, views=views), model, inputs, oracle(codes))
    assert result.per_layer[tensor].mismatches > 40


def test_samples_are_named_across_chunks(monkeypatch):
    monkeypatch.setattr(judge_module, "_CHUNK", 12)  # 4 samples of the largest tensor
    codes = np.random.default_rng(1).integers(-7, 7, (50, 3))
    result = judged(codes * STEP, codes, {("sum", 40, 0): 1, ("sum", 7, 1): 1, ("out", 3, 0): 1})
    assert result.vectors == 50
    assert result.mismatches == 3
    assert (result.first.tensor, result.first.sample, result.first.index) == ("sum", 7, (1,))
    assert result.per_layer["sum"].compared == 100


def test_a_view_orders_and_scales_by_channel():
    """[C, H] of the network against [H, C] integers with one scale for each channel."""
    builder = NetworkBuilder(np.random.default_rng(0), (2, 3))
    y = builder.op("Mul", builder.input, builder.constant([[0.5], [0.0]]))
    model = builder.finish(y)
    order = np.arange(6).reshape(3, 2).T.reshape(1, 2, 3)
    views = {"out": TensorView(y, Ints(order), Reals([0.5, 0.0]), Reals([0.0, 0.0]), False)}
    graph = Graph("by_hand", (), (Tensor("out", (3, 2), IntType(-9, 9)),))
    low = Lowered(graph, onnx.ModelProto(), onnx.ModelProto(), views)
    x = np.random.default_rng(2).integers(-9, 9, (5, 2, 3))
    integers = x.transpose(0, 2, 1).astype(np.int64)
    inputs = {"network_input": x.astype(np.float64)}
    assert judge(low, model, inputs, {"out": integers}).mismatches == 0
    integers[4, 2, 0] -= 1
    result = judge(low, model, inputs, {"out": integers})
    assert (result.mismatches, result.first.index) == (1, (0, 2))


def test_what_cannot_be_judged_is_refused():
    model, low = lowered()
    codes = np.zeros((2, 3), dtype=np.int64)
    inputs, integers = {"network_input": codes * STEP}, oracle(codes)
    stray = {**low.views, "in": replace(low.views["in"], onnx_name="nowhere")}
    with pytest.raises(InvalidGraph, match="in: its view names nowhere, which no input"):
        judge(replace(low, views=stray), model, inputs, integers)
    with pytest.raises(InputDataError, match=r"have \[2, 3\] samples"):
        judge(low, model, {"network_input": np.zeros((3, 3))}, integers)
    with pytest.raises(InputDataError, match="out: the integers of this output were not given"):
        judge(low, model, inputs, {"in": integers["in"]})


def test_a_network_that_gives_no_number_is_refused_by_name():
    with pytest.raises(ModelError, match=r"the network gives nan there in float64, for sample 1"):
        judged([[0.25, 0.5, 0.0], [np.nan, 0.0, 0.0]], [[1, 2, 0], [0, 0, 0]])
