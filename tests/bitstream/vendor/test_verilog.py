"""The Verilog around an accelerator: Verilator finds every module, port and width."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from fpgacomp.engines.stream.rtl import project as rtl_project
from fpgacomp.engines.stream.rtl.build import build
from fpgacomp.engines.stream.rtl.registers import RegisterMap
from fpgacomp.errors import ToolError
from fpgacomp.host.resources import data_folder
from fpgacomp.host.toolchain import find_compiler, find_verilator
from fpgacomp.results.project import Project
from tests.support.vendor_designs import design_of, streaming, unrolled, written

# What Vivado has of a 7-series FPGA, as UG953 declares it.
PRIMITIVES = """
/* verilator lint_off DECLFILENAME */
/* verilator lint_off UNUSEDSIGNAL */
/* verilator lint_off UNUSEDPARAM */
/* verilator lint_off UNDRIVEN */
module BUFG (input wire I, output wire O);
endmodule
module MMCME2_BASE #(
    parameter real CLKIN1_PERIOD = 0.0, parameter real CLKFBOUT_MULT_F = 5.0,
    parameter integer DIVCLK_DIVIDE = 1, parameter real CLKOUT0_DIVIDE_F = 1.0
) (
    input wire CLKIN1, input wire CLKFBIN, input wire PWRDWN, input wire RST,
    output wire CLKFBOUT, output wire CLKFBOUTB, output wire CLKOUT0, output wire CLKOUT0B,
    output wire CLKOUT1, output wire CLKOUT1B, output wire CLKOUT2, output wire CLKOUT2B,
    output wire CLKOUT3, output wire CLKOUT3B, output wire CLKOUT4, output wire CLKOUT5,
    output wire CLKOUT6, output wire LOCKED
);
endmodule
"""


def linted(folder: Path, top: str, *files: str) -> str:
    """What Verilator says of a module; registers of an FPGA may begin with a value."""
    try:
        verilator = find_verilator()
    except ToolError as missing:
        pytest.skip(str(missing))
    waivers = data_folder("hls_templates") / "rtl/waivers.vlt"
    found = subprocess.run(
        [str(verilator.path), "--lint-only", "-Wall", "-Wno-PINCONNECTEMPTY",
         "-Wno-PROCASSINIT", "-y", "rtl/lib", "-y", "rtl", "-y", "link", str(waivers), *files,
         "--top-module", top],
        cwd=folder, check=False, text=True, capture_output=True,
        env={"VERILATOR_ROOT": str(verilator.root)},
    )  # fmt: skip
    return found.stderr


@pytest.mark.slow
@pytest.mark.parametrize("clock_mhz", [100.0, 80.0])
def test_the_top_of_an_artix_board(clock_mhz: float, tmp_path: Path) -> None:
    build = streaming("two", "arty-a7-35t")
    folder = written(design_of(build, "arty-a7-35t", clock_mhz=clock_mhz), build, tmp_path)
    (folder / "primitives.v").write_text(PRIMITIVES)
    found = linted(folder, "fpgacomp_board", "fpgacomp_board.sv", "primitives.v")
    own = [line for line in found.splitlines() if "fpgacomp_board.sv" in line or "%Error" in line]
    assert own == []


@pytest.mark.slow
def test_the_kernel_of_a_card(tmp_path: Path) -> None:
    build = streaming("two", "alveo-u50")
    folder = written(design_of(build, "alveo-u50"), build, tmp_path)
    assert linted(folder, "merged_kernel", "merged_kernel.v") == ""


@pytest.mark.parametrize("build", [unrolled(), streaming("two")])
def test_the_registers_of_a_design_of_hls(build: Project, tmp_path: Path) -> None:
    folder = written(design_of(build, source="hls"), build, tmp_path)
    (top,) = (folder / "guard").glob("*.v")
    assert linted(folder, top.stem, "-y", "guard", f"guard/{top.name}") == ""


@pytest.mark.slow
def test_the_registers_watch_the_streams_and_reset_the_design(tmp_path: Path) -> None:
    try:
        verilator = find_verilator()
    except ToolError as missing:
        pytest.skip(str(missing))
    design = design_of(unrolled())
    folder = written(design, unrolled(), tmp_path / "project")
    bench = tmp_path / "bench"
    bench.mkdir()
    for path in (folder / "guard").iterdir():
        shutil.copy(path, bench / path.with_suffix(".sv").name)
    shutil.copy(Path(__file__).with_name("bench") / "guard.cpp", bench / "sim_main.cpp")
    registers = RegisterMap(design.accelerator.identity, ("in0",), ("out0",))
    (bench / "registers.h").write_bytes(rtl_project.header_of(registers))
    program, _ = build(bench, "mlp_axis_guard", verilator, find_compiler())
    ran = subprocess.run([str(program)], capture_output=True, text=True, check=False, timeout=120)
    assert (ran.stdout, ran.returncode) == ("done\n", 0)
