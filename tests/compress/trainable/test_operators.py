"""Operators as other exporters spell them, each against ONNX Runtime; and what is refused."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import nn

from fpgacomp.compress.constraints import Codebook, Zeros, keep_shared
from fpgacomp.compress.trainable import (
    PermuteTensor,
    ScaleTensor,
    constraints_of,
    example_input,
    from_module,
    from_onnx,
    input_shape,
    to_onnx,
    weight_layers,
)
from fpgacomp.errors import ModelError, Problems, UnsupportedLayer

pytestmark = pytest.mark.slow  # loading the framework takes seconds

Node = tuple[Any, ...]


def model_of(
    nodes: Sequence[onnx.NodeProto],
    shape: Sequence[int | str],
    constants: dict[str, np.ndarray],
    opset: int = 18,
) -> onnx.ModelProto:
    """x -> y."""
    graph = helper.make_graph(
        list(nodes),
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, list(shape))],
        [onnx.ValueInfoProto(name="y")],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    graph.output[0].type.tensor_type.elem_type = TensorProto.FLOAT
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)
    return model


def n(op: str, *inputs: str, out: str = "y", **attributes: Any) -> onnx.NodeProto:
    return helper.make_node(op, list(inputs), [out], **attributes)


def f(*shape: int) -> np.ndarray:
    return np.random.default_rng(sum(shape)).normal(size=shape).astype(np.float32)


def f1(value: float) -> np.ndarray:
    return np.asarray(value, np.float32)


def i(*values: int) -> np.ndarray:
    return np.asarray(values, np.int64)


IMAGE = ("N", 3, 7, 8)
CASES: dict[str, tuple[list[onnx.NodeProto], Sequence[int | str], dict[str, np.ndarray], int]] = {
    "gemm alpha beta": (
        [n("Gemm", "x", "w", "b", alpha=0.5, beta=2.0)],
        ("N", 4), {"w": f(4, 5), "b": f(1, 5)}, 18),
    "gemm scalar bias": (
        [n("Gemm", "x", "w", "b", transB=1)], ("N", 4), {"w": f(5, 4), "b": f(1)}, 18),
    "matmul bias": (
        [n("MatMul", "x", "w", out="m"), n("Add", "b", "m")],
        ("N", 4), {"w": f(4, 5), "b": f(5)}, 18),
    "matmul of three axes": (
        [n("MatMul", "x", "w", out="m"), n("Sub", "m", "b")],
        ("N", 6, 4), {"w": f(4, 5), "b": f(1, 1, 5)}, 18),
    "conv uneven pads": (
        [n("Conv", "x", "w", "b", pads=[0, 1, 2, 1], strides=[2, 1])],
        IMAGE, {"w": f(4, 3, 3, 2), "b": f(4)}, 18),
    "conv same upper": (
        [n("Conv", "x", "w", auto_pad="SAME_UPPER", strides=[2, 2])],
        IMAGE, {"w": f(4, 3, 4, 3)}, 18),
    "conv same lower, bias added": (
        [n("Conv", "x", "w", out="c", auto_pad="SAME_LOWER"),
         n("Add", "c", "b")],
        IMAGE, {"w": f(4, 3, 2, 2), "b": f(1, 4, 1, 1)}, 18),
    "conv 1d depthwise, dilated": (
        [n("Conv", "x", "w", group=3, pads=[2, 0], dilations=[2])],
        ("N", 3, 9), {"w": f(6, 1, 3)}, 18),
    "pool overhang": (
        [n("MaxPool", "x", kernel_shape=[2, 2], strides=[2, 2], ceil_mode=1)], IMAGE, {}, 18),
    "pool same, behind relu": (
        [n("Relu", "x", out="r"),
         n("MaxPool", "r", kernel_shape=[2, 3], strides=[1, 1], auto_pad="SAME_LOWER")],
        IMAGE, {}, 18),
    "pool same odd": (
        [n("MaxPool", "x", kernel_shape=[2, 2], strides=[2, 2], auto_pad="SAME_UPPER")],
        IMAGE, {}, 18),
    "average same, not counted": (
        [n("AveragePool", "x", kernel_shape=[2, 2], strides=[2, 2], auto_pad="SAME_UPPER")],
        IMAGE, {}, 18),
    "average counted": (
        [n("AveragePool", "x", kernel_shape=[3, 3], pads=[1, 0, 1, 1], count_include_pad=1)],
        IMAGE, {}, 18),
    "global pools": (
        [n("GlobalAveragePool", "x", out="a"), n("GlobalMaxPool", "x", out="b"),
         n("Add", "a", "b", out="s"), n("Squeeze", "s", "axes")],
        IMAGE, {"axes": i(2, 3)}, 18),
    "reduce mean, channels last": (
        [n("ReduceMean", "x", axes=[1, 2], keepdims=0)], ("N", 4, 5, 3), {}, 13),
    "reduce mean kept, channels last": (
        [n("ReduceMean", "x", "a", keepdims=1, out="m"), n("Relu", "m")],
        ("N", 4, 5, 3), {"a": i(-3, -2)}, 18),
    "pad channels last": (
        [n("Pad", "x", "p")], ("N", 4, 5, 3), {"p": i(0, 1, 0, 0, 0, 0, 2, 0)}, 18),
    "pad attribute": ([n("Pad", "x", pads=[0, 0, 1, 0, 0, 0, 0, 2])], IMAGE, {}, 9),
    "upsample": ([n("Upsample", "x", "s")], IMAGE, {"s": np.array([1, 1, 2, 3], "f")}, 9),
    "resize half pixel": (
        [n("Resize", "x", "", "", "z", mode="nearest")], (1, 3, 7, 8), {"z": i(1, 3, 14, 32)}, 13),
    "transposes cancel": (
        [n("Transpose", "x", out="a", perm=[0, 3, 1, 2]), n("Relu", "a", out="b"),
         n("Transpose", "b", out="c", perm=[0, 2, 3, 1]),
         n("Transpose", "c", out="d", perm=[0, 3, 1, 2]), n("Sigmoid", "d")],
        ("N", 4, 5, 3), {}, 18),
    "normalize": (
        [n("Div", "x", "d", out="a"), n("Sub", "a", "m", out="b"), n("Mul", "b", "s", out="c"),
         n("Sub", "one", "c")],
        IMAGE, {"d": np.float32(255), "m": f(1, 3, 1, 1), "s": f(3, 1, 1), "one": f(1)}, 18),
    "clips": (
        [n("Clip", "x", "lo", "six", out="a"), n("Clip", "a", "lo", out="b"),
         n("Clip", "b", "", "six")],
        ("N", 4), {"lo": np.float32(0), "six": np.float32(6)}, 18),
    "elu, selu": ([n("Elu", "x", out="e", alpha=0.7), n("Selu", "e")], ("N", 4), {}, 18),
    "hard sigmoids": (
        [n("HardSigmoid", "x", out="h"), n("HardSigmoid", "h", alpha=1 / 6, beta=0.5)],
        ("N", 4), {}, 18),
    "gelu, hard swish": ([n("Gelu", "x", out="g"), n("HardSwish", "g")], ("N", 4), {}, 20),
    "silu, gate first": ([n("Sigmoid", "x", out="s"), n("Mul", "s", "x")], ("N", 4), {}, 18),
    "gelu in parts": (
        [n("Div", "x", "root", out="d"), n("Erf", "d", out="e"), n("Add", "one", "e", out="a"),
         n("Mul", "x", "a", out="p"), n("Mul", "p", "half")],
        ("N", 4), {"root": np.sqrt(np.float32(2)), "one": f1(1), "half": f1(0.5)}, 18),
    "gelu in parts, half first": (
        [n("Mul", "x", "root", out="d"), n("Erf", "d", out="e"), n("Add", "e", "one", out="a"),
         n("Mul", "x", "half", out="h"), n("Mul", "a", "h")],
        ("N", 4), {"root": np.sqrt(np.float32(0.5)), "one": f1(1), "half": f1(0.5)}, 13),
    "hard swish in parts, of a relu": (
        [n("Relu", "x", out="r"), n("Add", "r", "three", out="a"),
         n("Clip", "a", "no", "six", out="c"), n("Mul", "r", "c", out="p"), n("Div", "p", "six")],
        ("N", 4), {"three": f1(3), "no": f1(0), "six": f1(6)}, 13),
    "twice a gate": (
        [n("Mul", "x", "two", out="t"), n("Sigmoid", "x", out="s"), n("Mul", "t", "s")],
        ("N", 4), {"two": f1(2)}, 18),
    "log softmax": ([n("LogSoftmax", "x", axis=1)], ("N", 4), {}, 18),
    "log softmax, old": ([n("LogSoftmax", "x")], ("N", 4), {}, 11),
    "old clip, dropout": (
        [n("Clip", "x", out="a", min=-0.5, max=0.5), n("Dropout", "a")], ("N", 4), {}, 9),
    "prelu": ([n("PRelu", "x", "s")], ("N", 4), {"s": np.float32([0.3])}, 18),
    "shape chain": (
        [n("Shape", "x", out="s"), n("Gather", "s", "zero", out="n"),
         n("Unsqueeze", "n", "axis", out="u"), n("Concat", "u", "rest", out="t", axis=0),
         n("Reshape", "x", "t")],
        IMAGE, {"zero": np.int64(0), "axis": i(0), "rest": i(-1)}, 18),
    "batch norm of a vector": (
        [n("BatchNormalization", "x", "g", "b", "m", "v", epsilon=1e-3)],
        ("N", 4), {"g": f(4), "b": f(4), "m": f(4), "v": np.abs(f(4)) + 1}, 18),
    "sum of three": (
        [n("Relu", "x", out="a"), n("Tanh", "x", out="b"), n("Sum", "a", "b", "x")],
        ("N", 4), {}, 18),
    "input is output": ([n("Identity", "x")], ("N", 4), {}, 18),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_reads_as_it_runs(name: str) -> None:
    model = model_of(*CASES[name])
    network = from_onnx(model)
    assert {node.op for node in network.graph.nodes} == {"placeholder", "call_module", "output"}
    x = example_input(network, 3) * 8 - 4
    session = onnxruntime.InferenceSession(model.SerializeToString())
    wanted = np.concatenate([session.run(None, {"x": row.numpy()})[0] for row in x.split(1)])
    with torch.no_grad():
        found = network(x).numpy()
        again = from_onnx(to_onnx(network, input_shape(network)))(x).numpy()
    # A sum of terms as large as the largest output may end near zero: its rounding error is
    # theirs, and differs from one processor's order of summation to another's.
    largest = max(1.0, float(np.abs(wanted).max()))
    np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-5 * largest)
    np.testing.assert_allclose(again, wanted, rtol=1e-5, atol=1e-5 * largest)


def test_what_is_folded() -> None:
    kinds = {
        name: [type(part) for part in from_onnx(model_of(*CASES[name])).children()]
        for name in (
            *("matmul bias", "normalize", "transposes cancel", "shape chain", "clips"),
            *("gelu in parts", "hard swish in parts, of a relu", "twice a gate"),
        )
    }
    assert kinds == {
        "matmul bias": [nn.Linear],
        "normalize": [ScaleTensor],
        "transposes cancel": [PermuteTensor, nn.ReLU, nn.Sigmoid],
        "shape chain": [nn.Flatten],
        "clips": [nn.ReLU6, nn.ReLU, nn.Hardtanh],
        "gelu in parts": [nn.GELU],
        "hard swish in parts, of a relu": [nn.ReLU, nn.Hardswish],
        "twice a gate": [nn.SiLU, ScaleTensor],
    }


REFUSED: dict[str, tuple[list[onnx.NodeProto], Sequence[int | str], dict[str, Any], str]] = {
    "operator": ([n("Mish", "x")], ("N", 4), {}, "operator Mish is not carried"),
    "gelu by tanh": ([n("Gelu", "x", approximate="tanh")], ("N", 4), {}, "approximate is tanh"),
    "selu": ([n("Selu", "x", alpha=1.5)], ("N", 4), {}, "its alpha is 1.5"),
    "gate of another": (
        [n("Relu", "x", out="r"), n("Sigmoid", "r", out="s"), n("Mul", "x", "s")], ("N", 4), {},
        "Mul of two computed tensors"),
    "domain": ([n("Odd", "x", domain="my")], ("N", 4), {}, "operator my.Odd is not carried"),
    "weight": ([n("MatMul", "x", "x")], ("N", 4, 4), {}, "its weight is not constant"),
    "batch moved": ([n("Transpose", "x")], ("N", 4), {}, "it moves the batch axis"),
    "batch lost": (
        [n("Reshape", "x", "s")], ("N", 4), {"s": i(4, -1)}, "does not keep the batch axis"),
    "batch joined": ([n("Concat", "x", "x", axis=0)], ("N", 4), {}, "it joins the batch axis"),
    "product": ([n("Mul", "x", "x")], ("N", 4), {}, "Mul of two computed tensors"),
    "divided by": ([n("Div", "c", "x")], ("N", 4), {"c": f(4)}, "it divides by a tensor"),
    "broadcast": (
        [n("GlobalAveragePool", "x", out="g"), n("Add", "x", "g")], IMAGE, {},
        "it sums tensors of shapes"),
    "linear": (
        [n("Resize", "x", "", "s", mode="linear")], IMAGE,
        {"s": np.array([1, 1, 2, 2], "f")}, "in mode linear"),
    "reflect": (
        [n("Pad", "x", "p", mode="reflect")], IMAGE, {"p": i(0, 0, 1, 1, 0, 0, 1, 1)},
        "mode reflect"),
    "uneven max": (
        [n("MaxPool", "x", kernel_shape=[2, 2], pads=[1, 1, 0, 0])], IMAGE, {},
        "put a ReLU before a MaxPool"),
    "open size": ([n("Relu", "x")], ("N", "rows"), {}, "is not known"),
    "quantized": (
        [n("DequantizeLinear", "q", "s", out="w"), n("MatMul", "x", "w")], ("N", 2),
        {"q": np.ones((2, 2), np.int8), "s": np.float32(1)}, "quantized already"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_refusals_say_why(name: str) -> None:
    nodes, shape, constants, text = REFUSED[name]
    with pytest.raises(UnsupportedLayer, match=text) as caught:
        from_onnx(model_of(nodes, shape, constants, 20))
    assert caught.value.fix and caught.value.where


def test_all_refusals_at_once() -> None:
    nodes = [
        n("Mish", "x", out="a"),
        n("Relu", "a", out="b"),
        n("Odd", "b", domain="my", out="c"),
        n("Softmax", "c", axis=0),
    ]
    with pytest.raises(Problems) as caught:
        from_onnx(model_of(nodes, ("N", 4), {}, 20))
    assert "Mish" in str(caught.value) and "my.Odd" in str(caught.value)


def test_shapes_that_do_not_fit() -> None:
    with pytest.raises(ModelError, match="do not go together"):
        from_onnx(model_of([n("MatMul", "x", "w")], ("N", 4), {"w": f(100, 2)}))


def test_codebooks_stay_in_the_file() -> None:
    torch.manual_seed(0)
    module = nn.Sequential(
        nn.Conv2d(1, 4, 3),
        nn.ReLU(),
        nn.Flatten(2),
        nn.Linear(36, 5),
        nn.Flatten(),
        nn.Linear(20, 3),
    )
    network = from_module(module, torch.rand(2, 1, 8, 8))
    for layer in weight_layers(network).values():
        keep_shared(layer, torch.randint(0, 4, layer.weight.shape))
    model = to_onnx(network, (1, 8, 8))
    sizes = {t.name: tuple(t.dims) for t in model.graph.initializer}
    assert (
        sizes["layer_0.codebook"] == sizes["layer_3.codebook"] == sizes["layer_5.codebook"] == (4,)
    )
    assert not any(name.endswith("weight") for name in sizes)
    again = from_onnx(model)
    assert [type(c) for c in constraints_of(again)] == [Codebook] * 3
    for name, layer in weight_layers(network).items():
        assert torch.equal(layer.weight, weight_layers(again)[name].weight)
        assert torch.equal(layer.shared, weight_layers(again)[name].shared)


def test_zeros_and_meta_survive_file_and_copy() -> None:
    network = from_module(nn.Sequential(nn.Linear(10, 10), nn.Linear(10, 10)), torch.rand(2, 10))
    with torch.no_grad():
        network.get_submodule("layer_0").weight[0, :2] = 0
        network.get_submodule("layer_1").weight[0, 0] = 0  # one zero is chance
    again = copy.deepcopy(from_onnx(to_onnx(network, (10,), input_name="in", output_name="out")))
    assert again.meta == {
        "input_shape": (10,), "input_name": "in", "output_name": "out",
        "onnx_names": {"layer_0": "layer_0", "layer_1": "layer_1"},
    }  # fmt: skip
    (zeros,) = constraints_of(again)
    assert isinstance(zeros, Zeros) and int((~zeros.kept).sum()) == 2
    assert zeros.weight is again.get_submodule("layer_0").weight


def test_an_untied_codebook_is_refused() -> None:
    network = from_module(nn.Sequential(nn.Linear(4, 2)), torch.rand(2, 4))
    layer = network.get_submodule("layer_0")
    keep_shared(layer, torch.zeros(2, 4, dtype=torch.int64))
    with torch.no_grad():
        layer.weight[0, 0] += 1
    with pytest.raises(ModelError, match="weights of one codebook index differ"):
        to_onnx(network, (4,))
