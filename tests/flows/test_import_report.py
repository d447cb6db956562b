"""Reports beside the estimate: matched to the layers of real builds, kept, and never lost."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import fpgacomp
from fpgacomp.cli.app import app
from fpgacomp.errors import FpgacompError, InputDataError, UsageError
from fpgacomp.flows import measured_folder
from fpgacomp.flows.import_report import ImportedReports, import_report
from fpgacomp.results.side_by_side import MeasuredLayer, MeasuredStage
from tests.support import tool_reports as samples
from tests.support.builds import build
from tests.support.tool_reports import Unit


@pytest.fixture(scope="module")
def stream(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("stream") / "built", backend="stream")


@pytest.fixture(scope="module")
def hls4ml(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("hls4ml") / "built"
    return build(folder, backend="hls4ml", io_type="io_stream")


@pytest.fixture
def built(stream: Path, tmp_path: Path) -> Path:
    """A copy that a test may change."""
    return Path(shutil.copytree(stream, tmp_path / "built"))


# Within the range of the estimate, with shared additions (where alkaid is installed) and without.
CONV1 = Unit("run_conv1", 350, 950)
WINDOW = Unit("run_conv1_window", 100, 100)
FIFO = Unit("u_s_conv1", 10, 10)
CONTROL = Unit("u_control", 300, 400)
MODEL = Unit("inst", 20_000, 15_000, 0, 0, module="design_1_model_0_0_model",
             inside=(CONV1, WINDOW, FIFO, CONTROL))  # fmt: skip
SHELL = Unit("design_1_wrapper", 25_000, 24_000, 0, 4, inside=(
    Unit("design_1_i", 25_000, 24_000, 0, 4, module="design_1", inside=(
        Unit("axi_dma_0", 1500, 2000, 0, 4, module="design_1_axi_dma_0_0"),
        Unit("model_0", 20_000, 15_000, module="design_1_model_0_0", inside=(MODEL,)),
    )),
))  # fmt: skip
PLAIN = Unit("model", 20_000, 15_000, inside=(CONV1, WINDOW, FIFO, CONTROL))


def given(folder: Path, text: str, name: str = "report.rpt") -> Path:
    path = folder / name
    path.write_text(text)
    return path


def stage(found: ImportedReports, name: str) -> MeasuredStage:
    return next(one for one in found.measured.stages if one.stage == name)


def layer(of: MeasuredStage, name: str) -> MeasuredLayer:
    return next(one for one in of.layers if one.name == name)


def files(folder: Path) -> dict[str, str]:
    """SHA-256 of every file of a build but what was imported."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file() and "measured" not in path.relative_to(folder).parts
    }


@pytest.mark.slow
@pytest.mark.parametrize("form", [samples.hierarchical, samples.hierarchical_xml])
@pytest.mark.parametrize("top", [PLAIN, SHELL])
def test_rtl_is_matched_by_its_instances(built: Path, tmp_path: Path, form: Any, top: Unit) -> None:
    before = files(built)
    found = stage(import_report(built, [given(tmp_path, form(top))]), "implementation")
    whole = {one.quantity: one.measured for one in found.whole}
    assert whole == {"lut": 20_000, "ff": 15_000, "dsp": 0, "bram18": 0}
    conv = layer(found, "conv1")
    assert conv.parts == ("run_conv1", "run_conv1_window", "u_s_conv1")
    luts, ffs = conv.of("lut"), conv.of("ff")
    assert luts is not None and (luts.measured, luts.within) == (460, True)
    assert ffs is not None and ffs.measured == 1060
    assert [(name, amounts["lut"]) for name, _, amounts in found.left] == [("u_control", 300)]
    assert files(built) == before
    if top is SHELL:
        assert "has 5,000 LUTs beside model_0, which are not compared" in " ".join(found.notes)


@pytest.mark.slow
def test_what_was_estimated_is_what_the_report_of_the_build_says(
    built: Path, tmp_path: Path
) -> None:
    report = json.loads((built / "report.json").read_text())
    imported = import_report(built, [given(tmp_path, samples.utilization(PLAIN))])
    luts = stage(imported, "logic_synth").of("lut")
    assert luts is not None and luts.estimated is not None
    stated = report["estimate"]["resources"]["lut"]
    assert (luts.estimated.value, luts.estimated.low, luts.estimated.high) == (
        stated["value"], stated["low"], stated["high"],
    )  # fmt: skip
    assert luts.within is (stated["low"] - 1 <= 20_000 <= stated["high"] + 1)


@pytest.mark.slow
def test_an_amount_outside_the_range_is_told(built: Path, tmp_path: Path) -> None:
    large = Unit("model", 50_000, 15_000, 12)
    report = given(tmp_path, samples.utilization(large))
    found = stage(import_report(built, [report]), "logic_synth")
    judged = {one.quantity: one.within for one in found.whole}
    assert judged == {"lut": False, "ff": True, "dsp": False, "bram18": True}
    shown = CliRunner().invoke(app, ["import-report", str(built), str(report)])
    assert shown.exit_code == 0 and shown.output.count("NO") == 2


@pytest.mark.slow
def test_c_synthesis_judges_cycles_and_blocks_but_not_luts(hls4ml: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(hls4ml, tmp_path / "built"))
    report = json.loads((folder / "report.json").read_text())
    cycles = round(report["estimate"]["latency_cycles"]["value"])
    units = (
        Unit("grp_conv_fu_1", 3000, 2000, latency=68, interval=66,
             module="conv_2d_cl_array_ap_ufixed_4_4_4_0_0_1u_array_ap_fixed_10_10_5_3_0_8u_config3_s"),
        Unit("zeropad_U0", 40, 30, module="zeropad2d_cl_array_array_ap_ufixed_4_4_1u_config2_s"),
        Unit("layer2_out_U", 10, 8, module="fifo_w4_d100_A"),
    )  # fmt: skip
    top = Unit("model", 90_000, 9000, latency=cycles, interval=100, inside=units)
    found = stage(import_report(folder, [given(tmp_path, samples.csynth_xml(top))]), "csynth")
    judged = {one.quantity: one.within for one in found.whole}
    assert judged["lut"] is None and judged["ff"] is None
    assert judged["latency"] is True and judged["dsp"] is True
    conv = layer(found, "conv1")
    assert conv.parts == ("grp_conv_fu_1", "zeropad_U0")
    luts, interval = conv.of("lut"), conv.of("interval")
    assert luts is not None and luts.measured == 3040
    assert interval is not None and interval.measured == 66
    assert conv.of("latency") is None  # of two functions that run at once nobody states it
    assert [name for name, _, _ in found.left] == ["layer2_out_U"]


@pytest.mark.slow
def test_reports_of_single_modules_count_together_and_never_twice(
    built: Path, tmp_path: Path
) -> None:
    one = given(tmp_path, samples.csynth_rpt(Unit("run_conv1", 900, 950)), "a.rpt")
    two = given(tmp_path, samples.csynth_rpt(Unit("run_conv1_window", 100, 90)), "b.rpt")
    found = stage(import_report(built, [one, two]), "csynth")
    luts = layer(found, "conv1").of("lut")
    assert luts is not None and luts.measured == 1000
    assert not found.whole
    whole = given(tmp_path, samples.csynth_xml(Unit("model", 5000, 6000, inside=(CONV1,))), "c.xml")
    found = stage(import_report(built, [whole]), "csynth")
    luts = layer(found, "conv1").of("lut")
    assert luts is not None and luts.measured == 350
    assert len(found.files) == 3


def test_nodes_of_finn_are_matched(built: Path, tmp_path: Path) -> None:
    if not (built / "finn").is_dir():
        pytest.skip("FINN is not installed, so that the build has none of its nodes")
    nodes = {
        "(top)": Unit("", 20_000), "StreamingDataflowPartition_1_MVAU_hls_0": Unit("", 800, 900),
        "StreamingDataflowPartition_1_FMPadding_rtl_0": Unit("", 30, 20),
        "StreamingDataflowPartition_0_IODMA_hls_0": Unit("", 1000, 1000),
    }  # fmt: skip
    found = stage(
        import_report(built, [given(tmp_path, samples.finn_nodes(nodes))]), "implementation"
    )
    luts = layer(found, "conv1").of("lut")
    assert luts is not None and luts.measured == 830
    assert [name for name, _, _ in found.left] == ["StreamingDataflowPartition_0_IODMA_hls_0"]


@pytest.mark.slow
def test_timing_and_power_are_kept(built: Path, tmp_path: Path) -> None:
    reports = [
        given(tmp_path, samples.timing("design_1_wrapper", slack=-0.5), "t.rpt"),
        given(tmp_path, samples.power("design_1_wrapper"), "p.rpt"),
    ]
    found = stage(import_report(built, reports), "implementation")
    assert found.clock is not None and found.clock.met is False and found.power_w == 1.875
    shown = CliRunner().invoke(app, ["import-report", str(built), *map(str, reports)])
    assert "10.500 ns (95.2 MHz) achieved" in shown.output and "NOT MET" in shown.output
    assert "power: 1.875 W" in shown.output
    other = given(tmp_path, samples.timing("model", period=5.0), "t.rpt")
    found = stage(import_report(built, [other]), "implementation")
    assert any("clock of 5 ns" in note and "10 ns" in note for note in found.notes)


def test_a_flat_report_of_a_larger_design_is_told_and_not_compared(
    built: Path, tmp_path: Path
) -> None:
    report = given(tmp_path, samples.utilization(Unit("design_1_wrapper", 25_000, 24_000)))
    found = stage(import_report(built, [report]), "logic_synth")
    assert not found.whole
    assert "counts all of design_1_wrapper" in found.notes[0]


@pytest.mark.slow
def test_other_designs_and_devices_are_refused_and_nothing_is_written(
    built: Path, tmp_path: Path
) -> None:
    cases = [
        (samples.utilization(PLAIN, part="xczu3eg-sbva484-1-e"), "is of the device xczu3eg"),
        (samples.csynth_xml(Unit("othertop", 1)), "neither model nor a function of it"),
        (samples.csynth_rpt(Unit("othertop", 1)), "neither model nor a function of it"),
        ("nothing", "no report that is known"),
        (samples.hierarchical(PLAIN)[:-200], "cut off"),
    ]
    for text, why in cases:
        with pytest.raises(InputDataError, match=why):
            import_report(built, [given(tmp_path, text)])
        assert not (built / "measured").exists()


def test_all_damaged_files_are_told_at_once(built: Path, tmp_path: Path) -> None:
    bad = [given(tmp_path, "nothing", f"{n}.rpt") for n in "ab"]
    with pytest.raises(FpgacompError, match=r"2 problems"):
        import_report(built, [*bad, given(tmp_path, samples.power("model"))])
    with pytest.raises(UsageError, match="nothing to import"):
        import_report(built, [])


@pytest.mark.slow
def test_a_later_report_of_a_kind_takes_the_place_of_the_earlier(
    built: Path, tmp_path: Path
) -> None:
    import_report(built, [given(tmp_path, samples.utilization(PLAIN), "one.rpt")])
    again = given(tmp_path, samples.utilization(Unit("model", 21_000, 15_000)), "two.rpt")
    routed = samples.utilization(Unit("model", 19_000, 14_000), state="Routed")
    found = import_report(built, [again, given(tmp_path, routed, "three.rpt")])
    luts = {one.stage: one.of("lut") for one in found.measured.stages}
    assert {name: x.measured for name, x in luts.items() if x is not None} == {
        "logic_synth": 21_000, "implementation": 19_000,
    }  # fmt: skip
    kept = sorted(path.name for path in (built / "measured" / "files").iterdir())
    assert kept == ["three.rpt", "two.rpt"]
    assert (built / "measured" / "files" / "two.rpt").read_text() == again.read_text()
    with pytest.raises(InputDataError, match="of the same stage"):
        other = given(tmp_path, samples.utilization(Unit("model", 1, 1)), "four.rpt")
        import_report(built, [again, other])


def test_reports_that_disagree_are_told(built: Path, tmp_path: Path) -> None:
    reports = [
        given(tmp_path, samples.utilization(PLAIN, state="Routed"), "flat.rpt"),
        given(tmp_path, samples.hierarchical(Unit("model", 30_000, 15_000)), "deep.rpt"),
    ]
    found = stage(import_report(built, reports), "implementation")
    assert any("deep.rpt states 30,000 for lut and flat.rpt 20,000" in x for x in found.notes)


def test_names_of_files_are_made_plain(built: Path, tmp_path: Path) -> None:
    odd = given(tmp_path, samples.power("model"), ".sneaky name\u00e9.rpt")
    folder = tmp_path / "other"
    folder.mkdir()
    same = given(folder, samples.timing("model"), ".sneaky name\u00e9.rpt")
    import_report(built, [odd, same])
    names = sorted(path.name for path in (built / "measured" / "files").iterdir())
    assert names == ["2-sneaky_name_.rpt", "sneaky_name_.rpt"]


def test_what_is_kept_says_of_which_build_it_is(built: Path, tmp_path: Path) -> None:
    report = given(tmp_path, samples.utilization(PLAIN))
    import_report(built, [report])
    manifest = json.loads((built / "measured" / "manifest.json").read_text())
    digest = hashlib.sha256((built / "manifest.json").read_bytes()).hexdigest()
    assert manifest["build"] == digest
    kept = (built / "measured" / "files" / "report.rpt").read_bytes()
    assert manifest["files"]["files/report.rpt"] == hashlib.sha256(kept).hexdigest()
    assert json.loads((built / "measured" / "report.json").read_text())["stages"]["logic_synth"]


@pytest.mark.slow
def test_a_build_that_was_compiled_again_has_no_measurement(built: Path, tmp_path: Path) -> None:
    import_report(built, [given(tmp_path, samples.utilization(PLAIN))])
    before = (built / "measured/manifest.json").read_bytes()
    build(built, backend="stream", clock_mhz=90.0)
    now = given(tmp_path, samples.power("model"), "power.rpt")
    dry = import_report(built, [now], write=False)
    assert "earlier build, and is left out" in dry.notes[0]
    assert (built / "measured/manifest.json").read_bytes() == before
    for name in ("measured.earlier", "measured.earlier-2"):
        found = import_report(built, [now])
        assert found.notes == (
            f"what was imported before is of an earlier build: it is in {built / name} now.",
        )
        assert [path.name for path in (built / "measured/files").iterdir()] == ["power.rpt"]
        assert [one.stage for one in found.measured.stages] == ["implementation"]
        assert import_report(built, [now]).notes == ()
        build(built, backend="stream", clock_mhz=80.0)
    assert (built / "measured.earlier/manifest.json").read_bytes() == before


@pytest.mark.slow
def test_edited_and_damaged_folders_are_refused(built: Path, tmp_path: Path) -> None:
    report = given(tmp_path, samples.utilization(PLAIN))
    import_report(built, [report])
    kept = built / "measured" / "files" / "report.rpt"
    kept.write_text(kept.read_text().replace("20000", "10000"))
    with pytest.raises(UsageError, match="was changed since"):
        import_report(built, [report])
    manifest = built / "measured" / "manifest.json"
    content = json.loads(manifest.read_text())
    for wrong in ("../../outside", "/etc/passwd", "a/b/c"):
        manifest.write_text(json.dumps(content | {"files": {wrong: "0"}}))
        with pytest.raises(UsageError, match="names a file outside"):
            import_report(built, [report])
    for text in ("", "[]", "{}", '{"fpgacomp_measured": 99}', "[" * 10_000):
        manifest.write_text(text)
        with pytest.raises(UsageError, match="no folder of imported reports"):
            import_report(built, [report])


@pytest.mark.slow
def test_two_imports_at_once_lose_nothing(
    built: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other run ends between this one's reading and its writing."""
    mine = given(tmp_path, samples.utilization(PLAIN), "mine.rpt")
    other = given(tmp_path, samples.power("model"), "other.rpt")
    read = measured_folder.measured

    def slowly(*arguments: Any) -> Any:
        monkeypatch.setattr(measured_folder, "measured", read)
        import_report(built, [other])
        return read(*arguments)

    monkeypatch.setattr(measured_folder, "measured", slowly)
    with pytest.raises(UsageError, match="by another import meanwhile"):
        import_report(built, [mine])
    assert [path.name for path in (built / "measured" / "files").iterdir()] == ["other.rpt"]
    import_report(built, [mine])
    assert len(list((built / "measured" / "files").iterdir())) == 2


@pytest.mark.slow
def test_files_of_the_users_own_stay(built: Path, tmp_path: Path) -> None:
    import_report(built, [given(tmp_path, samples.utilization(PLAIN))])
    (built / "measured" / "notes.txt").write_text("mine")
    import_report(built, [given(tmp_path, samples.power("model"))])
    assert (built / "measured" / "notes.txt").read_text() == "mine"


def test_an_edited_build_and_no_build_are_refused(built: Path, tmp_path: Path) -> None:
    report = given(tmp_path, samples.utilization(PLAIN))
    with pytest.raises(UsageError, match="no build directory"):
        import_report(tmp_path, [report])
    text = (built / "report.json").read_text()
    (built / "report.json").write_text(text.replace('"fpgacomp"', '"fpgacomp2"'))
    with pytest.raises(UsageError, match="was changed since it was compiled"):
        import_report(built, [report])


@pytest.mark.slow
def test_json_is_one_document(built: Path, tmp_path: Path) -> None:
    report = given(tmp_path, samples.hierarchical(PLAIN))
    shown = CliRunner().invoke(app, ["import-report", str(built), str(report), "--json"])
    found = json.loads(shown.output)
    luts = found["stages"]["implementation"]["whole"]["lut"]
    assert luts["measured"] == 20_000 and luts["low"] <= luts["estimated"] <= luts["high"]
    assert found["stages"]["implementation"]["of_no_layer"][0]["instance"] == "u_control"
    assert found["imported"] == {str(report): "utilization by hierarchy"}


@pytest.mark.slow
def test_compare_shows_what_was_measured_of_either_build(
    built: Path, stream: Path, tmp_path: Path
) -> None:
    import_report(built, [given(tmp_path, samples.utilization(PLAIN))])
    aspects = {one.name: one for one in fpgacomp.compare(built, stream).aspects}
    luts = aspects["LUT by logic synthesis"]
    assert (luts.section, luts.first, luts.second) == ("measured", 20_000, None)
    assert "LUT by C synthesis" not in aspects
    manifest = built / "measured" / "manifest.json"
    manifest.write_text(manifest.read_text().replace('"build": "', '"build": "0'))
    assert "measured" not in fpgacomp.compare(built, stream).sections


@pytest.mark.slow
def test_compare_says_that_measurements_are_left_out_and_why(
    built: Path, stream: Path, tmp_path: Path
) -> None:
    assert fpgacomp.compare(built, stream).notes == ()
    import_report(built, [given(tmp_path, samples.utilization(PLAIN))])
    assert fpgacomp.compare(built, stream).notes == ()
    kept = built / "measured"
    before = kept / "report.json", kept / "manifest.json"
    report, manifest = (path.read_text() for path in before)
    for path, text, why in (
        (before[1], manifest.replace('"build": "', '"build": "0'), "is of an earlier build"),
        (before[0], report.replace("20000", "10000"), "was changed since it was written"),
        (before[1], "{", "is no folder of imported reports"),
    ):
        path.write_text(text)
        comparison = fpgacomp.compare(stream, built)
        assert comparison.summary()["notes"] == list(comparison.notes)
        (note,) = comparison.notes
        assert note.startswith("what was measured is left out: ") and why in note
        page = tmp_path / "builds.html"
        shown = CliRunner().invoke(app, ["compare", str(stream), str(built), "--html", str(page)])
        assert f"note: {note}" in shown.output and why in page.read_text()
        before[0].write_text(report)
        before[1].write_text(manifest)
    assert "20000" in report


def test_only_comparing_writes_nothing(built: Path, tmp_path: Path) -> None:
    found = fpgacomp.import_report(
        built, [given(tmp_path, samples.utilization(PLAIN))], write=False
    )
    assert found.measured.stages and not (built / "measured").exists()
