"""The software side in C computes what it computes in numpy, whatever its tensors are called."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fpgacomp.deploy.c.operators import ELEMENTWISE, INEXACT, NUMBERS, REALS
from fpgacomp.deploy.c.project import c_driver
from fpgacomp.errors import UnsupportedLayer
from fpgacomp.runtime.deployment import Deployment
from fpgacomp.runtime.program import OPERATORS, HostProgram, HostStep, TensorSpec
from tests.support import c_drivers, host_programs
from tests.support.c_drivers import COMPILERS, PROGRAMS, SANITIZERS

pytestmark = c_drivers.needs_gcc

PORTS = (c_drivers.port("a */ b", 12, 64, signed=True), c_drivers.port('"', 6, 64, signed=True))
BINARY = ("Add", "Sub", "Mul", "Div", "Min", "GreaterOrEqual", "Greater", "LessOrEqual", "Less")
WIDE = {port.integers: TensorSpec("int64", port.shape) for port in PORTS}


def program_of(design: Deployment, folder: Path, compiler: str = "gcc") -> Path:
    driver = c_drivers.write_driver(design, folder)
    source = PROGRAMS / "sides.c"
    return c_drivers.compiled(
        driver, design.name, source, compiler=compiler, flags=SANITIZERS, core=("fpgacomp",)
    )


def assert_same(
    found: dict[str, np.ndarray[Any, Any]], wanted: dict[str, np.ndarray[Any, Any]]
) -> None:
    assert set(found) == set(wanted)
    for name, array in wanted.items():
        np.testing.assert_array_equal(found[name], array, err_msg=name)


@pytest.mark.slow
@pytest.mark.parametrize("compiler", COMPILERS)
@pytest.mark.parametrize("seed", [0, pytest.param(1, marks=pytest.mark.slow)])
def test_random_sides_are_exact_to_the_bit(seed: int, compiler: str, tmp_path: Path) -> None:
    rng = np.random.default_rng(seed)
    before, samples, integers = host_programs.random_before(rng, WIDE)
    after, frames, answers = host_programs.random_after(rng, WIDE)
    assert_same(before.run(samples), integers)
    design = c_drivers.deployment(PORTS, PORTS, before, after, name="side")
    program = program_of(design, tmp_path, compiler)
    found = c_drivers.to_frames(program, design, samples)
    assert_same(dict(zip(WIDE, found)), integers)
    given = [frames[name] for name in WIDE]
    assert_same(c_drivers.from_frames(program, design, given), answers)


def every_operator() -> tuple[HostProgram, np.ndarray[Any, Any]]:
    """Each elementwise operator on each of its types, on every pair of values that is a case.

    Returns:
        A side behind, and its frames [N, 2].
    """
    port = c_drivers.port("in0", 2, 64, signed=True)
    pair = TensorSpec("int64", (2,))
    constants: dict[str, np.ndarray[Any, Any]] = {
        "0": np.array(0), "1": np.array(1), "infinite": np.array(np.inf), "none": np.array(0.0),
        "half": np.array(0.5), "edge": np.array(40.0),
    }  # fmt: skip
    steps: list[HostStep] = []

    def add(op: str, inputs: list[str], kind: str, shape: tuple[int, ...] = ()) -> str:
        attributes = {"axis": 1} if op == "Gather" else {}
        steps.append(
            HostStep(op, tuple(inputs), f"t{len(steps)}", attributes, TensorSpec(kind, shape))
        )
        return steps[-1].output

    whole = [add("Gather", [port.integers, axis], "int64") for axis in "01"]
    outputs = []
    for kind in NUMBERS:
        operands = [add("Cast", [name], kind) for name in whole]
        if kind in REALS:  # halves, and infinite or NaN far out
            names = {n: f"{n} {kind}" for n in ("half", "edge", "infinite", "none")}
            constants |= {name: constants[n].astype(kind) for n, name in names.items()}
            far = [add("Greater", [o, names["edge"]], "bool") for o in operands]
            lost = add(
                "Mul", [names["infinite"], add("Mul", [operands[0], names["none"]], kind)], kind
            )
            halves = [add("Mul", [o, names["half"]], kind) for o in operands]
            low = [add("Mul", [h, names["infinite"]], kind) for h in halves]
            operands = [add("Where", [far[0], lost, halves[0]], kind),
                        add("Where", [far[1], low[1], halves[1]], kind)]  # fmt: skip
        for op, rule in ELEMENTWISE.items():
            if kind not in rule.types or op in INEXACT:
                continue
            count = {"Clip": 3, "Max": 3}.get(op, 2 if op in BINARY else 1)
            given = [operands[k % 2] for k in range(count)]
            other = given[::-1] if count == 2 else operands[1:] * count
            outputs += [add(op, inputs, rule.result or kind) for inputs in (given, other)]
        outputs += [add("Cast", [operands[1]], to) for to in ("float32", "float64", "bool")]
        if kind not in REALS:
            outputs += [add("Cast", [operands[0]], to) for to in NUMBERS]
    specs = {step.output: step.spec for step in steps}
    values = [-(2**63), 2**63 - 1, -(2**31), 2**31 - 1, -128, 127, 255, 256, *range(-6, 7), 41, 80]
    frames = np.array([(a, b) for a in values for b in values])
    program = HostProgram(
        {port.integers: pair}, {o: specs[o] for o in outputs}, constants, tuple(steps)
    )
    return program, frames


@pytest.mark.slow
def test_every_operator_on_every_type_and_case(tmp_path: Path) -> None:
    after, frames = every_operator()
    port = c_drivers.port("in0", 2, 64, signed=True)
    design = c_drivers.deployment([port], [port], after=after, name="side")
    found = c_drivers.from_frames(program_of(design, tmp_path), design, [frames])
    wanted = after.run({port.integers: frames})
    assert any(np.isnan(array).any() for array in wanted.values() if array.dtype.kind == "f")
    assert_same(found, wanted)


def test_the_random_sides_have_every_operator() -> None:
    seen: set[str] = set()
    for seed in range(8):
        rng = np.random.default_rng(seed)
        for side in (host_programs.random_before, host_programs.random_after):
            seen |= {step.op for step in side(rng, WIDE)[0].steps}
    assert seen >= OPERATORS.keys() - INEXACT


@pytest.mark.slow
def test_exponentials_agree_up_to_the_last_bits(tmp_path: Path) -> None:
    kinds, steps = ("float32", "float64"), []
    port = c_drivers.port("in0", 12, 64, signed=True)
    scale = {kind: np.array(0.37, kind) for kind in kinds}
    outputs = {}
    for kind in kinds:
        spec = TensorSpec(kind, (12,))
        steps.append(HostStep("Cast", (port.integers,), f"cast {kind}", {}, spec))
        steps.append(HostStep("Mul", (f"cast {kind}", kind), kind + " x", {}, spec))
        for op in sorted(INEXACT):
            attributes = {"axis": 1} if op.endswith("Softmax") else {}
            steps.append(HostStep(op, (kind + " x",), f"{op} {kind}", attributes, spec))
            outputs[f"{op} {kind}"] = spec
    after = HostProgram({port.integers: TensorSpec("int64", (12,))}, outputs, scale, tuple(steps))
    design = c_drivers.deployment([port], [port], after=after, name="side")
    frames = np.random.default_rng(2).integers(-200, 201, (50, 12))
    frames[:, 0] = np.arange(50)
    found = c_drivers.from_frames(program_of(design, tmp_path), design, [frames])
    wanted = after.run({port.integers: frames})
    for name, array in wanted.items():
        assert found[name].dtype == array.dtype
        tolerance = 2e-6 if name.endswith("32") else 1e-14
        np.testing.assert_allclose(found[name], array, rtol=tolerance, atol=tolerance, err_msg=name)


@pytest.mark.slow
def test_rounding_does_not_depend_on_the_processors_mode(tmp_path: Path) -> None:
    port = c_drivers.port("in0", 8, 64, signed=True)
    spec = TensorSpec("float64", (8,))
    steps = (HostStep("Round", ("x",), "r", {}, spec),
             HostStep("Cast", ("r",), port.integers, {}, TensorSpec("int64", (8,))))  # fmt: skip
    before = HostProgram({"x": spec}, {port.integers: steps[1].spec}, {}, steps)
    design = c_drivers.deployment([port], [port], before, name="side")
    driver = c_drivers.write_driver(design, tmp_path)
    source = tmp_path / "mode.c"
    text = (PROGRAMS / "sides.c").read_text()
    # A mode for each sample, by turns.
    text = text.replace("#include <stdio.h>", "#include <fenv.h>\n#include <stdio.h>").replace(
        "const fpgacomp_status status = DESIGN",
        "static const int modes[] = {FE_UPWARD, FE_DOWNWARD, FE_TOWARDZERO, FE_TONEAREST};\n"
        "static int turn;\n"
        "const int changed = fesetround(modes[turn++ % 4]);\n"
        "const fpgacomp_status status = changed ? FPGACOMP_BAD_ARGUMENT : DESIGN",
    )
    assert "changed ?" in text
    source.write_text(text)
    program = c_drivers.compiled(driver, "side", source, core=("fpgacomp",))
    values = [-2.5, -1.5, -0.5, 0.5, 1.5, 2.5, 0.49999999999999994, 4503599627370495.5]
    (found,) = c_drivers.to_frames(program, design, {"x": np.array([values] * 4)})
    assert found.tolist() == [[-2, -2, 0, 0, 2, 2, 0, 4503599627370496]] * 4


@pytest.mark.slow
def test_numbers_that_no_type_holds_become_its_ends(tmp_path: Path) -> None:
    kinds = ("int64", "int32", "int8", "uint8")
    port = c_drivers.port("in0", 6, 64, signed=True)
    infinite = {"huge": np.array([np.inf, -np.inf, 1e30, -1e30, 300.5, -300.5])}
    steps = [HostStep("Cast", (port.integers,), "f", {}, TensorSpec("float64", (6,)))]
    steps.append(HostStep("Mul", ("f", "huge"), "x", {}, TensorSpec("float64", (6,))))
    steps += [HostStep("Cast", ("x",), kind, {}, TensorSpec(kind, (6,))) for kind in kinds]
    outputs = {kind: TensorSpec(kind, (6,)) for kind in kinds}
    after = HostProgram({port.integers: TensorSpec("int64", (6,))}, outputs, infinite, tuple(steps))
    design = c_drivers.deployment([port], [port], after=after, name="side")
    frames = [np.array([[1] * 6, [0, 0, 1, 1, 1, 1]])]
    found = c_drivers.from_frames(program_of(design, tmp_path), design, frames)
    for kind, array in found.items():
        low, high = np.iinfo(kind).min, np.iinfo(kind).max
        ends = [max(low, min(high, n)) for n in (300, -300)]
        assert array[0].tolist() == [high, low, high, low, *ends]
        assert array[1].tolist()[:2] == [0, 0]  # NaN


@pytest.mark.slow
def test_an_image_with_its_channels_last_needs_no_table(tmp_path: Path) -> None:
    """A transposition of any form is a loop; anything else is a table of indices."""
    port = c_drivers.port("in0", 24, 64, signed=True)
    whole = TensorSpec("int64", (24,))
    indices = {f"{r}": np.arange(24).reshape(r, -1).T.ravel() for r in (1, 2, 3, 4, 8, 24)}
    indices["swapped"] = np.array([1, 0, *range(2, 24)])
    indices["back"] = np.arange(24)[::-1]
    steps = [
        HostStep("Gather", (port.integers, name), f"g {name}", {"axis": 1}, whole)
        for name in indices
    ]
    outputs = {step.output: whole for step in steps}
    after = HostProgram({port.integers: whole}, outputs, indices, tuple(steps))
    design = c_drivers.deployment([port], [port], after=after, name="side")
    program = program_of(design, tmp_path)
    frames = np.arange(48).reshape(2, 24)
    found = c_drivers.from_frames(program, design, [frames])
    assert_same(found, after.run({port.integers: frames}))
    text = next(tmp_path.rglob("side_deployment.c")).read_text()
    # Neither direction of one row is a transposition: it moves nothing.
    assert text.count("static const int32_t") == 4 and text.count("i0 + i1 *") == 4


@pytest.mark.slow
def test_samples_that_do_not_go_with_the_design(tmp_path: Path) -> None:
    port = c_drivers.port("in0", 2, highest=15)
    spec = TensorSpec("float32", (2,))
    step = HostStep("Cast", ("x",), port.integers, {}, TensorSpec("int64", (2,)))
    before = HostProgram({"x": spec}, {port.integers: step.spec}, {}, (step,))
    design = c_drivers.deployment([port], [port], before, name="side")
    program = program_of(design, tmp_path)
    found = []
    for sample in ([np.nan, 0], [0, np.inf], [0, 16], [-1, 0], [15, 0]):
        given = np.array(sample, "float32").tobytes()
        done = subprocess.run([program, "before"], input=given, capture_output=True, check=False)
        found.append((done.returncode, done.stderr.decode().strip()))
    assert found == [(1, "11"), (1, "11"), (1, "12"), (1, "12"), (0, "")]


def one(op: str, kind: str, given: tuple[str, ...], result: str, **constants: Any) -> HostProgram:
    port = c_drivers.port("in0", 2)
    steps = (
        HostStep("Cast", (port.integers,), "x", {}, TensorSpec(kind, (2,))),
        HostStep(op, given, "y", {}, TensorSpec(result, (2,))),
    )
    arrays = {name: np.asarray(value) for name, value in constants.items()}
    inputs = {port.integers: TensorSpec("int64", (2,))}
    return HostProgram(inputs, {"y": steps[1].spec}, arrays, steps)


@pytest.mark.parametrize(
    ("program", "why"),
    [
        (one("Div", "int32", ("x", "x"), "int32"), "works on int32"),
        (one("Add", "float32", ("x", "c"), "float32", c=[1.0, 2.0]), "works on float32, float64"),
        (one("Add", "bool", ("x", "x"), "bool"), "works on bool"),
        (one("Exp", "float32", ("x",), "float64"), "gives float32 where float64 is stated"),
        (one("Add", "float64", ("x", "c"), "float64", c=np.zeros((2, 1, 2))), "another rank"),
        (one("Einsum", "float64", ("x",), "float64"), "C does not have this operator"),
        (one("Where", "float64", ("x", "x", "x"), "float64"), "chooses between two types"),
        (None, "only ONNX Runtime computes"),
    ],
)
def test_what_c_does_not_do_is_refused_with_its_remedy(
    program: HostProgram | None, why: str, tmp_path: Path
) -> None:
    port = c_drivers.port("in0", 2)
    design = c_drivers.deployment([port], [port])
    with pytest.raises(UnsupportedLayer, match=why) as refused:
        c_driver(replace(design, after=program), {"in0": bytes(2)}, family="zynq-7000")
    assert refused.value.where.startswith("software.after")
    assert "use the Python driver" in refused.value.fix
