"""Engines in software beside the FPGA: what is measured, what is stated, and what is refused."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import onnx
import pytest
from typer.testing import CliRunner

import fpgacomp
from fpgacomp.cli.app import app
from fpgacomp.errors import FpgacompError, ToolError, UsageError
from fpgacomp.flows.engine_rates import engine_rates
from fpgacomp.flows.import_report import import_report
from fpgacomp.report.bitstream_folder import build_digest, write_bitstream
from fpgacomp.report.engine_rates import lines
from tests.support import tool_reports as samples
from tests.support.builds import build
from tests.support.paths import EXAMPLES, REPOSITORY

MODEL = EXAMPLES / "digits_mlp" / "model.onnx"
QUICK = 0.01


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("engines") / "built"
    return build(folder, example="digits_mlp", backend="hls4ml")


@pytest.fixture(scope="module")
def float_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    weights = onnx.numpy_helper.from_array(np.ones((8, 4), np.float32), "w")
    node = onnx.helper.make_node("MatMul", ["x", "w"], ["y"])
    graph = onnx.helper.make_graph(
        [node], "plain",
        [onnx.helper.make_tensor_value_info("x", 1, [1, 8])],
        [onnx.helper.make_tensor_value_info("y", 1, [1, 4])], [weights],
    )  # fmt: skip
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)])
    path = tmp_path_factory.mktemp("float") / "plain.onnx"
    onnx.save(model, path)
    return path


@pytest.mark.slow
def test_a_build_runs_as_qdq_beside_its_estimate(built: Path) -> None:
    report = json.loads((built / "report.json").read_text())["estimate"]
    found = engine_rates([built], ["onnxruntime"], fpga_watts=2.0, engine_watts=15.0, seconds=QUICK)
    hardware, software = found.rates
    assert (hardware.form, hardware.measured, software.form, software.measured) == (
        "hardware", False, "qdq", True,
    )  # fmt: skip
    assert hardware.latency_us == pytest.approx(report["latency_us"])
    assert hardware.samples_per_second == pytest.approx(report["frames_per_second"])
    assert hardware.energy_uj == pytest.approx(2e6 / report["frames_per_second"])
    assert software.latency_p99_us is not None
    assert 0 < software.latency_us <= software.latency_p99_us
    assert software.samples_per_second > 0 and software.batch == 64
    assert software.energy_uj == pytest.approx(15e6 / software.samples_per_second)
    assert any("without the time that samples take" in note for note in found.notes)


@pytest.mark.slow
def test_the_host_link_of_a_bitstream_bounds_the_rate(built: Path, tmp_path: Path) -> None:
    place = shutil.copytree(built, tmp_path / "linked")
    link = {"host_link": {"kind": "uart", "frames_per_second": 1000.0}}
    write_bitstream(place / "bitstream", build_digest(place), {"design.bit": b"bits"}, link)
    found = engine_rates([place], ["onnxruntime"], fpga_watts=2.0, seconds=QUICK)
    assert found.rates[0].samples_per_second == pytest.approx(1000.0)
    assert found.rates[0].energy_uj == pytest.approx(2000.0)
    assert any("host link of its bitstream carries 1,000" in note for note in found.notes)


@pytest.mark.slow
def test_without_watts_there_is_no_energy(built: Path) -> None:
    found = engine_rates([built], ["onnxruntime"], seconds=QUICK)
    assert all(rate.energy_uj is None for rate in found.rates)


@pytest.mark.slow
def test_an_imported_power_report_counts_and_is_named(built: Path, tmp_path: Path) -> None:
    (tmp_path / "p.rpt").write_text(samples.power("model", 1.875))
    import_report(built, [tmp_path / "p.rpt"])
    hardware = engine_rates([built], ["onnxruntime"], seconds=QUICK).rates[0]
    assert hardware.watts == 1.875 and "the imported power report" in hardware.watts_from
    stated = engine_rates([built], ["onnxruntime"], fpga_watts=3.0, seconds=QUICK).rates[0]
    assert stated.watts == 3.0 and stated.watts_from == "stated by you"


@pytest.mark.slow
def test_the_board_file_states_what_the_board_typically_takes(built: Path, tmp_path: Path) -> None:
    shipped = REPOSITORY / "boards" / "pynq-z2.yaml"
    mine = tmp_path / "mine.yaml"
    power = "power_watts: {typical: 2.5, source: UG999 table 3}\n"
    mine.write_text(shipped.read_text().replace("memory:", f"{power}memory:", 1))
    plain = shutil.copytree(built, tmp_path / "plain")
    shutil.rmtree(plain / "measured", ignore_errors=True)
    found = engine_rates([plain, MODEL], ["onnxruntime"], board=str(mine), seconds=QUICK)
    hardware = [rate for rate in found.rates if rate.form == "hardware"]
    assert len(hardware) == 2
    for rate in hardware:
        assert rate.watts == 2.5 and rate.watts_from == "typical of the board: UG999 table 3"
        assert rate.summary()["energy_uj_estimate"] == pytest.approx(
            2.5e6 / rate.samples_per_second
        )
    without = engine_rates([plain], ["onnxruntime"], seconds=QUICK)
    assert without.rates[0].watts is None
    assert without.rates[0].summary()["watts_from"] == "not stated"
    shown = list(lines(without))
    assert "not stated" in shown[1] and any("where nobody states watts" in line for line in shown)
    stated = engine_rates([plain], ["onnxruntime"], board=str(mine), fpga_watts=1.0, seconds=QUICK)
    assert stated.rates[0].watts_from == "stated by you"


def compiled_again(build: Path, folder: Path) -> Path:
    """A copy of a build whose design is another one than what lies in the folder was made from."""
    place = shutil.copytree(build, folder)
    (place / "manifest.json").write_text((place / "manifest.json").read_text() + "\n")
    return place


@pytest.mark.slow
def test_what_is_of_an_earlier_build_is_told_and_left_out(built: Path, tmp_path: Path) -> None:
    (tmp_path / "p.rpt").write_text(samples.power("model", 1.875))
    measured = shutil.copytree(built, tmp_path / "measured")
    import_report(measured, [tmp_path / "p.rpt"])
    link = {"host_link": {"kind": "uart", "frames_per_second": 1.0}}
    write_bitstream(measured / "bitstream", build_digest(measured), {"x.bit": b"bits"}, link)
    stale = compiled_again(measured, tmp_path / "stale")
    found = engine_rates([stale], ["onnxruntime"], seconds=QUICK)
    assert "imported" not in found.rates[0].watts_from
    assert found.rates[0].samples_per_second > 1.0
    told = " ".join(found.notes)
    assert "measured of it is left out" in told and "of an earlier build" in told
    assert "its bitstream is left out" in told and "made from another build" in told
    (stale / "measured/manifest.json").write_text("{}")
    damaged = engine_rates([stale], ["onnxruntime"], seconds=QUICK)
    assert "is no folder of imported reports" in " ".join(damaged.notes)


@pytest.mark.slow
def test_a_quantized_file_is_estimated_for_a_board(float_file: Path) -> None:
    found = engine_rates([MODEL, float_file], ["onnxruntime"], board="pynq-z2", seconds=QUICK)
    assert [(Path(rate.source).name, rate.form) for rate in found.rates] == [
        ("model.onnx", "hardware"), ("model.onnx", "qdq"), ("plain.onnx", "float32"),
    ]  # fmt: skip
    told = " ".join(found.notes)
    assert "name its float original beside it" in told  # of the QONNX file
    assert "plain.onnx: has no QDQ export" in told


def test_engines_that_are_missing_are_told_with_what_installs_them(built: Path) -> None:
    with pytest.raises(ToolError, match=r"TensorrtExecutionProvider.*pip install onnxruntime-gpu"):
        engine_rates([built], ["tensorrt"])
    with pytest.raises(FpgacompError, match=r"2 problems"):
        engine_rates([built], ["tensorrt", "onnxruntime", "openvino"])
    with pytest.raises(UsageError, match=r"is no engine that is known.*onnxruntime, cuda"):
        engine_rates([built], ["tflite"])


def test_what_is_not_possible_is_refused(built: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="names nothing to measure"):
        engine_rates([built], [])
    for watts in (0.0, -1.0, float("nan"), 1e9):
        with pytest.raises(UsageError, match="give watts above 0"):
            engine_rates([built], ["onnxruntime"], fpga_watts=watts)
    with pytest.raises(UsageError, match="no build directory"):
        engine_rates([tmp_path], ["onnxruntime"])


@pytest.mark.slow
def test_the_command_line(built: Path) -> None:
    run = CliRunner()
    shown = run.invoke(app, ["evaluate", str(built), "--engines", "onnxruntime",
                             "--engine-watts", "15", "--engine-seconds", "0.01"])  # fmt: skip
    assert shown.exit_code == 0, shown.output
    assert "QDQ int8" in shown.output and "energy uJ (est.)" in shown.output
    document = run.invoke(
        app,
        ["evaluate", str(built), "--engines", "onnxruntime", "--json", "--engine-seconds", "0.01"],
    )
    assert len(json.loads(document.stdout)["rates"]) == 2
    both = run.invoke(app, ["evaluate", str(built), "--engines", "onnxruntime", "-d", "x.npz"])
    assert both.exit_code == 2
    neither = run.invoke(app, ["evaluate", str(built)])
    assert neither.exit_code == 2 and "--engines to measure speed" in neither.output
    assert fpgacomp.engine_rates is engine_rates
