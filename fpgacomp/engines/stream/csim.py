"""C-simulation of a streaming design, every tensor tapped.

The emitted C++ runs on native integers, with operators that take a whole frame at once; or, with
`loops`, as a vendor's tool reads it: the hardware's loops, on the open arbitrary-precision types.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from importlib.util import find_spec
from math import prod
from pathlib import Path

import numpy as np

from fpgacomp.engines.shared.csim import CsimResult, Progress, check_inputs, samples_done
from fpgacomp.engines.shared.csim_process import SILENT, compile_program, run_chunks
from fpgacomp.engines.stream.interface import AxiPort, StreamInterface
from fpgacomp.errors import ToolError
from fpgacomp.host.toolchain import Compiler
from fpgacomp.ir.graph import Graph
from fpgacomp.ir.types import IntArray
from fpgacomp.results.project import Project

# -fwrapv: sums gather in native integers, which must wrap as hardware does. -march=native: the
# program runs on the machine that compiles it, so it may use all of that machine's vector unit.
# -fno-exceptions and -fno-inline-*: inlining every process into the one top function, each with
# its cleanup for exceptions that nothing throws, takes up to half of the compile time and gains
# nothing, because the functions that matter are declared inline.
_FLAGS = (
    "-std=c++14", "-fwrapv", *SILENT, "-march=native", "-fno-exceptions", "-fno-inline-functions",
    "-fno-inline-small-functions", "-fno-inline-functions-called-once",
)  # fmt: skip
# -O1 saves 0.8 to 2.8 of 2.3 to 6.4 s of g++, and costs 2 to 5 ns for each integer of each layer
# (four networks of 1,900 to 490,000 of them): at most half a second up to so many.
_QUICK_INTEGERS = 100_000_000
_QUICK_LEVEL = "-O1"
# The program around the design takes no time worth optimizing.
_LEVELS = {"design": "-O3", "main": "-O1"}
_HEADERS = ("include", "csim_include", ".")
# The loops run on a few frames only: compiling them is what takes the time. Of a large circuit,
# whose statements run once for a frame, optimizing is half of it.
_LOOP_FLAGS = ("-std=c++14", "-fwrapv", *SILENT, "-fno-exceptions")
_LOOP_LEVEL, _CIRCUIT_LEVEL = "-O1", "-O0"
_LARGE_CIRCUIT_BYTES = 100_000


def simulate(
    project: Project,
    graph: Graph,
    compiler: Compiler,
    inputs: Mapping[str, IntArray],
    *,
    workdir: Path,
    progress: Progress | None = None,
    timeout_s: float | None = None,
) -> CsimResult:
    """Compile the project and run one batch of frames; see `simulate_batches`."""
    check_inputs(graph, inputs)
    runs = simulate_batches(
        project, graph, compiler, [inputs], workdir=workdir, progress=progress,
        timeout_s=timeout_s,
    )  # fmt: skip
    return next(runs)


def simulate_batches(
    project: Project,
    graph: Graph,
    compiler: Compiler,
    batches: Iterable[Mapping[str, IntArray]],
    *,
    workdir: Path,
    loops: bool = False,
    progress: Progress | None = None,
    timeout_s: float | None = None,
) -> Iterator[CsimResult]:
    """Compile the project's top function and run N frames through it.

    It is compiled once, or again, better, as soon as the frames are many.

    Args:
        project: what `emit_stream` returned for this graph.
        batches: input tensor name -> integers [N, *shape], each within the tensor's range; a
            batch is taken when the one before has been read.
        workdir: an existing folder for sources, binary and results.
        loops: run the loops that a vendor's tool synthesizes, on the open arbitrary-precision
            types, instead of whole frames on native integers; some hundred times slower.
        progress: called as the compilation and the frames advance.
        timeout_s: seconds that the frames may take; None for no limit.

    Yields:
        The integers of a batch, with the seconds of a compilation that came before it.

    Raises:
        InputDataError: an input is missing, of the wrong shape, or out of range (the
            hardware would wrap it silently).
        ToolError: the compiler failed, or the program did, or it took too long.
    """
    interface = StreamInterface.of(project)
    project.write(workdir)
    report = progress or (lambda *_: None)
    frame_integers = sum(layer.output.size for layer in graph.layers)
    integers = 0
    binary: Path | None = None
    quick = True
    for inputs in batches:
        frames = check_inputs(graph, inputs)
        integers += frames * frame_integers
        compile_s = 0.0
        many = integers > _QUICK_INTEGERS and not loops
        if binary is None or (many and quick):
            quick = not many
            report("compiling", 0, frames)
            sources = _sources(workdir / "hls", interface.top, loops=loops, quick=quick)
            binary = workdir / "hls" / "csim"
            compile_s = compile_program(compiler, sources, binary)
        _write_inputs(workdir / "inputs", interface, inputs)
        chunks, run_s = run_chunks(
            binary, workdir, workdir, frames, workers=compiler.cores, arguments=("1",),
            on_samples=samples_done(report, frames), timeout_s=timeout_s,
        )  # fmt: skip
        yield CsimResult(_read_results(chunks, interface, graph, frames), compile_s, run_s)


def _sources(hls: Path, top: str, *, loops: bool, quick: bool) -> dict[Path, list[str]]:
    """Each source with the compiler's flags for it."""
    folders = _loop_headers(hls) if loops else [hls / folder for folder in _HEADERS]
    includes = [f"-I{folder}" for folder in folders]
    parts = {"design": hls / f"{top}.cpp", "main": hls / "csim_main.cpp"}
    if not (loops or quick):
        return {source: [*_FLAGS, _LEVELS[part], *includes] for part, source in parts.items()}
    # Most of the time of the second one is that of the headers: one file reads them once.
    whole = hls / "csim_whole.cpp"
    lines = [f'#include "{source.name}"\n' for source in parts.values()]
    whole.write_text("".join(lines), encoding="utf-8")
    if not loops:
        return {whole: [*_FLAGS, _QUICK_LEVEL, *includes]}
    circuits = sum(path.stat().st_size for path in hls.glob("circuits/*.h"))
    level = _CIRCUIT_LEVEL if circuits > _LARGE_CIRCUIT_BYTES else _LOOP_LEVEL
    return {whole: [*_LOOP_FLAGS, level, *includes]}


def _loop_headers(hls: Path) -> list[Path]:
    """Folders of the headers that a vendor's tool would find: hls4ml ships the open ones.

    Theirs lack the one of AXI4-Stream beats, which is ours.
    """
    found = find_spec("hls4ml")
    if found is None or found.origin is None:
        raise ToolError("hls4ml", "it is not installed, and its ap_types with it.",
                        "install it with: pip install hls4ml==1.3.0")  # fmt: skip
    beats = hls / "beats_include"
    beats.mkdir(exist_ok=True)
    header = "ap_axi_sdata.h"
    (beats / header).write_bytes((hls / "csim_include" / header).read_bytes())
    return [hls / "include", beats, Path(found.origin).parent / "templates/vivado/ap_types", hls]


def _container(port: AxiPort) -> str:
    """numpy's name of the type that a port's elements have in files."""
    return f"<{'i' if port.signed else 'u'}{port.container_bits // 8}"


def _write_inputs(folder: Path, interface: StreamInterface, inputs: Mapping[str, IntArray]) -> None:
    folder.mkdir(exist_ok=True)
    for port in interface.inputs:
        inputs[port.tensor].astype(_container(port)).tofile(folder / port.file)


def _read_results(
    chunks: list[Path], interface: StreamInterface, graph: Graph, frames: int
) -> dict[str, IntArray]:
    """Tensor name -> integers: of outputs those that left the port, of others those tapped."""
    shapes = {layer.output.name: layer.output.shape for layer in graph.layers}
    kinds = {name: kind for chunk in chunks for name, kind in _tapped(chunk)}
    missing = [name for name in interface.taps if name not in kinds]
    if missing:
        fix = "this is a bug in fpgacomp: please report it with the network."
        raise ToolError("C-simulation", f"it wrote nothing for {', '.join(missing)}.", fix)
    files = {name: (f"{name}.bin", kinds[name]) for name in interface.taps}
    files |= {port.tensor: (port.file, _container(port)) for port in interface.outputs}
    found: dict[str, IntArray] = {}
    for name, shape in shapes.items():
        if name in files:
            file, kind = files[name]
            found[name] = _joined([chunk / file for chunk in chunks], kind, frames, shape)
        else:
            found[name] = found[interface.aliases[name]].reshape(frames, *shape)
    return found


def _tapped(chunk: Path) -> Iterable[tuple[str, str]]:
    """(tensor, numpy type) of each line "name bytes signed elements"."""
    for line in (chunk / "taps.txt").read_text(encoding="ascii").splitlines():
        name, size, signed, _ = line.split()
        yield name, f"<{'i' if signed == '1' else 'u'}{size}"


def _joined(files: list[Path], kind: str, frames: int, shape: tuple[int, ...]) -> IntArray:
    whole = np.concatenate([np.fromfile(file, dtype=kind) for file in files])
    # A stream beside a port fills up the last word of a frame.
    elements = whole.reshape(frames, -1)[:, : prod(shape)]
    return elements.astype(np.int64).reshape(frames, *shape)
