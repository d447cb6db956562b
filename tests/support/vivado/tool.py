"""Runs Tcl scripts for Vivado in an interpreter whose commands are a model of Vivado's.

Unknown commands, options, IPs, parameters, pins, properties and files end a script with an error,
as they do in Vivado or should.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest

from tests.support.vivado.block import Block, Cell
from tests.support.vivado.catalog import BOARDS, CATALOG, ILCONCAT, Bus, Config, Ip, Pin
from tests.support.vivado.syntax import Call, WrongCall, reference

Result = str | tuple[str, ...]
# Properties that may be set, by what an object is.
SETTABLE = {
    "project": {"board_part", "ip_repo_paths"},
    "fileset": {"top"},
    "core": {"name", "version", "display_name", "description", "sdx_kernel", "sdx_kernel_type"},
    "address block": {"range"},
    "register": {"address_offset", "size", "description"},
    "bus interface": {"slave_memory_map_ref"},
    "bus parameter": {"value"},
    "port": {"PACKAGE_PIN", "IOSTANDARD", "PULLTYPE", "DRIVE", "SLEW"},
    "design": {"CFGBVS", "CONFIG_VOLTAGE"},
}
BUS_PARAMETERS = {
    "ASSOCIATED_BUSIF",
    "ASSOCIATED_RESET",
    "FREQ_HZ",
    "FREQ_TOLERANCE_HZ",
    "POLARITY",
}
# What the values of a property may be.
VALUES = {
    "PULLTYPE": {"PULLUP", "PULLDOWN", "KEEPER"}, "CFGBVS": {"VCCO", "GND"},
    "IOSTANDARD": {"LVCMOS33", "LVCMOS25", "LVCMOS18", "LVTTL"},
    "CONFIG_VOLTAGE": {"1.5", "1.8", "2.5", "3.3"},
}  # fmt: skip
STEPS = {"synth_1": (), "impl_1": ("opt_design", "place_design", "route_design", "write_bitstream")}


@dataclass
class Vivado:
    """One run of Vivado, and what it did.

    Args:
        release: what `version -short` says.
        inline: whether the catalog has inline HDL.
        boards: that have files.
        slack: of the worst paths, by kind of delay.
        pulses: total negative slack of pulse widths.
        stops: a run that fails.
        drop: an IP that the catalog does not have.
    """

    release: str = "2022.2"
    inline: bool = False
    boards: tuple[str, ...] = BOARDS
    slack: dict[str, str] = field(default_factory=lambda: {"max": "0.5", "min": "0.02"})
    pulses: str = "0.000"
    stops: str = ""
    drop: str = ""

    def __post_init__(self) -> None:
        self.calls: list[Call] = []
        self.printed: list[str] = []
        self.block: Block | None = None
        self.properties: dict[tuple[str, str], str] = {}
        self.objects: dict[str, str] = {}  # name -> what it is
        self.files: list[Path] = []
        self.project: tuple[str, Path, str] | None = None
        self.packaged: dict[Path, Ip] = {}
        self.done: dict[str, str] = {}
        self.opened = False
        self.buses: dict[str, list[str]] = {}
        self.clocks: dict[str, float] = {}
        known = [ip for ip in CATALOG if not self.drop or self.drop not in ip.vlnv]
        self.catalog = {ip.vlnv: ip for ip in (*known, *((ILCONCAT,) if self.inline else ()))}

    def run(self, script: Path, *argv: str) -> None:
        """Run a script; what the script or a command finds wrong is raised as a TclError."""
        tkinter = pytest.importorskip("tkinter", reason="this Python has no Tcl interpreter")
        tcl = tkinter.Tcl()
        tcl.eval("namespace eval ipx {}")
        for name, syntax in reference("commands.txt").items():
            method = getattr(self, name.replace("::", "_"), None)
            if method is not None:
                offer(tcl, name, lambda words, s=syntax, m=method: self._call(s.parsed(words), m))
        self.tcl = tcl
        tcl.eval("rename puts __puts")
        offer(tcl, "__said", self._said)
        tcl.eval(
            "proc puts args { if {[llength $args] == 2 && [lindex $args 0] ne {-nonewline}} "
            "{ return [__puts {*}$args] }; __said [lindex $args end] }"
        )
        tcl.setvar("argv", tuple(argv))
        tcl.setvar("argc", len(argv))
        before = Path.cwd()
        try:
            tcl.evalfile(str(script))
        finally:
            os.chdir(before)

    def _call(self, call: Call, method: Callable[[Call], Result]) -> Result:
        self.calls.append(call)
        return method(call)

    def _said(self, words: Sequence[str]) -> str:
        self.printed.append(words[-1])
        return ""

    # Projects and files.
    def version(self, call: Call) -> str:
        return self.release if "-short" in call.options else f"Vivado v{self.release}"

    def create_project(self, call: Call) -> str:
        name, folder = call.operands
        if self.project is not None:
            raise WrongCall("create_project: a project is open")
        self.project = (name, Path(folder), call.options["-part"])
        self.files = []
        self.objects |= {name: "project", "sources_1": "fileset", "synth_1": "run", "impl_1": "run"}
        return name

    def close_project(self, call: Call) -> str:
        self._opened()
        self.project = None
        return ""

    def _opened(self) -> tuple[str, Path, str]:
        if self.project is None:
            raise WrongCall("no project is open")
        return self.project

    def current_project(self, call: Call) -> str:
        return self._opened()[0]

    def current_fileset(self, call: Call) -> str:
        self._opened()
        return "sources_1"

    def add_files(self, call: Call) -> str:
        constraints = call.options.get("-fileset") == "constrs_1"
        if call.options.get("-fileset", "sources_1") != "sources_1" and not constraints:
            raise WrongCall(f"add_files: no fileset {call.options['-fileset']}")
        for name in self._split(call.operands[0]):
            path = Path(name)
            if constraints != (path.suffix == ".xdc"):
                raise WrongCall(f"add_files: {name} in the wrong fileset")
            if not path.is_file():
                raise WrongCall(f"add_files: no file {name} in {Path.cwd()}")
            self.files.append(path.resolve())
        return ""

    def _split(self, words: str) -> tuple[str, ...]:
        found: tuple[str, ...] = self.tcl.splitlist(words)
        return found

    def update_compile_order(self, call: Call) -> str:
        self._opened()
        return ""

    def get_files(self, call: Call) -> Result:
        assert self.block is not None
        wanted = f"{self.block.name}.bd"
        if call.operands != (wanted,):
            raise WrongCall(f"get_files: no file {call.operands}, but {wanted}")
        return wanted

    # Properties.
    def set_property(self, call: Call) -> str:
        if "-dict" in call.options:
            words = self._split(call.options["-dict"])
            if not words:
                raise WrongCall("set_property: -dict without a property")
            pairs, objects = list(zip(words[::2], words[1::2], strict=True)), call.operands
        else:
            if len(call.operands) < 3:
                raise WrongCall(f"set_property: name, value, objects; not {call.operands}")
            pairs, objects = [(call.operands[0], call.operands[1])], call.operands[2:]
        for thing in (one for words in objects for one in self._split(words)):
            for name, value in pairs:
                self._set(thing, name, value)
        return ""

    def _set(self, thing: str, name: str, value: str) -> None:
        if self.block is not None and thing.removeprefix("/") in self.block.cells:
            self.block.cells[thing.removeprefix("/")].configure(name, value)
            return
        kind = self.objects.get(thing)
        if kind is None or name not in SETTABLE.get(kind, ()):
            raise WrongCall(f"set_property: {thing or 'nothing'} ({kind}) has no property {name}")
        if name == "board_part" and value not in self.boards:
            raise WrongCall(f"set_property: no board part {value}")
        if value not in VALUES.get(name, {value}):
            raise WrongCall(f"set_property: {name} cannot be {value}")
        self.properties[thing, name] = value

    def list_property(self, call: Call) -> Result:
        return tuple(f"CONFIG.{name}" for name in self._cell(call.operands[0]).config)

    def _cell(self, path: str) -> Cell:
        if self.block is None or path.removeprefix("/") not in self.block.cells:
            raise WrongCall(f"no cell {path}")
        return self.block.cells[path.removeprefix("/")]

    def get_property(self, call: Call) -> str:
        name, thing = call.operands
        if name == "VLNV" and thing in self.catalog:
            return thing
        if name == "NAME":
            return self._cell(thing).name
        if name == "CONFIG.FREQ_HZ" and self.block and self.block.pins[thing].kind == "clk":
            return "100000000"
        if name == "SLACK" and thing.startswith("path_"):
            return self.slack[thing.removeprefix("path_")]
        if self.objects.get(thing) == "run":
            failed = thing == self.stops or thing not in self.done
            answers = {
                "PROGRESS": "40%" if failed else "100%", "STATUS": f"{thing} ERROR" if failed else
                "complete", "DIRECTORY": str(self._run_folder(thing)), "STATS.TPWS": self.pulses,
            }  # fmt: skip
            if name in answers:
                return answers[name]
        raise WrongCall(f"get_property: {thing} has no {name}")

    # IPs.
    def get_ipdefs(self, call: Call) -> Result:
        found = re.fullmatch(r"VLNV =~ (\S+)", call.options.get("-filter", ""))
        if found is None:
            raise WrongCall(f"get_ipdefs: the filter {call.options.get('-filter')}")
        return tuple(vlnv for vlnv in self.catalog if fnmatchcase(vlnv, found[1]))

    def get_board_parts(self, call: Call) -> Result:
        return tuple(one for one in self.boards if fnmatchcase(one, call.operands[0]))

    def update_ip_catalog(self, call: Call) -> str:
        for path in self._split(self.properties.get((self._opened()[0], "ip_repo_paths"), "")):
            if Path(path) not in self.packaged:
                raise WrongCall(f"update_ip_catalog: no IP below {path}")
            ip = self.packaged[Path(path)]
            self.catalog[ip.vlnv] = ip
        return ""

    def ipx_package_project(self, call: Call) -> str:
        top = self.properties["sources_1", "top"]
        (source,) = [path for path in self.files if path.stem == top]
        vlnv = f"{call.options['-vendor']}:{call.options['-library']}:{{name}}:1.0"
        self.core = (
            Path(call.options["-root_dir"]),
            replace(packaged(source.read_text()), vlnv=vlnv),
        )
        self.objects["core"] = "core"
        self.interfaces = {
            bus.name: bus for bus in self.core[1].buses({})
        } | {pin.name: pin for pin in self.core[1].pins({})}  # fmt: skip
        return ""

    def ipx_current_core(self, call: Call) -> str:
        return "core"

    def ipx_associate_bus_interfaces(self, call: Call) -> str:
        for name in (call.options["-busif"], call.options["-clock"]):
            if name not in self.interfaces:
                raise WrongCall(f"ipx::associate_bus_interfaces: no interface {name}")
        return ""

    def _new(self, kind: str, call: Call) -> str:
        name, parent = call.operands
        if parent not in self.objects:
            raise WrongCall(f"{call.name}: no {parent}")
        self.objects[f"{parent}/{name}"] = kind
        return f"{parent}/{name}"

    def ipx_add_memory_map(self, call: Call) -> str:
        return self._new("memory map", call)

    def ipx_add_address_block(self, call: Call) -> str:
        return self._new("address block", call)

    def ipx_add_register(self, call: Call) -> str:
        return self._new("register", call)

    def ipx_add_bus_parameter(self, call: Call) -> str:
        if call.operands[0] not in BUS_PARAMETERS:
            raise WrongCall(f"ipx::add_bus_parameter: no parameter {call.operands[0]}")
        return self._new("bus parameter", call)

    def ipx_get_bus_interfaces(self, call: Call) -> str:
        (name,) = call.operands
        if name not in self.interfaces:
            raise WrongCall(f"ipx::get_bus_interfaces: no interface {name}")
        self.objects[f"interface:{name}"] = "bus interface"
        return f"interface:{name}"

    def ipx_create_xgui_files(self, call: Call) -> str:
        return ""

    def ipx_update_checksums(self, call: Call) -> str:
        return ""

    def ipx_check_integrity(self, call: Call) -> str:
        return "1"

    def ipx_save_core(self, call: Call) -> str:
        folder, ip = self.core
        name = self.properties["core", "name"]
        self.packaged[folder] = replace(ip, vlnv=ip.vlnv.format(name=name))
        return ""

    def package_xo(self, call: Call) -> str:
        if Path(call.options["-ip_directory"]) not in self.packaged:
            raise WrongCall(f"package_xo: no IP in {call.options['-ip_directory']}")
        if call.options.get("-ctrl_protocol") not in (
            "ap_ctrl_hs",
            "ap_ctrl_chain",
            "user_managed",
        ):
            raise WrongCall("package_xo: the control protocol")
        Path(call.options["-xo_path"]).write_text("xo")
        return ""

    # The block design.
    def create_bd_design(self, call: Call) -> str:
        self._opened()
        self.block = Block(call.operands[0])
        return call.operands[0]

    def _design(self) -> Block:
        if self.block is None:
            raise WrongCall("no block design is open")
        return self.block

    def create_bd_cell(self, call: Call) -> str:
        (name,) = call.operands
        if call.options.get("-type") == "module":
            ip = self._module(call.options["-reference"])
            vlnv = ip.vlnv
        else:
            vlnv = call.options["-vlnv"]
            ip = self.catalog.get(vlnv)
        if ip is None or call.options.get("-type") != ip.kind:
            raise WrongCall(f"create_bd_cell: no {call.options.get('-type')} {vlnv}")
        if name in self._design().cells:
            raise WrongCall(f"create_bd_cell: {name} is there already")
        self._design().cells[name] = Cell(name, ip, dict(ip.parameters))
        return f"/{name}"

    def _module(self, name: str) -> Ip:
        """A module of the project's sources as a cell: the top must be Verilog (UG994)."""
        found = [path for path in self.files if path.name == f"{name}.v"]
        if not found:
            raise WrongCall(f"create_bd_cell: no Verilog of the module {name}")
        text = found[0].read_text()
        for inner in re.findall(r"^  (\w+) #\($", text, re.M):
            if not any(path.stem == inner for path in self.files):
                raise WrongCall(f"create_bd_cell: no file of the module {inner}")
        return replace(packaged(text), vlnv=f"module:{name}", kind="module")

    def _found(self, call: Call, known: Sequence[str]) -> Result:
        wanted = [f"/{name.removeprefix('/')}" for name in call.operands]
        return tuple(name for name in known if any(fnmatchcase(name, one) for one in wanted))

    def get_bd_cells(self, call: Call) -> Result:
        return self._found(call, [f"/{name}" for name in self._design().cells])

    def get_bd_pins(self, call: Call) -> Result:
        return self._found(call, list(self._design().pins))

    def get_bd_intf_pins(self, call: Call) -> Result:
        return self._found(call, list(self._design().buses))

    def get_bd_addr_spaces(self, call: Call) -> Result:
        return self._found(call, list(self._design().spaces))

    def get_bd_addr_segs(self, call: Call) -> Result:
        return self._found(call, list(self._design().segments))

    def connect_bd_net(self, call: Call) -> str:
        self._design().connect(*call.operands)
        return ""

    def connect_bd_intf_net(self, call: Call) -> str:
        self._design().join(*call.operands)
        return ""

    def apply_bd_automation(self, call: Call) -> str:
        cell = self._cell(call.operands[0])
        name = cell.ip.vlnv.split(":")[2]
        if call.options["-rule"] != f"xilinx.com:bd_rule:{name}":
            raise WrongCall(f"apply_bd_automation: no rule {call.options['-rule']} of {name}")
        words = re.findall(r"\{([^}]*)\}|(\S+)", call.options["-config"])
        pairs = dict(zip(*[iter([one or other for one, other in words])] * 2, strict=True))
        known = {"processing_system7": {"make_external", "apply_board_preset", "Master", "Slave"},
                 "zynq_ultra_ps_e": {"apply_board_preset"}}  # fmt: skip
        if unknown := set(pairs) - known[name]:
            raise WrongCall(f"apply_bd_automation: {unknown} of {name}")
        if pairs["apply_board_preset"] == "1":
            if (self._opened()[0], "board_part") not in self.properties:
                raise WrongCall("apply_bd_automation: no board, and no preset of one")
            cell.config[f"{'PCW' if name.endswith('7') else 'PSU'}_PRESET"] = "board"
        for bus in filter(None, pairs.get("make_external", "").split(", ")):
            if f"/{cell.name}/{bus}" not in cell.buses:
                raise WrongCall(f"apply_bd_automation: no interface {bus}")
            self._design().external.add(f"/{cell.name}/{bus}")
        return ""

    def assign_bd_address(self, call: Call) -> str:
        sizes = {"K": 10, "M": 20, "G": 30}
        offset, size = call.options.get("-offset"), call.options.get("-range")
        for segment in call.operands:
            self._design().place(
                call.options["-target_address_space"], segment,
                None if offset is None else int(offset, 0),
                None if size is None else int(size[:-1]) << sizes[size[-1]],
            )  # fmt: skip
        return ""

    def exclude_bd_addr_seg(self, call: Call) -> str:
        space, (segment,) = call.options["-target_address_space"], call.operands
        if segment not in self._design().reached(space):
            raise WrongCall(f"exclude_bd_addr_seg: {space} does not reach {segment}")
        self._design().excluded.add((space, segment))
        return ""

    def validate_bd_design(self, call: Call) -> str:
        if problems := self._design().problems():
            raise WrongCall("validate_bd_design: " + "; ".join(problems))
        self._design().validated = True
        return ""

    def save_bd_design(self, call: Call) -> str:
        self._design()
        return ""

    def make_wrapper(self, call: Call) -> str:
        design = self._design()
        if not design.validated or call.options["-files"] != f"{design.name}.bd":
            raise WrongCall("make_wrapper: no validated block design of this name")
        name, folder, _ = self._opened()
        place = folder / f"{name}.gen/sources_1/bd" / design.name
        (place / "hdl").mkdir(parents=True)
        (place / "hw_handoff").mkdir()
        (place / "hw_handoff" / f"{design.name}.hwh").write_text("hwh")
        wrapper = place / "hdl" / f"{design.name}_wrapper.v"
        wrapper.write_text(f"module {design.name}_wrapper; endmodule\n")
        return str(wrapper)

    # Runs and reports.
    def _run_folder(self, run: str) -> Path:
        name, folder, _ = self._opened()
        return folder / f"{name}.runs" / run

    def get_runs(self, call: Call) -> str:
        (run,) = call.operands
        if run not in STEPS:
            raise WrongCall(f"get_runs: no run {run}")
        return run

    def launch_runs(self, call: Call) -> str:
        (run,) = call.operands
        step = call.options.get("-to_step", "route_design")
        if run not in STEPS or (run == "impl_1" and step not in STEPS[run]):
            raise WrongCall(f"launch_runs: no run {run}, or no step {step}")
        if run == "impl_1" and "synth_1" not in self.done:
            raise WrongCall("launch_runs: impl_1 before synth_1")
        top = self.properties.get(("sources_1", "top"), "")
        if not any(path.stem == top for path in self.files):
            raise WrongCall(f"launch_runs: no file of the top {top!r}")
        for path in self.files:
            if path.suffix == ".xdc":
                self._constrain(path, next(one for one in self.files if one.stem == top))
        if run != self.stops:
            self.done[run] = step
            self._run_folder(run).mkdir(parents=True, exist_ok=True)
            if step == "write_bitstream":
                (self._run_folder(run) / f"{top}.bit").write_text("bit")
        return ""

    def _constrain(self, constraints: Path, top: Path) -> None:
        """Read constraints of the top module, whose ports must all get a pin of their own."""
        self.objects["design"] = "design"
        for width, name in re.findall(
            r"^ +(?:input|output) logic (?:\[(\d+):0\] )?(\w+),?$", top.read_text(), re.M
        ):
            many = [f"{name}[{n}]" for n in range(int(width) + 1)] if width else [name]
            self.objects |= dict.fromkeys(many, "port")
            self.buses[name] = many
        self.tcl.evalfile(str(constraints))
        ports = [name for name, kind in self.objects.items() if kind == "port"]
        pins = [self.properties[port, "PACKAGE_PIN"] for port in ports]
        assert len(set(pins)) == len(pins), "two ports share a pin"
        assert all((port, "IOSTANDARD") in self.properties for port in ports)

    def get_ports(self, call: Call) -> Result:
        (name,) = call.operands
        found = self.buses.get(name) or [one for one in self.objects if one == name]
        if not found:
            raise WrongCall(f"get_ports: no port {name}")
        return tuple(found)

    def current_design(self, call: Call) -> str:
        return "design"

    def create_clock(self, call: Call) -> str:
        self.clocks[call.operands[0]] = float(call.options["-period"])
        return ""

    def set_false_path(self, call: Call) -> str:
        if not {"-from", "-to"} & set(call.options):
            raise WrongCall("set_false_path: from nowhere to nowhere")
        return ""

    def wait_on_run(self, call: Call) -> str:
        if call.operands[0] not in STEPS:
            raise WrongCall(f"wait_on_run: no run {call.operands[0]}")
        return ""

    def open_run(self, call: Call) -> str:
        if call.operands[0] not in self.done:
            raise WrongCall(f"open_run: {call.operands[0]} is not done")
        self.opened = True
        return ""

    def close_design(self, call: Call) -> str:
        if not self.opened:
            raise WrongCall("close_design: no design is open")
        self.opened = False
        return ""

    def _report(self, call: Call) -> str:
        if not self.opened:
            raise WrongCall(f"{call.name}: no design is open")
        if "-file" in call.options:
            Path(call.options["-file"]).write_text(call.name)
        return f"report of {call.options.get('-of_objects', '')}"

    report_utilization = report_timing_summary = report_power = report_timing = _report

    def get_timing_paths(self, call: Call) -> Result:
        self._report(call)
        delay = call.options.get("-delay_type", "max")
        if delay not in ("max", "min", "min_max"):
            raise WrongCall(f"get_timing_paths: no delay type {delay}")
        return f"path_{delay}" if self.slack[delay] else ()

    def write_hw_platform(self, call: Call) -> str:
        if "-include_bit" in call.options and self.done.get("impl_1") != "write_bitstream":
            raise WrongCall("write_hw_platform: no bitstream to include")
        Path(call.options.get("-file") or call.operands[0]).write_text("xsa")
        return ""


_PORT = re.compile(r"^ +(input|output) wire (?:\[(\d+):0\] )?(\w+),?$", re.MULTILINE)


def packaged(verilog: str) -> Ip:
    """The IP that the packager makes of a Verilog module: interfaces by the names of the ports."""
    ports = {name: (way, int(high or 0) + 1) for way, high, name in _PORT.findall(verilog)}
    clock = next(name for name in ports if name in ("aclk", "ap_clk"))
    reset = next(name for name in ports if name in ("aresetn", "ap_rst_n"))

    def buses(config: Config) -> Any:
        for name, (way, bits) in ports.items():
            if name.endswith("_tdata"):
                mode = "Slave" if way == "input" else "Master"
                yield Bus(name.removesuffix("_tdata"), mode, "axis", bits)
        if "s_axi_control_awaddr" in ports:
            size = 1 << ports["s_axi_control_awaddr"][1]
            yield Bus("s_axi_control", "Slave", "aximm", 32, segments=(("reg0", None, size),))

    pins = [Pin(clock, "I", "clk"), Pin(reset, "I", "rst")]
    pins += [Pin(name, "O", "rst") for name, (way, _) in ports.items()
             if way == "output" and name.endswith("_aresetn")]  # fmt: skip
    return Ip("", {}, lambda config: iter(pins), buses)


def offer(tcl: Any, name: str, run: Callable[[Sequence[str]], Result]) -> None:
    """Make a Python function a command whose errors are errors of Tcl, with their texts."""

    def call(*words: str) -> tuple[str, Result]:
        try:
            return "ok", run(words)
        except (WrongCall, KeyError, ValueError, OSError, AssertionError) as error:
            return "error", f"{type(error).__name__}: {error}"

    inner = f"__python_{name.replace('::', '_')}"
    tcl.createcommand(inner, call)
    tcl.eval(
        f"proc {name} args {{ lassign [::{inner} {{*}}$args] how what; "
        f"if {{$how eq {{error}}}} {{ return -code error $what }}; return $what }}"
    )
