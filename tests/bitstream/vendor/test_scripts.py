"""The scripts for Vivado, run in a model of it: every cell, connection, address and file."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from fpgacomp.bitstream.vendor.design import VendorDesign
from tests.support.vendor_designs import (
    design_of,
    streaming,
    unrolled,
    vivado_run,
    written,
)
from tests.support.vivado.block import Block
from tests.support.vivado.catalog import BOARDS
from tests.support.vivado.tool import Vivado

ZYNQ = {"control": 0x43C0_0000, "dma": 0x4040_0000}
ULTRASCALE = {"control": 0xA000_0000, "dma": 0xA001_0000}
# Build, board, source, addresses.
DESIGNS = {
    "rtl on a Zynq-7000": (streaming(), "pynq-z2", None, ZYNQ),
    "two ports": (streaming("two"), "zybo-z7-20", None, ZYNQ),
    "more outputs than inputs": (streaming("fork"), "pynq-z1", None, ZYNQ),
    "eight DMAs": (streaming("8"), "zcu102", None, ULTRASCALE),
    "rtl on UltraScale+": (streaming("two"), "zcu104", None, ULTRASCALE),
    "hls": (streaming("two"), "kv260", "hls", ULTRASCALE),
    "hls4ml": (unrolled(), "pynq-z2", None, ZYNQ),
    "hls4ml, io_stream": (unrolled("io_stream"), "ultra96-v2", None, ULTRASCALE),
}
SERIAL = ("arty-a7-35t", "arty-a7-100t")


def tcl_error() -> type[Exception]:
    """What a script raises that ends with an error."""
    tkinter = pytest.importorskip("tkinter", reason="this Python has no Tcl interpreter")
    found: type[Exception] = tkinter.TclError
    return found


def run(
    name: str, folder: Path, *argv: str, tool: Vivado | None = None
) -> tuple[VendorDesign, Vivado]:
    """The design of this name, and the run of its scripts."""
    build, board, source, _ = DESIGNS[name]
    design = design_of(build, board, source=source)
    return design, vivado_run(written(design, build, folder), *argv, tool=tool)


def block_of(tool: Vivado) -> Block:
    """The block design that a run made."""
    assert tool.block is not None
    return tool.block


@pytest.mark.slow
@pytest.mark.parametrize("name", DESIGNS)
def test_everything_is_connected_and_in_its_place(name: str, tmp_path: Path) -> None:
    design, tool = run(name, tmp_path)
    block, addresses = block_of(tool), DESIGNS[name][3]
    assert block.validated and block.problems() == []
    buses, accelerator = block.buses, design.accelerator
    ends = {**block.links, **{master: slave for slave, master in block.links.items()}}
    if accelerator.source == "hls":  # behind registers
        for port in accelerator.ports:
            assert ends[f"/core/{port.name}"] == f"/accelerator/core_{port.name}"
            assert buses[f"/core/{port.name}"].bits == port.tdata_bits
        assert block.nets["/core/ap_rst_n"] == "/accelerator/core_aresetn"
    for number, port in enumerate(accelerator.inputs):
        assert ends[f"/accelerator/{port.name}"] == f"/dma{number}/M_AXIS_MM2S"
        assert buses[f"/dma{number}/M_AXIS_MM2S"].bits == port.tdata_bits
    for number, port in enumerate(accelerator.outputs):
        assert ends[f"/accelerator/{port.name}"] == f"/dma{number}/S_AXIS_S2MM"
        assert buses[f"/dma{number}/M_AXI_S2MM"].bits >= port.tdata_bits
    for port in accelerator.ports:
        assert buses[f"/accelerator/{port.name}"].bits == port.tdata_bits
    places = {one.segment: one.offset for one in block.placed if one.space == "/ps/Data"}
    dmas = max(len(accelerator.inputs), len(accelerator.outputs))
    wanted = {f"/dma{n}/S_AXI_LITE/Reg": addresses["dma"] + n * 0x1_0000 for n in range(dmas)}
    wanted["/accelerator/s_axi_control/reg0"] = addresses["control"]
    assert places == wanted
    for cell in block.cells.values():
        if "axi_dma" in cell.ip.vlnv:
            assert (cell.config["c_include_sg"], cell.config["c_sg_length_width"]) == ("0", "26")
    clocks = {pin for pin, kind in block.pins.items() if kind.kind == "clk" and pin in block.nets}
    assert len({block.nets[pin] for pin in clocks}) == 1 and len(clocks) >= 6


@pytest.mark.parametrize("name", DESIGNS)
def test_every_interrupt_arrives_in_order(name: str, tmp_path: Path) -> None:
    design, tool = run(name, tmp_path)
    block = block_of(tool)
    order = [
        source
        for pin in design.block_design.ps.interrupts
        if (joined := block.nets.get(f"/ps/{pin}"))
        for n in range(int(block.cells[joined.split("/")[1]].config["NUM_PORTS"]))
        if (source := block.nets[joined.replace("dout", f"In{n}")])
    ]
    ports = design.accelerator
    pairs = range(max(len(ports.inputs), len(ports.outputs)))
    assert order == [
        f"/dma{n}/{way}_introut"
        for n in pairs
        for way, those in (("mm2s", ports.inputs), ("s2mm", ports.outputs))
        if n < len(those)
    ]


@pytest.mark.parametrize("name", ["two ports", "hls4ml", "rtl on UltraScale+"])
def test_a_run_leaves_bitstream_description_and_reports(name: str, tmp_path: Path) -> None:
    folder = tmp_path / "a folder with {braces} and [brackets]"
    design, tool = run(name, folder)
    for ending in ("bit", "hwh", "xsa"):
        assert (folder / f"{design.name}.{ending}").read_text() == ending
    reports = {path.name for path in (folder / "reports").iterdir()}
    assert reports == {"utilization.rpt", "utilization_hierarchical.rpt", "timing.rpt", "power.rpt",
                       "timing.txt"}  # fmt: skip
    assert (folder / "reports/timing.txt").read_text() == "setup 0.5 hold 0.02 pulses 0.000\n"
    hierarchical = [c for c in tool.calls if c.name == "report_utilization"]
    assert ["-hierarchical" in call.options for call in hierarchical] == [True, False]
    sections = [line for line in tool.printed if line.startswith("===")]
    assert sections[-4:-1] == ["=== placement and routing", "=== reports", "=== bitstream"]


def test_the_clock_is_the_designs(tmp_path: Path) -> None:
    design = design_of(streaming(), clock_mhz=142.857)
    block = block_of(vivado_run(written(design, streaming(), tmp_path)))
    assert block.cells["ps"].config["PCW_FPGA0_PERIPHERAL_FREQMHZ"] == "142.857"


@pytest.mark.slow
@pytest.mark.parametrize("name", ["rtl on a Zynq-7000", "rtl on UltraScale+", "two ports"])
def test_the_boards_preset_is_applied_or_left_out(name: str, tmp_path: Path) -> None:
    _, tool = run(name, tmp_path / "board")
    ps = block_of(tool).cells["ps"]
    called = design_of(*DESIGNS[name][:2]).board.vivado_board
    newest = max(one for one in BOARDS if f":{called}:" in one)
    assert tool.properties[design_of(*DESIGNS[name][:2]).name, "board_part"] == newest
    assert "board" in ps.config.values()
    _, tool = run(name, tmp_path / "minimal", "preset=minimal", tool=Vivado(boards=()))
    assert "board" not in block_of(tool).cells["ps"].config.values()


def test_a_board_without_files_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(tcl_error(), match=r"no files of the board pynq-z2: .*preset=minimal"):
        run("rtl on a Zynq-7000", tmp_path, tool=Vivado(boards=()))


@pytest.mark.parametrize(
    ("inline", "kind"), [(True, "inline_hdl:ilconcat"), (False, "ip:xlconcat")]
)
def test_interrupts_are_joined_by_what_the_release_has(
    inline: bool, kind: str, tmp_path: Path
) -> None:
    _, tool = run("two ports", tmp_path, tool=Vivado(inline=inline))
    assert kind in block_of(tool).cells["interrupts_0"].ip.vlnv


@pytest.mark.parametrize(
    ("delay", "kind", "missed"), [("max", "setup", "0.731"), ("min", "hold", "0.004")]
)
def test_missed_timing_prints_the_worst_path_and_writes_no_bitstream(
    delay: str, kind: str, missed: str, tmp_path: Path
) -> None:
    tool = Vivado()
    tool.slack[delay] = f"-{missed}"
    with pytest.raises(tcl_error(), match=f"misses its clock of 100 MHz: {kind} by {missed} ns"):
        run("rtl on a Zynq-7000", tmp_path, tool=tool)
    assert f"report of path_{delay}" in tool.printed
    assert (tmp_path / "reports" / f"worst_{kind}.rpt").is_file()
    assert not list(tmp_path.rglob("*.bit"))


def test_missed_pulse_widths_and_unconstrained_clocks_are_errors(tmp_path: Path) -> None:
    with pytest.raises(tcl_error(), match=r"pulse widths by 0\.2 ns in all; there is no bitstream"):
        run("rtl on a Zynq-7000", tmp_path / "a", tool=Vivado(pulses="-0.2"))
    with pytest.raises(tcl_error(), match="no path has a hold requirement"):
        run("rtl on a Zynq-7000", tmp_path / "b", tool=Vivado(slack={"max": "1", "min": ""}))


@pytest.mark.parametrize("stops", ["synth_1", "impl_1"])
def test_a_run_that_fails_names_its_log(stops: str, tmp_path: Path) -> None:
    with pytest.raises(tcl_error(), match=rf"{stops} stopped \({stops} ERROR\); .*runme.log"):
        run("rtl on a Zynq-7000", tmp_path, tool=Vivado(stops=stops))


@pytest.mark.parametrize("release", ["2020.2", "2021.1", "2022.2.1", "2025.2"])
def test_releases_that_the_scripts_are_for(release: str, tmp_path: Path) -> None:
    run("rtl on a Zynq-7000", tmp_path, tool=Vivado(release=release))


@pytest.mark.parametrize("release", ["2019.2", "2020.1", "2026.1", "beta"])
def test_other_releases_are_refused(release: str, tmp_path: Path) -> None:
    with pytest.raises(tcl_error(), match=f"{release}"):
        run("rtl on a Zynq-7000", tmp_path, tool=Vivado(release=release))


@pytest.mark.parametrize("word", ["jobs=0", "jobs=many", "preset=other", "fast=1", "jobs"])
def test_wrong_words_are_refused(word: str, tmp_path: Path) -> None:
    with pytest.raises(tcl_error(), match=r"jobs must be|preset is one of|no option of this"):
        run("rtl on a Zynq-7000", tmp_path, word)


def test_words_reach_the_runs(tmp_path: Path) -> None:
    _, tool = run("rtl on a Zynq-7000", tmp_path, "jobs=7")
    assert {c.options["-jobs"] for c in tool.calls if c.name == "launch_runs"} == {"7"}


@pytest.mark.parametrize("ip", ["axi_dma", "smartconnect", "proc_sys_reset", "processing_system7"])
def test_an_ip_that_vivado_lacks_is_named(ip: str, tmp_path: Path) -> None:
    with pytest.raises(tcl_error(), match=f"this Vivado has no IP {ip}"):
        run("rtl on a Zynq-7000", tmp_path, tool=Vivado(drop=ip))


def test_the_ip_of_cpp_must_be_there(tmp_path: Path) -> None:
    build = unrolled()
    folder = written(design_of(build), build, tmp_path)
    (folder / "hls.tcl").unlink()
    with pytest.raises(tcl_error(), match=r"is missing: make the IP first, as README\.md says"):
        vivado_run(folder)


def test_the_kernel_of_a_card_has_the_streams_and_registers(tmp_path: Path) -> None:
    build = streaming("two", "alveo-u50")
    design = design_of(build, "alveo-u50")
    folder, tool = written(design, build, tmp_path), Vivado()
    tool.run(folder / "kernel.tcl")
    assert (folder / "merged_kernel.xo").is_file()
    (ip,) = tool.packaged.values()
    found = {bus.name: (bus.mode, bus.bits) for bus in ip.buses({})}
    assert found.pop("s_axi_control") == ("Slave", 32)
    assert found == {
        port.name: ("Slave" if port.input else "Master", port.tdata_bits)
        for port in design.accelerator.ports
    }
    config, which = (folder / "link.cfg").read_text(), design.accelerator.identity
    for number, port in enumerate(design.accelerator.inputs):
        assert f"stream_connect=mm2s_{number}_{which}.to:accelerator.{port.name}\n" in config
        assert f"nk=fpgacomp_mm2s_{port.tdata_bits}:1:mm2s_{number}_{which}\n" in config
    for number, port in enumerate(design.accelerator.outputs):
        assert f"stream_connect=accelerator.{port.name}:s2mm_{number}_{which}.from\n" in config
    makefile = (folder / "Makefile").read_text()
    for kernel in set(re.findall(r"nk=(\w+):", config)):
        assert f" {kernel}.xo" in makefile, kernel


@pytest.mark.parametrize("clock_mhz", [100.0, 80.0])
@pytest.mark.parametrize("board", SERIAL)
def test_an_artix_board_gets_a_serial_link_and_its_pins(
    board: str, clock_mhz: float, tmp_path: Path
) -> None:
    build = streaming("two", board)
    folder = written(design_of(build, board, clock_mhz=clock_mhz), build, tmp_path)
    tool = vivado_run(folder)
    assert (folder / "merged.bit").is_file() and not list(folder.glob("*.hwh"))
    names = {path.name for path in tool.files}
    rtl = {path.split("/")[-1] for path in build.files if path.startswith("rtl/")}
    assert {name for name in rtl if name.endswith((".sv", ".mem"))} <= names
    assert {
        "merged_uart.sv",
        "fpgacomp_uart_link.sv",
        "fpgacomp_board.sv",
        "fpgacomp_board.xdc",
    } <= names
    assert tool.clocks == {"oscillator": 10.0}
    assert tool.properties["oscillator", "PACKAGE_PIN"] == "E3"
    assert tool.properties["uart_rx", "PACKAGE_PIN"] == "A9"
    assert ("MMCME2_BASE" in (folder / "fpgacomp_board.sv").read_text()) == (clock_mhz != 100.0)
    assert (
        f"from a clock of {clock_mhz * 1e6:.0f} Hz" in (folder / "link/merged_uart.sv").read_text()
    )


@pytest.mark.parametrize("name", [*DESIGNS, *SERIAL])
def test_the_page_lists_files_that_exist(name: str, tmp_path: Path) -> None:
    build, board, source = (
        (streaming(board=name), name, None) if name in SERIAL else DESIGNS[name][:3]
    )
    folder = written(design_of(build, board, source=source), build, tmp_path)
    page = (folder / "README.md").read_text()
    rows = re.findall(r"^\| ([\w./]+) \|", page.split("It leaves")[0], re.M)
    listed = {row.rstrip("/") for row in rows} - {"file"}
    assert listed | {"README.md"} == {path.name for path in folder.iterdir()}
    assert "\n\n\n" not in page and "  \n" not in page
