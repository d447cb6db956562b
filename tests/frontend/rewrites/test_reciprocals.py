"""A division whose reciprocal float32 does not hold is told, once; an exact one is not."""

from __future__ import annotations

import numpy as np
import onnx
import pytest

from fpgacomp.frontend import read_network
from tests.support.network_builder import Grid, NetworkBuilder


def divided(divisor: float) -> onnx.ModelProto:
    b = NetworkBuilder(np.random.default_rng(0), (4,))
    x = b.quant(b.input, Grid(0.0625, bits=8))
    once = b.op("Div", x, b.constant(np.float32(divisor)))
    return b.finish(b.quant(once, Grid(0.0625, bits=8)), name="divided")


def averaged(count: int) -> onnx.ModelProto:
    model = divided(4.0)
    (node,) = (node for node in model.graph.node if node.op_type == "Div")
    x = node.input[0]
    node.op_type = "Mean"
    del node.input[:]
    node.input.extend([x] * count)
    return model


def told(model: onnx.ModelProto) -> int:
    return sum("no powers of two" in warning for warning in read_network(model).warnings)


@pytest.mark.parametrize(("divisor", "times"), [(10.0, 1), (3.0, 1), (4.0, 0), (-0.5, 0)])
def test_a_division(divisor: float, times: int) -> None:
    assert told(divided(divisor)) == times


@pytest.mark.parametrize(("count", "times"), [(2, 0), (3, 1), (4, 0)])
def test_a_mean(count: int, times: int) -> None:
    assert told(averaged(count)) == times
