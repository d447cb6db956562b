"""A folded design as an HLS C++ project: one top function of streaming operators."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from fpgacomp.engines.shared.interface import FILE
from fpgacomp.engines.shared.remarks import built_by_hls
from fpgacomp.engines.shared.vectors import vector_problems
from fpgacomp.engines.stream.dataflow import Dataflow
from fpgacomp.engines.stream.design import Clocked, StreamDesign
from fpgacomp.engines.stream.emit.context import (
    TEMPLATES,
    CppDesign,
    CppPort,
    CppStream,
    Names,
    Process,
    names_of,
)
from fpgacomp.engines.stream.expand import expand
from fpgacomp.engines.stream.interface import AxiPort, StreamInterface
from fpgacomp.engines.stream.layers import rules_of
from fpgacomp.engines.stream.operators.operator import Operator
from fpgacomp.engines.stream.operators.sink import Sink
from fpgacomp.engines.stream.operators.source import Source
from fpgacomp.errors import FpgacompError, UnsupportedLayer, raise_all
from fpgacomp.host.templates import templates
from fpgacomp.ir.graph import Graph
from fpgacomp.ir.layers import Reshape
from fpgacomp.ir.types import IntArray
from fpgacomp.results.project import Project

_CIRCUITS = "circuit.hpp"  # of the library, which only designs with circuits read
_FIXED = ("testbench.cpp", "csim_main.cpp", "frames.h", "build_prj.tcl")


def emit_stream(design: StreamDesign, vectors: Mapping[str, IntArray]) -> Project:
    """The HLS project of a design, with all its files below `hls/`.

    Args:
        design: a folding for every layer of a verified graph.
        vectors: tensor name -> integers [N, *shape] of at least the graph's inputs and
            outputs (what `fpgacomp.ir.interpreter.run` returns): the testbench's data.

    Returns:
        hls/NAME.cpp and .h, hls/weights/, the operator library (hls/include/), headers for a
        fast C-simulation (hls/csim_include/; Vitis HLS uses its own), hls/testbench.cpp with
        hls/tb_data/, hls/interface.json (a `StreamInterface`) and, where Vitis HLS builds for
        the board, hls/build_prj.tcl. The same design and vectors give the same bytes.

    Raises:
        UnsupportedLayer: a folding that does not divide its layer, or a memory that cannot
            hold constants.
        InputDataError: vectors that do not go with the graph.
    """
    raise_all(list(_memory_problems(design)))
    return emit_dataflow(design, expand(design), vectors)


def emit_dataflow(design: Clocked, dataflow: Dataflow, vectors: Mapping[str, IntArray]) -> Project:
    """The HLS project of operators that compute the design's graph; see `emit_stream`.

    Raises:
        InputDataError: vectors that do not go with the graph.
    """
    raise_all(list(vector_problems(design.graph, vectors)))
    made = cpp_design(design, dataflow)
    files = {path: text.encode() for path, text in _render(made).items()}
    if not built_by_hls(design.board):
        del files["build_prj.tcl"]
    for folder in ("include/fpgacomp", "csim_include"):
        for header in sorted((TEMPLATES / folder).iterdir()):
            if header.name == _CIRCUITS and not made.headers:
                continue
            files[f"{folder}/{header.name}"] = header.read_bytes()
    for port in (*made.inputs, *made.outputs):
        files[f"tb_data/{port.name}.bin"] = contained(port, vectors[port.tensor.name])
    files[FILE] = _interface(design.graph, made).to_json()
    return Project(files).under("hls")


def cpp_design(design: Clocked, dataflow: Dataflow) -> CppDesign:
    """The templates' context: every operator is a process; every stream and table has a name."""
    names = names_of(dataflow)
    ports, port_bits = ports_of(design.graph, dataflow), design.board.device.wide_port_bits
    processes = tuple(
        _process(operator, names, ports.get(index), port_bits)
        for index, operator in enumerate(dataflow.operators)
    )
    sources = [i for i, op in enumerate(dataflow.operators) if isinstance(op, Source)]
    return CppDesign(
        name=names.top,
        title=f"Streaming design of {design.graph.name}",
        part=design.board.part,
        clock_ns=f"{design.clock_ns:.3f}",
        inputs=tuple(ports[index] for index in sources),
        outputs=tuple(port for index, port in ports.items() if index not in sources),
        streams=tuple(names.stream(stream) for stream in dataflow.streams),
        roms=tuple(table for process in processes for table in process.roms),
        processes=processes,
        headers=tuple(header for process in processes for header in process.headers),
    )


def ports_of(graph: Graph, dataflow: Dataflow) -> dict[int, CppPort]:
    """Index of each Source and Sink -> its AXI stream; both keep the order of the graph's."""
    ports: dict[int, CppPort] = {}
    inputs, outputs = enumerate(graph.inputs), enumerate(graph.outputs)
    for index, operator in enumerate(dataflow.operators):
        if isinstance(operator, Source):
            number, layer = next(inputs)
            stream, tensor, name = operator.output, layer.output, f"in{number}_{layer.output.name}"
        elif isinstance(operator, Sink):
            number, tensor = next(outputs)
            stream, name = operator.input, f"out{number}_{tensor.name}"
        else:
            continue
        ports[index] = CppPort(name, tensor, stream.type, stream.lanes, stream.words)
    return ports


def _process(operator: Operator, names: Names, port: CppPort | None, port_bits: int) -> Process:
    inputs: list[CppStream | CppPort] = [names.stream(stream) for stream in operator.inputs]
    outputs: list[CppStream | CppPort] = [names.stream(stream) for stream in operator.outputs]
    if port is not None:
        (inputs if isinstance(operator, Source) else outputs).append(port)
    streams = (*inputs, *outputs)
    name = names.used.unique(f"run_{operator.name}").removeprefix("run_")
    call = operator.call(tuple(s.name for s in streams), f"c_{name}", port_bits)
    return Process(
        name=name,
        title=_title(operator),
        operator=call.operator,
        parameters=call.parameters,
        arguments=call.arguments,
        streams=streams,
        taps=tuple(s for s in outputs if isinstance(s, CppStream) and s.tensor),
        roms=call.roms,
        buffers=call.buffers,
        headers=call.headers,
    )


def _title(operator: Operator) -> str:
    """What the operator is for, as the comment above its function says."""
    what = type(operator).__name__
    return f"{what} of layer {operator.layer}" if operator.layer else what


def _render(design: CppDesign) -> dict[str, str]:
    found = templates("stream")
    files = {name: found.get_template(f"{name}.j2").render(design=design) for name in _FIXED}
    for ending in ("h", "cpp"):
        template = found.get_template(f"top.{ending}.j2")
        files[f"{design.name}.{ending}"] = template.render(design=design)
    table = found.get_template("rom.h.j2")
    files |= {f"circuits/{header.name}.h": header.text for header in design.headers}
    return files | {f"weights/{rom.name}.h": table.render(rom=rom) for rom in design.roms}


def contained(port: CppPort, values: IntArray) -> bytes:
    """A port's elements as bytes: little-endian containers, frame by frame."""
    sign = "i" if port.type.signed else "u"
    return np.ascontiguousarray(values, dtype=f"<{sign}{port.container // 8}").tobytes()


def _interface(graph: Graph, design: CppDesign) -> StreamInterface:
    """The ports in the order of the top function's arguments, and what is tapped."""

    def describe(port: CppPort) -> AxiPort:
        return AxiPort(
            tensor=port.tensor.name, shape=port.tensor.shape, size=port.elements,
            bits=port.type.bits, signed=port.type.signed, file=f"{port.name}.bin", port=port.name,
            bipolar=port.type.bipolar, container_bits=port.container, lanes=port.lanes,
            beats=port.beats,
        )  # fmt: skip

    return StreamInterface(
        top=design.name,
        io_type="axi_stream",
        inputs=tuple(describe(port) for port in design.inputs),
        outputs=tuple(describe(port) for port in design.outputs),
        taps=(
            *(stream.tensor for stream in design.streams if stream.tensor),
            *(tensor for header in design.headers for tensor in header.tensors),
        ),
        aliases={
            layer.output.name: layer.input.name
            for layer in graph.layers
            if isinstance(layer, Reshape)
        },
    )


def _memory_problems(design: StreamDesign) -> Iterator[FpgacompError]:
    """Constants in UltraRAM: it starts empty (UG573), and no generated code fills it."""
    for layer in design.graph.layers:
        folding = design.folding.get(layer.name)
        if rules_of(layer).stores_constants and folding is not None and folding.memory == "uram":
            yield UnsupportedLayer(layer.name, "its constants cannot lie in UltraRAM, which "
                                   "has no initial content.", "choose bram or lutram.")  # fmt: skip
