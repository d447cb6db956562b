"""Functions of one quantized tensor, in whatever operators, and products of two tensors."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import erf, pi, sqrt

import numpy as np
import onnx
import pytest

from fpgacomp.errors import UnsupportedLayer
from fpgacomp.frontend.read import read_network
from fpgacomp.ir.layers import Lookup
from fpgacomp.lower.lower import lower
from tests.support.frontend_runs import execute, node, quant
from tests.support.ordinary_networks import convolution, dense, quantized
from tests.support.whole_runs import answers, assert_carried, assert_exact, random_inputs

Curve = Callable[[np.ndarray], np.ndarray]
CONSTANTS = {
    "one": 1.0, "half": 0.5, "three": 3.0, "two": 2.0, "root": sqrt(0.5), "cubic": 0.044715,
    "gain": sqrt(2 / pi), "minus": -1.0, "tenth": 0.125,
}  # fmt: skip


def softplus(x: np.ndarray) -> np.ndarray:
    return np.logaddexp(x, 0)


def gelu(x: np.ndarray) -> np.ndarray:
    return 0.5 * x * (1 + np.vectorize(erf)(x * sqrt(0.5)))


def gelu_by_tanh(x: np.ndarray) -> np.ndarray:
    return 0.5 * x * (1 + np.tanh(sqrt(2 / pi) * (x + 0.044715 * x**3)))


WRITTEN_OUT: dict[str, tuple[list[onnx.NodeProto], Curve]] = {
    "softplus": ([node("Softplus", ["a"], "p")], softplus),
    "softsign": ([node("Softsign", ["a"], "p")], lambda x: x / (1 + abs(x))),
    "softsign in parts": (
        [node("Abs", ["a"], "t"), node("Add", ["t", "one"], "u"), node("Div", ["a", "u"], "p")],
        lambda x: x / (1 + abs(x)),
    ),
    "mish": (
        [node("Softplus", ["a"], "t"), node("Tanh", ["t"], "u"), node("Mul", ["a", "u"], "p")],
        lambda x: x * np.tanh(softplus(x)),
    ),
    "exp": ([node("Exp", ["a"], "p")], np.exp),
    "sigmoid in parts": (
        [node("Neg", ["a"], "t"), node("Exp", ["t"], "u"), node("Add", ["u", "one"], "i"),
         node("Div", ["one", "i"], "p")],
        lambda x: 1 / (1 + np.exp(-x)),
    ),
    "abs": ([node("Abs", ["a"], "p")], abs),
    "square": ([node("Pow", ["a", "two"], "p")], lambda x: x**2),
    "cos": ([node("Cos", ["a"], "p")], np.cos),
    "celu": ([node("Celu", ["a"], "p", alpha=0.5)],
             lambda x: np.maximum(x, 0) + 0.5 * np.expm1(np.minimum(x, 0) / 0.5)),
    "thresholded": ([node("ThresholdedRelu", ["a"], "p", alpha=0.4)],
                    lambda x: np.where(x > 0.4, x, 0)),
    "erf gelu": (
        [node("Mul", ["a", "root"], "t"), node("Erf", ["t"], "u"), node("Add", ["u", "one"], "i"),
         node("Mul", ["a", "i"], "w0"), node("Mul", ["w0", "half"], "p")],
        gelu,
    ),
    "tanh gelu": (
        [node("Pow", ["a", "three"], "t"), node("Mul", ["t", "cubic"], "u"),
         node("Add", ["a", "u"], "k"), node("Mul", ["k", "gain"], "l"), node("Tanh", ["l"], "n"),
         node("Add", ["n", "one"], "o"), node("Mul", ["a", "o"], "r"),
         node("Mul", ["r", "half"], "p")],
        gelu_by_tanh,
    ),
    "tanh gelu by products": (
        [node("Mul", ["a", "a"], "t"), node("Mul", ["t", "a"], "c3"),
         node("Mul", ["c3", "cubic"], "u"), node("Add", ["a", "u"], "k"),
         node("Mul", ["k", "gain"], "l"), node("Tanh", ["l"], "n"), node("Add", ["n", "one"], "o"),
         node("Mul", ["a", "half"], "h"), node("Mul", ["h", "o"], "p")],
        gelu_by_tanh,
    ),
    "leaky in parts": (
        [node("Mul", ["a", "tenth"], "t"), node("Max", ["a", "t"], "p")],
        lambda x: np.maximum(x, x / 8),
    ),
    "polynomial": (
        [node("Mul", ["a", "a"], "t"), node("Sub", ["t", "a"], "u"), node("Sin", ["u"], "p")],
        lambda x: np.sin(x**2 - x),
    ),
    "negative slope": ([node("PRelu", ["a", "minus"], "p")], abs),
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("name", WRITTEN_OUT)
def test_a_function_of_one_tensor(name: str) -> None:
    nodes, curve = WRITTEN_OUT[name]
    model = dense(quantized("m", "a"), *nodes, quantized("p", "y", "sw", "bw"), **CONSTANTS)
    _, judgement = assert_exact(model)
    inputs = random_inputs(model)
    constants = {i.name: onnx.numpy_helper.to_array(i) for i in model.graph.initializer}
    grid = np.clip(np.rint(inputs["x"] / 0.25), -32, 31) * 0.25
    weight = np.clip(np.rint(constants["w"] * 8), -8, 7) / 8
    reached = np.clip(np.rint((grid @ weight) / 0.25), -32, 31) * 0.25
    wanted = np.clip(np.rint(curve(reached.astype(np.float64)) / 0.125), -8, 7) * 0.125
    ours = answers(model, inputs)["y"]
    assert np.count_nonzero(ours != wanted.astype(np.float32)) == judgement.ties == 0


def test_a_function_that_is_not_defined_is_refused() -> None:
    model = dense(quantized("m", "a"), node("Log", ["a"], "p"), quantized("p", "y"))
    with pytest.raises(UnsupportedLayer, match="Log of numbers for which it is not defined"):
        lower(read_network(model))


def branches(*behind: onnx.NodeProto, **constants: object) -> onnx.ModelProto:
    """Two quantized tensors a and b of two products, with scales that have no small ratio."""
    nodes = [
        quant(["m", "sa", "z", "bw"], "a"),
        quant(["w2", "sw", "z", "bw"], "v2"),
        node("MatMul", ["q", "v2"], "m2"),
        quant(["m2", "sb", "z", "bw"], "b2"),
        *behind,
    ]
    numbers = np.random.default_rng(9).integers(-7, 8, (4, 3)) / 8
    return dense(*nodes, w2=numbers, sa=0.1731, sb=0.2917, **constants)


PAIRS: dict[str, Sequence[onnx.NodeProto]] = {
    "product": [node("Mul", ["a", "b2"], "p"), quantized("p", "y")],
    "maximum": [node("Max", ["a", "b2"], "p"), node("Relu", ["p"], "r"), quantized("r", "y")],
    "minimum": [node("Min", ["a", "b2"], "p"), quantized("p", "y")],
    "three": [node("Max", ["a", "b2", "q3"], "p"), quantized("p", "y")],
    "mean": [node("Mean", ["a", "b2"], "p"), quantized("p", "y")],
    "difference": [node("Sub", ["a", "b2"], "p"), quantized("p", "y")],
}


@pytest.mark.slow
@pytest.mark.parametrize("name", PAIRS)
def test_two_tensors(name: str) -> None:
    third = [quant(["m", "sb", "z", "b"], "q3")] if name == "three" else []
    assert_exact(branches(*third, *PAIRS[name]))


def unquantized_product() -> onnx.ModelProto:
    """The product feeds a MatMul."""
    nodes = [node("Mul", ["a", "b2"], "p"), quant(["w3", "sw", "z", "bw"], "v3"),
             node("MatMul", ["p", "v3"], "y")]  # fmt: skip
    return branches(*nodes, w3=np.eye(3) / 4)


def test_a_product_without_a_quantizer_behind_it() -> None:
    lowered, _ = assert_exact(unquantized_product())
    tables = [layer for layer in lowered.graph.layers if isinstance(layer, Lookup)]
    assert [table.input.type.count for table in tables] == [31, 31]


@pytest.mark.slow
def test_a_gate_per_channel() -> None:
    """Squeeze and excitation: one factor per channel, computed from the mean of its positions."""
    model = convolution(
        quantized("c", "a"), node("GlobalAveragePool", ["a"], "g"), quantized("g", "h"),
        node("HardSigmoid", ["h"], "i"), quant(["i", "sw", "z", "b"], "j", signed=0),
        node("Mul", ["a", "j"], "p"), quantized("p", "y"),
    )  # fmt: skip
    assert_carried(model)


@pytest.mark.slow
@pytest.mark.parametrize("pool", ["GlobalAveragePool", "AveragePool"])
def test_a_curve_that_is_averaged_before_it_is_quantized(pool: str) -> None:
    """ONNX Runtime leaves the curve in front of an average pool in float."""
    attributes = {} if pool[0] == "G" else {"kernel_shape": [3, 3], "pads": [1, 0, 1, 0]}
    model = convolution(
        quantized("c", "a"), node("Tanh", ["a"], "h"), node(pool, ["h"], "g", **attributes),
        node("Flatten", ["g"], "f"), quantized("f", "y", "sw"),
    )  # fmt: skip
    lowered, _ = assert_exact(model)
    assert any(isinstance(layer, Lookup) for layer in lowered.graph.layers)
    inputs = random_inputs(model)
    ours = answers(model, inputs)["y"]
    theirs = np.concatenate([execute(model, row[None])[0] for row in inputs["x"]])
    assert np.mean(ours != theirs) < 0.02


@pytest.mark.slow
def test_a_curve_that_is_added_before_it_is_quantized() -> None:
    """Sigmoid of one tensor plus another one, quantized once."""
    assert_exact(branches(node("Sigmoid", ["a"], "g"), node("Add", ["g", "b2"], "p"),
                          node("Relu", ["p"], "r"), quantized("r", "y")))  # fmt: skip


def test_a_curve_without_a_quantizer_is_refused() -> None:
    model = convolution(
        quantized("c", "a"), node("Tanh", ["a"], "h"), node("GlobalAveragePool", ["h"], "g"),
        quantized("w", "t", "sw", "bw"), node("Conv", ["g", "t"], "y"), w=np.ones((2, 4, 1, 1)),
    )  # fmt: skip
    with pytest.raises(UnsupportedLayer, match="is not quantized"):
        lower(read_network(model))


@pytest.mark.slow
def test_a_mean_that_is_subtracted() -> None:
    """One number per channel is added at every position."""
    assert_exact(convolution(
        quantized("c", "a"), node("GlobalAveragePool", ["a"], "g"), quantized("g", "h"),
        node("Sub", ["a", "h"], "p"), quantized("p", "y"),
    ))  # fmt: skip


def test_wide_products_are_refused_with_their_bits() -> None:
    model = unquantized_product()
    for initializer in model.graph.initializer:
        if initializer.name in ("b", "bw"):
            wide = np.float32(14)
            initializer.CopyFrom(onnx.numpy_helper.from_array(wide, initializer.name))
    with pytest.raises(UnsupportedLayer, match="multiplies 14- and 14-bit integers"):
        lower(read_network(model))


def test_functions_at_the_end_stay_on_the_host() -> None:
    """Behind the last integers nothing is rewritten: ONNX Runtime computes the file's own nodes."""
    nodes = [node("Exp", ["m"], "e"), node("Max", ["m", "e"], "o"), node("Div", ["o", "e"], "y")]
    lowered, _ = assert_exact(dense(*nodes))
    assert lowered.software_after == ("dequantize", "Exp", "Max", "Div")
