"""What lies beyond the range of an input is counted in C as it is in Python."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fpgacomp.deploy.c.project import c_driver
from fpgacomp.runtime.deployment import Deployment
from fpgacomp.runtime.input_range import input_bounds
from fpgacomp.runtime.program import HostProgram, parse_program
from tests.support import c_drivers
from tests.support.c_drivers import COMPILERS, PROGRAMS, SANITIZERS

pytestmark = c_drivers.needs_gcc
Constants = dict[str, Any]


def quantizer(kind: str, shape: tuple[int, ...], constants: Constants, *ops: str) -> HostProgram:
    """x -> float64 -> the operators, each with its constants "OP 0", "OP 1" ... -> integers."""
    steps = [{"op": "Cast", "inputs": ["x"], "output": "begun", "type": "float64"}]
    for op in ops:
        given = [name for name in constants if name.split()[0] == op]
        steps.append({"op": op, "inputs": [steps[-1]["output"], *given], "output": f"by {op}",
                      "type": "float64"})  # fmt: skip
    steps.append({"op": "Cast", "inputs": [steps[-1]["output"]], "output": "in0_int",
                  "type": "int64"})  # fmt: skip
    arrays = {name: np.asarray(value) for name, value in constants.items()}
    return parse_program(
        {
            "inputs": [{"name": "x", "type": kind, "shape": list(shape)}],
            "outputs": [{"name": "in0_int", "type": "int64", "shape": list(shape)}],
            "constants": [
                {"name": name, "type": "float64", "shape": list(array.shape),
                 "values": array.ravel().tolist()} for name, array in arrays.items()
            ],
            "steps": [{"attributes": {}, "shape": list(shape), **step} for step in steps],
        },
        "before",
    )  # fmt: skip


CLIP: Constants = {"Clip 0": -4.0, "Clip 1": 3.0}
CHANNELS = np.array([0.25, 0.5, 1.0]).reshape(1, 3, 1, 1)
PLACES = np.arange(1, 25).reshape(1, 3, 2, 4) / 16
CASES: dict[str, tuple[str, tuple[int, ...], Constants, tuple[str, ...]]] = {
    "one range": ("float32", (3, 2, 4), {"Div 0": 0.1, **CLIP}, ("Div", "Clip", "Round")),
    "by channel": ("float32", (3, 2, 4), {"Div 0": CHANNELS, **CLIP}, ("Div", "Clip", "Round")),
    "by element": ("float64", (3, 2, 4), {"Div 0": PLACES, **CLIP}, ("Div", "Clip", "Round")),
    "whole numbers": ("int8", (3, 2, 4), {"Div 0": 2.0, **CLIP}, ("Div", "Clip", "Round")),
    "one number": ("float32", (), {"Div 0": 0.5, **CLIP}, ("Div", "Clip", "Round")),
    "unknown": ("float32", (3, 2, 4), {"Div 0": 0.5}, ("Div", "Round")),
}


def design_of(name: str) -> tuple[Deployment, HostProgram]:
    kind, shape, constants, ops = CASES[name]
    before = quantizer(kind, shape, constants, *ops)
    port = c_drivers.port("in0", 1, 64, signed=True)
    port = type(port)(**{**vars(port), "shape": shape, "beats": int(np.prod(shape))})
    return c_drivers.deployment([port], [c_drivers.port("out0", 2)], before), before


@pytest.mark.slow
@pytest.mark.parametrize("compiler", COMPILERS)
@pytest.mark.parametrize("name", CASES)
def test_values_beyond_the_range_are_counted_as_in_python(
    name: str, compiler: str, tmp_path: Path
) -> None:
    design, before = design_of(name)
    folder = c_drivers.write_driver(design, tmp_path)
    program = c_drivers.compiled(
        folder, "design", PROGRAMS / "clipped.c", compiler=compiler, flags=SANITIZERS,
        core=("fpgacomp",),
    )  # fmt: skip
    spec = before.inputs["x"]
    samples = (np.random.default_rng(0).normal(size=(20, *spec.shape)) * 6).astype(spec.type)
    samples[0] = 0
    bounds = input_bounds(before)["x"]
    found = c_drivers.run([str(program)], folder, given=samples.tobytes()).split()
    if bounds is None:
        assert name == "unknown" and found == ["unknown"]
        return
    samples.ravel()[-1] = bounds.range.high + bounds.range.step  # beyond it, and on its border
    counted = bounds.beyond(samples).tolist()
    found = c_drivers.run([str(program)], folder, given=samples.tobytes()).split()
    assert [int(word) for word in found] == counted
    assert counted[0] == 0 and sum(counted) > 5


def test_ends_that_are_equal_along_an_axis_take_no_table() -> None:
    for name, tables in (("one range", 0), ("by channel", 6), ("by element", 48)):
        design, _ = design_of(name)
        files = c_driver(design, {"in0": bytes(8 * 24), "out0": bytes(2)}, family="").files
        text = files["software/c/design_deployment.c"].decode()
        sizes = [
            line for line in text.splitlines() if "fpgacomp_low_0[" in line and "static" in line
        ]
        assert [line.split("[")[1].split("]")[0] for line in sizes] == (
            [str(tables // 2)] if tables else []
        )


@pytest.mark.slow
@pytest.mark.parametrize("compiler", COMPILERS)
def test_a_device_that_is_opened_again_gives_its_first_transport_up(
    compiler: str, tmp_path: Path
) -> None:
    design, _ = design_of("by channel")
    folder = c_drivers.write_driver(design, tmp_path)
    program = c_drivers.compiled(
        folder, "design", PROGRAMS / "reopen.c", compiler=compiler, flags=SANITIZERS,
        core=("fpgacomp",),
    )  # fmt: skip
    told = c_drivers.run([str(program)], folder).splitlines()
    # All 24 values lie beyond the range; opened again, nothing is counted yet.
    assert told[:2] == ["24", "0"]
    # The first is closed once; the same structure is not closed under whoever opened it anew.
    assert told[2] == "0000 1 0"
    # Where opening fails, both are closed: nothing of either is left.
    assert told[3] == "1 1 1 1" and told[4] == "1 1 1"
