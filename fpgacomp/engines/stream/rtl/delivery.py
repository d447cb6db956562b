"""What surrounds the emitted SystemVerilog: constraints, build scripts, a testbench, a page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from fpgacomp.engines.stream.design import Clocked
from fpgacomp.engines.stream.rtl.context import RtlDesign, RtlPort
from fpgacomp.engines.stream.rtl.registers import RegisterMap
from fpgacomp.engines.stream.rtl.render import TEMPLATES, render

# Frames that the testbench runs: a simulator takes minutes for many of a large network.
_VECTORS = 8
# The adder of three numbers; a path below rtl/.
_TERNARY_ADD = "lib/fpgacomp_ternary_add.sv"
# How Yosys maps it, and tables in LUTs: files of the templates' folder deliver/.
_TERNARY_MAPS, _TABLE_MAPS = ("ternary_add.v",), ("lut_tables.v", "lut_tables.memlib")
_IN_LUTS = ("STYLE", "1")  # an operator whose tables lie in LUTs


@dataclass(frozen=True)
class WrapperPort:
    """A port of the Verilog around the top module.

    Args:
        bits: its width.
        vector: whether it is declared with a range, whatever its width.
    """

    direction: str
    name: str
    bits: int
    vector: bool = False


@dataclass(frozen=True)
class Delivery:
    """Everything that the templates of hls_templates/rtl/deliver read.

    Every text in it is safe in Tcl, YAML, Make and SystemVerilog as it stands: names are
    identifiers (`ir.verify`, `NameSpace`), and a part keeps the grammar of `devices.schema`.

    Args:
        name: of the top module.
        part: of the FPGA.
        xilinx: whether Vivado builds for it.
        clock_ns: period of the clock.
        synthesis: command of Yosys that maps to the part; "" where it has none for the family.
        multipliers: whether the design plans DSP blocks.
        multipliers_of: how the script for Yosys puts products there; see `Device`.
        ternary: whether it has adders of three numbers that Yosys is told how to map.
        lut_tables: whether it has tables in LUTs that Yosys is told how to map.
        sources, tables, vectors: paths below rtl/.
        frames: how many each file of `vectors` holds.
    """

    name: str
    part: str
    xilinx: bool
    clock_ns: str
    synthesis: str
    multipliers: bool
    multipliers_of: str
    ternary: bool
    lut_tables: bool
    sources: tuple[str, ...]
    tables: tuple[str, ...]
    vectors: tuple[str, ...]
    frames: int
    inputs: tuple[RtlPort, ...]
    outputs: tuple[RtlPort, ...]
    control: RegisterMap

    @classmethod
    def of(cls, design: Clocked, made: RtlDesign, files: Mapping[str, bytes]) -> Delivery:
        """The delivery of a design whose files below rtl/ are `files`."""
        paths = sorted(files)
        board, first = design.board, made.inputs[0]
        return cls(
            name=made.name,
            part=board.part,
            xilinx=board.device.toolchain == "vivado",
            synthesis=board.device.yosys,
            multipliers=bool(board.device.yosys_multipliers)
            and any(("DSP", "1") in unit.parameters for unit in made.units),
            multipliers_of=board.device.yosys_multipliers,
            ternary=board.device.ternary_adders and _TERNARY_ADD in files,
            lut_tables=any(_IN_LUTS in unit.parameters for unit in made.units),
            clock_ns=f"{design.clock_ns:.3f}",
            sources=tuple(path for path in paths if path.endswith(".sv")),
            tables=tuple(path for path in paths if path.endswith(".mem")),
            vectors=tuple(path for path in paths if path.startswith("vectors/")),
            frames=len(files[f"vectors/{first.name}.bin"]) // first.frame_bytes,
            inputs=made.inputs,
            outputs=made.outputs,
            control=made.control,
        )

    @property
    def buses(self) -> tuple[str, ...]:
        """Names of the AXI interfaces."""
        return (*(port.name for port in (*self.inputs, *self.outputs)), "s_axi_control")

    @property
    def containers(self) -> str:
        """The widths of elements on the bus, as a part of a sentence."""
        widths = sorted({port.container for port in (*self.inputs, *self.outputs)})
        return " or ".join(map(str, widths))

    @property
    def ports(self) -> tuple[WrapperPort, ...]:
        """The ports of the top module but for clock and reset."""

        def kept(stream: RtlPort, give: str) -> tuple[WrapperPort, ...]:
            keep = WrapperPort(give, f"{stream.name}_tkeep", stream.bytes, vector=True)
            return (keep,) if give == "output" else ()

        streams = [
            port
            for ports, give, take in ((self.inputs, "input", "output"),
                                      (self.outputs, "output", "input"))
            for stream in ports
            for port in (
                WrapperPort(give, f"{stream.name}_tdata", stream.bytes * 8),
                *kept(stream, give),
                WrapperPort(give, f"{stream.name}_tvalid", 1),
                WrapperPort(give, f"{stream.name}_tlast", 1),
                WrapperPort(take, f"{stream.name}_tready", 1),
            )
        ]  # fmt: skip
        flags = [
            WrapperPort("output", name, len(ports), vector=True)
            for name, ports in (("frame_short", self.inputs), ("frame_long", self.inputs),
                                ("frame_taken", self.inputs), ("frame_sent", self.outputs))
        ]  # fmt: skip
        return (*streams, *control_ports(self.control), *flags)


def control_ports(control: RegisterMap) -> list[WrapperPort]:
    """The AXI4-Lite port of the registers."""
    address = control.address_bits
    inputs = {
        "awaddr": address, "awprot": 3, "awvalid": 1, "wdata": 32, "wstrb": 4, "wvalid": 1,
        "bready": 1, "araddr": address, "arprot": 3, "arvalid": 1, "rready": 1,
    }  # fmt: skip
    outputs = {
        "awready": 1, "wready": 1, "bresp": 2, "bvalid": 1, "arready": 1, "rdata": 32,
        "rresp": 2, "rvalid": 1,
    }  # fmt: skip
    return [
        WrapperPort(direction, f"s_axi_control_{name}", bits)
        for direction, ports in (("input", inputs), ("output", outputs))
        for name, bits in ports.items()
    ]


def vector_files(design: RtlDesign, contents: Mapping[str, bytes]) -> dict[str, bytes]:
    """The first frames of the testbench's data of each port, below vectors/.

    Args:
        contents: file name -> all frames of a port.
    """
    return {
        f"vectors/{port.name}.bin": contents[f"{port.name}.bin"][: _VECTORS * port.frame_bytes]
        for port in (*design.inputs, *design.outputs)
    }


def delivered(delivery: Delivery) -> dict[str, bytes]:
    """Path below rtl/ -> content of constraints, scripts, testbench and README."""
    name, context = delivery.name, _context(delivery)
    clock = render("deliver/clock.sdc", **context)
    files = {
        "README.md": render("deliver/README.md", **context),
        "Makefile": render("deliver/Makefile", **context),
        "bench.py": (TEMPLATES / "deliver" / "bench.py").read_bytes(),
        f"{name}.core": render("deliver/fusesoc.core", **context),
        f"{name}.sdc": clock,
    }
    if delivery.xilinx:
        files |= {
            f"{name}.xdc": clock,
            f"{name}_ip.v": render("deliver/wrapper.v", **context),
            "vivado/build.tcl": render("deliver/build.tcl", **context),
            "vivado/package.tcl": render("deliver/package.tcl", **context),
        }
    maps = _TERNARY_MAPS * delivery.ternary + _TABLE_MAPS * delivery.lut_tables
    files |= {f"yosys/{name}": (TEMPLATES / "deliver" / name).read_bytes() for name in maps}
    if delivery.synthesis:
        files["yosys/synth.ys"] = render("deliver/synth.ys", **context)
    return files


def _context(delivery: Delivery) -> dict[str, object]:
    derived = {name: getattr(delivery, name) for name in ("buses", "containers", "ports")}
    return {**vars(delivery), **derived, "check": "-check ", "cells": ""}
