"""The whole compiler on one page: network -> integer graph -> design -> project -> evidence."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from fpgacomp.bitstream.open.area import measured_area
from fpgacomp.deploy.c.project import c_files
from fpgacomp.deploy.describe import software_side
from fpgacomp.devices.read import load_board
from fpgacomp.engines import registry
from fpgacomp.engines.choose import EngineDesign
from fpgacomp.engines.engine import Emitted
from fpgacomp.errors import UsageError
from fpgacomp.evidence.exactness import summarize
from fpgacomp.evidence.float32 import compare_with_float32
from fpgacomp.evidence.software import to_network_outputs
from fpgacomp.flows import checks, dump, output
from fpgacomp.flows.batches import JudgedOracle, Kept
from fpgacomp.flows.files import check_files, places_of, reads
from fpgacomp.flows.integers import Model, fold, integer_graph
from fpgacomp.flows.options import Options, checked
from fpgacomp.flows.reports import Evidence, report_of
from fpgacomp.flows.samples import vectors_of
from fpgacomp.flows.stages import Stages
from fpgacomp.host.progress import Observer, silent
from fpgacomp.host.toolchain import Yosys, find_compiler, find_yosys
from fpgacomp.results.area import MeasuredArea
from fpgacomp.results.report import Exactness, Report

# How many samples the testbench of the vendor's tool runs: co-simulation is slow.
TESTBENCH_VECTORS = 100


def compile(
    model: Model,
    board: str | Path,
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
    options = checked(options)
    request = registry.request(options.backend)
    destination = output.Destination.of(out, options.dump_stages)
    check_files((*places_of(model, options, destination.folder), *reads("--board", board)))
    stages = Stages(observer, options.dump_stages)
    compiler = find_compiler() if options.csim else None
    yosys = find_yosys("--area yosys") if options.area == "yosys" else None
    the_board = load_board(board)

    network, lowered = integer_graph(model, options, stages)
    chosen = fold(lowered, the_board, options, request, stages, of_float=network.format == "float")
    design = chosen.folded.design
    if not chosen.folded.verdict.fits:
        report = report_of(network, lowered, chosen, Exactness(0), options, stages)
        return destination.write(report, network, lowered)
    if yosys is not None and "rtl" not in chosen.engine.levels:
        raise UsageError(
            "--area yosys",
            f"maps SystemVerilog, and the {chosen.engine.name} engine emits none.",
            "add --backend stream (or adders, for small networks), or leave --area out.",
        )

    samples = vectors_of(network, lowered, options)
    oracle = JudgedOracle(network, lowered, design.graph, samples.raw, options.memory_gb, stages)
    first = oracle.first()
    stages.keep("vectors", lambda: dump.vectors(design.graph, first.values))
    with stages.step("emit"):
        emitted = chosen.engine.emit(design, oracle.ends(TESTBENCH_VECTORS))
    stages.keep("project", lambda: emitted.project.files)
    lowered = replace(lowered, graph=design.graph)
    with destination.evidence_of_errors(
        network, lowered, emitted.project, first.values, chosen.engine.name
    ):
        peers = checks.companions(chosen, request, first.values, stages)
        check = checks.SimulationCheck()
        kept = Kept(design.graph)
        for batch in checks.simulated(chosen.engine, emitted, oracle, compiler, check, stages):
            kept.add(batch)
        deeper = checks.further(
            chosen, emitted, first.values, compiler if options.checks == "full" else None,
            lambda level: destination.simulation(level, options.inputs), stages,
        )  # fmt: skip
        with stages.step("software"):
            answers = to_network_outputs(lowered.after, kept.all_outputs())
            float32 = compare_with_float32(network, samples.raw, answers, oracle.size)

    area = None if yosys is None else _area(chosen, emitted, yosys, stages)
    exactness = summarize(
        oracle.judgement, check.agreement, float32, peers.evidence, deeper.evidence
    )
    wrong = check if check.wrong or deeper.failed is None else deeper.failed
    evidence = Evidence(
        samples, kept.kept_values(), kept.reached, answers, wrong.wrong, wrong.wrong_start
    )
    network = replace(network, warnings=(*network.warnings, *peers.notes))
    report = report_of(network, lowered, chosen, exactness, options, stages, evidence, area)
    with stages.step("write"):
        software = software_side(
            emitted.interface.top, lowered, emitted.interface.for_software(design.graph),
            first.values, engine=chosen.engine.name, board=the_board, clock_mhz=design.clock_mhz,
        )  # fmt: skip
        driver = c_files(software, family=the_board.family)
        project = emitted.project.merged(*peers.projects, software, driver)
        return destination.write(report, network, lowered, project, evidence)


def _area(chosen: EngineDesign, emitted: Emitted, yosys: Yosys, stages: Stages) -> MeasuredArea:
    """What Yosys makes of the instances of the emitted SystemVerilog."""
    with stages.step("area") as progress:
        units = chosen.engine.units(emitted)
        board = chosen.folded.design.board
        return measured_area(board, emitted.project, units, yosys, progress)
