"""A build with AMD's programs on PATH, without them, with wrong ones, and with ones that fail."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Literal

import pytest

from fpgacomp.bitstream.job import BuildOptions, Built, Job
from fpgacomp.bitstream.vendor.toolchain import VivadoToolchain
from fpgacomp.devices.read import load_board
from fpgacomp.errors import FpgacompError, ToolError, UsageError
from fpgacomp.report import built_by_vendor
from fpgacomp.results.project import Project
from tests.support.paths import REPOSITORY
from tests.support.vendor_designs import streaming, unrolled
from tests.support.vivado.program import install

PROGRAMS = ("vivado", "vitis_hls", "v++")


def put_on_path(monkeypatch: pytest.MonkeyPatch, folder: Path, names: tuple[str, ...]) -> None:
    """Programs of these names, alone on PATH; they are those of tests/support/vivado/program.py."""
    pytest.importorskip("tkinter", reason="this Python has no Tcl interpreter")
    install(folder, names)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")


def build(
    tmp_path: Path,
    project: Project,
    board: str = "pynq-z2",
    *,
    source: Literal["", "rtl", "hls"] = "",
    scripts_only: bool = False,
    steps: list[str] | None = None,
) -> Built:
    """What the toolchain makes of a build."""
    workspace = tmp_path / "work"
    workspace.mkdir()
    seen = steps if steps is not None else []
    job = Job(
        project=project, name="DIR", board=load_board(board), clock_mhz=100.0,
        frames_per_second=1000.0, workspace=workspace,
        options=BuildOptions(source=source, scripts_only=scripts_only),
    )  # fmt: skip
    return VivadoToolchain().build(job, lambda step, share: seen.append(f"{step} {share}"))


@pytest.mark.slow
@pytest.mark.parametrize("board", ["pynq-z2", "zcu104"])
def test_a_run_gives_the_bitstream_and_its_timing(
    board: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_on_path(monkeypatch, tmp_path / "bin", ("vivado",))
    steps: list[str] = []
    made = build(tmp_path, streaming(), board, steps=steps)
    assert made.met and made.problem is None
    assert made.report["tools"] == {"vivado": "2022.2"}
    assert made.report["slack_ns"] == {"setup": 0.5, "hold": 0.02, "pulses": 0.0}
    assert made.report["bitstream"] == "mlp.bit"
    assert {"mlp.bit", "mlp.hwh", "mlp.xsa", "reports/power.rpt", "1-vivado.log", "build.tcl",
            "README.md"} <= set(made.files)  # fmt: skip
    assert not [path for path in made.files if path.startswith("project/")]
    sections = ("block design", "synthesis", "placement and routing", "reports", "bitstream")
    told = [step.rsplit(" ", 1) for step in steps]
    assert [name for name, share in told if share == "None" and name in sections] == [*sections]
    lines = [text for text, _ in built_by_vendor.lines(summary(made, tmp_path))]
    assert lines[0].startswith("BUILT for ") and "setup 0.5 ns, hold 0.02 ns" in " ".join(lines)


def summary(made: Built, folder: Path) -> dict[str, object]:
    """What the flow tells the reports of a run."""
    board = {"title": "A board", "part": "xc7", "name": "a"}
    return {
        "board": board, "status": "ok", "seconds": 3.0, **made.report, "folder": str(folder),
        "met": made.met, "remedy": made.remedy or None,
    }  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("project", [unrolled(), streaming()])
def test_cpp_goes_through_vitis_hls_first(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_on_path(monkeypatch, tmp_path / "bin", PROGRAMS)
    made = build(tmp_path, project, source="hls")
    assert made.met and set(made.report["tools"]) == {"hls", "vivado"}
    assert {"mlp.bit", "1-hls.log", "2-vivado.log"} <= set(made.files)


@pytest.mark.slow
def test_a_card_gets_an_xclbin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put_on_path(monkeypatch, tmp_path / "bin", PROGRAMS)
    made = build(tmp_path, streaming(board="alveo-u50"), "alveo-u50")
    assert made.met and made.report["bitstream"] == "mlp.xclbin"
    assert set(made.report["tools"]) == {"vivado", "v++"}


@pytest.mark.slow
def test_missed_timing_gives_the_worst_path_and_a_lower_clock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_on_path(monkeypatch, tmp_path / "bin", ("vivado",))
    monkeypatch.setenv("FAKE_TOOLS", json.dumps({"setup": "-2.5"}))
    made = build(tmp_path, streaming())
    assert not made.met and made.report["bitstream"] is None
    assert made.report["slack_ns"]["setup"] == -2.5
    assert made.report["worst_paths"] == {"setup": "report_timing"}
    assert "reports/worst_setup.rpt" in made.files and "mlp.bit" not in made.files
    assert "--clock-mhz 77," in made.remedy  # 1000 / 12.5 ns, less 3 %
    lines = [text for text, _ in built_by_vendor.lines(summary(made, tmp_path))]
    assert lines[0].startswith("TOO SLOW") and "worst path of setup:" in lines


@pytest.mark.slow
def test_a_run_that_stops_is_an_error_with_its_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_on_path(monkeypatch, tmp_path / "bin", ("vivado",))
    monkeypatch.setenv("FAKE_TOOLS", json.dumps({"stops": "synth_1"}))
    with pytest.raises(ToolError, match=r"ended with code 1: ERROR: .*synth_1 stopped"):
        build(tmp_path, streaming())


def test_without_vivado_the_scripts_are_written_and_it_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    made = build(tmp_path, streaming())
    assert made.met and "build.tcl" in made.files and made.report["status"] == "scripts"
    assert isinstance(made.problem, ToolError) and made.problem.exit_code == 3
    assert str(made.problem).startswith(
        "Vivado: not on PATH, so that only the scripts were written, to DIR/bitstream. Fix: copy "
    )
    (tmp_path / "work").rmdir()
    asked = build(tmp_path, unrolled(), scripts_only=True)
    assert asked.problem is None and asked.report["status"] == "scripts"
    lines = [text for text, _ in built_by_vendor.lines(summary(asked, tmp_path))]
    assert "  vitis_hls -f hls.tcl                  (before)" in lines
    assert "  vivado -mode batch -nojournal -notrace -source build.tcl" in lines


def test_the_scripts_are_the_same_every_time(tmp_path: Path) -> None:
    (one, other) = (
        build(tmp_path / name, streaming("two"), scripts_only=True).files
        for name in ("a", "b")
        if (tmp_path / name).mkdir() is None
    )
    assert one == other


@pytest.mark.parametrize(
    ("release", "board"),
    [("2019.2", "pynq-z2"), ("2026.1", "pynq-z2"), ("2020.2", "alveo-u50"), ("next", "pynq-z2")],
)
def test_a_release_that_the_scripts_are_not_for_is_refused(
    release: str, board: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_on_path(monkeypatch, tmp_path / "bin", PROGRAMS)
    monkeypatch.setenv("FAKE_RELEASE", release)
    first = "2021.1" if board == "alveo-u50" else "2020.2"
    with pytest.raises(FpgacompError, match=f"put a release from {first} to 2025.2 first on PATH"):
        build(tmp_path, streaming(board=board), board)


def test_a_program_that_does_not_answer_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_on_path(monkeypatch, tmp_path / "bin", ())
    (tmp_path / "bin/vivado").write_text("#!/bin/sh\necho no license >&2\nexit 7\n")
    (tmp_path / "bin/vivado").chmod(0o755)
    with pytest.raises(ToolError, match="ended with code 7: no license"):
        build(tmp_path, streaming())


@pytest.mark.slow
def test_a_signal_ends_the_tool_and_what_it_has_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_on_path(monkeypatch, tmp_path / "bin", ("vivado",))
    number = tmp_path / "number"
    (tmp_path / "work").mkdir()
    code = (
        "from pathlib import Path; import signal\n"
        # Tests that run in the background of a script hand on that this signal is ignored.
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "from fpgacomp.host.child import run_command\n"
        "from fpgacomp.host.toolchain import environment_with\n"
        "run_command(['vivado', '-source', 'x.tcl'], folder=Path('.'), log=Path('log'),\n"
        "            seconds=600, environment=environment_with())"
    )
    environment = {**os.environ, "FAKE_TOOLS": json.dumps({"hangs": str(number)})}
    process = subprocess.Popen(
        [sys.executable, "-c", code], cwd=tmp_path / "work",
        env={**environment, "PYTHONPATH": str(REPOSITORY)},
    )  # fmt: skip
    while not number.is_file() or not number.read_text():
        assert process.poll() is None
        time.sleep(0.05)
    inner = int(number.read_text())
    process.send_signal(signal.SIGINT)
    process.wait()
    while Path(f"/proc/{inner}/stat").is_file():
        if Path(f"/proc/{inner}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z":
            break
        time.sleep(0.05)


@pytest.mark.slow
def test_what_no_tool_builds_is_refused_with_a_way_out(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"vcu118: .*not supported.*PCIe or JTAG-to-AXI"):
        build(tmp_path, streaming(board="vcu118"), "vcu118", scripts_only=True)
    (tmp_path / "work").rmdir()
    with pytest.raises(UsageError, match=r"--source rtl: this build has no rtl/.*--source hls"):
        build(tmp_path, unrolled(), source="rtl", scripts_only=True)
    (tmp_path / "work").rmdir()
    with pytest.raises(UsageError, match=r"takes 9 DMAs, and the interconnect carries 8"):
        build(tmp_path, streaming("9"), scripts_only=True)
    (tmp_path / "work").rmdir()
    with pytest.raises(UsageError, match=r"--source hls: a card takes the kernel"):
        build(tmp_path, streaming(board="alveo-u50"), "alveo-u50", source="hls", scripts_only=True)
