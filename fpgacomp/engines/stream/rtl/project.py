"""A folded design as SystemVerilog: the files below `rtl/`."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from fpgacomp.engines.shared.interface import Interface
from fpgacomp.engines.stream.dataflow import Dataflow
from fpgacomp.engines.stream.design import Clocked
from fpgacomp.engines.stream.emit.context import Names, names_of
from fpgacomp.engines.stream.emit.project import ports_of
from fpgacomp.engines.stream.operators.operator import Operator
from fpgacomp.engines.stream.operators.source import Source
from fpgacomp.engines.stream.rtl.context import RtlDesign, RtlPort, WiredInstance
from fpgacomp.engines.stream.rtl.delivery import Delivery, delivered, vector_files
from fpgacomp.engines.stream.rtl.instance import Parameter, styled
from fpgacomp.engines.stream.rtl.interface import RTL_FILE, RtlInterface, RtlStream
from fpgacomp.engines.stream.rtl.registers import RegisterMap
from fpgacomp.engines.stream.rtl.render import TEMPLATES, render
from fpgacomp.engines.stream.storage import fifo_in_block
from fpgacomp.engines.stream.streams import Stream, element_bits
from fpgacomp.errors import UnsupportedLayer
from fpgacomp.results.project import Project

LIBRARY = TEMPLATES / "lib"
LEAST_DEPTH = 2  # words of the module fpgacomp_fifo


def emit_rtl(
    design: Clocked,
    dataflow: Dataflow,
    interface: Interface,
    vectors: Mapping[str, bytes],
) -> Project:
    """The SystemVerilog of a design, with all its files below `rtl/`.

    Args:
        design: a folding for every layer of a verified graph.
        dataflow: its operators, with the FIFO depths of the SystemVerilog (`rtl_dataflow`).
        interface: of the design's ports, which are the same in C++ and SystemVerilog.
        vectors: content of each port's file in hls/tb_data.

    Returns:
        rtl/NAME.sv, the operator library (rtl/lib/), tables as .mem files beside the top,
        rtl/sim_main.cpp, which drives the top under Verilator, rtl/interface.json (an
        `RtlInterface`), rtl/registers.h, and what `delivered` adds: constraints, build scripts
        and a testbench with its vectors. The same design and vectors give the same bytes.

    Raises:
        UnsupportedLayer: a folding that does not divide its layer.
    """
    made, files = rtl_design(design, dataflow)
    files[f"{made.name}.sv"] = render("top.sv", design=made)
    files["sim_main.cpp"] = render("sim_main.cpp", design=made)
    own = frozenset(path[4:-3] for path in files if path.startswith("lib/"))
    texts = [source.decode() for path, source in files.items() if path.startswith("lib/")]
    for module in _modules([unit for unit in made.units if unit.module not in own], texts):
        files[f"lib/{module}.sv"] = (LIBRARY / f"{module}.sv").read_bytes()
    files["waivers.vlt"] = (TEMPLATES / "waivers.vlt").read_bytes()
    files["registers.h"] = header_of(made.control)
    whole = RtlInterface(
        **{**vars(interface), "top": made.name, "streams": made.streams},
        identity=made.control.identity, registers=made.control.registers,
        taps_within=made.taps,
    )  # fmt: skip
    files[RTL_FILE.removeprefix("rtl/")] = whole.to_json()
    files |= vector_files(made, vectors)
    files |= delivered(Delivery.of(design, made, files))
    return Project(files).under("rtl")


def rtl_design(design: Clocked, dataflow: Dataflow) -> tuple[RtlDesign, dict[str, bytes]]:
    """The templates' context, and the files of the tables."""
    names = names_of(dataflow)
    ports = ports_of(design.graph, dataflow)
    device = design.board.device
    port_bits = device.wide_port_bits
    files: dict[str, bytes] = {}
    units: list[WiredInstance] = []
    inputs: list[RtlPort] = []
    outputs: list[RtlPort] = []
    taps: list[RtlStream] = []
    for index, operator in enumerate(dataflow.operators):
        name = names.used.unique(f"run_{operator.name}").removeprefix("run_")
        made = operator.instance(f"c_{name}", port_bits)
        connections = _streams(operator, names)
        if index in ports:
            port = RtlPort.of(ports[index])
            into = inputs if isinstance(operator, Source) else outputs
            connections += _axis(port, len(into), source=isinstance(operator, Source))
            into.append(port)
        files |= made.files
        taps += made.taps
        files |= {f"lib/{module}.sv": source for module, source in made.modules.items()}
        what = type(operator).__name__
        title = f"{what} of layer {operator.layer}" if operator.layer else what
        parameters = tuple(
            (key, _literal(value)) for key, value in styled(made.parameters, device).items()
        )
        units.append(WiredInstance(name, title, made.module, parameters, tuple(connections)))
    streams = tuple(_described(stream, names) for stream in dataflow.streams)
    blocks = frozenset(
        stream.name for stream in streams if fifo_in_block(stream.word_bits, stream.depth, device)
    )
    title = f"Design of {design.graph.name}"
    control = RegisterMap.of(
        design.graph, [port.name for port in inputs], [port.name for port in outputs]
    )
    whole = RtlDesign(
        names.top,
        title,
        tuple(inputs),
        tuple(outputs),
        streams,
        tuple(units),
        control,
        blocks,
        tuple(taps),
    )
    return whole, files


def _described(stream: Stream, names: Names) -> RtlStream:
    kind = stream.type
    return RtlStream(
        name=names.stream(stream).name, stream=stream.name, lanes=stream.lanes,
        words=stream.words, bits=element_bits(kind), signed=kind.signed, bipolar=kind.bipolar,
        depth=max(stream.depth, LEAST_DEPTH), tensor=stream.tensor,
    )  # fmt: skip


def _modules(units: Sequence[WiredInstance], texts: Sequence[str]) -> list[str]:
    """The modules of the library that the instances need, and those that these need.

    Args:
        texts: of the modules that are the design's own.

    Raises:
        UnsupportedLayer: an operator's module is not in the library.
    """
    found: set[str] = set()
    waiting = [("fpgacomp_fifo", ""), ("fpgacomp_control", "")]
    waiting += [(unit.module, unit.title) for unit in units]
    waiting += [(inner, "a circuit") for text in texts for inner in _instantiated(text)]
    while waiting:
        module, title = waiting.pop()
        if module in found:
            continue
        source = LIBRARY / f"{module}.sv"
        if not source.is_file():
            raise UnsupportedLayer(title, f"there is no module {module} in SystemVerilog.",
                                   f"add hls_templates/rtl/lib/{module}.sv.")  # fmt: skip
        found.add(module)
        waiting += [(inner, title) for inner in _instantiated(source.read_text("utf-8"))]
    return sorted(found)


def _instantiated(text: str) -> list[str]:
    """The modules of the library that a text instantiates."""
    return sorted(set(re.findall(r"^  +(fpgacomp_\w+) #\(", text, re.MULTILINE)))


def _literal(value: Parameter) -> str:
    return f'"{value}"' if isinstance(value, str) else str(value)


def _streams(operator: Operator, names: Names) -> list[tuple[str, str]]:
    """The connections of an operator's streams: of several the first lies lowest."""

    def joined(streams: tuple[Stream, ...], side: str, what: str) -> str:
        wires = [f"{names.stream(stream).name}_{side}_{what}" for stream in reversed(streams)]
        return wires[0] if len(wires) == 1 else "{" + ", ".join(wires) + "}"

    connections = []
    # An operator reads from the far end of its inputs' FIFOs and writes to the near end of
    # its outputs'.
    for port, side, streams in (("in", "out", operator.inputs), ("out", "in", operator.outputs)):
        if streams:
            for what in ("data", "valid", "ready"):
                connections.append((f"{port}_{what}", joined(streams, side, what)))
    return connections


def _axis(port: RtlPort, number: int, *, source: bool) -> list[tuple[str, str]]:
    """The connections of a Source or Sink to its AXI stream and to the flags."""
    flags = ("frame_taken", "frame_short", "frame_long") if source else ("frame_sent",)
    kept = () if source else ("tkeep",)
    names = ("tdata", *kept, "tvalid", "tlast", "tready")
    bus = [(what, f"{port.name}_{what}") for what in names]
    return bus + [(flag, f"{flag}[{number}]") for flag in flags]


def header_of(control: RegisterMap) -> bytes:
    """The offsets of the registers as a C header."""
    return render("registers.h", control=control)
