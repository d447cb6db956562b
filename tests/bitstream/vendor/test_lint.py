"""The scripts by themselves: whole, with every procedure used, and clean for tclint."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from fpgacomp.results.project import Project
from tests.support.vendor_designs import design_of, streaming, unrolled, written

BUILDS = {
    "zynq": (streaming(), "pynq-z2"),
    "ultrascale": (streaming("two"), "zcu104"),
    "hls4ml": (unrolled("io_stream"), "kv260"),
    "arty": (streaming(board="arty-a7-35t"), "arty-a7-35t"),
    "card": (streaming(board="alveo-u50"), "alveo-u50"),
    "hls4ml on a card": (unrolled(board="alveo-u200"), "alveo-u200"),
}


def scripts(build: Project, board: str, folder: Path) -> list[Path]:
    """The scripts of a vendor project."""
    return sorted(written(design_of(build, board), build, folder).glob("*.tcl"))


@pytest.mark.parametrize("name", BUILDS)
def test_scripts_are_whole_and_have_no_idle_procedure(name: str, tmp_path: Path) -> None:
    tkinter = pytest.importorskip("tkinter", reason="this Python has no Tcl interpreter")
    every = {path.name: path.read_text() for path in scripts(*BUILDS[name], tmp_path)}
    text = "\n".join(every.values())
    for path, content in every.items():
        assert tkinter.Tcl().eval(f"info complete {{{content}}}") == "1", path
        assert all(line == line.rstrip() for line in content.splitlines()), path
        assert max(map(len, content.splitlines())) <= 110, path
        assert "\n\n\n" not in content, path
    for procedure in re.findall(r"^proc (\w+) ", text, re.M):
        assert len(re.findall(rf"\b{procedure}\b", text)) > 1, procedure


@pytest.mark.parametrize("name", BUILDS)
def test_tclint_finds_nothing(name: str, tmp_path: Path) -> None:
    tclint = shutil.which("tclint")
    if tclint is None:
        pytest.skip("tclint is not on PATH (pipx install tclint==0.9.0; an environment of its own)")
    found = subprocess.run(
        [tclint, "--style-line-length", "110", *map(str, scripts(*BUILDS[name], tmp_path))],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (found.stdout, found.returncode) == ("", 0)
