"""The command line: exit codes, one clear sentence per mistake, one JSON document."""

from __future__ import annotations

import importlib
import json
import signal
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import typer
from onnx import TensorProto, helper, numpy_helper
from typer.testing import CliRunner, Result

from fpgacomp.cli.app import app
from fpgacomp.cli.console import errors
from fpgacomp.cli.values import PruneMethod
from fpgacomp.data.labelled import load_data
from fpgacomp.errors import UsageError
from fpgacomp.flows.simulate import SimulationResult
from fpgacomp.report.folder import check_arrays
from tests.support.paths import EXAMPLES

DIGITS = str(EXAMPLES / "digits_cnn" / "model.onnx")
PIXELS = str(EXAMPLES / "digits_cnn" / "test_inputs.npy")
LABELS = str(EXAMPLES / "digits_cnn" / "test_labels.npy")
# The modules, which the functions of the same names hide.
prune = importlib.import_module("fpgacomp.cli.prune")
simulate = importlib.import_module("fpgacomp.cli.simulate")


def fpgacomp(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(a) for a in arguments], catch_exceptions=False)


def refused(result: Result, code: int, *phrases: str) -> None:
    assert result.exit_code == code, result.output
    assert "Traceback" not in result.output
    flat = " ".join(result.output.split())
    for phrase in phrases:
        assert phrase in flat


@pytest.mark.slow
def test_every_verb_has_help_with_an_example() -> None:
    for verb in ("compile", "estimate", "check", "simulate", "boards", "doctor"):
        result = fpgacomp(verb, "--help")
        assert result.exit_code == 0
        assert f"Example: fpgacomp {verb}" in " ".join(result.output.split())


@pytest.mark.parametrize(
    ("content", "phrase"),
    [(b"", "is empty"), (b"hello", "not an ONNX file")],
)
def test_files_that_are_no_network(tmp_path: Path, content: bytes, phrase: str) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(content)
    refused(fpgacomp("estimate", path, "--board", "pynq-z2"), 1, "model.onnx", phrase, "Fix:")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "phrase"),
    [
        (("check", "gone.onnx"), "gone.onnx: does not exist"),
        (("estimate", DIGITS, "--board", "gone.yaml"), "there is no such board file"),
        (("compile", DIGITS, "--board", "pynq-z2", "--inputs", "gone.npy"), "no such file"),
        (("estimate", DIGITS, "--board", "pynq-z2", "--calibration", "gone.npy"), "no such file"),
        (("split", "gone.npz"), "no such file"),
        (("split", "gone"), "no .npz, no folder and no function"),
        (("bench-estimates", "gone.csv"), "no such file"),
    ],
)
def test_a_file_that_does_not_exist_is_usage(arguments: tuple[str, ...], phrase: str) -> None:
    refused(fpgacomp(*arguments), 2, "gone", phrase, "Fix:")


def test_truncated_network(tmp_path: Path) -> None:
    path = tmp_path / "cut.onnx"
    path.write_bytes(Path(DIGITS).read_bytes()[:3000])
    refused(fpgacomp("compile", path, "--board", "pynq-z2"), 1, "cut off", "Fix:")


def test_unknown_board_names_the_nearest() -> None:
    refused(fpgacomp("estimate", DIGITS, "--board", "pynq-z3"), 2, "pynq-z2", "Fix:")


def test_missing_option_is_usage() -> None:
    refused(fpgacomp("compile", DIGITS), 2, "--board")


def test_what_is_missing_is_explained_as_in_the_help() -> None:
    refused(fpgacomp("compile", DIGITS), 2, "Missing option '--board'", "boards lists")
    refused(fpgacomp("compile", "--board", "pynq-z2"), 2, "Missing argument 'MODEL'", ".onnx")


def test_a_wrong_choice_names_the_choices_and_nothing_else() -> None:
    result = fpgacomp("simulate", "build", "--inputs", PIXELS, "--level", "C")
    refused(result, 2, "'--level': 'C' is not one of 'graph', 'c'")


def test_labels_need_the_samples_that_they_are_of(tmp_path: Path) -> None:
    """Generated samples have no labels, even if their number is the same."""
    arguments = ("--board", "pynq-z2", "--labels", LABELS, "--vectors", 450)
    out = tmp_path / "build"
    refused(fpgacomp("compile", DIGITS, *arguments, "--out", out), 2, "--labels", "add --inputs")
    assert not out.exists()


@pytest.mark.slow
def test_options_that_a_quantized_network_does_not_need_are_told() -> None:
    """A network of 4 bits must not pass for one of 3 because --weight-bits said so."""
    arguments = ("--weight-bits", 3, "--input-bits", "8:4", "--json")
    report = json.loads(fpgacomp("estimate", DIGITS, "--board", "pynq-z2", *arguments).stdout)
    (told,) = [warning for warning in report["warnings"] if "changed nothing" in warning]
    assert "--weight-bits, --input-bits changed" in told


@pytest.mark.parametrize(
    ("arguments", "phrase"),
    [
        (("--method", "ptq", "--budget", 1000), "--budget"),
        (("--steps", "gptq"), "--method brevitas-ptq"),
        (("--board", "pynq-z2"), "--board"),
        (("--board", "pynq-z2", "--budget", 1000), "--board"),
        (("--fps", 1000), "--fps"),
    ],
)
def test_quantize_refuses_what_its_method_ignores(
    arguments: tuple[object, ...], phrase: str
) -> None:
    refused(fpgacomp("quantize", DIGITS, "--data", "x.npz", *arguments), 2, phrase, "Fix:")


@pytest.mark.parametrize("method", ["n:m", "hardware"])
def test_prune_refuses_a_scope_that_its_method_ignores(method: PruneMethod) -> None:
    with pytest.raises(UsageError, match="--scope layer"):
        prune._options(method, "0.5", "2:4", "layer", (), "lut", None)


@pytest.mark.parametrize("method", ["magnitude", "n:m", "channels"])
def test_prune_refuses_a_board_that_its_method_ignores(method: PruneMethod) -> None:
    with pytest.raises(UsageError, match="--board"):
        prune._options(method, "0.5", "2:4", None, (), "lut", "pynq-z2")


def test_simulate_says_whether_anything_was_compared() -> None:
    graph = dict(simulate._lines(SimulationResult(3, "graph", {})))
    assert "nothing was compared" in graph["level"] and "None" not in str(graph)
    told = SimulationResult(3, "c", {}, 0, accuracy={"top1": 0.5, "samples": 3}, written="y.npy")
    lines = dict(simulate._lines(told))
    assert lines["mismatches"] == "0" and lines["answers"] == "written to y.npy"
    assert lines["accuracy"] == "top1 50.00 %, samples 3"


def test_clock_beyond_the_board() -> None:
    arguments = ("estimate", DIGITS, "--board", "pynq-z2", "--clock-mhz", 5000)
    refused(fpgacomp(*arguments), 2, "--clock-mhz 5000", "Fix:")


@pytest.mark.slow
def test_a_labelled_file_is_used_whole_and_a_data_set_in_part(tmp_path: Path) -> None:
    """What a file holds is what its user wants to check; a function may be the training data."""
    x, y = np.load(PIXELS), np.load(LABELS)
    np.savez(tmp_path / "d.npz", x=x[:, 0], y=y)  # without the channel's axis of one
    np.savez(tmp_path / "own.npz", x=x[:300], y=y[:300], x_test=x[300:], y_test=y[300:])
    held_out = len(load_data(tmp_path / "d.npz").test)
    assert 60 < held_out < 160
    compiled = "compile", DIGITS, "--board", "pynq-z2", "--no-csim", "--json"
    (tmp_path / "some.py").write_text(
        f"import numpy as np\n\ndef samples():\n    d = np.load({str(tmp_path / 'd.npz')!r})\n"
        "    return d['x'], d['y']\n"
    )
    sources = {
        "d.npz": (len(x), ""),
        "own.npz": (len(x) - 300, ""),
        "some.py:samples": (held_out, "test split, "),
    }
    for file, (samples, split) in sources.items():
        build = tmp_path / f"build-{file}"
        result = fpgacomp(*compiled, "--inputs", tmp_path / file, "--out", build)
        report = json.loads(result.stdout)
        assert report["exactness"]["vectors"] == samples
        assert report["accuracy"]["top1"] > 0.95
        assert report["options"]["inputs"] == f"{tmp_path / file} ({split}{samples} samples)"
        assert ("held_out_of" in report["accuracy"]) == bool(split)
    few = *compiled, "--inputs", tmp_path / "d.npz", "--vectors", 50, "--out", tmp_path / "few"
    report = json.loads(fpgacomp(*few).stdout)
    assert report["options"]["inputs"].endswith(f"(50 of {len(x)} samples)")
    assert f"50 of {len(x)} samples were run; --vectors {len(x)} runs all." in report["warnings"]
    twice = fpgacomp(*compiled, "--inputs", tmp_path / "d.npz", "--labels", LABELS)
    refused(twice, 1, "d.npz: holds labels of its own", "Fix: leave --labels out")


@pytest.mark.parametrize("bits", ["abc", "8:x"])
def test_input_bits_that_are_none(bits: str) -> None:
    arguments = ("estimate", DIGITS, "--board", "pynq-z2", "--input-bits", bits)
    refused(fpgacomp(*arguments), 2, f"--input-bits {bits}", "16:6")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("array", "phrase"),
    [
        (np.zeros((3, 8, 8, 2), dtype=np.float32), "[N, 1, 8, 8]"),
        (np.array(["a", "b"]), "type"),
        (np.full((2, 1, 8, 8), np.nan, dtype=np.float32), "NaN"),
        (np.zeros((0, 1, 8, 8), dtype=np.float32), "no samples"),
    ],
)
def test_inputs_that_do_not_go_with_the_network(
    tmp_path: Path, array: np.ndarray[Any, Any], phrase: str
) -> None:
    path = tmp_path / "x.npy"
    np.save(path, array)
    arguments = ("compile", DIGITS, "--board", "pynq-z2", "--inputs", path, "--out", tmp_path / "b")
    refused(fpgacomp(*arguments), 1, "x.npy", phrase, "Fix:")
    assert not (tmp_path / "b").exists()


def test_folder_that_holds_something_else(tmp_path: Path) -> None:
    (tmp_path / "precious.txt").write_text("mine")
    arguments = ("compile", DIGITS, "--board", "pynq-z2", "--out", tmp_path)
    refused(fpgacomp(*arguments), 2, "fpgacomp did not write", "Fix:")
    assert (tmp_path / "precious.txt").read_text() == "mine"


def test_missing_compiler_is_one_sentence(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    arguments = ("compile", DIGITS, "--board", "pynq-z2", "--out", tmp_path / "b")
    refused(fpgacomp(*arguments), 3, "no C++ compiler was found", "apt-get install g++")


def test_float_network_without_calibration(tmp_path: Path) -> None:
    path = tmp_path / "float.onnx"
    weight = numpy_helper.from_array(np.ones((4, 2), dtype=np.float32), "w")
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["x", "w"], ["y"])], "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 4])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 2])], [weight],
    )  # fmt: skip
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)]), path)
    refused(fpgacomp("estimate", path, "--board", "pynq-z2"), 1, "float network", "--calibration")


def test_simulate_wants_a_build_directory(tmp_path: Path) -> None:
    refused(fpgacomp("simulate", tmp_path, "--inputs", PIXELS), 2, "no build directory")


@pytest.mark.slow
def test_estimate_prints_one_json_document() -> None:
    result = fpgacomp("estimate", DIGITS, "--board", "pynq-z2", "--json")
    report = json.loads(result.stdout)
    assert result.exit_code == 0
    assert report["verdict"]["fits"] is True
    assert report["exactness"]["csim_mismatches"] is None


@pytest.mark.slow
def test_a_design_that_does_not_fit_exits_1_with_remedies() -> None:
    arguments = ("--board", "icebreaker", "--backend", "hls4ml", "--json")
    result = fpgacomp("estimate", DIGITS, *arguments)
    verdict = json.loads(result.stdout)["verdict"]
    assert result.exit_code == 1
    assert verdict["fits"] is False and verdict["limiting_resource"] and verdict["remedies"]


def test_errors_under_json_are_json_too() -> None:
    result = fpgacomp("estimate", DIGITS, "--board", "pynq-z3", "--json")
    assert result.exit_code == 2
    assert json.loads(result.stdout)["errors"][0]["fix"]


def test_check_lists_every_operator() -> None:
    result = fpgacomp("check", DIGITS, "--json")
    report = json.loads(result.stdout)
    assert result.exit_code == 0 and report["ok"]
    assert {"Conv", "Quant"} <= {node["op"] for node in report["nodes"]}


@pytest.mark.slow
def test_export_of_a_network_and_of_its_build(tmp_path: Path) -> None:
    out = tmp_path / "digits-qdq.onnx"
    told = json.loads(fpgacomp("export", DIGITS, "--out", out, "--vectors", 20, "--json").stdout)
    assert (told["file"], told["samples"], told["mismatches"]) == (str(out), 20, 0)
    onnx.checker.check_model(onnx.load(out), full_check=True)
    build = tmp_path / "build"
    fpgacomp("compile", DIGITS, "--board", "pynq-z2", "--no-csim", "--vectors", 20, "--out", build)
    again = tmp_path / "again.onnx"
    result = fpgacomp("export", build, "--out", again, "--inputs", PIXELS)
    assert result.exit_code == 0 and "exact: on 450 samples" in result.output
    pixels = np.load(PIXELS).astype(np.float32)
    answers = [
        onnxruntime.InferenceSession(file).run(None, {onnx.load(out).graph.input[0].name: pixels})
        for file in (out, again)  # the build's graph is that of the design: its pools moved
    ]
    np.testing.assert_array_equal(*(answer[0] for answer in answers))
    assert "exact: on 30 samples" in fpgacomp(
        "export", build, "--out", again, "--vectors", 30
    ).output  # fmt: skip
    refused(fpgacomp("export", build, "--out", again, "--input-bits", 8), 2, "not for a build")
    refused(fpgacomp("export", DIGITS, "--out", tmp_path / "net.txt"), 2, "is no .onnx file")


@pytest.mark.slow
@pytest.mark.skipif(find_spec("tensorflow") is None, reason="TensorFlow is not installed")
def test_export_as_tflite(tmp_path: Path) -> None:
    out, build = tmp_path / "digits.tflite", tmp_path / "build"
    told = json.loads(fpgacomp("export", DIGITS, "--out", out, "--inputs", PIXELS, "--json").stdout)
    assert (told["file"], told["samples"], told["mismatches"]) == (str(out), 450, 0)
    assert out.read_bytes()[4:8] == b"TFL3"
    fpgacomp("compile", DIGITS, "--board", "pynq-z2", "--no-csim", "--vectors", 20, "--out", build)
    result = fpgacomp("export", build, "--out", out, "--vectors", 30)  # its pools moved
    assert result.exit_code == 0 and "exact: on 30 samples" in result.output
    assert "image takes the hardware's integers, as int8" in result.output
    page = tmp_path / "page.tflite"
    page.write_text("<html>")
    refused(fpgacomp("export", DIGITS, "--out", page), 2, "TFLite")


@pytest.mark.slow
def test_answers_go_to_a_file_that_says_what_it_holds(tmp_path: Path) -> None:
    build = tmp_path / "build"
    fpgacomp("compile", DIGITS, "--board", "pynq-z2", "--no-csim", "--vectors", 5, "--out", build)
    line = ("simulate", build, "--inputs", PIXELS, "--outputs")
    refused(fpgacomp(*line, tmp_path / "y.txt"), 2, "is no .npy or .npz file", "name a .npy file")
    assert fpgacomp(*line, tmp_path / "y.npz").exit_code == 0
    assert list(np.load(tmp_path / "y.npz")) == ["scores"]
    with pytest.raises(UsageError, match=r"holds one array, and the network has 2 outputs"):
        check_arrays(tmp_path / "y.npy", 2, option="--outputs")


@pytest.mark.slow
def test_a_list_that_is_read_by_another_program_is_cut_nowhere(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    rows = fpgacomp("boards").stdout.splitlines()
    for board in json.loads(fpgacomp("boards", "--json").stdout):
        assert any(row.split()[:2] == [board["name"], board["part"]] for row in rows)


@pytest.mark.slow
def test_boards_and_doctor() -> None:
    names = [board["name"] for board in json.loads(fpgacomp("boards", "--json").stdout)]
    assert "pynq-z2" in names and len(names) >= 18
    assert json.loads(fpgacomp("boards", "pynq-z2", "--json").stdout)["part"].startswith("xc7z020")
    assert "g++" in fpgacomp("doctor").output


@pytest.mark.slow
def test_compile_simulate_and_replace(tmp_path: Path) -> None:
    """The whole way; a second run replaces the first, and the same input gives the same bytes."""
    out = tmp_path / "build"
    arguments = ("compile", DIGITS, "--board", "pynq-z2", "--out", out, "--inputs", PIXELS,
                 "--labels", LABELS, "--vectors", 200, "--json")  # fmt: skip
    first = fpgacomp(*arguments)
    report = json.loads(first.stdout)
    assert first.exit_code == 0
    assert report["exactness"]["csim_mismatches"] == 0
    assert report["exactness"]["network_mismatches"] == 0
    assert report["exactness"]["vectors"] == 200
    assert report["accuracy"]["top1"] > 0.96
    for name in ("report.html", "report.json", "manifest.json", "graph.json", "network.onnx",
                 "hls/build_prj.tcl", "software/before.onnx", "vectors"):  # fmt: skip
        assert (out / name).exists(), name

    answers = tmp_path / "y.npy"
    simulated = fpgacomp("simulate", out, "--inputs", PIXELS, "--level", "c", "--outputs", answers,
                         "--labels", LABELS, "--json")  # fmt: skip
    assert json.loads(simulated.stdout)["mismatches"] == 0
    assert np.load(answers).shape == (450, 10)

    before = {p.relative_to(out): p.read_bytes() for p in (out / "hls").rglob("*") if p.is_file()}
    assert fpgacomp(*arguments).exit_code == 0
    after = {p.relative_to(out): p.read_bytes() for p in (out / "hls").rglob("*") if p.is_file()}
    assert before == after
    assert sorted(p.name for p in tmp_path.iterdir()) == ["build", "y.npy"]

    (out / "graph.json").write_text("{}")
    refused(fpgacomp("simulate", out, "--inputs", PIXELS), 2, "graph.json", "was changed")


@pytest.fixture
def ctrl_c() -> Iterator[Any]:
    """As at a terminal: tests that are started in the background inherit that it is ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield signal.default_int_handler
    signal.signal(signal.SIGINT, before)


def test_ctrl_c_that_a_library_turned_into_an_error_of_its_own(capsys: Any, ctrl_c: Any) -> None:
    with pytest.raises(typer.Exit) as stopped, errors(False):
        try:
            signal.raise_signal(signal.SIGINT)
        except KeyboardInterrupt:
            raise AttributeError("half imported") from None
    assert stopped.value.exit_code == 130
    assert "stopped; nothing was written." in capsys.readouterr().err
    assert signal.getsignal(signal.SIGINT) is ctrl_c
    with pytest.raises(AttributeError, match="a bug"), errors(False):
        raise AttributeError("a bug")


@pytest.mark.slow
def test_labels_out_of_range_name_their_file(tmp_path: Path) -> None:
    np.save(tmp_path / "y.npy", np.full(20, 12))
    np.save(tmp_path / "x.npy", np.load(PIXELS)[:20])
    result = fpgacomp("compile", DIGITS, "--board", "pynq-z2", "--no-csim", "--inputs",
                      tmp_path / "x.npy", "--labels", tmp_path / "y.npy")  # fmt: skip
    refused(result, 1, f"{tmp_path / 'y.npy'}: the label of sample 0 is 12")


def test_bits_out_of_range_name_their_option() -> None:
    refused(fpgacomp("check", DIGITS, "--weight-bits", 20), 2, "--weight-bits 20: is out of range")
