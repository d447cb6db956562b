"""The commands that make a bitstream, in order: what run() runs, README tells and make does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from fpgacomp.bitstream.vendor.design import VendorDesign, clock_text
from fpgacomp.bitstream.vendor.shells import Card, SerialLink

ToolName = Literal["vivado", "hls", "v++"]
BOARD = "fpgacomp_board"  # the top module of a board without a processor, and its files
VIVADO = ("vivado", "-mode", "batch", "-nojournal", "-notrace", "-source")


@dataclass(frozen=True, kw_only=True)
class ToolStep:
    """One command, run in DIR/bitstream.

    Args:
        title: what it does.
        tool: that runs it; "hls" is Vitis HLS under whichever name the release has.
        arguments: behind the tool's name.
        made: the file by which one sees that it was done.
        needs: files that it reads, for make.
    """

    title: str
    tool: ToolName
    arguments: tuple[str, ...]
    made: str
    needs: tuple[str, ...]

    @property
    def make(self) -> str:
        """The command as a Makefile has it."""
        words = {"vivado": "vivado", "hls": "$(HLS)", "v++": "v++"}
        return " ".join((words[self.tool], *self.arguments))

    @property
    def shell(self) -> str:
        """The command as a user types it."""
        if self.tool != "hls":
            return " ".join((self.tool, *self.arguments))
        script = self.arguments[-1]
        return (
            f"vitis-run --mode hls --tcl {script}    (2024.2 and later)\n"
            f"vitis_hls -f {script}                  (before)"
        )


def steps_of(design: VendorDesign) -> tuple[ToolStep, ...]:
    """The commands of a design."""
    accelerator = design.accelerator
    if isinstance(design.shell, Card):
        return _on_a_card(design, design.shell)
    serial = isinstance(design.shell, SerialLink)
    minimal = ("-tclargs", "preset=minimal") if design.preset == "minimal" else ()
    build = ToolStep(
        title=f"{'' if serial else 'block design, '}synthesis, placement, routing and bitstream",
        tool="vivado", arguments=(*VIVADO[1:], "build.tcl", *minimal), made=f"{design.name}.bit",
        needs=("build.tcl", f"{BOARD}.sv" if serial else "block_design.tcl", "implement.tcl",
               *((_ip(design),) if accelerator.source == "hls" else ())),
    )  # fmt: skip
    return (*_hls(design), build)


def _ip(design: VendorDesign) -> str:
    """The file that shows that the IP is there."""
    return f"hls/{design.accelerator.top}_prj/solution1/impl/ip/component.xml"


def _hls(design: VendorDesign) -> tuple[ToolStep, ...]:
    if design.accelerator.source == "rtl":
        return ()
    return (
        ToolStep(title="IP from C++", tool="hls", arguments=("hls.tcl",), made=_ip(design),
             needs=("hls.tcl",)),
    )  # fmt: skip


def _on_a_card(design: VendorDesign, card: Card) -> tuple[ToolStep, ...]:
    accelerator = design.accelerator
    if accelerator.source == "rtl":
        kernel = ToolStep(
            title="kernel from SystemVerilog", tool="vivado", arguments=(*VIVADO[1:], "kernel.tcl"),
            made=f"{accelerator.top}_kernel.xo", needs=("kernel.tcl",),
        )  # fmt: skip
    else:
        kernel = ToolStep(title="kernel from C++", tool="hls", arguments=("hls.tcl",),
                      made=f"{accelerator.top}.xo", needs=("hls.tcl",))  # fmt: skip
    target = ("-t", "hw", "--platform", card.platform)
    movers = dict.fromkeys(
        f"fpgacomp_{'mm2s' if port.input else 's2mm'}_{port.tdata_bits}"
        for port in accelerator.ports
    )
    compiled = tuple(
        ToolStep(
            title=f"data mover {mover}", tool="v++",
            arguments=("-c", *target, "-k", mover, "-o", f"{mover}.xo", "movers.cpp"),
            made=f"{mover}.xo", needs=("movers.cpp",),
        )
        for mover in movers
    )  # fmt: skip
    objects = (kernel.made, *(step.made for step in compiled))
    link = ToolStep(
        title="link, placement, routing and bitstream", tool="v++",
        arguments=("-l", *target, "--config", "link.cfg", "--kernel_frequency",
                   clock_text(design.clock_mhz), "-o", f"{design.name}.xclbin", *objects),
        made=f"{design.name}.xclbin", needs=(*objects, "link.cfg"),
    )  # fmt: skip
    return (kernel, *compiled, link)
