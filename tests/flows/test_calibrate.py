"""From builds with imported reports to estimates that are corrected for the tool."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import fpgacomp
from fpgacomp.cli.app import app
from fpgacomp.errors import InputDataError, MissingInputData, UsageError
from fpgacomp.flows.calibrate import calibrate
from fpgacomp.flows.import_report import import_report
from tests.support import tool_reports as samples
from tests.support.builds import QUICK, build
from tests.support.paths import EXAMPLES
from tests.support.tiny_builds import tiny_build
from tests.support.tool_reports import Unit

pytestmark = pytest.mark.slow

MODEL = EXAMPLES / "digits_mlp" / "model.onnx"
RATES = (20_000_000, 5_000_000, 100_000)


def figures(folder: Path) -> Mapping[str, Any]:
    found: Mapping[str, Any] = json.loads((folder / "report.json").read_text())["estimate"]
    return found


def reported(folder: Path, file: Path, factor: float = 1.3, **form: str) -> Path:
    """Import a report that says `factor` times the LUTs that were estimated."""
    resources = figures(folder)["resources"]
    whole = Unit(
        "model", round(factor * resources["lut"]["value"]), round(resources["ff"]["value"]),
        round(resources["dsp"]["value"]), round(resources["bram18"]["value"]),
    )  # fmt: skip
    file.write_text(samples.utilization(whole, **form))
    import_report(folder, [file])
    return folder


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Three designs of one network, without reports."""
    base = tmp_path_factory.mktemp("builds")
    return [
        build(base / str(rate), example="digits_mlp", backend="hls4ml",
              target=fpgacomp.Target("area", fps=rate))
        for rate in RATES
    ]  # fmt: skip


@pytest.fixture
def builds(plain: Sequence[Path], tmp_path: Path) -> list[Path]:
    """Copies of them, whose tool took 1.3 times the LUTs."""
    copies = [Path(shutil.copytree(one, tmp_path / one.name)) for one in plain]
    return [reported(one, tmp_path / "report.rpt", version="2023.2") for one in copies]


def estimated(file: Path | None, **options: Any) -> fpgacomp.Report:
    asked = fpgacomp.Options(backend="hls4ml", tool_calibration=file, **QUICK, **options)
    return fpgacomp.estimate(MODEL, "pynq-z2", options=asked)


def test_a_tool_that_takes_more_is_learned_and_the_estimate_names_it(
    builds: list[Path], tmp_path: Path
) -> None:
    file = tmp_path / "vivado.json"
    made = calibrate(builds, file).calibration
    assert (made.tool, made.version, made.stage, made.engine) == (
        "Vivado", "2023.2", "logic_synth", "hls4ml",
    )  # fmt: skip
    luts = made.corrections["lut"]
    assert luts.factors["all"] == pytest.approx(1.3, rel=0.05)
    assert luts.after < luts.before / 3
    target = {"target": fpgacomp.Target("area", fps=RATES[1])}
    before, after = estimated(None, **target), estimated(file, **target)
    assert after.estimate.lut.value == pytest.approx(1.3 * before.estimate.lut.value, rel=0.06)
    assert after.estimate.ff.value == pytest.approx(before.estimate.ff.value)
    assert after.estimate.basis.calibrated.startswith("Vivado 2023.2, 3 builds, LUT x1.")
    assert "corrected for Vivado 2023.2" in after.reasons[0]
    assert after.board == before.board and not before.estimate.basis.calibrated


def test_a_design_keeps_the_budget_after_the_correction(builds: list[Path], tmp_path: Path) -> None:
    """The fastest design fills the board: with a tool that takes more, it has to be smaller."""
    file = tmp_path / "vivado.json"
    calibrate(builds, file)
    content = json.loads(file.read_text())
    content["corrections"]["lut"]["factors"] = {"all": 4.0}
    file.write_text(json.dumps(content))
    before, after = estimated(None), estimated(file)
    assert after.verdict.fits
    assert after.estimate.lut.value <= after.board.budget.lut
    assert after.estimate.interval_cycles.value > before.estimate.interval_cycles.value
    content["corrections"]["lut"]["factors"] = {"all": 10.0}
    file.write_text(json.dumps(content))
    bound = estimated(file, target=fpgacomp.Target("area", fps=2_000_000))
    assert not bound.verdict.fits and bound.verdict.limiting_resource == "lut"


def test_a_calibrated_build_says_so_and_teaches_nothing(builds: list[Path], tmp_path: Path) -> None:
    file = tmp_path / "vivado.json"
    calibrate(builds, file)
    again = build(tmp_path / "again", example="digits_mlp", backend="hls4ml",
                  tool_calibration=file)  # fmt: skip
    assert figures(again)["basis"]["calibrated"].startswith("Vivado 2023.2")
    reported(again, tmp_path / "report.rpt", version="2023.2")
    with pytest.raises(InputDataError, match="estimated with a calibration already"):
        calibrate([*builds, again])


def test_too_few_builds_are_refused_with_their_number(builds: list[Path], tmp_path: Path) -> None:
    with pytest.raises(InputDataError, match=r"hold 2 measured designs; it takes 3 different ones"):
        calibrate(builds[:2], tmp_path / "x.json")
    copy = Path(shutil.copytree(builds[0], tmp_path / "copy"))
    with pytest.raises(InputDataError, match=r"2 measured designs \(3 were given\)"):
        calibrate([*builds[:2], copy], tmp_path / "x.json")
    assert not (tmp_path / "x.json").exists()
    found = calibrate([*builds, copy])
    assert len(found.calibration.sources) == 3 and "counts once with" in found.notes[0]


def test_builds_of_several_tools_or_stages_are_refused(builds: list[Path], tmp_path: Path) -> None:
    reported(builds[0], tmp_path / "r.rpt", version="2025.1")
    with pytest.raises(InputDataError, match=r"several tools \(Vivado 2023.2, Vivado 2025.1\)"):
        calibrate(builds)
    reported(builds[0], tmp_path / "r.rpt", version="2023.2")
    reported(builds[0], tmp_path / "r.rpt", version="2023.2", state="Routed")
    assert calibrate(builds).calibration.stage == "logic_synth"
    with pytest.raises(InputDataError, match="no imported report of placement and routing"):
        calibrate(builds, stage="implementation")


def test_builds_without_reports_are_refused(plain: list[Path], tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="run: fpgacomp import-report"):
        calibrate(plain)
    with pytest.raises(UsageError, match="no build directory"):
        calibrate([tmp_path])


def test_a_report_of_the_host_link_and_all_teaches_nothing(tmp_path: Path) -> None:
    """nextpnr counts what `build` puts around a design, and the estimate does not."""
    made = tiny_build(tmp_path, "icebreaker", 24.0)
    file = tmp_path / "nextpnr-1.json"
    file.write_text(samples.nextpnr({"ICESTORM_LC": 4_330, "ICESTORM_RAM": 14}))
    found = import_report(made, [file]).measured
    (stage,) = found.stages
    assert {("lut", 4_330), ("bram18", 14)} <= {(x.quantity, x.measured) for x in stage.whole}
    assert all(one.within is None for one in stage.whole)
    with pytest.raises(UsageError, match=r"no imported report of the .* whole design") as caught:
        calibrate([made])
    assert f"import-report {made} {made}/rtl/yosys/stat.txt" in caught.value.fix


def test_a_calibration_is_of_one_engine_and_its_tools(builds: list[Path], tmp_path: Path) -> None:
    file = tmp_path / "vivado.json"
    calibrate(builds, file)
    for backend in ("auto", "stream"):
        options = fpgacomp.Options(backend=backend, tool_calibration=file)
        with pytest.raises(UsageError, match=r"engine hls4ml alone.*--backend hls4ml"):
            fpgacomp.estimate(MODEL, "pynq-z2", options=options)
    options = fpgacomp.Options(backend="hls4ml", tool_calibration=file)
    with pytest.raises(UsageError, match="does not build for ulx3s-85f"):
        fpgacomp.estimate(MODEL, "ulx3s-85f", options=options)
    with pytest.raises(MissingInputData, match="no such file"):
        estimated(tmp_path / "absent.json")
    (tmp_path / "strange.json").write_text("{}")
    with pytest.raises(InputDataError, match="fpgacomp calibrate --out"):
        estimated(tmp_path / "strange.json")


def test_the_command_line(builds: list[Path], tmp_path: Path) -> None:
    file, run = tmp_path / "vivado.json", CliRunner()
    shown = run.invoke(app, ["calibrate", *map(str, builds), "--out", str(file)])
    assert shown.exit_code == 0, shown.output
    assert "Vivado 2023.2, logic_synth: 3 builds of the engine hls4ml" in shown.output
    assert "LUT: x1.2" in shown.output or "LUT: x1.3" in shown.output
    again = run.invoke(app, ["calibrate", *map(str, builds), "--out", str(file), "--json"])
    assert again.exit_code == 0, again.output
    assert json.loads(again.output)["tool"] == "Vivado"
    arguments = ["estimate", str(MODEL), "--board", "pynq-z2", "--backend", "hls4ml",
                 "--tool-calibration", str(file), "--json"]  # fmt: skip
    found = run.invoke(app, arguments)
    assert "Vivado 2023.2" in json.loads(found.stdout)["estimate"]["basis"]["calibrated"]
    other = tmp_path / "mine.txt"
    other.write_text("my notes")
    refused = run.invoke(app, ["calibrate", *map(str, builds), "--out", str(other)])
    assert refused.exit_code == 2 and other.read_text() == "my notes"
