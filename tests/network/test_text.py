"""The canonical network as text: every node, constant, attribute and shape."""

from __future__ import annotations

import numpy as np
import pytest

from fpgacomp.frontend import open_network
from fpgacomp.network.text import print_network
from tests.support.frontend_runs import build, node, quant
from tests.support.paths import EXAMPLES

SMALL = """\
network small

%x = input : [1, 4]
%q = Quant %x, 0.5, 0.0, 3.0 narrow=0 signed=1
%c = Clip %q, _, 2.5
%m = MatMul %c, [4, 3]#f28c08df
%r = Reshape %m, [1, 3]
%y = QuantizeLinear %r, 0.25, uint8 7

return %y
"""


def test_a_small_network() -> None:
    nodes = [
        quant(["x", "s", "z", "b"], "q"),
        node("Clip", ["q", "", "hi"], "c"),
        node("MatMul", ["c", "w"], "m"),
        node("Reshape", ["m", "to"], "r"),
        node("QuantizeLinear", ["r", "t", "u"], "y"),
    ]
    constants = {"s": 0.5, "z": 0.0, "b": 3.0, "hi": 2.5, "t": 0.25, "to": np.array([1, 3])}
    weights = np.arange(12, dtype=np.float32).reshape(4, 3)
    model = build(nodes, [1, 4], constants | {"w": weights, "u": np.array(7, np.uint8)})
    text = print_network(model)
    assert text == SMALL
    model.graph.initializer[-2].CopyFrom(  # the weights: another number, another digest
        build([nodes[0]], [1, 4], {"w": weights + 1}).graph.initializer[0]
    )
    assert print_network(model) != text


@pytest.mark.parametrize("value", [0.1, 1 / 3, 1e-9, 3e38, -0.0, float("inf")])
def test_numbers_are_those_of_float32(value: float) -> None:
    model = build([node("Mul", ["x", "c"], "y")], [1, 2], {"c": np.float32(value)})
    spelled = print_network(model).split("Mul %x, ")[1].split()[0]
    assert np.float32(spelled) == np.float32(value)


def test_one_line_per_node() -> None:
    model = open_network(EXAMPLES / "digits_cnn" / "model.onnx").model
    lines = print_network(model).splitlines()
    assert sum(" = " in line for line in lines) == len(model.graph.node) + len(model.graph.input)
    assert all(" : [" in line for line in lines if " = " in line)
