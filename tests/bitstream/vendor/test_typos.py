"""A typo anywhere in the scripts fails their run in the model of Vivado: none can ship."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from tests.support.vendor_designs import design_of, streaming, unrolled, written
from tests.support.vivado.catalog import Ip
from tests.support.vivado.hls import VitisHls, hls_ip
from tests.support.vivado.tool import Vivado

# What a typo can be in: a command, an option, a parameter, a pin or cell, an IP, a property.
_WORD = re.compile(
    r"(?<![\w$:/.-])(?:(?:ipx::)?[a-z]+_[a-z_]+(?= )|-[a-z_]{3,}(?=[ }])|CONFIG\.\w+"
    r"|\w+/\w+(?:/\w+)?|(?:ip|cell|join_buses|wire|place|give_memory) \w+|STATS\.\w+|SLACK|PROGRESS"
    r"|DIRECTORY|STATUS|VLNV|[A-Z][A-Z_]{3,}(?= )|get_ports \w+)"
)
# How a run of Vivado can go: what a branch says is as much a part of the script as the rest.
SCENARIOS: tuple[Callable[[], Vivado], ...] = (
    Vivado,
    lambda: Vivado(stops="impl_1"),
    lambda: Vivado(slack={"max": "-1", "min": "-1"}, pulses="-1"),
    lambda: Vivado(inline=True),
)


def words_of(script: str) -> Iterator[tuple[int, int]]:
    """Where the first of each word of a script begins and ends; comments and messages are none."""
    seen, at = set(), 0
    continued = False
    for line in script.splitlines(keepends=True):
        message = continued or line.lstrip().startswith(("#", "error", 'puts "'))
        continued = message and line.endswith("\\\n")
        if not message:
            for found in _WORD.finditer(line):
                if found[0] not in seen:
                    seen.add(found[0])
                    yield at + found.start(), at + found.end()
        at += len(line)


def outcome(script: Path, tool: Vivado) -> str:
    """What a run of a script says at its end: nothing, or its error."""
    for left in ("project", "kernel_project"):
        shutil.rmtree(script.parent / left, ignore_errors=True)
    try:
        tool.run(script)
    except Exception as error:
        return str(error)
    return ""


def survivors(folder: Path, started: str, name: str) -> list[str]:
    """The typos in the script `name` that no run of the script `started` finds."""
    path, script = folder / name, folder / started
    original = path.read_text()
    packaged: dict[Path, Ip] = {}
    if (folder / "hls.tcl").is_file():
        hls = VitisHls()
        hls.run(folder / "hls.tcl")
        assert hls.exported is not None
        packaged[hls.exported] = hls_ip(folder, hls.top)

    def said_by(scenario: Callable[[], Vivado]) -> str:
        tool = scenario()
        tool.packaged |= packaged
        return outcome(script, tool)

    right = [said_by(scenario) for scenario in SCENARIOS]
    assert right[0] == ""
    missed = []
    for start, end in words_of(original):
        path.write_text(f"{original[:end]}x{original[end:]}")
        if all(said_by(run) == said for run, said in zip(SCENARIOS, right, strict=True)):
            missed.append(original[start:end])
    path.write_text(original)
    return missed


@pytest.mark.slow
@pytest.mark.parametrize(
    ("board", "name", "started", "unused"),
    [
        ("pynq-z2", "build.tcl", "build.tcl", []),
        # Behind the memory port of a Zynq-7000 there is nothing to exclude.
        ("pynq-z2", "block_design.tcl", "build.tcl", ["exclude_bd_addr_seg"]),
        ("zcu104", "block_design.tcl", "build.tcl", []),
        ("kv260", "block_design.tcl", "build.tcl", []),
        ("kv260", "build.tcl", "build.tcl", []),
        ("pynq-z2", "implement.tcl", "build.tcl", []),
        ("alveo-u50", "kernel.tcl", "kernel.tcl", []),
        ("arty-a7-35t", "build.tcl", "build.tcl", []),
        ("arty-a7-35t", "fpgacomp_board.xdc", "build.tcl", []),
    ],
)
def test_no_typo_gets_through(
    board: str, name: str, started: str, unused: list[str], tmp_path: Path
) -> None:
    build = unrolled(board=board) if board == "kv260" else streaming(board=board)
    folder = written(design_of(build, board), build, tmp_path)
    assert len(list(words_of((folder / name).read_text()))) > 8
    assert survivors(folder, started, name) == unused


# What no typo of a letter is: a pin of another kind, a width that does not go together, a gap.
WRONG: Mapping[str, tuple[str, str]] = {
    r"/dma0/m_axi_s2mm_aclk is not driven": ("    dma0/m_axi_s2mm_aclk \\\n", ""),
    r"/memory/aresetn is not driven": (" \\\n    memory/aresetn", ""),
    r"/accelerator/aclk is driven by /ps/FCLK_CLK0 already": (
        "    dma0/axi_resetn", "    accelerator/aclk"),
    r"/accelerator/aclk \(clk\) is driven by /ps/FCLK_RESET0_N \(rst\)": (
        "    accelerator/aclk \\\n", "    reset/slowest_sync_clk\n"
        "  wire ps/FCLK_RESET0_N accelerator/aclk\n  wire ps/FCLK_CLK0 \\\n"),
    r"/dma0/M_AXIS_MM2S has 16 bits and /accelerator/in0_x 8": (
        "mm2s_tdata_width 8", "mm2s_tdata_width 16"),
    r"no parameter CONFIG.c_include_sge": ("c_include_sg 0", "c_include_sge 0"),
    r"c_sg_length_width cannot be 27": ("length_width 26", "length_width 27"),
    r"the interrupt /dma0/mm2s_introut goes nowhere": (
        "  wire dma0/mm2s_introut interrupts_0/In0\n", ""),
    r"/interrupts_0/In0 is not driven": ("  wire dma0/mm2s_introut interrupts_0/In0\n", ""),
    r"cannot be at 0x80000000": ("0x40400000", "0x80000000"),
    r"overlaps": ("0x43C00000", "0x40400000"),
    r"reg0 has no place in /ps/Data": (
        "  place accelerator/s_axi_control/reg0 0x43C00000 4K\n", ""),
    r"HP0_DDR_LOWOCM has no place in /dma0/Data_MM2S": ("  give_memory dma0/Data_MM2S\n", ""),
    r"do not go together": ("S accelerator/in0_x", "S accelerator/s_axi_control"),
    r"connected already": ("registers/M01_AXI dma0", "registers/M00_AXI dma0"),
    r"/registers/M02_AXI is not connected": ("1 CONFIG.NUM_MI 2", "1 CONFIG.NUM_MI 3"),
    r"NUM_SI cannot be 17": ("CONFIG.NUM_SI 2", "CONFIG.NUM_SI 17"),
}  # fmt: skip


@pytest.mark.parametrize("said", WRONG)
def test_a_wrong_block_design_is_found(said: str, tmp_path: Path) -> None:
    folder = written(design_of(streaming()), streaming(), tmp_path)
    right, wrong = WRONG[said]
    path = folder / "block_design.tcl"
    script = path.read_text()
    assert right in script
    path.write_text(script.replace(right, wrong, 1))
    assert re.search(said, outcome(folder / "build.tcl", Vivado()))


def test_a_typo_in_the_script_for_hls_is_found(tmp_path: Path) -> None:
    build = unrolled()
    folder = written(design_of(build), build, tmp_path / "right")
    path, missed = folder / "hls.tcl", []
    original = path.read_text()
    for start, end in words_of(original):
        path.write_text(f"{original[:end]}x{original[end:]}")
        tool = VitisHls()
        shutil.rmtree(folder / "hls/mlp_axis_prj", ignore_errors=True)
        try:
            tool.run(path)
        except Exception:
            continue
        missed.append(original[start:end])
    assert missed == []
