"""C-simulation: g++ runs exactly the emitted firmware, and every layer's integers come back.

The firmware is compiled on native integers where they carry it, or, with `open_types`, on the
vendor's open arbitrary-precision types; the same source either way.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import numpy as np

from fpgacomp.engines.hls4ml.csim_headers import firmware_flags, flags, native_headers_carry
from fpgacomp.engines.hls4ml.interface import Hls4mlInterface
from fpgacomp.engines.shared.csim import CsimResult, Progress, check_inputs, samples_done
from fpgacomp.engines.shared.csim_process import compile_program, run_chunks
from fpgacomp.host.templates import templates
from fpgacomp.host.toolchain import Compiler
from fpgacomp.ir.graph import Graph
from fpgacomp.ir.types import IntArray
from fpgacomp.results.project import Project


def simulate(
    project: Project,
    graph: Graph,
    compiler: Compiler,
    inputs: Mapping[str, IntArray],
    *,
    workdir: Path,
    open_types: bool = False,
    progress: Progress | None = None,
    timeout_s: float | None = None,
) -> CsimResult:
    """Compile the project and run one batch of frames; see `simulate_batches`."""
    check_inputs(graph, inputs)
    runs = simulate_batches(
        project, graph, compiler, [inputs], workdir=workdir, open_types=open_types,
        progress=progress, timeout_s=timeout_s,
    )  # fmt: skip
    return next(runs)


def simulate_batches(
    project: Project,
    graph: Graph,
    compiler: Compiler,
    batches: Iterable[Mapping[str, IntArray]],
    *,
    workdir: Path,
    open_types: bool = False,
    progress: Progress | None = None,
    timeout_s: float | None = None,
) -> Iterator[CsimResult]:
    """Compile the project's firmware once and run N samples through its top function.

    Outputs are read from the top function's ports, all other tensors from the layers' traces.

    Args:
        project: what `fpgacomp.engines.hls4ml.emit.project.emit` returned for this graph.
        batches: input tensor name -> integers [N, *shape], each within the tensor's range; a
            batch is taken when the one before has been read.
        workdir: an existing folder for sources, binary and results.
        open_types: compile against the open arbitrary-precision types that hls4ml ships, even
            where native integers carry every type; some ten times slower.
        progress: called as the compilation and the samples advance.
        timeout_s: limit for the samples; without it, they take what they take.

    Yields:
        The integers of a batch; the seconds of the compilation come with the first one.

    Raises:
        InputDataError: an input is missing, of the wrong shape, or out of range (the
            hardware would wrap it silently).
        ToolError: the compiler failed, or the program did, or it took too long.
    """
    interface = Hls4mlInterface.of(project)
    hls = workdir / "hls"
    project.write(workdir)
    harness = hls / "csim_harness.cpp"
    harness.write_text(_harness(interface), encoding="utf-8")
    report = progress or (lambda *_: None)
    native = not open_types and native_headers_carry(project)
    firmware = firmware_flags(project, compiler, hls, native=native)
    sources = {
        hls / "firmware" / f"{interface.top}.cpp": firmware,
        harness: flags(hls, native=native),
    }
    binary = hls / "csim"
    compiled = False
    for inputs in batches:
        samples = check_inputs(graph, inputs)
        compile_s = 0.0
        if not compiled:
            report("compiling", 0, samples)
            compile_s = compile_program(compiler, sources, binary)
            compiled = True
        _write_inputs(workdir / "inputs", interface, inputs)
        chunks, run_s = run_chunks(
            binary, hls / "firmware", workdir, samples, workers=compiler.cores,
            on_samples=samples_done(report, samples), timeout_s=timeout_s,
        )  # fmt: skip
        values = _read_results(chunks, interface, graph)
        for layer in graph.inputs:
            values[layer.output.name] = inputs[layer.output.name].astype(np.int64)
        _resolve_aliases(values, interface, graph)
        ordered = {layer.output.name: values[layer.output.name] for layer in graph.layers}
        yield CsimResult(ordered, compile_s, run_s)


def _harness(interface: Hls4mlInterface) -> str:
    return templates("hls4ml/csim").get_template("harness.cpp.j2").render(
        stream=interface.io_type == "io_stream", top=interface.top, inputs=interface.inputs,
        outputs=interface.outputs, traces=interface.traces,
    )  # fmt: skip


def _write_inputs(folder: Path, interface: Hls4mlInterface, inputs: Mapping[str, IntArray]) -> None:
    folder.mkdir(exist_ok=True)
    for number, port in enumerate(interface.inputs):
        inputs[port.tensor].astype("<i8").tofile(folder / f"{number}.bin")


def _read_results(
    chunks: list[Path], interface: Hls4mlInterface, graph: Graph
) -> dict[str, IntArray]:
    """Tensor name -> integers; a port's own value wins over the trace of the layer behind it."""
    shapes = {layer.output.name: layer.output.shape for layer in graph.layers}
    written = [port.tensor for port in interface.outputs]
    written += [trace.tensor for trace in interface.traces]
    values: dict[str, IntArray] = {}
    for number, name in enumerate(written):
        if name not in values:
            parts = [np.fromfile(chunk / f"{number}.bin", dtype="<i8") for chunk in chunks]
            values[name] = np.concatenate(parts).astype(np.int64).reshape(-1, *shapes[name])
    return values


def _resolve_aliases(values: dict[str, IntArray], interface: Hls4mlInterface, graph: Graph) -> None:
    """Reshaped tensors that share another's array or stream are that tensor's integers."""
    for layer in graph.layers:
        source = interface.aliases.get(layer.output.name)
        if source is not None:
            values[layer.output.name] = values[source].reshape(-1, *layer.output.shape)
