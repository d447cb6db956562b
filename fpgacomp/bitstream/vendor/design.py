"""An accelerator and what surrounds it, as the scripts for Vivado describe it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from fpgacomp.bitstream.job import Preset
from fpgacomp.bitstream.vendor import shells
from fpgacomp.bitstream.vendor.ports import StreamPort, stream_ports, wrapped_ports
from fpgacomp.bitstream.vendor.shells import Card, ProcessingSystem, SerialLink
from fpgacomp.devices.board import Board
from fpgacomp.engines.hls4ml.interface import Hls4mlInterface
from fpgacomp.engines.shared.interface import FILE
from fpgacomp.engines.stream.interface import StreamInterface
from fpgacomp.engines.stream.rtl.interface import RTL_FILE, RtlInterface
from fpgacomp.errors import FpgacompError, UnsupportedLayer, UsageError, raise_all
from fpgacomp.host.strict_json import read_json
from fpgacomp.results.project import Project
from fpgacomp.runtime.address_map import LENGTH_BITS

Source = Literal["rtl", "hls"]


@dataclass(frozen=True, kw_only=True)
class PackagedIp:
    """The IP of a design.

    Args:
        top: name of its top module or function.
        inner: of an hls4ml design: the function that the wrapper `top` calls; "" for others.
        stream: of an hls4ml design: whether `inner` has streams, not arrays.
        source: what the IP is made from.
        ports: inputs first.
        identity: what its registers say of the graph; see `fpgacomp.ir.codec.identity`.
    """

    top: str
    inner: str
    stream: bool
    source: Source
    ports: tuple[StreamPort, ...]
    identity: str

    @property
    def vlnv(self) -> str:
        """Vendor, library, name and version of the packaged IP."""
        library = "fpgacomp:accelerator" if self.source == "rtl" else "xilinx.com:hls"
        return f"{library}:{self.top}:1.0"

    @property
    def inputs(self) -> tuple[StreamPort, ...]:
        """The ports that take frames."""
        return tuple(port for port in self.ports if port.input)

    @property
    def outputs(self) -> tuple[StreamPort, ...]:
        """The ports that give frames."""
        return tuple(port for port in self.ports if not port.input)

    @property
    def kind(self) -> str:
        """What `inner` takes a frame as, in the names of axis_frames.h."""
        return "words" if self.stream else "array"


@dataclass(frozen=True, kw_only=True)
class Dma:
    """One AXI DMA in direct register mode.

    Args:
        number: its place in the address map.
        mm2s: the port that it sends frames to; None without one.
        s2mm: the port that it takes frames from; None without one.
        port_bits: width of the memory port of the processing system.
    """

    number: int
    mm2s: StreamPort | None
    s2mm: StreamPort | None
    port_bits: int

    @property
    def name(self) -> str:
        """Of the cell."""
        return f"dma{self.number}"

    @property
    def title(self) -> str:
        """What it connects, as a comment."""
        ways = []
        if self.mm2s:
            ways.append(f"memory to {self.mm2s.name}, {self.mm2s.frame_bytes} bytes a frame")
        if self.s2mm:
            ways.append(f"{self.s2mm.name} to memory, {self.s2mm.frame_bytes} bytes a frame")
        return "; ".join(ways)

    def memory_bits(self, port: StreamPort) -> int:
        """Width of the DMA's port to memory: at least that of its stream (PG021)."""
        return max(self.port_bits, port.tdata_bits)

    @property
    def directions(self) -> tuple[Literal["mm2s", "s2mm"], ...]:
        """The channels that it has."""
        ways: list[Literal["mm2s", "s2mm"]] = []
        if self.mm2s:
            ways.append("mm2s")
        if self.s2mm:
            ways.append("s2mm")
        return tuple(ways)


@dataclass(frozen=True)
class Slave:
    """Registers that the processor reaches.

    Args:
        bus: interface of the block design.
        segment: name of the address segment.
        offset: address.
        range_kib: how much address space it takes, in KiB.
        title: what it is, for people.
    """

    bus: str
    segment: str
    offset: int
    range_kib: int
    title: str


@dataclass(frozen=True)
class Master:
    """A channel of a DMA on its way to memory: its interface and its address space."""

    bus: str
    space: str


@dataclass(frozen=True)
class Interrupts:
    """Interrupts side by side at one pin of the processing system.

    Args:
        name: of the cell that joins them.
        pin: of the processing system.
        sources: of the DMAs; the first is bit 0.
    """

    name: str
    pin: str
    sources: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class BlockDesign:
    """What surrounds an accelerator behind a processing system."""

    accelerator: PackagedIp
    ps: ProcessingSystem
    dmas: tuple[Dma, ...]

    @property
    def slaves(self) -> tuple[Slave, ...]:
        """Everything that has registers, in the order of the interconnect's ports."""
        at = self.ps.addresses
        own = Slave("accelerator/s_axi_control", "accelerator/s_axi_control/reg0", at.control,
                    shells.REGISTER_RANGE_KIB, "registers of the accelerator")  # fmt: skip
        dmas = [
            Slave(f"{dma.name}/S_AXI_LITE", f"{dma.name}/S_AXI_LITE/Reg",
                  at.dma + dma.number * at.stride, shells.DMA_RANGE_KIB,
                  f"registers of {dma.name}: {dma.title}")
            for dma in self.dmas
        ]  # fmt: skip
        return (own, *dmas)

    @property
    def masters(self) -> tuple[Master, ...]:
        """Every channel of every DMA."""
        return tuple(
            Master(f"{dma.name}/M_AXI_{way.upper()}", f"{dma.name}/Data_{way.upper()}")
            for dma in self.dmas
            for way in dma.directions
        )

    @property
    def clocked_pins(self) -> tuple[str, ...]:
        """Every clock input."""
        dmas = [
            f"{dma.name}/{name}"
            for dma in self.dmas
            for name in ("s_axi_lite_aclk", *(f"m_axi_{way}_aclk" for way in dma.directions))
        ]
        return (
            f"ps/{self.ps.register_clock}", f"ps/{self.ps.memory_clock}", "accelerator/aclk",
            *(("core/ap_clk",) if self.accelerator.source == "hls" else ()), *dmas,
            "registers/aclk", "memory/aclk", "reset/slowest_sync_clk",
        )  # fmt: skip

    @property
    def reset_pins(self) -> tuple[str, ...]:
        """Every reset input."""
        dmas = [f"{dma.name}/axi_resetn" for dma in self.dmas]
        return ("accelerator/aresetn", *dmas, "registers/aresetn", "memory/aresetn")

    @property
    def interrupts(self) -> tuple[Interrupts, ...]:
        """The DMAs' interrupts, by the pin that takes them."""
        every = [f"{dma.name}/{way}_introut" for dma in self.dmas for way in dma.directions]
        groups: list[Interrupts] = []
        for pin in self.ps.interrupts:
            some, every = _split(every, shells.INTERRUPTS_OF_A_PIN[pin])
            if some:
                groups.append(Interrupts(f"interrupts_{len(groups)}", pin, tuple(some)))
        return tuple(groups)


def _split(names: list[str], count: int) -> tuple[list[str], list[str]]:
    return names[:count], names[count:]


@dataclass(frozen=True, kw_only=True)
class VendorDesign:
    """Everything that a project for the vendor's tools is made from.

    Args:
        title: what it is, as a part of a sentence.
        board: of the design.
        clock_mhz: that the design was made for.
        accelerator: its IP.
        shell: what surrounds it.
        preset: of a processing system, see `fpgacomp.bitstream.job.BuildOptions`.
    """

    title: str
    board: Board
    clock_mhz: float
    accelerator: PackagedIp
    shell: ProcessingSystem | Card | SerialLink
    preset: Preset = "board"

    @classmethod
    def of(
        cls,
        project: Project,
        board: Board,
        *,
        clock_mhz: float,
        source: Source | None = None,
        baud: int | None = None,
        preset: Preset = "board",
    ) -> VendorDesign:
        """The design of a build.

        Args:
            project: every file of the build.
            board: that it was compiled for.
            clock_mhz: likewise.
            source: what to make the IP from; None takes SystemVerilog where the build has it.
            baud: of the serial link of a board without a processor; None takes the board's.
            preset: see the field.

        Raises:
            UsageError: the build has no such source, or its board is not carried.
            UnsupportedLayer, Problems: ports that no DMA takes.
        """
        shell = shells.shell_of(board, baud)
        accelerator = _accelerator(project, source)
        if isinstance(shell, Card) and accelerator.source == "hls" and not accelerator.inner:
            why = "a card takes the kernel of a streaming design from SystemVerilog."
            raise UsageError("--source hls", why, "use --source rtl.")
        if isinstance(shell, SerialLink) and accelerator.source == "hls":
            why = "the serial link of this board goes around SystemVerilog."
            raise UsageError(
                "--source hls", why, "compile with --backend stream; use --source rtl."
            )
        design = cls(
            title=f"{accelerator.inner or accelerator.top} for {board.title}", board=board,
            clock_mhz=clock_mhz, accelerator=accelerator, shell=shell, preset=preset,
        )  # fmt: skip
        raise_all(design._problems())
        return design

    @property
    def name(self) -> str:
        """Of the bitstream's files."""
        return self.accelerator.inner or self.accelerator.top

    @property
    def block_design(self) -> BlockDesign:
        """What surrounds the accelerator behind a processing system.

        DMA k serves input k and output k.
        """
        assert isinstance(self.shell, ProcessingSystem)
        inputs, outputs = self.accelerator.inputs, self.accelerator.outputs
        dmas = tuple(
            Dma(
                number=number, mm2s=_at(inputs, number), s2mm=_at(outputs, number),
                port_bits=self.shell.memory_bits,
            )
            for number in range(max(len(inputs), len(outputs)))
        )  # fmt: skip
        return BlockDesign(accelerator=self.accelerator, ps=self.shell, dmas=dmas)

    def _problems(self) -> list[FpgacompError]:
        """What keeps DMAs from serving the ports."""
        if isinstance(self.shell, SerialLink):
            return []
        pairs = max(len(self.accelerator.inputs), len(self.accelerator.outputs))
        problems: list[FpgacompError] = []
        if pairs > shells.MOST_DMAS:
            why = f"it takes {pairs} DMAs, and the interconnect carries {shells.MOST_DMAS}."
            fix = f"join inputs or outputs, until there are {shells.MOST_DMAS} of each."
            problems.append(UsageError(f"--board {self.board.name}", why, fix))
        most = (1 << LENGTH_BITS) - 1
        for port in self.accelerator.ports:
            if port.frame_bytes > most:
                why = f"a frame has {port.frame_bytes:,} bytes, and a transfer at most {most:,}."
                problems.append(UnsupportedLayer(port.tensor, why, "split the tensor."))
        return problems


def _at(ports: tuple[StreamPort, ...], number: int) -> StreamPort | None:
    return ports[number] if number < len(ports) else None


def _accelerator(project: Project, source: Source | None) -> PackagedIp:
    has_rtl = RTL_FILE in project.files
    if source == "rtl" and not has_rtl:
        why = "this build has no rtl/: its engine writes C++ alone."
        raise UsageError("--source rtl", why, "use --source hls, or compile with --backend stream.")
    if has_rtl and source != "hls":
        interface = RtlInterface.of(project)
        return PackagedIp(
            top=interface.top, inner="", stream=False, source="rtl", ports=stream_ports(interface),
            identity=interface.identity,
        )  # fmt: skip
    if _io_type(project) == "axi_stream":
        streams = StreamInterface.of(project)
        return PackagedIp(
            top=streams.top, inner="", stream=False, source="hls", ports=stream_ports(streams),
            identity=_identity(project),
        )  # fmt: skip
    wrapped = Hls4mlInterface.of(project)
    return PackagedIp(
        top=f"{wrapped.top}_axis", inner=wrapped.top, stream=wrapped.io_type == "io_stream",
        source="hls", ports=wrapped_ports(wrapped), identity=_identity(project),
    )  # fmt: skip


def _identity(project: Project) -> str:
    """The identity of the graph of a build, which its manifest lists, too.

    Raises:
        UsageError: the build has no graph.
    """
    content = project.files.get("graph.json")
    if content is None:
        raise UsageError("graph.json", "is missing.", "compile the network again.")
    return hashlib.sha256(content).hexdigest()[:32]


def _io_type(project: Project) -> str:
    """How tensors pass the ports of a design; Interface.of says what is wrong with a file."""
    try:
        found = read_json(project.files.get(f"hls/{FILE}", b"{}"))
    except ValueError:
        return ""
    return str(found.get("io_type", "")) if isinstance(found, dict) else ""


def clock_text(clock_mhz: float) -> str:
    """A frequency as Tcl and command lines take it."""
    return f"{clock_mhz:g}"


def contents_of(files: Mapping[str, bytes], folder: str) -> dict[str, bytes]:
    """The files below a folder, under their paths there."""
    start = f"{folder}/"
    return {
        path.removeprefix(start): content
        for path, content in files.items()
        if path.startswith(start)
    }
