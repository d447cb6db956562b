"""A division is a product only where the reciprocal is exact; every other one is exact, too."""

from __future__ import annotations

import numpy as np
import onnx
import pytest

from fpgacomp.evidence.judge import judge
from fpgacomp.frontend import read_network
from fpgacomp.frontend.rewrites.divisors import has_exact_reciprocal
from fpgacomp.ir import interpreter
from fpgacomp.ir.types import IntArray
from fpgacomp.lower import lower
from fpgacomp.network.canonical import Network
from tests.support.network_builder import Grid, NetworkBuilder

STEP = 0.0625
GRID = Grid(STEP, bits=8)


def divided(divisor: float) -> onnx.ModelProto:
    b = NetworkBuilder(np.random.default_rng(0), (1,))
    x = b.quant(b.input, GRID)
    return b.finish(b.quant(b.op("Div", x, b.constant(np.float32(divisor))), GRID), name="divided")


def averaged(count: int) -> onnx.ModelProto:
    """The mean of a tensor and `count` - 1 others that are zero."""
    model = divided(4.0)
    (node,) = (node for node in model.graph.node if node.op_type == "Div")
    x, zero = node.input[0], "nothing"
    model.graph.node.insert(1, onnx.helper.make_node("Mul", [x, zero], ["none"], name="to_nothing"))
    model.graph.initializer.append(onnx.numpy_helper.from_array(np.zeros(1, np.float32), zero))
    node.op_type = "Mean"
    del node.input[:]
    node.input.extend([x, *["none"] * (count - 1)])
    return model


@pytest.mark.parametrize(
    ("divisor", "exact"),
    [(4.0, True), (-0.5, True), (10.0, False), (3.0, False), ([2.0, 3.0], False), (0.0, False),
     (2.0**-149, False)],
)  # fmt: skip
def test_only_powers_of_two_have_exact_reciprocals(divisor: float, exact: bool) -> None:
    assert has_exact_reciprocal(divisor) == exact


@pytest.mark.parametrize(("divisor", "op"), [(4.0, "Mul"), (-0.5, "Mul"), (10.0, "Div")])
def test_what_a_division_becomes(divisor: float, op: str) -> None:
    ops = {node.op_type for node in read_network(divided(divisor)).model.graph.node}
    assert ops & {"Mul", "Div"} == {op}


@pytest.mark.parametrize("divisor", [2, 3, 5, 6, 7, 10, 12, -3, 49, 127])
def test_every_tie_falls_to_the_even_side(divisor: int) -> None:
    """k / d is a half for many integers k: the float32 reciprocal would err to one side."""
    network = read_network(divided(divisor))
    check(network, np.arange(-128, 128), divisor)


@pytest.mark.parametrize("count", [2, 3, 5, 6])
def test_a_mean_of_any_number(count: int) -> None:
    check(read_network(averaged(count)), np.arange(-128, 128), count)


def check(network: Network, integers: IntArray, divisor: int) -> None:
    """All integers through the graph: half to even, and no tie for the judge to count."""
    lowered = lower(network)
    name = lowered.graph.inputs[0].output.name
    values = interpreter.run(lowered.graph, {name: integers[:, None]})
    floor, rest = np.divmod(2 * integers * np.sign(divisor) + abs(divisor), 2 * abs(divisor))
    wanted = np.where((rest == 0) & (floor % 2 == 1), floor - 1, floor)
    (tensor,) = lowered.graph.outputs
    assert np.array_equal(values[tensor.name][:, 0], wanted)
    raw = {network.model.graph.input[0].name: (integers[:, None] * STEP).astype(np.float32)}
    found = judge(lowered, network.model, raw, values)
    assert (found.mismatches, found.ties) == (0, 0)
