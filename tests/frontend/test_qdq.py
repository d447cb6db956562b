"""QDQ models, as ONNX Runtime writes them and by hand, become Quant with the same numbers."""

from __future__ import annotations

from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from fpgacomp.errors import UnsupportedLayer
from fpgacomp.frontend import canonicalize, read_network
from fpgacomp.network.editable import EditableGraph
from tests.support.frontend_runs import build, execute, node, ops

RNG = np.random.default_rng(3)


def float_cnn() -> onnx.ModelProto:
    """Conv, Relu, pool, residual Add, Gemm: all that quantize_static treats differently."""
    w = RNG.normal(size=(4, 1, 3, 3)) * np.array([0.1, 1, 2, 0.5]).reshape(4, 1, 1, 1)
    return build(
        [
            node("Conv", ["x", "w", "b"], "c", pads=[1, 1, 1, 1]),
            node("Relu", ["c"], "r"),
            node("Conv", ["r", "w2", "b2"], "c2", pads=[1, 1, 1, 1], group=4),
            node("Add", ["c2", "r"], "a"),
            node("MaxPool", ["a"], "p", kernel_shape=[2, 2], strides=[2, 2]),
            node("Flatten", ["p"], "f"),
            node("Gemm", ["f", "wf", "bf"], "y", transB=1),
        ],
        [1, 1, 8, 8],
        {
            "w": w,
            "b": RNG.normal(size=4),
            "w2": RNG.normal(size=(4, 1, 3, 3)),
            "b2": RNG.normal(size=4),
            "wf": RNG.normal(size=(5, 64)),
            "bf": RNG.normal(size=5),
        },
    )


def quantized(folder: Path, **options: Any) -> onnx.ModelProto:
    from onnxruntime.quantization import CalibrationDataReader, QuantFormat, quantize_static

    class Reader(CalibrationDataReader):
        def __init__(self) -> None:
            self.rows = iter(RNG.normal(size=(16, 1, 1, 8, 8)).astype(np.float32))

        def get_next(self) -> dict[str, np.ndarray] | None:
            row = next(self.rows, None)
            return None if row is None else {"x": row}

    onnx.save(float_cnn(), folder / "float.onnx")
    quantize_static(
        folder / "float.onnx",
        folder / "qdq.onnx",
        Reader(),
        quant_format=QuantFormat.QDQ,
        **options,
    )
    return onnx.load(folder / "qdq.onnx")


KINDS = [
    (per_channel, activation, weight, symmetric)
    for per_channel, activation, weight, symmetric in product(
        (False, True), ("QInt8", "QUInt8"), ("QInt8", "QUInt8"), (False, True)
    )
    if not (activation == "QInt8" and weight == "QUInt8")  # ONNX Runtime refuses this one
]


@pytest.mark.slow
@pytest.mark.parametrize(("per_channel", "activation", "weight", "symmetric"), KINDS)
def test_quantize_static_equals_onnxruntime(
    tmp_path: Path, per_channel: bool, activation: str, weight: str, symmetric: bool
) -> None:
    from onnxruntime.quantization import QuantType

    model = quantized(
        tmp_path,
        per_channel=per_channel,
        activation_type=QuantType[activation],
        weight_type=QuantType[weight],
        extra_options={"ActivationSymmetric": symmetric},
    )
    network = read_network(model)
    assert network.format == "qcdq"
    kinds = set(ops(network.model))
    assert "Quant" in kinds
    assert not kinds & {"QuantizeLinear", "DequantizeLinear"}
    for _ in range(4):
        x = RNG.normal(size=(1, 1, 8, 8)).astype(np.float32)
        (expected,), (found,) = execute(model, x), execute(network.model, x)
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)


def pair(lo: int, hi: int, scale: float, zero_point: int, dtype: type) -> onnx.ModelProto:
    """x -> QuantizeLinear -> Clip(lo, hi) -> DequantizeLinear -> y."""
    return build(
        [
            node("QuantizeLinear", ["x", "s", "z"], "q"),
            node("Clip", ["q", "lo", "hi"], "k"),
            node("DequantizeLinear", ["k", "s", "z"], "y"),
        ],
        [1, 4000],
        {
            "s": np.float32(scale),
            "z": np.array(zero_point, dtype),
            "lo": np.array(lo, dtype),
            "hi": np.array(hi, dtype),
        },
    )


@pytest.mark.slow
@settings(deadline=None, max_examples=60)
@given(st.data())
def test_any_range_and_zero_point_is_exact(data: st.DataObject) -> None:
    """Powers of two and ties included: equal to the bit, on every multiple of scale / 4."""
    dtype = data.draw(st.sampled_from([np.int8, np.uint8]))
    limits = np.iinfo(dtype)
    codes = st.integers(int(limits.min), int(limits.max))
    lo, hi = sorted(data.draw(st.tuples(codes, codes).filter(lambda c: c[0] != c[1])))
    zero_point = data.draw(codes)
    scale = data.draw(st.sampled_from([0.25, 1.0, 0.1, 0.0173, 3.7]))
    model = pair(lo, hi, scale, zero_point, dtype)
    x = (np.arange(-2000, 2000) / 4 * scale).astype(np.float32)[None]
    (expected,), (found,) = execute(model, x), execute(canonicalize(model), x)
    np.testing.assert_array_equal(found, expected)


def test_bits_follow_the_clip() -> None:
    model = canonicalize(pair(-7, 7, 0.5, 0, np.int8))
    (quant,) = model.graph.node
    constants = {t.name: numpy_helper.to_array(t) for t in model.graph.initializer}
    assert constants[quant.input[3]] == 4
    assert {a.name: a.i for a in quant.attribute if a.name != "rounding_mode"} == {
        "narrow": 1,
        "signed": 1,
    }


def matmul(weights: dict[str, Any], nodes: list[onnx.NodeProto]) -> onnx.ModelProto:
    constants = {"s": np.float32(0.5), "z": np.int8(0)} | weights
    return build(
        [
            node("QuantizeLinear", ["x", "s", "z"], "q"),
            node("DequantizeLinear", ["q", "s", "z"], "d"),
            *nodes,
        ],
        [1, 6],
        constants,
        opset=21,
    )


def test_integer_weights_per_channel_and_int32_bias() -> None:
    model = matmul(
        {
            "w": RNG.integers(-128, 128, (6, 3)).astype(np.int8),
            "ws": np.array([0.5, 0.25, 0.1], np.float32),
            "wz": np.zeros(3, np.int8),
            "b": np.array([1000, -1, 70000], np.int32),
            "bs": np.float32(0.01),
        },
        [
            node("DequantizeLinear", ["w", "ws", "wz"], "wd", axis=1),
            node("MatMul", ["d", "wd"], "m"),
            node("DequantizeLinear", ["b", "bs"], "bd"),
            node("Add", ["m", "bd"], "y"),
        ],
    )
    canonical = canonicalize(model)
    assert ops(canonical) == ["Quant", "Quant", "MatMul", "Add"]
    x = RNG.normal(size=(1, 6)).astype(np.float32) * 10
    np.testing.assert_allclose(execute(canonical, x)[0], execute(model, x)[0], rtol=1e-5, atol=1e-4)


def test_int4_weights_are_four_bits() -> None:
    model = matmul(
        {"ws": np.float32(0.5)},
        [node("DequantizeLinear", ["w", "ws"], "wd"), node("MatMul", ["d", "wd"], "y")],
    )
    values = RNG.integers(-8, 8, (6, 3))
    model.graph.initializer.append(
        helper.make_tensor("w", TensorProto.INT4, [6, 3], values.ravel().tolist())
    )
    graph = EditableGraph.from_model(canonicalize(model))
    (weight,) = [n for n in graph.nodes if n.op == "Quant" and n.inputs[0] in graph.constants]
    assert graph.constants[weight.inputs[3]] == 4
    np.testing.assert_array_equal(graph.constants[weight.inputs[0]], values * 0.5)


@pytest.mark.parametrize(("dtype", "zero_point"), [(np.uint8, 0), (np.uint8, 101), (np.int8, -5)])
def test_integer_input(dtype: type, zero_point: int) -> None:
    kind = TensorProto.UINT8 if dtype is np.uint8 else TensorProto.INT8
    model = build(
        [
            node("DequantizeLinear", ["x", "s", "z"], "d"),
            node("MatMul", ["d", "w"], "y"),
        ],
        [1, 6],
        {"s": np.float32(0.1), "z": np.array(zero_point, dtype), "w": RNG.normal(size=(6, 2))},
        dtype=kind,
    )
    network = read_network(model)
    assert network.model.graph.input[0].type.tensor_type.elem_type == TensorProto.FLOAT
    assert any("taken as float32" in text for text in network.warnings)
    limits = np.iinfo(dtype)
    x = RNG.integers(limits.min, limits.max + 1, (1, 6)).astype(dtype)
    found = execute(network.model, x.astype(np.float32))[0]
    np.testing.assert_allclose(found, execute(model, x)[0], rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize("zero_point", [0, 7, 128])
def test_integer_output(zero_point: int) -> None:
    model = build(
        [node("Relu", ["x"], "r"), node("QuantizeLinear", ["r", "s", "z"], "y")],
        [1, 1000],
        {"s": np.float32(0.3), "z": np.uint8(zero_point)},
        output_dtype=TensorProto.UINT8,
    )
    x = (RNG.normal(size=(1, 1000)) * 60).astype(np.float32)
    found = execute(canonicalize(model), x)[0]
    np.testing.assert_array_equal(found, execute(model, x)[0].astype(np.float32))


def test_different_scales_in_one_pair_are_refused() -> None:
    model = build(
        [
            node("QuantizeLinear", ["x", "s", "z"], "q"),
            node("DequantizeLinear", ["q", "t", "z"], "y"),
        ],
        [1, 6],
        {"s": np.float32(0.5), "t": np.float32(0.25), "z": np.int8(0)},
    )
    with pytest.raises(UnsupportedLayer, match="differs from that of QuantizeLinear_0"):
        canonicalize(model)


def test_integer_operators_are_refused_with_the_way_out() -> None:
    model = build(
        [
            node("QuantizeLinear", ["x", "s", "z"], "q"),
            node("MatMulInteger", ["q", "w"], "m"),
            node("Cast", ["m"], "y", to=TensorProto.FLOAT),
        ],
        [1, 6],
        {"s": np.full(6, 0.5), "z": np.zeros(6, np.int8), "w": np.ones((6, 2), np.int8)},
    )
    with pytest.raises(UnsupportedLayer, match=r"MatMulInteger.*do not come from a Quant"):
        canonicalize(model)
