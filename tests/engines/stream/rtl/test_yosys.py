"""What Yosys makes of the emitted SystemVerilog on the families that open tools build for."""

from __future__ import annotations

import csv
import re
import subprocess
import sys
from dataclasses import replace
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

import onnx
import pytest

from fpgacomp.bitstream.reports.open_tools import read_yosys_text
from fpgacomp.devices.read import list_boards, load_board
from fpgacomp.engines.engine import Goal
from fpgacomp.engines.stream.design import StreamDesign
from fpgacomp.engines.stream.engine import STREAM
from fpgacomp.engines.stream.estimate.design import estimate_stream
from fpgacomp.engines.stream.rtl.project import LIBRARY
from fpgacomp.evidence.vectors import integer_vectors
from fpgacomp.frontend import read_network
from fpgacomp.ir import interpreter
from fpgacomp.lower import lower
from fpgacomp.results.certainty import certainty_of
from fpgacomp.results.estimate import Basis
from fpgacomp.results.project import Project
from fpgacomp.results.target import Target
from fpgacomp.results.tool_report import Amounts
from tests.support.depth import deep
from tests.support.paths import EXAMPLES

# A board for each memory block of the families that Yosys builds for, and frames a second that
# give a small design.
OPEN = {"ulx3s-85f": 5000.0, "icebreaker": 1000.0, "tang-nano-9k": 2000.0}
RUN = "from pyosys import libyosys; libyosys.run_pass('script yosys/synth.ys')"
# Tables of STYLE 1 and no others are told to be a LUT ROM, which is Vivado's.
VIVADO_STYLE = "1"


@lru_cache(maxsize=4)
def designed(board: str) -> StreamDesign:
    model = onnx.load(EXAMPLES / "digits_cnn" / "model.onnx")
    the_board = load_board(board)
    goal = Goal(board=the_board, clock_mhz=the_board.clock_mhz_default,
                target=Target(goal="area", fps=OPEN.get(board, 5000.0)))  # fmt: skip
    return STREAM.fold(lower(read_network(model)).graph, goal).design


def emitted(design: StreamDesign) -> Project:
    values = interpreter.run(design.graph, integer_vectors(design.graph, 1, 0))
    return STREAM.emit(design, {name: some[:1] for name, some in values.items()}).project


def styles(project: Project) -> set[str]:
    (top,) = (name for name in project.files if re.fullmatch(r"rtl/\w+\.sv", name))
    return set(re.findall(r"\.STYLE\((\d)\)", project.files[top].decode()))


def test_the_library_names_the_memories_of_vivado_under_one_style_only() -> None:
    text = (LIBRARY / "fpgacomp_rom.sv").read_text("utf-8")
    branches = re.split(r"\bif \(STYLE == (\d)\)", text)
    found = dict(zip(branches[1::2], branches[2::2]))
    assert [s for s, body in found.items() if '"distributed"' in body] == [VIVADO_STYLE]
    others = [path for path in LIBRARY.glob("*.sv") if path.name != "fpgacomp_rom.sv"]
    # Whatever attribute is added: it must be one that every tool takes, or have a parameter.
    attributes = {name for path in others for name in re.findall(r"\(\* *(\w+)", path.read_text())}
    assert attributes <= {"use_dsp", "ram_style"}
    assert 'ram_style = "distributed"' not in "".join(path.read_text() for path in others)


@pytest.mark.slow
@pytest.mark.parametrize("board", list(OPEN))
def test_no_memory_of_another_vendor_is_asked_for(board: str) -> None:
    design = designed(board)
    project = emitted(design)
    assert styles(project) and VIVADO_STYLE not in styles(project)
    assert not [name for name in project.files if name.startswith("rtl/vivado/")]
    assert b"X_INTERFACE" not in b"".join(
        content for name, content in project.files.items() if name.endswith((".sv", ".v"))
    )
    assert design.board.device.yosys in project.files["rtl/yosys/synth.ys"].decode()
    assert b"yosys/synth.ys" in project.files["rtl/README.md"]


@pytest.mark.slow
def test_vivado_is_told_its_own_style() -> None:
    project = emitted(designed("pynq-z2"))
    assert VIVADO_STYLE in styles(project)
    # Yosys, to which that is none, is told otherwise by the script.
    script = project.files["rtl/yosys/synth.ys"].decode()
    assert 'setattr -set rom_style "logic"' in script and "synth_xilinx -family xc7" in script


def test_every_kind_of_open_board_is_synthesized_here() -> None:
    blocks = {b.device.block_ram.block for b in list_boards() if b.device.toolchain == "open"}
    assert blocks == {load_board(name).device.block_ram.block for name in OPEN}


def test_what_was_measured_lies_in_what_is_promised() -> None:
    """The table of examples/measure_yosys.py: of block RAM and DSP there is nothing to guess."""
    with (EXAMPLES / "yosys_measured.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["board"] for row in rows} == set(OPEN)
    for row in rows:
        low, value, high, measured = (
            int(row[name]) for name in ("low", "estimate", "high", "measured")
        )
        assert low <= measured <= high, row
        assert row["resource"] in ("lut", "ff") or measured == value, row


@pytest.mark.parametrize(
    ("designs", "certainty"), [(None, "certain"), (8, "certain"), (7, "probable")]
)
def test_no_verdict_is_certain_by_a_handful_of_designs(designs: int | None, certainty: str) -> None:
    design = designed("ulx3s-85f")
    estimate = replace(estimate_stream(design, timed=False), basis=Basis("Yosys", designs))
    assert certainty_of(estimate, design.board.budget) == certainty


def with_dsp_blocks(design: StreamDesign) -> StreamDesign:
    """The design with the products of one layer in DSP blocks."""
    folding = {**design.folding, "conv2": replace(design.folding["conv2"], arithmetic="dsp")}
    return replace(design, folding=folding)


def synthesized(design: StreamDesign, folder: Path) -> Amounts:
    emitted(design).write(folder)
    ran = subprocess.run(
        [sys.executable, "-c", RUN], cwd=folder / "rtl", text=True, capture_output=True,
        check=False, timeout=900,
    )  # fmt: skip
    stat = folder / "rtl" / "yosys" / "stat.txt"
    assert stat.is_file(), ran.stdout[-2000:] + ran.stderr[-2000:]
    report = read_yosys_text(stat.read_text())
    assert report is not None
    return report.amounts


@pytest.mark.slow
@pytest.mark.skipif(find_spec("pyosys") is None, reason="pip install pyosys==0.70")
@pytest.mark.parametrize("board", ["icebreaker", deep("tang-nano-9k"), deep("ulx3s-85f")])
def test_yosys_finds_what_is_estimated(board: str, tmp_path: Path) -> None:
    found, estimate = synthesized(designed(board), tmp_path), estimate_stream(designed(board))
    assert estimate.lut.holds(found["lut"])
    assert found["bram18"] == estimate.bram18.value and found["dsp"] == estimate.dsp.value == 0


@pytest.mark.slow
@pytest.mark.skipif(find_spec("pyosys") is None, reason="pip install pyosys==0.70")
@pytest.mark.parametrize("board", ["ulx3s-85f", deep("icebreaker")])
def test_yosys_gives_dsp_blocks_to_planned_products_alone(board: str, tmp_path: Path) -> None:
    design = with_dsp_blocks(designed(board))
    assert synthesized(design, tmp_path)["dsp"] == estimate_stream(design).dsp.value > 0
