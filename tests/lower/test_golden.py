"""Every lowering rule on one small network, as text: golden/OPERATOR.txt.

A change of a rule is a diff of its golden file; `pytest --update-golden` writes them anew. The
numbers are exact, and where a curve is involved no value lies near a rounding border,
so that no processor's arithmetic shows in the texts.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper

from fpgacomp.ir.layers import kind
from fpgacomp.ir.text import parse_graph, print_graph
from fpgacomp.ir.text.parse import READERS
from fpgacomp.lower import lower
from fpgacomp.lower.rules import RULES
from fpgacomp.lower.scalar import FUNCTIONS
from fpgacomp.network.canonical import Network
from fpgacomp.network.lowered import Lowered
from fpgacomp.network.operators import FPGACOMP_DOMAIN, QONNX_DOMAIN, QUANTIZERS
from fpgacomp.network.text import print_network
from tests.support.frontend_runs import build, node, quant, rewritten

GOLDEN = Path(__file__).parent / "golden"
# s: grid of the input, h: of results; 4 bits each. w: integer weights under a scale of 1.
GRIDS = {"s": 0.5, "h": 0.25, "z": 0.0, "b": 4.0, "one": 1.0}
INPUT = quant(["x", "s", "z", "b"], "q")
CONV = {"kernel_shape": [2, 2], "strides": [1, 1], "dilations": [1, 1], "group": 1}
POOL = {"kernel_shape": [2, 2], "strides": [2, 2], "pads": [0, 0, 0, 0], "ceil_mode": 0}
# Functions whose values are no rational numbers, with the parameters they have here.
CURVES: dict[str, tuple[float, ...]] = {
    "Sigmoid": (), "Tanh": (), "Gelu": (), "Silu": (), "Elu": (1.0,),
    "Selu": (1.67326319217681884765625, 1.05070102214813232421875), "Celu": (1.0,), "GeluTanh": (),
    "Softplus": (), "Mish": (), "Exp": (), "Sin": (), "Cos": (), "Erf": (),
}  # fmt: skip
# Functions that IEEE arithmetic computes alike everywhere: sums, products and quotients.
RATIONAL = {
    *("Relu", "LeakyRelu", "PRelu", "Clip"),
    *("HardSigmoid", "HardSwish", "ThresholdedRelu", "Softsign", "Reciprocal", "Pow", "Abs"),
    *("Sign", "Floor", "Ceil", "Round"),
}


def whole(*shape: int) -> np.ndarray:
    """-4..4 over and over."""
    return (np.arange(np.prod(shape)).reshape(shape) * 5 % 9 - 4).astype(np.float32)


def ended(tensor: str) -> onnx.NodeProto:
    """The quantizer behind a layer."""
    return quant([tensor, "h", "z", "b"], "y")


def net(nodes: Sequence[onnx.NodeProto], shape: Sequence[int], **constants: Any) -> onnx.ModelProto:
    used = {name for node in nodes for name in node.input}
    given = {name: value for name, value in (GRIDS | constants).items() if name in used}
    return build(nodes, shape, given)


def weighted(op: str, shape: Sequence[int], weights: np.ndarray, **attributes: Any) -> Any:
    """A product with 4-bit weights, its result quantized."""
    weight = quant(["w", "one", "z", "b"], "v")
    nodes = [INPUT, weight, node(op, ["q", "v"], "m", **attributes), ended("m")]
    return net(nodes, shape, w=weights)


def on_values(op: str, shape: Sequence[int], *inputs: str, **more: Any) -> onnx.ModelProto:
    """An operator on the quantized input, its result quantized; `more` are constants (arrays)
    and attributes (anything else)."""
    constants = {key: value for key, value in more.items() if isinstance(value, np.ndarray)}
    attributes = {key: value for key, value in more.items() if key not in constants}
    domain = FPGACOMP_DOMAIN if op in ("Silu", "Gelu", "GeluTanh") else ""
    made = helper.make_node(op, ["q", *inputs], ["m"], domain=domain, **attributes)
    return net([INPUT, made, ended("m")], shape, **constants)


def flattened() -> onnx.ModelProto:
    """A reshape between a convolution and a product."""
    nodes = [
        INPUT,
        quant(["w", "one", "z", "b"], "v"),
        node("Conv", ["q", "v"], "c", pads=[0, 0, 0, 0], **CONV),
        quant(["c", "h", "z", "b"], "a"),
        node("Reshape", ["a", "to"], "t"),
        quant(["u", "one", "z", "b"], "r"),
        node("MatMul", ["t", "r"], "m"),
        ended("m"),
    ]
    to = np.array([1, 8])
    return net(nodes, [1, 2, 3, 3], w=whole(2, 2, 2, 2), to=to, u=whole(8, 2))


def labels() -> onnx.ModelProto:
    weight = quant(["w", "one", "z", "b"], "v")
    nodes = [
        INPUT,
        weight,
        node("MatMul", ["q", "v"], "m"),
        node("ArgMax", ["m"], "y", axis=1, keepdims=0),
    ]
    constants = {name: GRIDS[name] for name in ("s", "z", "b", "one")} | {"w": whole(3, 4)}
    return build(nodes, [1, 3], constants, output_dtype=onnx.TensorProto.INT64)


def of_unsigned(op: str) -> onnx.ModelProto:
    """A function that is defined from 0 on."""
    unsigned = quant(["x", "s", "z", "b"], "q", signed=0)
    return net([unsigned, node(op, ["q"], "m"), ended("m")], [1, 2])


def qonnx(op: str, inputs: Sequence[str], output: str, **attributes: Any) -> onnx.NodeProto:
    return helper.make_node(op, list(inputs), [output], domain=QONNX_DOMAIN, **attributes)


def truncated() -> onnx.ModelProto:
    inputs = ["q", "s", "z", "b", "two", "three"]
    nodes = [INPUT, qonnx("Trunc", inputs, "y", rounding_mode="FLOOR", signed=1, narrow=0)]
    return net(nodes, [1, 3], two=2.0, three=3.0)


def stepped() -> onnx.ModelProto:
    steps = qonnx(
        "MultiThreshold", ["q", "t"], "y",
        out_dtype="UINT2", data_layout="NC", out_scale=1.0, out_bias=0.0,
    )  # fmt: skip
    table = np.array([[-1, 0, 2], [0, 1, 3]], np.float32)
    return net([INPUT, steps], [1, 2], t=table)


def function(op: str) -> onnx.ModelProto:
    more: dict[str, Any] = {
        "LeakyRelu": {"alpha": 0.25},
        "HardSigmoid": {"alpha": 0.25, "beta": 0.625},
        "Elu": {"alpha": 1.0},
    }.get(op, {})
    match op:
        case "PRelu":
            return on_values(op, [1, 2], "slope", slope=np.array([0.25, -0.5]))
        case "Pow":
            return on_values(op, [1, 2], "power", power=np.array(2.0))
        case "Clip":
            return on_values(op, [1, 2], "lo", "hi", lo=np.array(-1.0), hi=np.array(1.5))
        case _:
            return on_values(op, [1, 2], **more)


CASES: dict[str, Callable[[], onnx.ModelProto]] = {
    "MatMul": lambda: weighted("MatMul", [1, 3], whole(3, 2)),
    "Conv": lambda: weighted("Conv", [1, 2, 3, 3], whole(3, 2, 2, 2), pads=[1, 1, 0, 0], **CONV),
    "Add": lambda: net(
        [INPUT, quant(["x", "h", "z", "b"], "r"), node("Add", ["q", "r"], "m"), ended("m")], [1, 3]
    ),
    "Mul": lambda: on_values("Mul", [1, 2], "c", c=np.array([0.5, -2.0])),
    "Div": lambda: on_values("Div", [1, 2], "c", c=np.array([3.0, -10.0])),
    "BatchNormalization": lambda: on_values(
        "BatchNormalization", [1, 2], "gain", "bias", "mean", "variance", epsilon=0.25,
        gain=np.array([1.0, 2.0]), bias=np.array([0.5, 0.0]), mean=np.array([0.0, 1.0]),
        variance=np.array([0.75, 3.75]),
    ),
    "MaxPool": lambda: on_values("MaxPool", [1, 2, 4, 4], dilations=[1, 1], **POOL),
    "AveragePool": lambda: on_values("AveragePool", [1, 2, 4, 4], count_include_pad=1, **POOL),
    "GlobalAveragePool": lambda: on_values("GlobalAveragePool", [1, 2, 2, 4]),
    "Concat": lambda: net(
        [INPUT, quant(["x", "h", "z", "b"], "r"), node("Concat", ["q", "r"], "m", axis=1),
         ended("m")],
        [1, 3],
    ),
    "Reshape": flattened,
    "Transpose": lambda: net(
        [INPUT, node("Transpose", ["q"], "t", perm=[0, 3, 1, 2]),
         quant(["w", "one", "z", "b"], "v"),
         node("Conv", ["t", "v"], "m", pads=[0, 0, 0, 0], **CONV), ended("m")],
        [1, 3, 3, 2], w=whole(2, 2, 2, 2),
    ),
    "Resize": lambda: on_values(
        "Resize", [1, 2, 2, 2], "", "scales", mode="nearest", nearest_mode="floor",
        coordinate_transformation_mode="asymmetric", scales=np.array([1.0, 1.0, 2.0, 2.0]),
    ),
    "Quant": lambda: net(
        [INPUT, quant(["q", "g", "zero", "b"], "y", signed=0, rounding_mode="FLOOR")],
        [1, 2], g=np.array([0.75, 1.5]), zero=8.0,
    ),
    "BipolarQuant": lambda: net(
        [INPUT, node("Add", ["q", "c"], "a"), qonnx("BipolarQuant", ["a", "one"], "y")],
        [1, 2], c=np.array([0.25, -1.25]),
    ),
    "Log": lambda: of_unsigned("Log"),
    "Sqrt": lambda: of_unsigned("Sqrt"),
    "Trunc": truncated,
    "MultiThreshold": stepped,
    "ArgMax": labels,
}  # fmt: skip
OPERATORS = sorted({*RULES, *QUANTIZERS, "ArgMax"})


def lowered(operator: str) -> tuple[onnx.ModelProto, Lowered]:
    model = rewritten(CASES[operator]() if operator in CASES else function(operator))
    network = Network("small", model, model, "qonnx", "small.onnx", "")
    return model, lower(network, argmax=operator == "ArgMax")


def test_every_operator_has_a_case() -> None:
    """An operator without a network of its own is a function; `function` makes its network."""
    assert set(OPERATORS) - set(CASES) == RATIONAL | set(CURVES)


@pytest.mark.slow
def test_every_layer_occurs() -> None:
    found = {kind(layer) for name in OPERATORS for layer in lowered(name)[1].graph.layers}
    assert found == set(READERS)


@pytest.mark.parametrize("operator", CURVES)
def test_curves_stay_clear_of_rounding_borders(operator: str) -> None:
    """No value lies so near a border of the quantizer that a processor's last bit moves it."""
    inputs = np.arange(-8, 8) * GRIDS["s"]
    steps = FUNCTIONS[operator](inputs, *CURVES[operator]) / GRIDS["h"]
    assert abs(steps - np.floor(steps) - 0.5).min() > 1e-4


@pytest.mark.parametrize("operator", OPERATORS)
def test_rule(operator: str, golden: Callable[[Path, str], None]) -> None:
    model, result = lowered(operator)
    text, arrays = print_graph(result.graph)
    assert parse_graph(text, arrays) == result.graph
    golden(GOLDEN / f"{operator}.txt", f"{print_network(model)}\n// lowered\n{text}")
