"""What an input takes, and how many values lie beyond: held against the integers themselves."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from fpgacomp.runtime.input_range import InputBounds, input_bounds
from fpgacomp.runtime.program import HostProgram, parse_program

# Operator, its constants, and its attributes.
_Step = tuple[str, tuple[Any, ...], dict[str, Any]]


def program(
    steps: list[_Step], shape: tuple[int, ...] = (2, 3), outputs: int = 1, kind: str = "float32"
) -> HostProgram:
    """x [N, *shape] -> as many integer inputs, each by the same steps unless they are numbered."""
    constants: list[Any] = []
    done: list[Any] = []
    found: list[Any] = []
    for output in range(outputs):
        shapes, name = shape, "x"

        def add(op: str, names: list[str], new: str, kind: str, attributes: dict[str, Any],
                shapes: tuple[int, ...]) -> None:  # fmt: skip
            done.append({"op": op, "inputs": names, "output": new, "attributes": attributes,
                         "type": kind, "shape": list(shapes)})  # fmt: skip

        add("Cast", [name], f"c{output}", "float64", {}, shapes)
        name = f"c{output}"
        for number, (op, given, attributes) in enumerate(steps):
            names = [f"k{output}_{number}_{place}" for place in range(len(given))]
            for one, value in zip(names, given, strict=True):
                array = np.asarray(value[output] if isinstance(value, dict) else value)
                constants.append({
                    "name": one, "type": "int64" if op == "Gather" else "float64",
                    "shape": list(array.shape), "values": array.ravel().tolist(),
                })  # fmt: skip
            if op == "Transpose":
                shapes = tuple(shapes[axis - 1] for axis in attributes["perm"][1:])
            if op == "Reshape":
                shapes, attributes = attributes["to"], {}
            add(op, [name, *names], f"s{output}_{number}", "float64", attributes, shapes)
            name = f"s{output}_{number}"
        add("Cast", [name], f"i{output}", "int64", {}, shapes)
        found.append({"name": f"i{output}", "type": "int64", "shape": list(shapes)})
    text = {
        "inputs": [{"name": "x", "type": kind, "shape": list(shape)}],
        "outputs": found, "constants": constants, "steps": done,
    }  # fmt: skip
    return parse_program(text, "before")


def step(op: str, *given: Any, **attributes: Any) -> _Step:
    return op, given, attributes


def bounds(before: HostProgram) -> InputBounds:
    found = input_bounds(before)["x"]
    assert found is not None
    return found


LAYOUTS = {
    "as it is": [],
    "transposed": [step("Transpose", perm=[0, 2, 1])],
    "flat": [step("Reshape", to=(6,))],
    "gathered": [step("Reshape", to=(6,)), step("Gather", [5, 0, 3, 1, 4, 2], axis=1)],
}


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
def test_values_beyond_are_counted_in_every_layout(layout: list[_Step]) -> None:
    before, unclipped = (
        program([*layout, step("Div", 0.25), step("Clip", *ends), step("Round")])
        for ends in ((-4, 3), (-1000, 1000))
    )
    found = bounds(before).range
    assert (found.low, found.high, found.step, found.by_channel) == (-1.0, 0.75, 0.25, False)
    # On a grid of eighths, off the borders of rounding.
    samples = np.random.default_rng(5).integers(-16, 16, (20, 2, 3)) / 8 + 1 / 64
    integers, wanted = (side.run({"x": samples})["i0"].reshape(20, -1)
                        for side in (before, unclipped))  # fmt: skip
    counted = bounds(before).beyond(samples)
    assert counted.tolist() == (integers != wanted).sum(axis=1).tolist() and counted.sum() > 20


def test_each_channel_has_its_own_ends() -> None:
    """Channels first in the network, last in the integers."""
    steps = [step("Transpose", perm=[0, 2, 1]), step("Mul", [2.0, 1.0]), step("Add", [0.0, 5.0]),
             step("Div", 0.5), step("Clip", 0, 10), step("Round")]  # fmt: skip
    found = bounds(program(steps))
    assert found.range.by_channel
    assert (found.range.low, found.range.high, found.range.step) == (-5.0, 2.5, 0.5)
    samples = np.array([[[0, 1, 2.5], [0, 0, 0]], [[3, -1, 9], [-5, 0, -6]], [[0] * 3, [1] * 3]])
    assert found.beyond(samples).tolist() == [0, 3 + 1, 3]


def test_half_a_step_is_not_beyond() -> None:
    found = bounds(program([step("Div", 1 / 127), step("Clip", -128, 127), step("Round")]))
    assert found.range.high == 1.0
    near = np.float32([[[1.0, 1.003, -1.011], [0, 0, 0]]])
    assert found.beyond(near).tolist() == [0]
    assert found.beyond(near * 1.01).tolist() == [3]


def test_two_quantizers_of_one_input_both_have_to_take_a_value() -> None:
    steps = [step("Div", {0: 0.5, 1: 0.25}), step("Clip", {0: 0, 1: -4}, 3), step("Round")]
    found = bounds(program(steps, outputs=2))
    assert (found.range.low, found.range.high, found.range.step) == (0.0, 0.75, 0.5)
    assert found.beyond(np.array([[[-0.5, 0, 0.75], [1.0, 1.5, 2]]])).tolist() == [4]


def test_what_the_network_itself_cuts_off_is_beyond_too() -> None:
    steps = [step("Max", 0.0), step("Div", 0.5), step("Clip", -8, 7), step("Round")]
    found = bounds(program(steps))
    assert (found.range.low, found.range.high) == (0.0, 3.5)
    assert found.beyond(np.array([[[-1.0, 0, 3.5], [4, 5, 1]]])).tolist() == [3]


@pytest.mark.parametrize(
    "steps",
    [
        [step("Div", 0.5), step("Round")],
        [step("Exp"), step("Div", 0.5), step("Clip", 0, 3), step("Round")],
        [step("Mul", 0.0), step("Clip", 0, 3), step("Round")],
        [step("Clip", 0, 3), step("Transpose", perm=[0, 2, 1])],
        [step("Div", 0.5), step("Clip", ["-Infinity"], ["Infinity"]), step("Round")],
        [step("Div", ["Infinity"]), step("Clip", 0, 3), step("Round")],
        [step("Div", 1e308), step("Clip", -1e308, 1e308), step("Round")],
        [step("Div", [0.5, 1, 2]), step("Transpose", perm=[0, 2, 1]), step("Clip", 0, 3)],
    ],
)
def test_what_does_not_follow_is_not_known(steps: list[_Step]) -> None:
    assert input_bounds(program(steps)) == {"x": None}


@pytest.mark.parametrize(
    ("kind", "values", "told"),
    [
        ("float32", [np.nan, 0], "hold NaN or infinity"),
        ("float32", [np.inf, 0], "hold NaN or infinity"),
        ("float32", [1e39, 0], "beyond float32"),
        ("uint8", [np.nan, 0], "hold NaN or infinity"),
        ("uint8", [300, 0], "beyond uint8"),
        ("uint8", [-1, 0], "beyond uint8"),
        ("uint8", [0.5, 0], "beyond uint8"),
        ("int8", [128, 0], "beyond int8"),
        ("int64", [1e30, 0], "beyond int64"),
        ("bool", [2, 0], "beyond bool"),
    ],
)
def test_no_value_is_wrapped_or_cut_off(kind: str, values: list[float], told: str) -> None:
    from fpgacomp.runtime.errors import SampleError

    before = program([step("Div", 0.5), step("Clip", 0, 3), step("Round")], (2,), kind=kind)
    with pytest.raises(SampleError, match=told):
        before.run({"x": [values]})
    assert before.run({"x": [[1.0, 0.0]]})["i0"].tolist() == [[2, 0]]
