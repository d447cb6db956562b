"""Each operator of the reference against ONNX Runtime (float32) on random nodes."""

from __future__ import annotations

import numpy as np
import onnx
import onnxruntime
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper

from fpgacomp.errors import InputDataError, Problems, UnsupportedLayer
from fpgacomp.evidence.reference.network import execute

SAMPLES = 3


def model_of(node, shape, constants, outputs=("y",), opset=20):
    graph = helper.make_graph(
        [node],
        "one_node",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [None, *shape])],
        [helper.make_empty_tensor_value_info(name) for name in outputs],
        [onnx.numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)])
    model.ir_version = 9
    return model


def assert_equals_onnxruntime(model, x, rounding=1e-5):
    session = onnxruntime.InferenceSession(
        onnx.shape_inference.infer_shapes(model).SerializeToString(),
        providers=["CPUExecutionProvider"],
    )
    names = [output.name for output in model.graph.output]
    expected = session.run(names, {"x": x})
    got = execute(model, {"x": x})
    for name, want in zip(names, expected):
        assert got[name].dtype == np.float64
        assert got[name].shape == want.shape
        np.testing.assert_allclose(got[name], want, rtol=rounding, atol=rounding)


def random_array(rng, *shape):
    return rng.normal(size=shape).astype(np.float32)


@st.composite
def windows(draw, rank):
    kernel = [draw(st.integers(1, 3)) for _ in range(rank)]
    return {
        "kernel_shape": kernel,
        "strides": [draw(st.integers(1, 3)) for _ in range(rank)],
        "pads": [draw(st.integers(0, k - 1)) for k in kernel + kernel],
    }


@pytest.mark.slow
@settings(deadline=None, max_examples=60)
@given(st.data(), st.integers(0, 2**32 - 1), st.integers(1, 2))
def test_conv_equals_onnxruntime(data, seed, rank):
    rng = np.random.default_rng(seed)
    attributes = data.draw(windows(rank))
    groups = data.draw(st.integers(1, 3))
    c_in, c_out = groups * data.draw(st.integers(1, 2)), groups * data.draw(st.integers(1, 2))
    attributes["dilations"] = [data.draw(st.integers(1, 2)) for _ in range(rank)]
    spatial = [data.draw(st.integers(5, 8)) for _ in range(rank)]
    constants = {
        "w": random_array(rng, c_out, c_in // groups, *attributes["kernel_shape"]),
        "b": random_array(rng, c_out),
    }
    node = helper.make_node("Conv", ["x", "w", "b"], ["y"], group=groups, **attributes)
    x = random_array(rng, SAMPLES, c_in, *spatial)
    assert_equals_onnxruntime(model_of(node, x.shape[1:], constants), x)


@pytest.mark.slow
@settings(deadline=None, max_examples=20)
@given(
    st.sampled_from(["SAME_UPPER", "SAME_LOWER", "VALID"]),
    st.sampled_from(["Conv", "MaxPool"]),
    st.integers(1, 3),
    st.integers(1, 3),
    st.integers(0, 2**32 - 1),
)
def test_auto_pad_equals_onnxruntime(auto_pad, kind, kernel, stride, seed):
    stride = min(stride, kernel)  # beyond that, ONNX Runtime's own operators disagree
    rng = np.random.default_rng(seed)
    x = random_array(rng, SAMPLES, 2, 7, 6)
    constants = {"w": random_array(rng, 2, 2, kernel, kernel)} if kind == "Conv" else {}
    node = helper.make_node(
        kind, ["x", *constants], ["y"],
        kernel_shape=[kernel] * 2, strides=[stride] * 2, auto_pad=auto_pad,
    )  # fmt: skip
    assert_equals_onnxruntime(model_of(node, x.shape[1:], constants), x)


@pytest.mark.slow
@settings(deadline=None, max_examples=60)
@given(
    st.data(),
    st.sampled_from([("MaxPool", {}), ("MaxPool", {"ceil_mode": 1}),
                     ("AveragePool", {"count_include_pad": 0}),
                     ("AveragePool", {"count_include_pad": 1})]),
    st.integers(1, 2),
    st.integers(0, 2**32 - 1),
)  # fmt: skip
def test_pools_equal_onnxruntime(data, kind, rank, seed):
    rng = np.random.default_rng(seed)
    attributes = data.draw(windows(rank)) | kind[1]
    x = random_array(rng, SAMPLES, 2, *(data.draw(st.integers(4, 7)) for _ in range(rank)))
    if "ceil_mode" in attributes:  # a last window that starts in the padding has no agreed meaning
        attributes["pads"] = [0] * (2 * rank)
        attributes["strides"] = [min(s, k) for s, k in zip(*map(attributes.get,
                                 ["strides", "kernel_shape"]))]  # fmt: skip
    node = helper.make_node(kind[0], ["x"], ["y"], **attributes)
    assert_equals_onnxruntime(model_of(node, x.shape[1:], {}), x)


def constant(value):
    return np.asarray(value, dtype=np.float32)


def integers(*values):
    return np.asarray(values, dtype=np.int64)


IMAGE, VECTOR, STEPS = (4, 6, 5), (6,), (5, 4)
SLOPE = constant([[[0.1]], [[-0.3]], [[2.0]], [[0.0]]])
RANDOM = np.random.default_rng(5)
PARAMETERS = {
    "g": random_array(RANDOM, 4),
    "b": random_array(RANDOM, 4),
    "m": random_array(RANDOM, 4),
    "v": np.abs(random_array(RANDOM, 4)) + constant(0.1),
}
NODES = [
    ("Relu", {}, {}, IMAGE),
    ("LeakyRelu", {}, {"alpha": 0.3}, IMAGE),
    ("LeakyRelu", {}, {}, IMAGE),
    ("PRelu", {"s": SLOPE}, {}, IMAGE),
    ("Clip", {"lo": constant(-0.5), "hi": constant(0.7)}, {}, IMAGE),
    ("Clip", {"lo": constant(-0.5)}, {}, IMAGE),
    ("HardSigmoid", {}, {}, IMAGE),
    ("HardSigmoid", {}, {"alpha": 0.4, "beta": 0.3}, IMAGE),
    ("HardSwish", {}, {}, IMAGE),
    ("Sigmoid", {}, {}, IMAGE),
    ("Tanh", {}, {}, IMAGE),
    ("Selu", {}, {}, IMAGE),
    ("Selu", {}, {"alpha": 1.5, "gamma": 0.9}, IMAGE),
    ("Elu", {}, {"alpha": 0.7}, IMAGE),
    ("Gelu", {}, {}, IMAGE),
    ("Gelu", {}, {"approximate": "tanh"}, IMAGE),
    ("Softplus", {}, {}, IMAGE),
    ("Softsign", {}, {}, IMAGE),
    ("Erf", {}, {}, IMAGE),
    ("Softmax", {}, {}, VECTOR),
    ("Softmax", {}, {"axis": 1}, IMAGE),
    ("LogSoftmax", {}, {"axis": -1}, VECTOR),
    ("ArgMax", {}, {"axis": 1}, IMAGE),
    ("ArgMax", {}, {"axis": -1, "keepdims": 0}, VECTOR),
    ("MatMul", {"w": random_array(RANDOM, 6, 3)}, {}, VECTOR),
    ("MatMul", {"w": random_array(RANDOM, 4, 3)}, {}, STEPS),
    ("Gemm", {"w": random_array(RANDOM, 3, 6), "c": random_array(RANDOM, 3)},
     {"transB": 1, "alpha": 0.5, "beta": 2.0}, VECTOR),
    ("Add", {"c": random_array(RANDOM, 1, 4, 1, 1)}, {}, IMAGE),
    ("Sub", {"c": random_array(RANDOM, 4, 1, 1)}, {}, IMAGE),
    ("Mul", {"c": constant(0.37)}, {}, IMAGE),
    ("Div", {"c": random_array(RANDOM, 5)}, {}, IMAGE),
    ("BatchNormalization", PARAMETERS, {"epsilon": 0.01}, IMAGE),
    ("BatchNormalization", PARAMETERS, {}, (4,)),
    ("GlobalAveragePool", {}, {}, IMAGE),
    ("GlobalMaxPool", {}, {}, IMAGE),
    ("ReduceMean", {"a": integers(2, 3)}, {"keepdims": 0}, IMAGE),
    ("Transpose", {}, {"perm": [0, 2, 3, 1]}, IMAGE),
    ("Flatten", {}, {"axis": 1}, IMAGE),
    ("Reshape", {"t": integers(0, -1)}, {}, IMAGE),
    ("Reshape", {"t": integers(-1, 12, 10)}, {}, IMAGE),
    ("Unsqueeze", {"a": integers(1, 3)}, {}, VECTOR),
    ("Squeeze", {"a": integers(1)}, {}, (1, 7)),
    ("Pad", {"p": integers(0, 0, 1, 2, 0, 0, 3, 0), "v": constant(0.5)}, {}, IMAGE),
    ("Slice", {"s": integers(1, 4), "e": integers(3, -9), "a": integers(1, 3),
               "d": integers(1, -2)}, {}, IMAGE),
    ("Gather", {"i": integers(2, 0, 2)}, {"axis": 1}, IMAGE),
    ("Concat", {"c": random_array(RANDOM, SAMPLES, 2, 6, 5)}, {"axis": 1}, IMAGE),
]  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "constants", "attributes", "shape"),
    NODES,
    ids=[f"{number}-{node[0]}" for number, node in enumerate(NODES)],
)
def test_node_equals_onnxruntime(kind, constants, attributes, shape):
    x = 2 * random_array(np.random.default_rng(11), SAMPLES, *shape)
    node = helper.make_node(kind, ["x", *constants], ["y"], **attributes)
    assert_equals_onnxruntime(model_of(node, shape, constants), x)


@pytest.mark.parametrize("nearest", ["floor", "ceil", "round_prefer_floor", "round_prefer_ceil"])
@pytest.mark.parametrize("style", ["asymmetric", "half_pixel", "align_corners"])
@pytest.mark.parametrize("factors", [(2, 2), (3, 2), (1, 3)])
def test_nearest_resize_equals_onnxruntime(nearest, style, factors):
    x = random_array(np.random.default_rng(1), SAMPLES, 2, 3, 4)
    scales = constant([1, 1, *factors])
    node = helper.make_node(
        "Resize", ["x", "", "scales"], ["y"], mode="nearest", nearest_mode=nearest,
        coordinate_transformation_mode=style,
    )  # fmt: skip
    assert_equals_onnxruntime(model_of(node, x.shape[1:], {"scales": scales}), x)


@pytest.mark.parametrize("largest", [0, 1])
def test_top_k_equals_onnxruntime(largest):
    x = random_array(np.random.default_rng(2), SAMPLES, 9)
    node = helper.make_node("TopK", ["x", "k"], ["y", "i"], axis=-1, largest=largest)
    assert_equals_onnxruntime(model_of(node, (9,), {"k": integers(4)}, ("y", "i")), x)


def test_top_k_of_equal_values_takes_the_first():
    x = np.asarray([[3, 5, 5, 1]], dtype=np.float32)
    node = helper.make_node("TopK", ["x", "k"], ["y", "i"], axis=-1)
    model = model_of(node, (4,), {"k": integers(2)}, ("y", "i"))
    assert execute(model, {"x": x})["i"].tolist() == [[1, 2]]


def test_a_target_shape_for_batch_one_keeps_the_samples():
    node = helper.make_node("Reshape", ["x", "t"], ["y"])
    model = model_of(node, (4, 3), {"t": integers(1, 12)})
    x = np.arange(24, dtype=np.float64).reshape(2, 4, 3)
    np.testing.assert_array_equal(execute(model, {"x": x})["y"], x.reshape(2, 12))


def test_a_reshape_that_mixes_samples_is_refused():
    node = helper.make_node("Reshape", ["x", "t"], ["y"], name="mixer")
    model = model_of(node, (4, 3), {"t": integers(6, 2)})
    with pytest.raises(UnsupportedLayer, match=r"mixer: a reshape to \[6, 2\] does not keep"):
        execute(model, {"x": np.zeros((2, 4, 3))})


def test_an_old_softmax_normalises_over_all_axes_from_its_own_on():
    node = helper.make_node("Softmax", ["x"], ["y"], axis=1)
    x = random_array(np.random.default_rng(3), SAMPLES, 2, 3)
    got = execute(model_of(node, (2, 3), {}, opset=11), {"x": x})["y"]
    np.testing.assert_allclose(got.sum(axis=(1, 2)), 1)


def test_kept_tensors_and_missing_inputs():
    first = helper.make_node("Relu", ["x"], ["inner"])
    model = model_of(first, (3,), {}, ("y",))
    model.graph.node.append(helper.make_node("Tanh", ["inner"], ["y"]))
    x = np.asarray([[-1.0, 0.5, 2.0]])
    got = execute(model, {"x": x}, keep=["inner"])
    assert got["inner"].tolist() == [[0.0, 0.5, 2.0]]
    assert set(got) == {"inner", "y"}
    with pytest.raises(InputDataError, match="x: no values were given"):
        execute(model, {"z": x})
    with pytest.raises(InputDataError, match=r"got shape \(1, 2\), expected \[N, \(3,\)\]"):
        execute(model, {"x": x[:, :2]})


def test_all_unknown_operators_are_named_at_once():
    first = helper.make_node("LRN", ["x"], ["a"], name="normaliser", size=3)
    model = model_of(first, (3,), {}, ("y",))
    model.graph.node.append(helper.make_node("Det", ["a"], ["y"], name="determinant"))
    with pytest.raises(Problems, match=r"(?s)normaliser.*LRN.*determinant.*Det"):
        execute(model, {"x": np.zeros((1, 3))})
