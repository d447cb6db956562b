"""The range that a model card states is that in which the software side's integers move."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from fpgacomp.deploy.package.input_range import input_ranges
from fpgacomp.evidence.software import to_integers


def side(*steps: tuple[str, tuple[object, ...]], shape: tuple[int, ...] = (2,)) -> onnx.ModelProto:
    """x -> x_int by operators with constants."""
    nodes, constants, name = (
        [helper.make_node("Cast", ["x"], ["c"], to=TensorProto.DOUBLE)],
        [],
        "c",
    )
    for number, (op, given) in enumerate(steps):
        names = [f"k{number}_{place}" for place in range(len(given))]
        constants += [numpy_helper.from_array(np.float64(v), n) for v, n in zip(given, names)]
        nodes.append(helper.make_node(op, [name, *names], [f"s{number}"]))
        name = f"s{number}"
    nodes.append(helper.make_node("Cast", [name], ["x_int"], to=TensorProto.INT64))
    batch = ["N", *shape]
    graph = helper.make_graph(
        nodes, "before", [helper.make_tensor_value_info("x", TensorProto.FLOAT, batch)],
        [helper.make_tensor_value_info("x_int", TensorProto.INT64, batch)], constants,
    )  # fmt: skip
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


@pytest.mark.parametrize(
    "steps",
    [
        (("Div", (0.0625,)), ("Clip", (0, 15)), ("Round", ())),
        (("Mul", (2.0,)), ("Add", (-1.0,)), ("Div", (0.25,)), ("Add", (3.0,)), ("Clip", (0, 7)),
         ("Floor", ()), ("Add", (-4.0,))),
        (("Mul", (-1.0,)), ("Div", (0.5,)), ("Clip", (-8, 7)), ("Round", ())),
        (("Max", (0.0,)), ("Div", (0.5,)), ("Clip", (-8, 7)), ("Round", ())),
        (("Clip", (-1.0, 1.0)), ("Div", (0.5,)), ("Clip", (-8, 7)), ("Round", ())),
    ],
)  # fmt: skip
def test_integers_move_within_the_range_and_not_outside(
    steps: tuple[tuple[str, tuple[object, ...]], ...],
) -> None:
    before = side(*steps)
    found = input_ranges(before)["x"]
    assert found is not None and not found.by_channel

    def integer(value: float) -> int:
        return int(to_integers(before, {"x": np.full((1, 2), value, np.float32)})["x"][0, 0])

    for end, outward in ((found.low, -1), (found.high, 1)):
        assert integer(end) == integer(end + outward * 5) == integer(end + outward * 5000)
        assert integer(end) != integer(end - outward * 1.01 * found.step)


def test_channels_that_differ_are_said() -> None:
    before = side(("Div", ([0.5, 0.25],)), ("Clip", (0, 3)), ("Round", ()))
    found = input_ranges(before)["x"]
    assert found is not None and found.by_channel
    assert (found.low, found.high, found.step) == (0.0, 1.5, 0.5)


def test_what_does_not_follow_is_not_known() -> None:
    assert input_ranges(side(("Div", (0.5,)), ("Round", ())))["x"] is None
    assert input_ranges(side(("Pow", (2.0,)), ("Div", (0.5,)), ("Clip", (0, 3))))["x"] is None
