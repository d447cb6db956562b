"""Emulation: the emitted C++ behind a model of AXI DMA, as a shared library.

The C++ is compiled as for C-simulation. It has no clock cycles: an answer comes as many of them
behind its frame as the estimate says, through streams and registers like those of a streaming
design.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from fpgacomp.engines.hls4ml.csim_headers import firmware_flags, flags, native_headers_carry
from fpgacomp.engines.hls4ml.interface import Hls4mlInterface
from fpgacomp.engines.shared import emulation
from fpgacomp.engines.shared.csim_process import compile_program
from fpgacomp.engines.shared.emulation import EmulatedSystem
from fpgacomp.host import kept
from fpgacomp.host.resources import data_folder
from fpgacomp.host.scratch import scratch_folder
from fpgacomp.host.toolchain import Compiler
from fpgacomp.ir import codec
from fpgacomp.ir.graph import Graph
from fpgacomp.results.project import Project

_FIRMWARE = "hls/firmware"


@dataclass(frozen=True)
class _WrappedPort:
    """A port of the top function as it is in C++ and in memory.

    Args:
        type: C++ type of an element or of a stream's word.
        size: elements of a frame.
        signed, container_bits: of an element in memory.
        lanes: elements of a beat.
    """

    type: str
    size: int
    signed: bool
    container_bits: int
    lanes: int


def emulator(
    project: Project, graph: Graph, system: EmulatedSystem, *, compiler: Compiler
) -> Path:  # fmt: skip
    """The library of a project's top function in an emulated system, from the cache or built.

    Args:
        project: what `fpgacomp.engines.hls4ml.emit.project.emit` returned for this graph.

    Returns:
        The library, in a folder with the weights that it reads when the first frame comes.

    Raises:
        InputDataError: the project is of another version.
        ToolError: g++ failed.
    """
    interface = Hls4mlInterface.of(project)
    native = native_headers_carry(project)
    with scratch_folder() as scratch:
        code = {path: content for path, content in project.files.items() if _is_code(path)}
        Project(code).write(scratch)
        hls = scratch / "hls"
        source = hls / "accelerator.cpp"
        source.write_bytes(_accelerator(interface, graph, system))
        firmware = firmware_flags(project, compiler, hls, native=native)
        sources = _sources(hls, interface.top, firmware, native=native)
        words = [word.replace(str(scratch), "") for options in sources.values() for word in options]
        files = [(path, scratch / path) for path in sorted(code)]
        files += [(path.name, path) for path in (source, *_headers())]
        target = kept.place("emulation", emulation.LIBRARY, (compiler.version, *words), files)
        if not target.is_file():
            if not native:  # the open headers take the folder of the weights from a macro
                folder = f'-DWEIGHTS_DIR="{target.parent / "weights"}"'
                sources = {path: (*options, folder) for path, options in sources.items()}
            made = scratch / emulation.LIBRARY
            compile_program(compiler, sources, made, emulation.LINK)
            for weights in sorted((hls / "firmware" / "weights").glob("*.txt")):
                kept.keep(weights, target.parent / "weights" / weights.name)
            kept.keep(made, target)
    return target


def _sources(
    hls: Path, top: str, firmware: tuple[str, ...], *, native: bool
) -> Mapping[Path, tuple[str, ...]]:
    """Every C++ file of the library with g++'s options for it, `firmware` for the design's."""
    around = (*emulation.COMPILE, f"-I{emulation.FOLDER}")
    return {
        hls / "firmware" / f"{top}.cpp": (*_anywhere(firmware), *emulation.COMPILE),
        hls / "accelerator.cpp": (*_anywhere(flags(hls, native=native)), *around),
        emulation.MAIN: ("-std=c++17", "-O1", *around),
    }  # fmt: skip


def _is_code(path: str) -> bool:
    return path.startswith((f"{_FIRMWARE}/", "hls/tb_vectors.h"))


def _anywhere(words: tuple[str, ...]) -> Iterator[str]:
    """The options without the one that ties the code to this machine's processor.

    A folder of the cache may be shared by several machines.
    """
    return (word for word in words if word != "-march=native")


def _headers() -> Iterator[Path]:
    """Everything of our own that the library is compiled with besides the project."""
    templates = data_folder("hls_templates")
    for folder in (emulation.FOLDER, templates / "hls4ml/csim/native",
                   templates / "hls4ml/csim/open", templates / "stream/csim_include"):  # fmt: skip
        yield from sorted(path for path in folder.rglob("*") if path.is_file())


def _accelerator(interface: Hls4mlInterface, graph: Graph, system: EmulatedSystem) -> bytes:
    """The C++ between the top function and the emulated system."""
    inputs, outputs = (
        [
            _WrappedPort(
                type=port.type, size=port.size, signed=seen.signed,
                container_bits=seen.container_bits, lanes=seen.lanes,
            )
            for port, seen in zip(ports, software)
        ]
        for ports, software in zip(
            (interface.inputs, interface.outputs), interface.for_software(graph)
        )
    )  # fmt: skip
    identity = codec.identity(graph)
    return emulation.render(
        "hls4ml.cpp", top=interface.top, stream=interface.io_type == "io_stream", inputs=inputs,
        outputs=outputs, identity=[int(identity[8 * n : 8 * n + 8], 16) for n in range(4)],
        system=system,
    )  # fmt: skip
