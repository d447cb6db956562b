"""The whole compiler on one page: network -> integer graph -> design -> project -> evidence."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import onnx

import fpgacomp
from fpgacomp.devices.board import Board
from fpgacomp.devices.read import list_boards, load_board
from fpgacomp.engines import choose as engines
from fpgacomp.engines.hls4ml.design import Hls4mlDesign
from fpgacomp.engines.stream.design import StreamDesign
from fpgacomp.errors import (
    FpgacompError,
    InvalidGraph,
    Problems,
    UsageError,
)
from fpgacomp.evidence.compare import compare
from fpgacomp.evidence.exactness import summarize
from fpgacomp.evidence.judge import judge
from fpgacomp.evidence.software import (
    float32_outputs,
    to_integers,
    to_network_outputs,
    top1_agreement,
)
from fpgacomp.evidence.vectors import unreached
from fpgacomp.flows.options import Data, Options
from fpgacomp.flows.samples import Given, given, oracle_values, quantized, scores
from fpgacomp.frontend import check_model, end_in_labels, facts, open_network
from fpgacomp.host.progress import Observer, Stopwatch, silent
from fpgacomp.host.toolchain import Compiler, find_compiler
from fpgacomp.ir import codec, interpreter
from fpgacomp.ir.graph import Graph
from fpgacomp.lower import lower
from fpgacomp.network.canonical import Network
from fpgacomp.network.lowered import Lowered
from fpgacomp.report import assemble, folder, html, json_report
from fpgacomp.report.checked import CheckReport
from fpgacomp.results.agreement import Agreement
from fpgacomp.results.project import Project
from fpgacomp.results.report import Exactness, Report

# How many samples the testbench of the vendor's tool runs: co-simulation is slow.
TESTBENCH_VECTORS = 100
# How many frames FINN executes in Python, at about one frame of a large network a second.
FINN_FRAMES = 4

Model = str | Path | onnx.ModelProto | Any  # a Keras model, too


def compile(
    model: Model,
    board: str,
    *,
    out: str | Path | None = None,
    options: Options | None = None,
    observer: Observer = silent,
) -> Report:
    """Compile a network for a board, prove or check every integer, write the build directory.

    Args:
        model: an ONNX, QONNX or QCDQ file, or such a model in memory.
        board: a listed board's name, or the path of a board file.
        out: the build directory; None writes nothing.
        options: see `Options`.
        observer: told each step and the share of it that is done.

    Returns:
        The report; nothing is written where the design does not fit or a check fails.

    Raises:
        FpgacompError: with where, what and remedy.
    """
    options = options or Options()
    watch = Stopwatch(observer)
    if out is not None:
        folder.check_free(Path(out))
    compiler = find_compiler() if options.csim else None
    the_board = load_board(board)
    if options.backend == "finn":
        engines.require_finn()

    network, lowered = integers(model, options, watch)
    folded = fold(lowered, the_board, options, watch)
    if not folded.verdict.fits:
        return _report(network, lowered, folded, Exactness(0), options, watch)

    with watch.step("oracle"):
        samples, values = oracle_values(network, lowered, options)
    with watch.step("judge"):
        judged = judge(lowered, network.model, samples.raw, values)
        graph, values = _optimized(lowered, folded, values)
    with watch.step("emit"):
        few = {name: integers[:TESTBENCH_VECTORS] for name, integers in values.items()}
        project = engines.emit(folded.design, few)
    finn = _finn(folded, values, options, watch)
    if finn is not None:
        project = project.merged(finn.project)
        network = replace(network, warnings=(*network.warnings, *finn.notes))
    compared = None
    if compiler is not None:
        compared = _csim(folded, project, values, compiler, watch)
    with watch.step("software"):
        answers, agreement = _answers(network, lowered, samples.raw, values)

    exactness = summarize(judged, compared, agreement)
    if finn is not None:
        exactness = replace(exactness, finn_mismatches=finn.mismatches, finn_vectors=finn.frames)
    ran = _Run(samples, values, answers)
    report = _report(network, lowered, folded, exactness, options, watch, ran)
    if out is not None and report.status == "ok":
        report = replace(report, folder=str(out))
        with watch.step("write"):
            content = _content(report, network, replace(lowered, graph=graph), project, values)
            folder.replace_folder(folder.with_manifest(content, network, report.options), Path(out))
    return report


def estimate(
    model: Model,
    board: str,
    *,
    options: Options | None = None,
    observer: Observer = silent,
) -> Report:
    """Verdict and figures in seconds; no code is generated and nothing is simulated."""
    options = options or Options()
    watch = Stopwatch(observer)
    the_board = load_board(board)
    network, lowered = integers(model, options, watch)
    folded = fold(lowered, the_board, options, watch)
    return _report(network, lowered, folded, Exactness(0), options, watch)


def integers(model: Model, options: Options, watch: Stopwatch) -> tuple[Network, Lowered]:
    """Canonical network, quantized if it was float, and its integer graph."""
    with watch.step("read"):
        network = open_network(model)
    with watch.step("quantize"):
        network = quantized(network, options)
    with watch.step("lower"):
        network = end_in_labels(network) if options.argmax else network
        lowered = lower(network, argmax=options.argmax)
    return network, lowered


def check(model: Model) -> CheckReport:
    """What is in a network and every problem at once, down to its integers."""
    findings = tuple(check_model(model))
    if any(finding.status == "unsupported" for finding in findings):
        return CheckReport(findings)
    network = open_network(model)
    if network.format == "float":
        return CheckReport(findings, network.format)
    try:
        lower(network)
    except FpgacompError as error:
        problems = error.problems if isinstance(error, Problems) else (error,)
        return CheckReport(findings, network.format, problems)
    return CheckReport(findings, network.format)


def simulate(
    build: str | Path,
    inputs: Data,
    *,
    level: Literal["graph", "c"] = "graph",
    outputs: str | Path | None = None,
    labels: Data | None = None,
    observer: Observer = silent,
) -> dict[str, Any]:
    """Run samples through a build directory; level c runs its C++ and compares with the graph.

    Returns:
        samples, level, mismatches (None at level graph), first_mismatch, accuracy, outputs.
    """
    watch = Stopwatch(observer)
    built = folder.read_build(Path(build))
    with watch.step("graph"):
        samples = given(inputs, labels, built.before)
        values = interpreter.run(built.graph, to_integers(built.before, samples.raw))
    compared = None
    if level == "c":
        with watch.step("csim") as progress, TemporaryDirectory() as scratch:
            stimuli = {layer.output.name: values[layer.output.name] for layer in built.graph.inputs}
            run = engines.simulate(
                built.backend,
                built.project, built.graph, find_compiler(), stimuli,
                workdir=Path(scratch), progress=_share_of(progress),
            )  # fmt: skip
            compared = compare(values, run.values, built.graph)
    tensors = {tensor.name: values[tensor.name] for tensor in built.graph.outputs}
    answers = to_network_outputs(built.after, tensors)
    if outputs is not None:
        folder.save_arrays(answers, Path(outputs))
    return {
        "samples": len(next(iter(values.values()))),
        "level": level,
        "mismatches": compared.mismatches if compared else None,
        "first_mismatch": str(compared.first) if compared and compared.first else None,
        "accuracy": scores(answers, samples.labels),
        "outputs": str(outputs) if outputs is not None else None,
    }


def fold(lowered: Lowered, board: Board, options: Options, watch: Stopwatch) -> engines.Folded:
    """How parallel each layer is, such that the estimate fits what the shell leaves."""
    clock_mhz = options.clock_mhz or board.clock_mhz_default
    if not 0 < clock_mhz <= board.clock_mhz_max:
        raise UsageError(
            f"--clock-mhz {clock_mhz:g}",
            f"{board.name} runs at up to {board.clock_mhz_max:g} MHz.",
            f"use 1 to {board.clock_mhz_max:g}.",
        )
    with watch.step("fold"):
        return engines.fold(
            lowered.graph,
            board,
            clock_mhz=clock_mhz,
            target=options.target,
            backends=_backends(options),
            io_type=options.io_type,
            other_boards=[b for b in list_boards() if b.device.toolchain == board.device.toolchain],
        )


def _backends(options: Options) -> tuple[engines.Backend, ...]:
    """An io type is hls4ml's: who asks for one asks for hls4ml."""
    if options.backend == "finn" and options.io_type is not None:
        raise UsageError("--io", "is a choice of hls4ml's.", "leave it out with --backend finn.")
    if options.backend != "auto":
        return (options.backend,)
    return ("hls4ml", "finn") if options.io_type is None else ("hls4ml",)


def _optimized(
    lowered: Lowered, folded: engines.Folded, values: interpreter.Values
) -> tuple[Graph, interpreter.Values]:
    """The design's graph and its integers, which must be those of the graph as lowered."""
    graph = folded.design.graph
    if graph == lowered.graph:
        return graph, values
    inputs = {layer.output.name: values[layer.output.name] for layer in graph.inputs}
    rewritten = interpreter.run(graph, inputs)
    for name in rewritten.keys() & values.keys():
        if not np.array_equal(rewritten[name], values[name]):
            raise InvalidGraph(name, "a pass changed its integers.", "please report this bug.")
    return graph, rewritten


def _finn(
    folded: engines.Folded, values: interpreter.Values, options: Options, watch: Stopwatch
) -> engines.FinnEvidence | None:
    """FINN's files and its execution; None where the design is not for it, or FINN is absent."""
    if not isinstance(folded.design, StreamDesign) or not engines.has_finn():
        return None
    with watch.step("finn"):
        return engines.finn_evidence(
            folded.design, values, FINN_FRAMES, must=options.backend == "finn"
        )


def _csim(
    folded: engines.Folded,
    project: Project,
    values: interpreter.Values,
    compiler: Compiler,
    watch: Stopwatch,
) -> Agreement:
    """Run the emitted C++ on the oracle's inputs and compare every integer of every layer."""
    graph = folded.design.graph
    inputs = {layer.output.name: values[layer.output.name] for layer in graph.inputs}
    with watch.step("csim") as progress, TemporaryDirectory() as scratch:
        run = engines.simulate(
            engines.backend_of(folded.design),
            project,
            graph,
            compiler,
            inputs,
            workdir=Path(scratch),
            progress=_share_of(progress),
        )
        compared = compare(values, run.values, graph)
    watch.note("csim compile", run.compile_s)
    watch.note("csim run", run.run_s)
    return compared


def _answers(
    network: Network,
    lowered: Lowered,
    raw: Mapping[str, npt.NDArray[Any]],
    values: interpreter.Values,
) -> tuple[dict[str, npt.NDArray[Any]], float | None]:
    """(the network's outputs in its own units, agreement with float32 execution)."""
    outputs = {tensor.name: values[tensor.name] for tensor in lowered.graph.outputs}
    ours = to_network_outputs(lowered.after, outputs)
    theirs = float32_outputs(network.original, raw).outputs
    return ours, None if theirs is None else top1_agreement(ours, theirs)


@dataclass(frozen=True)
class _Run:
    """What was run: samples, every tensor's integers, the network's answers."""

    samples: Given
    values: interpreter.Values
    answers: Mapping[str, npt.NDArray[Any]]


def _report(
    network: Network,
    lowered: Lowered,
    folded: engines.Folded,
    exactness: Exactness,
    options: Options,
    watch: Stopwatch,
    ran: _Run | None = None,
) -> Report:
    design = folded.design
    warnings = network.warnings
    if design.board.device.toolchain != "vivado":
        warnings += (
            f"{design.board.name} has an {design.board.family} device: no HLS tool builds this "
            "C++ for it, so the figures only compare; synthesizable RTL for it is not written yet.",
        )
    if isinstance(design, StreamDesign) and not engines.has_finn():
        warnings += (f"FINN's own files are left out; they need: {engines.FINN_INSTALL}",)
    asked = options.summary()
    if ran is not None:
        warnings += assemble.unreached_warning(unreached(design.graph, ran.values))
        asked["inputs"] = ran.samples.source or asked["inputs"]
    return Report(
        fpgacomp=fpgacomp.__version__,
        model=facts(network),
        board=design.board,
        backend=engines.backend_of(design),
        target=options.target,
        verdict=folded.verdict,
        exactness=exactness,
        estimate=folded.estimate,
        layers=assemble.layer_reports(design.graph, design.folding, folded.estimate, exactness),
        options=asked | _chosen(design),
        software_before=lowered.software_before,
        software_after=lowered.software_after,
        accuracy=scores(ran.answers, ran.samples.labels) if ran else None,
        timings_s=dict(watch.seconds),
        warnings=warnings,
        reasons=folded.reasons,
    )


def _share_of(progress: Callable[[float], None]) -> Callable[[str, int, int], None]:
    return lambda _, done, total: progress(done / max(total, 1))


def _chosen(design: engines.Design) -> dict[str, Any]:
    return {"io_type": design.io_type} if isinstance(design, Hls4mlDesign) else {}


def _content(
    report: Report,
    network: Network,
    lowered: Lowered,
    project: Project,
    values: interpreter.Values,
) -> Project:
    """Everything of the build directory but the manifest."""
    evidence = {f"vectors/{name}.npy": folder.npy(v) for name, v in _narrow(lowered, values)}
    files = {
        "report.json": json_report.to_json(report).encode(),
        "report.html": html.to_html(report).encode(),
        "graph.json": codec.to_json(lowered.graph).encode(),
        "network.onnx": folder.onnx_bytes(network.model),
        "software/before.onnx": folder.onnx_bytes(lowered.before),
        "software/after.onnx": folder.onnx_bytes(lowered.after),
    }
    return project.merged(Project({**files, **evidence}))


def _narrow(lowered: Lowered, values: interpreter.Values) -> Iterator[tuple[str, npt.NDArray[Any]]]:
    """Every layer's integers in the narrowest integer type."""
    for layer in lowered.graph.layers:
        kind = layer.output.type
        dtype = np.result_type(np.min_scalar_type(kind.lo), np.min_scalar_type(kind.hi))
        yield layer.output.name, values[layer.output.name].astype(dtype)
