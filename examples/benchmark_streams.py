"""Streaming designs: C-simulation beside hls4ml's, and our folding beside FINN's.

    make bench            or: python -m examples.benchmark_streams [NETWORK...]

First table: CNV w2a2, the same integer graph through the C++ of our hls4ml engine and of our
streaming engine, beside ONNX Runtime's execution of the same network on one core. Second
table, per network: our folding for throughput on the smallest board that holds it, and
FINN's own `target_fps` folding (SetFolding) asked for the frames per second that ours
reaches, both judged by the same estimator. LUT-equivalents count a DSP or BRAM18 as many
LUTs as the board has per DSP or BRAM18.
"""

from __future__ import annotations

import resource
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

from rich.console import Console
from rich.table import Table

from examples.onnxruntime_rates import rates
from fpgacomp import zoo
from fpgacomp.devices.board import Board
from fpgacomp.devices.read import load_board
from fpgacomp.engines.finn.peer import target_fps_folding
from fpgacomp.engines.hls4ml import csim
from fpgacomp.engines.hls4ml.emit import project as hls4ml
from fpgacomp.engines.hls4ml.estimate.design import estimate_hls4ml
from fpgacomp.engines.hls4ml.fold.design import fold_hls4ml
from fpgacomp.engines.stream import csim as stream_csim
from fpgacomp.engines.stream.emit.project import emit_stream
from fpgacomp.engines.stream.estimate.design import estimate_stream
from fpgacomp.engines.stream.fold.design import fold_stream
from fpgacomp.engines.stream.fold.fifos import with_fifos
from fpgacomp.errors import FpgacompError
from fpgacomp.evidence.compare import compare
from fpgacomp.evidence.vectors import integer_vectors
from fpgacomp.frontend import read_network
from fpgacomp.host.toolchain import find_compiler
from fpgacomp.ir import interpreter
from fpgacomp.ir.graph import Graph
from fpgacomp.lower import lower
from fpgacomp.results.estimate import Estimate
from fpgacomp.results.target import Target

BOARDS = ("pynq-z2", "zcu104", "alveo-u250")
FRAMES = {"hls4ml": 10, "fpgacomp": 600}


def graph_of(name: str) -> Graph:
    """The integer graph of a network of the zoo."""
    return lower(read_network(zoo.build(name))).graph


def simulation(name: str) -> Table:
    """C-simulation of one network by both engines' C++, and ONNX Runtime's execution.

    Both engines run through harnesses that keep every tensor. ONNX Runtime keeps none and checks
    nothing: it is the bar for a single core, in float32; in int8 it is the limit.
    Rates by processor time compare also where other programs run beside this one.
    """
    graph = graph_of(name)
    cores = find_compiler().cores
    table = Table(title=f"Simulation of {name}")
    columns = ("what", "processes", "frames", "compile s", "frames/s", "frames/CPU s", "mismatches")
    for column in columns:
        table.add_column(column, justify="left" if column == "what" else "right")
    _rate(table, "hls4ml", graph, 1)
    alone = _rate(table, "fpgacomp", graph, 1)
    together = _rate(table, "fpgacomp", graph, cores)
    bars = rates(graph, FRAMES["fpgacomp"])
    for precision, (by_clock, by_processor) in bars.items():
        table.add_row(f"ONNX Runtime {precision}", "1", str(FRAMES["fpgacomp"]), "",
                      f"{by_clock:,.0f}", f"{by_processor:,.0f}", "")  # fmt: skip
    table.caption = (
        f"frames per CPU second of ours on one core: {alone[1] / bars['float32'][1]:.2f} of ONNX "
        f"Runtime's float32, {alone[1] / bars['int8'][1]:.2f} of its int8; {cores} processes give "
        f"{together[0] / alone[0]:.1f} times the frames per second of one"
    )
    return table


def _rate(table: Table, tool: str, graph: Graph, processes: int) -> tuple[float, float]:
    """Frames per second, and per second of processor time; adds a row."""
    count = FRAMES[tool]
    values = interpreter.run(graph, integer_vectors(graph, count, 0))
    if tool == "hls4ml":
        folded = fold_hls4ml(graph, load_board("alveo-u250"), clock_mhz=200,
                             target=Target("area"), estimate=estimate_hls4ml)  # fmt: skip
        project, run = hls4ml.emit(folded.design, values), csim.simulate_batches
        graph = folded.design.graph
    else:
        design = _ours(graph, load_board("pynq-z2")).design
        project, run = emit_stream(design, values), stream_csim.simulate_batches
    inputs = {layer.output.name: values[layer.output.name] for layer in graph.inputs}
    first = {name: array[:1] for name, array in inputs.items()}
    compiler = replace(find_compiler(), cores=processes)
    with tempfile.TemporaryDirectory() as folder:
        # The first batch compiles, so that the second one's processor time is that of its frames.
        batches = run(project, graph, compiler, iter((first, inputs)), workdir=Path(folder))
        compile_s = next(batches).compile_s
        before = _children_s()
        result = next(batches)
        processor_s = _children_s() - before
    wrong = compare(values, result.values, graph).mismatches
    rate, by_processor = count / result.run_s, count / processor_s
    table.add_row(
        tool, str(processes), str(count), f"{compile_s:.2f}", f"{rate:,.0f}",
        f"{by_processor:,.0f}", str(wrong),
    )  # fmt: skip
    return rate, by_processor


def _children_s() -> float:
    """Processor time of all programs that were started and have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _ours(graph: Graph, board: Board, target: Target | None = None):  # type: ignore[no-untyped-def]
    return fold_stream(
        graph, board, clock_mhz=board.clock_mhz_default, target=target or Target("throughput"),
        estimate=estimate_stream,
    )  # fmt: skip


def foldings(names: list[str]) -> Table:
    """Ours and FINN's at equal frames per second."""
    table = Table(title="Folding at equal frames per second, same estimator")
    for column in ("network", "board", "folding", "frames/s", "LUT", "DSP", "BRAM18", "LUT-eq."):
        table.add_column(column, justify="left" if column in ("network", "folding") else "right")
    for name in names:
        graph = graph_of(name)
        for board in map(load_board, BOARDS):
            folded = _ours(graph, board)
            if folded.verdict.fits:
                _compare(table, name, graph, board, folded.estimate)
                break
        else:
            table.add_row(name, "none of them holds it")
    return table


def _compare(table: Table, name: str, graph: Graph, board: Board, fastest: Estimate) -> None:
    """FINN at our highest rate, and ours at the rate that FINN then gives by the estimate."""
    clock = board.clock_mhz_default
    table.add_row(name, board.name, "ours, fastest", *_cells(fastest, board))
    try:
        peer = target_fps_folding(graph, board, clock, fastest.frames_per_second)
        theirs = estimate_stream(with_fifos(peer))  # FINN sizes FIFOs in a step of its own
    except FpgacompError as error:
        table.add_row("", "", f"FINN: {error.why}")
        return
    table.add_row("", "", "FINN", *_cells(theirs, board))
    rate = theirs.frames_per_second * (1 - 1e-6)  # 784 cycles must not become 783 by rounding
    # Our folding keeps a bound by simulation, a little slower than the estimate that judges
    # FINN here: it is also asked for 3 % less, and judged by the same estimate.
    found = [_ours(graph, board, Target("area", fps=f)).estimate for f in (rate, 0.97 * rate)]
    same = [one for one in (fastest, *found) if one.frames_per_second >= rate]
    if same:
        best = min(same, key=lambda one: _equivalents(one, board))
        table.add_row("", "", "ours, same rate", *_cells(best, board))


def _equivalents(figures: Estimate, board: Board) -> float:
    device = board.resources
    dsp, bram = device.lut / max(device.dsp, 1), device.lut / max(device.bram18, 1)
    return figures.lut.value + figures.dsp.value * dsp + figures.bram18.value * bram


def _cells(figures: Estimate, board: Board) -> list[str]:
    lut, dsp, bram = (figures.resources[n].value for n in ("lut", "dsp", "bram18"))
    over = " (over)" if lut > board.budget.lut or dsp > board.budget.dsp else ""
    return [
        f"{figures.frames_per_second:,.0f}", f"{lut:,.0f}{over}", f"{dsp:,.0f}", f"{bram:,.0f}",
        f"{_equivalents(figures, board):,.0f}",
    ]  # fmt: skip


def main(names: list[str]) -> None:
    """Both tables; the second for the named networks, or for all."""
    console = Console(width=120)
    console.print(simulation("cnv_w2a2"))
    console.print(foldings(names or list(zoo.NAMES)))


if __name__ == "__main__":
    main(sys.argv[1:])
