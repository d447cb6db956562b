"""The reference's quantizers against qonnx's own executor, and what it calls a tie."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper

from fpgacomp.errors import UnsupportedLayer
from fpgacomp.evidence.reference.network import Reference, execute

qonnx_quant = pytest.importorskip("qonnx.custom_op.general.intquant", reason="needs qonnx")

DOMAIN = "qonnx.custom_op.general"
ROUNDINGS = ["ROUND", "HALF_EVEN", "HALF_UP", "HALF_DOWN", "UP", "DOWN", "CEIL", "FLOOR"]


def model_of(kind, shape, constants, **attributes):
    node = helper.make_node(kind, ["x", *constants], ["y"], domain=DOMAIN, **attributes)
    graph = helper.make_graph(
        [node],
        "one_quantizer",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, shape)],
        [onnx.numpy_helper.from_array(np.asarray(v, np.float32), k) for k, v in constants.items()],
    )
    version = 2 if "s2" in constants else 1
    imports = [helper.make_opsetid("", 13), helper.make_opsetid(DOMAIN, version)]
    return helper.make_model(graph, opset_imports=imports)


def by_qonnx(model, x):
    """qonnx's executor on the same operands, in float64: nothing between it and equality."""
    from qonnx.custom_op.registry import getCustomOp

    node = model.graph.node[0]
    version = next(o.version for o in model.opset_import if o.domain == DOMAIN)
    context = {i.name: onnx.numpy_helper.to_array(i) for i in model.graph.initializer}
    context = {name: value.astype(np.float64) for name, value in context.items()} | {"x": x}
    getCustomOp(node, onnx_opset_version=version).execute_node(context, model.graph)
    return np.asarray(context["y"])


def grid(rng, shape, step):
    """Random values, every third on a multiple of half a step: boundaries are hit exactly."""
    x = rng.normal(size=shape) * 8 * step
    on_grid = np.rint(2 * x / step) * step / 2
    return np.where(rng.random(shape) < 0.33, on_grid, x)


@pytest.mark.slow
@settings(deadline=None, max_examples=150)
@given(
    st.integers(1, 9), st.booleans(), st.booleans(), st.sampled_from(ROUNDINGS),
    st.sampled_from([0.25, 1.0, 0.37, 3e-3]), st.sampled_from([0.0, 3.0, -2.0, 0.5]),
    st.booleans(), st.integers(0, 2**32 - 1),
)  # fmt: skip
def test_quant_equals_qonnx(bits, signed, narrow, mode, step, zero_point, channels, seed):
    rng = np.random.default_rng(seed)
    scale = np.full((1, 3, 1), step) * (rng.integers(1, 9, (1, 3, 1)) if channels else 1)
    x = grid(rng, (4, 3, 5), np.float64(np.float32(step)))
    model = model_of(
        "Quant", [1, 3, 5], {"s": scale, "z": zero_point, "b": bits},
        signed=int(signed), narrow=int(narrow), rounding_mode=mode,
    )  # fmt: skip
    got = execute(model, {"x": x})["y"]
    np.testing.assert_array_equal(got.astype(np.float32), by_qonnx(model, x))


@pytest.mark.parametrize("scale", [1.0, 0.3])
def test_bipolar_quant_equals_qonnx(scale):
    x = np.asarray([[-2.0, -1e-300, -0.0, 0.0, 5.0]])
    model = model_of("BipolarQuant", [1, 5], {"s": scale})
    np.testing.assert_array_equal(execute(model, {"x": x})["y"], by_qonnx(model, x))


@pytest.mark.slow
@settings(deadline=None, max_examples=60)
@given(
    st.sampled_from(ROUNDINGS), st.integers(1, 4), st.booleans(), st.booleans(),
    st.booleans(), st.sampled_from([0.0, 4.0]), st.integers(0, 2**32 - 1),
)  # fmt: skip
def test_trunc_equals_qonnx(mode, dropped, second, signed, narrow, zero_point, seed):
    rng = np.random.default_rng(seed)
    step = np.float64(np.float32(0.3))
    x = rng.integers(-200, 200, (3, 4)) * step
    constants = {"s": step, "z": zero_point, "b": 8}
    attributes = {"rounding_mode": mode}
    if second:
        constants |= {"s2": step * 2**dropped}
        attributes |= {"signed": int(signed), "narrow": int(narrow)}
    constants |= {"b2": 8 - dropped}
    model = model_of("Trunc", [1, 4], constants, **attributes)
    np.testing.assert_array_equal(execute(model, {"x": x})["y"], by_qonnx(model, x))


@pytest.mark.slow
@settings(deadline=None, max_examples=40)
@given(
    st.sampled_from(["NCHW", "NHWC", ""]), st.booleans(), st.integers(1, 7),
    st.sampled_from([(1.0, 0.0), (2.0, -1.0), (0.25, 0.5)]), st.integers(0, 2**32 - 1),
)  # fmt: skip
def test_multi_threshold_equals_qonnx(layout, shared, count, affine, seed):
    rng = np.random.default_rng(seed)
    thresholds = np.sort(rng.integers(-6, 6, (1 if shared else 4, count)), axis=1)
    shape = (3, 2, 5, 4) if layout == "NHWC" else (3, 4, 2, 5)
    x = rng.integers(-12, 12, shape) / 2
    attributes = {"data_layout": layout} if layout else {}
    model = model_of(
        "MultiThreshold", [1, *shape[1:]], {"t": thresholds},
        out_dtype="UINT8", out_scale=affine[0], out_bias=affine[1], **attributes,
    )  # fmt: skip
    np.testing.assert_array_equal(execute(model, {"x": x})["y"], by_qonnx(model, x))


def quantized(model, x):
    seen = {}
    Reference(model).run({"x": x}, on_quantized=lambda name, done: seen.update({name: done}))
    return seen["y"]


@pytest.mark.slow
@settings(deadline=None, max_examples=100)
@given(
    st.sampled_from([*ROUNDINGS, "ROUND_TO_ZERO"]), st.integers(-6, 6), st.sampled_from([0.0, 2.0]),
    st.sampled_from([1e-9, -1e-9, 1e-3, -1e-3]),
)  # fmt: skip
def test_a_neighbour_is_a_tie_only_at_the_boundary_between(mode, lower, zero_point, distance):
    """Whatever the mode: find where it switches by bisection, then step off either side."""
    model = model_of("Quant", [1, 1], {"s": 1.0, "z": zero_point, "b": 5}, rounding_mode=mode)
    low, high = lower - 1.5, lower + 2.5
    for _ in range(60):
        middle = (low + high) / 2
        code = quantized(model, np.asarray([[middle - zero_point]])).codes.item()
        low, high = (middle, high) if code <= lower else (low, middle)
    done = quantized(model, np.asarray([[high - zero_point + distance]]))
    other = lower if distance > 0 else lower + 1
    # UP and DOWN both switch twice at or one apart from zero, so compare the two sides only.
    assert bool(done.ties_with(np.asarray([[float(other)]])).item()) == (abs(distance) < 1e-6)
    assert not done.ties_with(done.codes + 3).any()


def test_bipolar_ties_lie_at_zero():
    done = quantized(model_of("BipolarQuant", [1, 3], {"s": 0.5}), np.asarray([[1e-9, -1e-9, 0.1]]))
    assert done.ties_with(-done.codes).tolist() == [[True, True, False]]


def test_threshold_ties_are_relative_to_the_threshold():
    model = model_of("MultiThreshold", [1, 2], {"t": [[1000.0], [1.0]]}, out_dtype="UINT1")
    done = quantized(model, np.asarray([[1000.0005, 1.0005]]))
    assert done.codes.tolist() == [[1.0, 1.0]]
    assert done.ties_with(np.zeros((1, 2))).tolist() == [[True, False]]


def test_trunc_has_no_ties_where_its_input_is_an_integer():
    constants = {"s": 1.0, "z": 0.0, "b": 8, "b2": 7}
    model = model_of("Trunc", [1, 1], constants, rounding_mode="ROUND")
    done = quantized(model, np.asarray([[3.0]]))
    assert not done.ties_with(done.codes - 1).any()


def test_replaced_values_flow_on():
    model = model_of("Quant", [1, 2], {"s": 0.5, "z": 0.0, "b": 4})
    got = execute(model, {"x": np.ones((1, 2))}, on_quantized=lambda _, done: done.real + 7)
    assert got["y"].tolist() == [[8.0, 8.0]]


def test_an_unknown_rounding_mode_is_named():
    model = model_of("Quant", [1, 1], {"s": 1.0, "z": 0.0, "b": 4}, rounding_mode="SIDEWAYS")
    with pytest.raises(UnsupportedLayer, match="rounding mode SIDEWAYS is none of ROUND"):
        execute(model, {"x": np.zeros((1, 1))})


@pytest.mark.parametrize(
    ("kind", "constants"),
    [
        ("Quant", {"s": 0.25, "z": 0.0, "b": 4.0}),
        ("BipolarQuant", {"s": 0.25}),
        ("Trunc", {"s": 0.25, "z": 0.0, "b": 8.0, "b2": 4.0}),
        ("MultiThreshold", {"t": [[-1.5, 0.5, 2.5]]}),
    ],
)
def test_whole_numbers_take_real_parameters(kind, constants):
    """A scale in the type of an integer input would be 0."""
    attributes = {"out_scale": 0.5} if kind == "MultiThreshold" else {}
    model = model_of(kind, [1, 7], constants, **attributes)
    numbers = np.arange(-3, 4)[None]
    (real,) = execute(model, {"x": numbers.astype(np.float64)}).values()
    # The whole numbers are a constant of the network: inputs are real in any case.
    model.graph.node[0].input[0] = "numbers"
    model.graph.node[0].output[0] = "quantized"
    model.graph.node.append(helper.make_node("Add", ["x", "quantized"], ["y"]))
    model.graph.initializer.append(onnx.numpy_helper.from_array(numbers, "numbers"))
    (whole,) = execute(model, {"x": np.zeros((1, 7))}).values()
    np.testing.assert_array_equal(whole, real)
    assert np.any(real % 1)
