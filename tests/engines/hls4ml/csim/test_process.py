"""What the C-simulation says when something is wrong: inputs, compiler, program, integers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from fpgacomp.engines.hls4ml.csim import simulate
from fpgacomp.engines.hls4ml.emit.project import emit
from fpgacomp.engines.shared.csim import CsimResult
from fpgacomp.errors import InputDataError, ToolError
from fpgacomp.evidence.compare import compare
from fpgacomp.host import toolchain
from fpgacomp.ir.interpreter import run
from fpgacomp.ir.types import IntArray
from fpgacomp.results.project import Project
from tests.support import csim_run
from tests.support.csim_run import builders

GRAPH = builders.mlp()
INPUTS = builders.inputs(GRAPH, 40)
EXPECTED = run(GRAPH, INPUTS)


@pytest.fixture(scope="module")
def project() -> Project:
    return emit(builders.design(GRAPH, "io_stream"), EXPECTED)


def changed(project: Project, path: str, old: str, new: str) -> Project:
    text = project.files[path].decode()
    assert old in text
    return Project({**project.files, path: text.replace(old, new, 1).encode()})


def simulated(project: Project, workdir: Path, **options: object) -> CsimResult:
    compiler = toolchain.find_compiler()
    return simulate(project, GRAPH, compiler, INPUTS, workdir=workdir, **options)  # type: ignore[arg-type]


def refused(inputs: dict[str, IntArray], tmp_path: Path, project: Project) -> str:
    with pytest.raises(InputDataError) as caught:
        simulate(project, GRAPH, toolchain.find_compiler(), inputs, workdir=tmp_path)
    return str(caught.value)


def test_inputs_that_would_wrap_are_refused(project: Project, tmp_path: Path) -> None:
    values = INPUTS["x"].copy()
    values[3, 2] = 8
    text = refused({"x": values}, tmp_path, project)
    assert "x: values -8..8 leave int4[-8..7], and the hardware would wrap them." in text
    assert "no integers were given" in refused({}, tmp_path, project)
    assert "expected integers [N, (6,)]" in refused({"x": values[:, :5]}, tmp_path, project)
    assert "float64" in refused({"x": values.astype(float)}, tmp_path, project)
    assert "[0] samples" in refused({"x": values[:0]}, tmp_path, project)
    assert not list(tmp_path.iterdir())


def test_a_missing_compiler_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(ToolError) as caught:
        toolchain.find_compiler()
    assert str(caught.value) == (
        "g++: no C++ compiler was found on PATH. "
        "Fix: install it, for instance with: apt-get install g++"
    )
    assert caught.value.exit_code == 3


def test_a_compiler_that_does_not_run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    broken = tmp_path / "g++"
    broken.write_text("#!/bin/sh\necho no licence >&2\nexit 1\n")
    broken.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ToolError, match="does not run: no licence"):
        toolchain.find_compiler()


def test_comparison_names_the_first_mismatch() -> None:
    got = {name: values.copy() for name, values in EXPECTED.items()}
    same = compare(EXPECTED, got, GRAPH)
    assert (same.vectors, same.integers, same.mismatches, same.first) == (
        40,
        6 + 8 * 4 + 5,
        0,
        None,
    )
    got["fc3"][0] += 1
    got["act1"][7, 3] -= 2
    outcome = compare(EXPECTED, got, GRAPH)
    value = int(EXPECTED["act1"][7, 3])
    assert str(outcome.first) == (
        f"layer act1, sample 7, index [3]: expected {value}, got {value - 2}"
    )
    assert outcome.mismatches == 6 and outcome.by_tensor == {"act1": 1, "fc3": 5}


def test_comparison_of_different_samples_is_refused() -> None:
    got = {name: values[:-1] for name, values in EXPECTED.items()}
    with pytest.raises(InputDataError, match="x: the two results to compare"):
        compare(EXPECTED, got, GRAPH)
    with pytest.raises(InputDataError, match="fc1: the two results to compare"):
        compare(EXPECTED, {"x": EXPECTED["x"]}, GRAPH)


@pytest.mark.slow
def test_progress_and_every_tensor(project: Project, tmp_path: Path) -> None:
    heard: list[tuple[str, int, int]] = []
    result = simulated(project, tmp_path, progress=lambda *what: heard.append(what))
    assert list(result.values) == [layer.output.name for layer in GRAPH.layers]
    assert all(values.dtype == np.int64 for values in result.values.values())
    assert heard[0] == ("compiling", 0, 40) and heard[-1] == ("simulating", 40, 40)
    assert result.compile_s > 0 and result.run_s > 0


@pytest.mark.slow
def test_one_sample(project: Project, tmp_path: Path) -> None:
    assert csim_run.exact(builders.design(GRAPH), tmp_path, samples=2)


@pytest.mark.slow
def test_one_wrong_weight_is_found(project: Project, tmp_path: Path) -> None:
    path = "hls/firmware/weights/w4.txt"
    first = project.files[path].decode().split(",")[0]
    wrong = changed(project, path, first, str(int(first) ^ 1))
    outcome = compare(EXPECTED, simulated(wrong, tmp_path).values, GRAPH)
    assert outcome.first is not None and outcome.first.layer == "fc2"
    assert set(outcome.by_tensor) <= {"fc2", "act2", "fc3"}


@pytest.mark.slow
def test_cpp_that_does_not_compile(project: Project, tmp_path: Path) -> None:
    wrong = changed(project, "hls/firmware/mlp.cpp", "nnet::dense<", "nnet::danse<")
    with pytest.raises(ToolError) as caught:
        simulated(wrong, tmp_path)
    assert "the emitted C++ does not compile" in str(caught.value)
    assert "danse" in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.slow
def test_cpp_that_aborts_does_not_take_us_along(project: Project, tmp_path: Path) -> None:
    wrong = changed(
        project, "hls/firmware/mlp.cpp", "    nnet::dense<", "    abort(); nnet::dense<"
    )
    with pytest.raises(ToolError, match="ended with signal 6"):
        simulated(wrong, tmp_path)


@pytest.mark.slow
def test_a_missing_weight_file(project: Project, tmp_path: Path) -> None:
    files = {path: data for path, data in project.files.items() if not path.endswith("w2.txt")}
    with pytest.raises(ToolError, match=r"exit code 1: .*weights/w2.txt does not exist"):
        simulated(Project(files), tmp_path)


@pytest.mark.slow
def test_a_stream_that_does_not_come_out_even(project: Project, tmp_path: Path) -> None:
    wrong = changed(project, "hls/firmware/mlp.cpp", "    fpgacomp::thresholds<",
                    "    layer2_out.write(layer2_t()); fpgacomp::thresholds<")  # fmt: skip
    with pytest.raises(ToolError, match=r"a stream did not come out even: .*layer2_out"):
        simulated(wrong, tmp_path)


@pytest.mark.slow
def test_a_program_that_hangs(project: Project, tmp_path: Path) -> None:
    wrong = changed(project, "hls/firmware/mlp.cpp", "    nnet::dense<",
                    "    for (volatile int i = 0; i < 1; i = i * 1) {} nnet::dense<")  # fmt: skip
    with pytest.raises(ToolError, match=r"it took over 0\.5 s"):
        simulated(wrong, tmp_path, timeout_s=0.5)


@pytest.mark.slow
def test_a_layer_that_is_not_traced(project: Project, tmp_path: Path) -> None:
    wrong = changed(project, "hls/firmware/mlp.cpp",
                    'nnet::save_layer_output<layer3_t>(layer3_out, "act1", 8);', "")  # fmt: skip
    with pytest.raises(ToolError, match="layer act1 wrote no trace"):
        simulated(wrong, tmp_path)
