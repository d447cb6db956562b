"""Networks as they are found: each is carried exactly, or refused by check with a true remedy."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from fpgacomp.errors import UnsupportedLayer
from fpgacomp.flows.check import check
from fpgacomp.flows.compile import compile
from fpgacomp.flows.options import Options
from fpgacomp.frontend.read import read_network
from fpgacomp.lower import lower
from tests.support.frontend_runs import build, execute, node, quant
from tests.support.ordinary_networks import GRID, dense, network, quantized, weights
from tests.support.whole_runs import BOARD, answers, assert_carried, random_inputs

QONNX = "qonnx.custom_op.general"
CHANNELS_LAST = "qonnx.custom_op.channels_last"


def five_axes() -> onnx.ModelProto:
    """Video frames through what looks at each number alone."""
    nodes = [node("Relu", ["q"], "r"), quantized("r", "y", "sy")]
    return network(nodes, [1, 2, 3, 4, 2])


def reshaped_conv(before: Sequence[int], after: Sequence[int], *kernel: int) -> onnx.ModelProto:
    nodes = [
        node("Reshape", ["q", "target"], "r"),
        quantized("w", "v", "sw", "bw"),
        node("Conv", ["r", "v"], "y"),
        quantized("y", "o", "sy"),
    ]
    shape = np.array([-1, *after[1:]])
    return network(nodes, before, target=shape, w=weights(3, after[1], *kernel))


RESHAPES = {
    "flat to image": ([1, 20], [1, 1, 5, 4], (3, 3)),
    "flat to channels": ([1, 32], [1, 4, 2, 4], (2, 2)),
    "image to sequence": ([1, 1, 7, 4], [1, 1, 28], (3,)),
    "channels mixed": ([1, 2, 4, 4], [1, 4, 2, 4], (2, 2)),
}


def folded_batch() -> onnx.ModelProto:
    """A batch of 4 frozen into the file, and folded into the positions and back."""
    nodes = [
        node("Reshape", ["q", "fold"], "r"),
        quantized("w", "v", "sw", "bw"),
        node("MatMul", ["r", "v"], "m"),
        node("Reshape", ["m", "unfold"], "y"),
    ]
    fold, unfold = np.array([24, 5]), np.array([4, 6, 3])
    return network(nodes, [4, 6, 5], fold=fold, unfold=unfold, w=weights(5, 3))


def silu_output() -> onnx.ModelProto:
    return dense(node("Sigmoid", ["m"], "g"), node("Mul", ["m", "g"], "y"))


def relu_on_the_input() -> onnx.ModelProto:
    """A Relu, then int8 codes with a zero point, which read as a Clip."""
    nodes = [
        node("Relu", ["x"], "r"),
        node("QuantizeLinear", ["r", "s", "p"], "c"),
        node("DequantizeLinear", ["c", "s", "p"], "d"),
        quantized("w", "v", "sw", "bw"),
        node("MatMul", ["d", "v"], "y"),
    ]
    return build(nodes, [1, 4], GRID | {"p": np.array(-5, np.int8), "w": weights(4, 3)})


def unused_input() -> onnx.ModelProto:
    model = dense()
    model.graph.input.append(helper.make_tensor_value_info("extra", TensorProto.FLOAT, [1, 5]))
    return model


def passed_through() -> onnx.ModelProto:
    """The quantized input is an output beside the product."""
    model = dense()
    model.graph.output.append(helper.make_tensor_value_info("q", TensorProto.FLOAT, [1, 4]))
    return model


def channels_last() -> onnx.ModelProto:
    conv = {"kernel_shape": [3, 3], "pads": [1] * 4, "strides": [1, 1], "group": 1}
    pool = {"kernel_shape": [2, 2], "strides": [2, 2], "pads": [0] * 4}
    nodes = [
        quantized("w", "v", "sw", "bw"),
        helper.make_node("Conv", ["q", "v"], ["c"], domain=CHANNELS_LAST, **conv),
        helper.make_node(
            "BatchNormalization", ["c", "g", "g", "g", "g"], ["n"], domain=CHANNELS_LAST
        ),
        quantized("n", "o", "sy"),
        helper.make_node("MaxPool", ["o"], ["y"], domain=CHANNELS_LAST, **pool),
    ]
    return network(nodes, [1, 4, 4, 2], w=weights(3, 3, 3, 2), g=np.array([0.5, 1.0, 2.0]))


def quant_tensor() -> onnx.ModelProto:
    """Scale and bit width are outputs of their own, as Brevitas' export of a QuantTensor has."""
    model = dense(quantized("m", "o", "sy"))
    for name in ("sy", "b"):
        model.graph.output.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, []))
    return model


def detection_head() -> onnx.ModelProto:
    """A head that splits its channels, computes with a part and joins them again."""
    nodes = [
        quantized("w", "v", "sw", "bw"),
        node("Conv", ["q", "v"], "c"),
        helper.make_node("Split", ["c", "parts"], ["first", "second"], axis=1),
        node("Exp", ["first"], "e"),
        node("Pow", ["second", "two"], "p"),
        node("Mul", ["e", "p"], "g"),
        node("Concat", ["g", "second"], "k", axis=1),
        node("DepthToSpace", ["k"], "d", blocksize=2),
        node("ReduceMax", ["d"], "y", axes=[1], keepdims=0),
    ]
    constants = {"parts": np.array([2, 2]), "two": 2.0}
    return network(nodes, [1, 2, 4, 4], w=weights(4, 2, 1, 1), **constants)


def super_resolution() -> onnx.ModelProto:
    """The quantizer stands behind the move of channels to positions."""
    nodes = [
        quantized("w", "v", "sw", "bw"),
        node("Conv", ["q", "v"], "c"),
        node("DepthToSpace", ["c"], "d", blocksize=2, mode="CRD"),
        node("Relu", ["d"], "r"),
        quantized("r", "y", "sy"),
    ]
    return network(nodes, [1, 2, 4, 4], w=weights(4, 2, 1, 1))


def quantized_silu() -> onnx.ModelProto:
    """x, Quant, Sigmoid, Quant, Mul, as ONNX Runtime quantizes SiLU: one function of x."""
    return dense(
        quantized("m", "a"), node("Sigmoid", ["a"], "g"), quantized("g", "h", "sw"),
        node("Mul", ["a", "h"], "p"), quantized("p", "y"),
    )  # fmt: skip


def quantized_square() -> onnx.ModelProto:
    return dense(quantized("m", "a"), node("Mul", ["a", "a"], "p"), quantized("p", "y"))


def padded_pool(value: float = 0.0) -> onnx.ModelProto:
    """A Pad in front of a MaxPool of signed numbers: zeros compete, the lowest numbers do not."""
    nodes = [node("Pad", ["q", "pads", "fill"], "p"),
             node("MaxPool", ["p"], "y", kernel_shape=[3, 3], strides=[2, 2])]  # fmt: skip
    pads = np.array([0, 0, 1, 0, 0, 0, 1, 2])
    return network(nodes, [1, 2, 6, 6], pads=pads, fill=value)


def joined_positions(axis: int, *, last: str = "Conv") -> onnx.ModelProto:
    """Two images side by side or one above the other, of one scale, then a layer."""
    behind = [node("Conv", ["k", "t"], "y")]
    if last == "MatMul":
        behind = [node("Flatten", ["k"], "f"), node("MatMul", ["f", "t"], "y")]
    nodes = [
        quantized("u", "v", "sw", "bw"),
        node("Conv", ["q", "v"], "c"),
        quantized("c", "d"),
        node("Concat", ["q", "d"], "k", axis=axis),
        quantized("w", "t", "sw", "bw"),
        *behind,
    ]
    shape = (3, 2, 2, 2) if last == "Conv" else (64, 3)
    return network(nodes, [1, 2, 4, 4], u=weights(2, 2, 1, 1), w=weights(*shape))


def fractional_zero_point(*, padded: bool = False) -> onnx.ModelProto:
    """A zero point between two integers: the zero of the tensor is none of its numbers."""
    pads = {"pads": [1, 1, 1, 1]} if padded else {}
    nodes = [
        quant(["c", "s", "between", "b"], "d"), quantized("w", "t", "sw", "bw"),
        node("Conv", ["d", "t"], "e", **pads), quantized("e", "y", "sy"),
    ]  # fmt: skip
    first = [quantized("u", "v", "sw", "bw"), node("Conv", ["q", "v"], "c")]
    return network([*first, *nodes], [1, 2, 4, 4], u=weights(3, 2, 1, 1), w=weights(2, 3, 3, 3),
                   between=2.5)  # fmt: skip


CARRIED: dict[str, Callable[[], onnx.ModelProto]] = {
    **{name: lambda case=case: reshaped_conv(case[0], case[1], *case[2]) for name, case in
       RESHAPES.items()},
    "folded batch": folded_batch,
    "silu output": silu_output,
    "relu on the input": relu_on_the_input,
    "unused input": unused_input,
    "input passed through": passed_through,
    "channels last": channels_last,
    "quant tensor": quant_tensor,
    "detection head": detection_head,
    "super resolution": super_resolution,
    "quantized silu": quantized_silu,
    "quantized square": quantized_square,
    "zero point between integers": fractional_zero_point,
    "rows joined": lambda: joined_positions(2),
    "rows joined, axis from the end": lambda: joined_positions(-2),
    "columns joined before a product": lambda: joined_positions(3, last="MatMul"),
    "five axes": five_axes,
    "zeros before a pool": padded_pool,
    "lowest numbers before a pool": lambda: padded_pool(float(np.finfo(np.float32).min)),
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("name", CARRIED)
def test_carried_exactly(name: str) -> None:
    assert_carried(CARRIED[name]())


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["hls4ml", "stream"])
def test_five_axes_by_either_engine(backend: str) -> None:
    report = compile(five_axes(), BOARD, options=Options(vectors=5, csim=False, backend=backend))
    assert report.exactness.network_mismatches == 0


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    [
        *RESHAPES,
        "silu output",
        "detection head",
        "super resolution",
        "unused input",
        "relu on the input",
        "rows joined",
        "five axes",
        "columns joined before a product",
        "zeros before a pool",
        "lowest numbers before a pool",
    ],
)
def test_answers_are_the_networks_own(name: str) -> None:
    model = CARRIED[name]()
    inputs = random_inputs(model)
    ours = answers(model, inputs)
    for sample in range(3):
        one = {name: values[sample : sample + 1] for name, values in inputs.items()}
        first, *rest = model.graph.input
        theirs = execute(model, one[first.name], **{i.name: one[i.name] for i in rest})
        for output, wanted in zip(model.graph.output, theirs):
            np.testing.assert_allclose(ours[output.name][sample], wanted[0], rtol=1e-5, atol=1e-6)


def diamonds(count: int) -> onnx.ModelProto:
    """Additions of a tensor to itself: 2 ** count paths lead through them."""
    nodes, last = [], "x"
    for index in range(count):
        nodes.append(node("Mul", [last, "half"], f"h{index}"))
        nodes.append(node("Add", [f"h{index}", f"h{index}"], f"d{index}"))
        last = f"d{index}"
    nodes[0].input[0] = "q"
    return network([*nodes, quantized(last, "y", "sy")], [1, 4], half=0.5)


def test_residual_diamonds_take_linear_time() -> None:
    """2 ** 40 paths: a walk over paths would not come to an end."""
    lowered = lower(read_network(diamonds(40)))
    assert len(lowered.graph.layers) == 42


@pytest.mark.slow
@pytest.mark.parametrize("op", ["Relu", "Quant"])
def test_deep_chains_are_lowered(op: str) -> None:
    chain = [
        node("Relu", [f"t{i}"], f"t{i + 1}") if op == "Relu" else quantized(f"t{i}", f"t{i + 1}")
        for i in range(1500)
    ]
    nodes = [quantized("x", "t0"), *chain, quantized("w", "v", "sw", "bw"),
             node("MatMul", ["t1500", "v"], "m")]  # fmt: skip
    assert_carried(build(nodes, [1, 4], GRID | {"w": weights(4, 3)}))


def squeezed_batch() -> onnx.ModelProto:
    nodes = [quantized("w", "v", "sw", "bw"), node("Conv", ["q", "v"], "c"),
             node("Squeeze", ["c"], "y")]  # fmt: skip
    return network(nodes, [1, 2, 4, 4], w=weights(3, 2, 2, 2))


def reduced_batch() -> onnx.ModelProto:
    """The largest value of all samples: the host must not mix them."""
    return dense(node("ReduceMax", ["m"], "y", keepdims=1))


def resize(mode: str, nearest: str) -> onnx.ModelProto:
    attributes = {
        "mode": mode, "coordinate_transformation_mode": "half_pixel", "nearest_mode": nearest
    }  # fmt: skip
    nodes = [node("Resize", ["q", "", "scales"], "r", **attributes), quantized("r", "y")]
    return network(nodes, [1, 2, 3, 3], scales=np.array([1.0, 1.0, 2.0, 3.0], np.float32))


def reflected() -> onnx.ModelProto:
    nodes = [node("Pad", ["q", "pads"], "p", mode="reflect"), quantized("u", "v", "sw", "bw"),
             node("Conv", ["p", "v"], "y")]  # fmt: skip
    return network(nodes, [1, 2, 4, 4], pads=np.array([0, 0, 1, 1, 0, 0, 1, 1]),
                   u=weights(3, 2, 2, 2))  # fmt: skip


REFUSED: dict[str, tuple[Callable[[], onnx.ModelProto], str]] = {
    "only a quantizer": (lambda: network([], [1, 4], "q"), "no part of it needs hardware"),
    "squeezed batch": (squeezed_batch, "does not keep axis 0 as the batch"),
    "reduced over the batch": (reduced_batch, "it reduces other axes"),
    "columns joined": (lambda: joined_positions(3), "elements would have to be moved"),
    "padded, without a zero": (
        lambda: fractional_zero_point(padded=True),
        "pads with zeros a tensor whose zero is no integer",
    ),
    "reflected": (reflected, "pads with something else than zeros"),
    "bilinear": (lambda: resize("linear", "floor"), "does not repeat every pixel"),
    "half pixel floor": (lambda: resize("nearest", "floor"), "does not repeat every pixel"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_check_refuses_what_compile_refuses(name: str) -> None:
    build_model, why = REFUSED[name]
    model = build_model()
    found = check(model)
    told = [*(f.why for f in found.findings), *(p.why for p in found.problems)]
    assert not found.ok and any(why in text for text in told), told
    with pytest.raises(Exception, match=why):
        compile(model, BOARD, options=Options(csim=False, vectors=4))


def mlp(*, activations: bool, last_weights: bool) -> onnx.ModelProto:
    """Two products with a Relu between them, of which one part has no quantizer."""
    between = [quantized("r", "a", "s", "b")] if activations else [node("Identity", ["r"], "a")]
    last = [quantized("u", "t", "sw", "bw")] if last_weights else [node("Identity", ["u"], "t")]
    nodes = [
        quantized("w", "v", "odd", "bw"),
        node("MatMul", ["q", "v"], "m"),
        node("Relu", ["m"], "r"),
        *between,
        *last,
        node("MatMul", ["a", "t"], "y"),
    ]
    rng = np.random.default_rng(5)
    return network(nodes, [1, 6], w=weights(6, 8), u=rng.normal(size=(8, 3)), odd=0.1)


@pytest.mark.slow
@pytest.mark.parametrize("activations", [True, False])
@pytest.mark.parametrize("last_weights", [True, False])
def test_calibration_completes_what_is_not_quantized(activations: bool, last_weights: bool) -> None:
    model = mlp(activations=activations, last_weights=last_weights)
    data = np.random.default_rng(1).normal(size=(64, 6)).astype(np.float32)
    # A Relu without a quantizer needs none: its integers are those in front of it, or 0.
    assert check(model).ok == last_weights
    if last_weights:
        assert_carried(model)
    options = Options(calibration=data)
    assert_carried(model, options)
    original = np.concatenate([execute(model, row[None])[0] for row in data[:8]])
    ours = answers(model, {"x": data[:8]}, options)["y"]
    assert np.abs(ours - original).max() < 0.1 * np.abs(original).max()


def test_calibration_leaves_a_quantized_network_alone() -> None:
    model = mlp(activations=True, last_weights=True)
    data = np.random.default_rng(1).normal(size=(16, 6)).astype(np.float32)
    inputs = {"x": data}
    with_data = answers(model, inputs, Options(calibration=data))["y"]
    np.testing.assert_array_equal(with_data, answers(model, inputs)["y"])


@pytest.mark.slow
def test_sixteen_bit_tables_name_their_bits() -> None:
    model = dense(node("Tanh", ["m"], "t"), quantized("t", "y", "tiny", "wide"), tiny=2.0**-15,
                  wide=16.0)  # fmt: skip
    for initializer in model.graph.initializer:
        if initializer.name == "b":  # the input has 12 bits, so that the product has many levels
            initializer.CopyFrom(numpy_helper.from_array(np.float32(16), "b"))
    (problem,) = check(model).problems
    assert "16-bit output" in problem.why and "Tanh is no linear function" in problem.why


@pytest.mark.slow
def test_finn_refuses_an_input_passed_through_by_name() -> None:
    pytest.importorskip("finn")
    with pytest.raises(UnsupportedLayer, match="it is an input and an output"):
        compile(passed_through(), BOARD, options=Options(csim=False, vectors=4, backend="finn"))
