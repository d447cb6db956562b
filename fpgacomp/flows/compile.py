"""The whole compiler on one page: network -> integer graph -> design -> project -> evidence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from fpgacomp.devices.read import load_board
from fpgacomp.engines import registry
from fpgacomp.errors import InvalidGraph
from fpgacomp.evidence.exactness import summarize
from fpgacomp.evidence.judge import judge
from fpgacomp.evidence.software import float32_outputs, to_network_outputs, top1_agreement
from fpgacomp.flows import checks, dump, output
from fpgacomp.flows.integers import Model, fold, integer_graph
from fpgacomp.flows.options import Options
from fpgacomp.flows.reports import Evidence, report_of
from fpgacomp.flows.samples import oracle_values
from fpgacomp.flows.stages import Stages
from fpgacomp.host.progress import Observer, silent
from fpgacomp.host.toolchain import find_compiler
from fpgacomp.ir import interpreter
from fpgacomp.ir.graph import Graph
from fpgacomp.network.canonical import Network
from fpgacomp.network.lowered import Lowered
from fpgacomp.results.report import Exactness, Report

# How many samples the testbench of the vendor's tool runs: co-simulation is slow.
TESTBENCH_VECTORS = 100


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
        model: an ONNX, QONNX, QDQ, Keras or QKeras file, or such a model in memory.
        board: a listed board's name, or the path of a board file.
        out: the build directory; None writes nothing. A design that does not fit, or a check
            that fails, leaves this folder as it was and writes `OUT.failed` beside it, with
            everything that shows why.
        options: what is asked of the run; see `Options`.
        observer: told each stage and the share of it that is done.

    Returns:
        The report. Its status is "ok" where the design fits and no check found a mismatch.

    Raises:
        FpgacompError: with where, what and remedy.
    """
    options = options or Options()
    request = registry.request(options.backend)
    destination = output.Destination.of(out)
    stages = Stages(observer, options.dump_stages)
    compiler = find_compiler() if options.csim else None
    the_board = load_board(board)

    network, lowered = integer_graph(model, options, stages)
    chosen = fold(lowered, the_board, options, request, stages)
    design = chosen.folded.design
    if not chosen.folded.verdict.fits:
        report = report_of(network, lowered, chosen, Exactness(0), options, stages)
        return destination.write(report, network, lowered)

    with stages.step("oracle"):
        samples, values = oracle_values(network, lowered, options)
    with stages.step("judge"):
        judged = judge(lowered, network.model, samples.raw, values)
        values = _values_of(design.graph, lowered, values)
    stages.keep("vectors", lambda: dump.vectors(design.graph, values))
    with stages.step("emit"):
        few = {name: integers[:TESTBENCH_VECTORS] for name, integers in values.items()}
        emitted = chosen.engine.emit(design, few)
    stages.keep("project", lambda: emitted.project.files)
    lowered = replace(lowered, graph=design.graph)
    with destination.evidence_of_errors(
        network, lowered, emitted.project, values, chosen.engine.name
    ):
        peers = checks.companions(chosen, request, values, stages)
        run = checks.csim(chosen.engine, emitted, values, compiler, stages)
        with stages.step("software"):
            answers, agreement = _answers(network, lowered, samples.raw, values)

    exactness = summarize(judged, run.agreement if run else None, agreement, peers.evidence)
    evidence = Evidence(samples, values, answers, run.values if run else None)
    network = replace(network, warnings=(*network.warnings, *peers.notes))
    report = report_of(network, lowered, chosen, exactness, options, stages, evidence)
    with stages.step("write"):
        return destination.write(
            report, network, lowered, emitted.project.merged(*peers.projects), evidence
        )


def _values_of(graph: Graph, lowered: Lowered, values: interpreter.Values) -> interpreter.Values:
    """The integers of the design's graph, which must be those of the graph as lowered."""
    if graph == lowered.graph:
        return values
    inputs = {layer.output.name: values[layer.output.name] for layer in graph.inputs}
    rewritten = interpreter.run(graph, inputs)
    for name in rewritten.keys() & values.keys():
        if not np.array_equal(rewritten[name], values[name]):
            raise InvalidGraph(name, "a pass changed its integers.", "please report this bug.")
    return rewritten


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
