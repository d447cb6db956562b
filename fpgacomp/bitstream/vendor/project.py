"""Writes the folder from which AMD's tools make a bitstream: sources, scripts, README.

The folder stands by itself: it is copied to the machine that has the tools, and run there.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from fpgacomp.bitstream.vendor import shells
from fpgacomp.bitstream.vendor.design import VendorDesign, clock_text, contents_of
from fpgacomp.bitstream.vendor.mmcm import mmcm_for
from fpgacomp.bitstream.vendor.ports import StreamPort
from fpgacomp.bitstream.vendor.shells import Card, ProcessingSystem, SerialLink
from fpgacomp.bitstream.vendor.steps import BOARD, ToolStep, steps_of
from fpgacomp.bitstream.vendor.versions import FIRST, LAST
from fpgacomp.deploy.link import link_top
from fpgacomp.devices.pins import Pin
from fpgacomp.engines.hls4ml.emit.project import CLOCK_UNCERTAINTY
from fpgacomp.engines.stream.rtl.delivery import control_ports
from fpgacomp.engines.stream.rtl.interface import RtlInterface
from fpgacomp.engines.stream.rtl.registers import RegisterMap
from fpgacomp.host.resources import data_folder
from fpgacomp.host.templates import templates
from fpgacomp.results.project import Project
from fpgacomp.runtime.address_map import LENGTH_BITS

TEMPLATES = data_folder("hls_templates") / "vivado"
# What a build has below hls/ for simulation and tests alone.
_SIMULATION = re.compile(r"(csim_include/|csim_main\.cpp|.*_test\.cpp|tb_vectors\.h|README\.md)")
_SIMULATION_OF_HLS4ML = re.compile(r"(tb_data/|firmware/ap_types/|build_prj\.tcl)")
_RESET_CYCLES = 16  # of a reset by the registers; a power of two
_RTL_ONLY_HERE = re.compile(r"(sim_main\.cpp|bench\.py|Makefile|vectors/|waivers\.vlt|.*\.core)")


@dataclass(frozen=True)
class Mover:
    """A data mover of a card: the kernel that stands at a stream."""

    name: str
    port: StreamPort

    @property
    def kernel(self) -> str:
        """Name of the kernel; one serves all streams of a width and direction."""
        way = "mm2s" if self.port.input else "s2mm"
        return f"fpgacomp_{way}_{self.port.tdata_bits}"


@dataclass(frozen=True)
class PortOfKernel:
    """A port of the Verilog around an RTL kernel."""

    direction: str
    name: str
    bits: int


def vendor_project(design: VendorDesign, build: Project) -> tuple[Project, tuple[ToolStep, ...]]:
    """The files of DIR/bitstream, and the commands that make a bitstream there.

    Args:
        design: what `VendorDesign.of` made of the build.
        build: every file of the build.

    Raises:
        UsageError: the board's oscillator gives neither the clock nor the baud rate.
    """
    match design.shell:
        case ProcessingSystem():
            files = _behind_processor(design) | _guard(design)
        case Card():
            files = _on_a_card(design, build)
        case SerialLink():
            files = _behind_a_line(design, design.shell, build)
    files |= _sources(design, build)
    steps = steps_of(design)
    context = _context(design) | {"steps": steps, "contents": _listed(files)}
    files["Makefile"] = render("Makefile", **context)
    context["contents"] = _listed(files)
    files["README.md"] = render("README.md", **context)
    return Project(files), steps


def _behind_processor(design: VendorDesign) -> dict[str, bytes]:
    context = _context(design)
    return {
        f"{name}.tcl": render(f"{name}.tcl", **context)
        for name in ("build", "block_design", "implement")
    }


def _guard(design: VendorDesign) -> dict[str, bytes]:
    """The registers that a design of HLS gets beside it; nothing for one that has them."""
    accelerator = design.accelerator
    if accelerator.source == "rtl":
        return {}
    control = RegisterMap(
        accelerator.identity,
        tuple(port.name for port in accelerator.inputs),
        tuple(port.name for port in accelerator.outputs),
    )
    names = [port.name for port in accelerator.ports]
    context = _context(design) | {
        "control": control,
        "control_ports": control_ports(control),
        "buses": (*names, *(f"core_{name}" for name in names), "s_axi_control"),
        "cycles": _RESET_CYCLES,
    }
    library = data_folder("hls_templates") / "rtl/lib/fpgacomp_control.sv"
    watch = TEMPLATES / "fpgacomp_frames.sv"
    return {
        f"guard/{_guard_of(design)}.v": render("guard.v", **context),
        f"guard/{library.name}": library.read_bytes(),
        f"guard/{watch.name}": watch.read_bytes(),
    }


def _guard_of(design: VendorDesign) -> str:
    """Name of the module that has the registers of a design of HLS."""
    return f"{design.accelerator.top}_guard"


def _behind_a_line(design: VendorDesign, shell: SerialLink, build: Project) -> dict[str, bytes]:
    """The accelerator behind a UART: the link around it, the board's top, its pins.

    Raises:
        UsageError: neither the clock nor the baud rate can be made from the oscillator.
    """
    mmcm = mmcm_for(shell.pins.oscillator_mhz, design.clock_mhz)
    clock_mhz = Fraction(str(design.clock_mhz)) if mmcm is None else mmcm.clock_mhz
    link = link_top(RtlInterface.of(build), round(clock_mhz * 1_000_000), shell.baud)
    context = _context(design)
    context |= {
        "clock_mhz": clock_text(float(clock_mhz)),
        "mmcm": mmcm,
        "pins": shell.pins,
        "oscillator_ns": f"{1000 / shell.pins.oscillator_mhz:.3f}",
        "linked": f"{design.accelerator.top}_uart",
        "placed": _placed(shell),
        "sources": sorted(
            path for path in contents_of(build.files, "rtl") if path.endswith((".sv", ".mem"))
        ),
        "surroundings": [f"{BOARD}.sv", *(f"link/{path}" for path in sorted(link.files))],
    }
    return {
        **{f"link/{path}": content for path, content in link.files.items()},
        f"{BOARD}.sv": render("board.sv", **context),
        f"{BOARD}.xdc": render("board.xdc", **context),
        "build.tcl": render("build.tcl", **context),
        "implement.tcl": render("implement.tcl", **context),
    }


def _placed(shell: SerialLink) -> list[tuple[str, Pin]]:
    """Each port of the board's top module, and its pin."""
    pins = shell.pins
    return [
        ("oscillator", pins.oscillator),
        ("uart_rx", shell.uart.rx),
        ("uart_tx", shell.uart.tx),
        *([("reset_button", pins.reset)] if pins.reset else []),
        *((f"{{leds[{n}]}}", pin) for n, pin in enumerate(pins.leds)),
    ]


def _on_a_card(design: VendorDesign, build: Project) -> dict[str, bytes]:
    accelerator, context = design.accelerator, _context(design)
    files = {
        "movers.cpp": render("movers.cpp", **context),
        "link.cfg": render("link.cfg", **context),
    }
    if accelerator.source == "rtl":
        rtl = contents_of(build.files, "rtl")
        context["sources"] = sorted(p for p in rtl if p.endswith((".sv", ".mem")))
        context["ports"] = _kernel_ports(accelerator.ports, rtl[f"{accelerator.top}_ip.v"].decode())
        context["buses"] = (*(port.name for port in accelerator.ports), "s_axi_control")
        files["kernel.tcl"] = render("kernel.tcl", **context)
        files[f"{context['kernel']}.v"] = render("kernel.v", **context)
    return files


_DECLARED = re.compile(r"^ +(input|output) wire (?:\[(\d+):0\] )?(\w+),?$", re.MULTILINE)


def _kernel_ports(streams: tuple[StreamPort, ...], wrapper: str) -> tuple[PortOfKernel, ...]:
    """The streams and registers among the ports of the Verilog that is emitted for an IP."""
    names = (*(f"{port.name}_" for port in streams), "s_axi_control_")
    return tuple(
        PortOfKernel(direction, name, int(high or 0) + 1)
        for direction, high, name in _DECLARED.findall(wrapper)
        if name.startswith(names)
    )


def _sources(design: VendorDesign, build: Project) -> dict[str, bytes]:
    """What the IP is made from, below rtl/ or hls/."""
    accelerator = design.accelerator
    folder = accelerator.source
    kept = {
        path: content
        for path, content in contents_of(build.files, folder).items()
        if not (_RTL_ONLY_HERE if folder == "rtl" else _SIMULATION).match(path)
    }
    if folder == "rtl":
        return {f"rtl/{path}": content for path, content in kept.items()}
    context = _context(design)
    files = {"hls.tcl": render("hls.tcl", **context)}
    if accelerator.inner:
        kept = {p: content for p, content in kept.items() if not _SIMULATION_OF_HLS4ML.match(p)}
        kept |= wrapper(design)
    return files | {f"hls/{path}": content for path, content in kept.items()}


def wrapper(design: VendorDesign) -> dict[str, bytes]:
    """The AXI4-Stream ports around an hls4ml design: files below hls/."""
    top, context = design.accelerator.top, _context(design)
    return {
        f"{top}.cpp": render("axis_top.cpp", **context),
        f"{top}.h": render("axis_top.h", **context),
        "axis_frames.h": (TEMPLATES / "axis_frames.h").read_bytes(),
    }


def _context(design: VendorDesign) -> dict[str, Any]:
    accelerator, shell = design.accelerator, design.shell
    context: dict[str, Any] = {
        "title": design.title,
        "name": design.name,
        "system": f"{design.name}_system",
        "board": design.board.title,
        "part": design.board.part,
        "board_part": design.board.vivado_board if isinstance(shell, ProcessingSystem) else "",
        "clock_mhz": clock_text(design.clock_mhz),
        "clock_ns": f"{1000 / design.clock_mhz:.3f}",
        "clock_uncertainty": CLOCK_UNCERTAINTY,
        "first": FIRST,
        "last": LAST,
        "source": accelerator.source,
        "accelerator": accelerator,
        "top": accelerator.top,
        "inner": accelerator.inner,
        "stream": accelerator.stream,
        "kind": accelerator.kind,
        "ports": accelerator.ports,
        "inputs": accelerator.inputs,
        "outputs": accelerator.outputs,
        "hls": accelerator.source == "hls",
        "script": "" if accelerator.inner else "hls/build_prj.tcl",
        "ip_folder": f"hls/{accelerator.top}_prj/solution1/impl/ip",
        "guard": _guard_of(design),
        "guard_files": [
            "guard/fpgacomp_control.sv",
            "guard/fpgacomp_frames.sv",
            f"guard/{_guard_of(design)}.v",
        ],
        "length_bits": LENGTH_BITS,
        "control_range": shells.REGISTER_RANGE_KIB * 1024,
        "kernel": "",
        "shell": "",
        "serial": isinstance(shell, SerialLink),
        "baud": shell.baud if isinstance(shell, SerialLink) else 0,
    }
    if isinstance(shell, ProcessingSystem):
        block = design.block_design
        context |= {
            "shell": "processor", "ps": shell, "dmas": block.dmas, "slaves": block.slaves,
            "masters": block.masters, "clocked_pins": block.clocked_pins,
            "reset_pins": block.reset_pins, "interrupts": block.interrupts,
        }  # fmt: skip
    if isinstance(shell, Card):
        movers = movers_of(design)
        widths = {
            way: sorted({m.port.tdata_bits for m in movers if m.port.input is way})
            for way in (True, False)
        }
        context |= {
            "shell": "card", "platform": shell.platform, "kernel": kernel_of(design),
            "movers": movers, "to_card": widths[True], "from_card": widths[False],
        }  # fmt: skip
    context["tools"] = _tools(design)
    context["results"] = _results(design)
    return context


def kernel_of(design: VendorDesign) -> str:
    """Name of the accelerator's kernel on a card."""
    accelerator = design.accelerator
    return f"{accelerator.top}_kernel" if accelerator.source == "rtl" else accelerator.top


def movers_of(design: VendorDesign) -> tuple[Mover, ...]:
    """A data mover for each stream of a card's accelerator.

    Its name holds the network's identity: XRT's Python reads no registers of the accelerator, and
    sees by it what an .xclbin was linked for (`fpgacomp.runtime.xrt`). Kernel and name together
    have at most 63 characters in an .xclbin.
    """
    accelerator = design.accelerator
    inputs, outputs, identity = accelerator.inputs, accelerator.outputs, accelerator.identity
    return (
        *(Mover(f"mm2s_{n}_{identity}", port) for n, port in enumerate(inputs)),
        *(Mover(f"s2mm_{n}_{identity}", port) for n, port in enumerate(outputs)),
    )


def _tools(design: VendorDesign) -> str:
    if isinstance(design.shell, Card):
        return f"AMD Vitis 2021.1 to {LAST}, XRT and the platform {design.shell.platform}"
    if design.accelerator.source == "hls":
        return f"AMD Vivado and Vitis HLS {FIRST} to {LAST}"
    return f"AMD Vivado {FIRST} to {LAST}"


_MEANINGS = {
    "build.tcl": "the whole flow in Vivado, from the IP to the bitstream",
    "block_design.tcl": "the block design: cells, connections, addresses",
    "implement.tcl": "synthesis, placement, routing, reports, bitstream",
    "kernel.tcl": "packages the RTL kernel",
    f"{BOARD}.sv": "the top module: clock, reset and lights around the serial link",
    f"{BOARD}.xdc": "pins and the clock of the oscillator",
    "link/": "the serial link",
    "movers.cpp": "data movers between memory and streams",
    "link.cfg": "what v++ connects",
    "hls.tcl": "makes the IP from C++",
    "Makefile": "the commands above",
    "guard/": "registers beside the IP, which Vitis HLS makes without any",
    "rtl/": "SystemVerilog and tables, as `compile` wrote them",
    "hls/": "C++, as `compile` wrote it",
}


def _listed(files: Mapping[str, bytes]) -> list[tuple[str, str]]:
    """The files and folders of the project, with what they are."""
    top = {path.split("/")[0] + ("/" if "/" in path else "") for path in files}
    named = [(path, meaning) for path, meaning in _MEANINGS.items() if path in top]
    kernels = [(path, "the kernel's top module") for path in sorted(top) if path.endswith(".v")]
    return [*named, *kernels]


def _results(design: VendorDesign) -> list[tuple[str, str]]:
    name = design.name
    if isinstance(design.shell, Card):
        return [
            (f"{name}.xclbin", "what XRT loads"),
            (f"{name}.xclbin.info", "its kernels, connections and clocks"),
        ]
    if isinstance(design.shell, SerialLink):
        return [
            (f"{name}.bit", "the bitstream"),
            ("reports/", "utilization by hierarchy, timing, power, and a worst path that fails"),
            ("project/", "Vivado's project"),
        ]
    return [
        (f"{name}.bit", "the bitstream"),
        (f"{name}.hwh", "the description of the hardware for PYNQ; keep it beside the bitstream"),
        (f"{name}.xsa", "the same for Vitis and PetaLinux"),
        ("reports/", "utilization by hierarchy, timing, power; the worst path where timing fails"),
        ("project/", "Vivado's project"),
    ]


def render(template: str, /, **context: object) -> bytes:
    """The content of a file from `template`.j2; a field that the context lacks is an error."""
    return templates("vivado").get_template(f"{template}.j2").render(**context).encode()
