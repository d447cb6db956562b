"""Networks of the zoo as SystemVerilog: every integer, and the cycles beside the timing model's.

    make bench-rtl        or: python -m examples.benchmark_rtl [NETWORK...] [--pauses none,both]

The networks of the zoo and the two trained ones of examples/ are each folded for the
least area at `--fps` frames a second, built with Verilator once, and run under each kind of pauses
at their ports. Every integer of every layer is compared with the oracle. Interval and first-frame
latency are those without pauses. Where branches meet again, the FIFO of the waiting copy is cut
down until the design stops for ever, in the model and in RTL.

The exit code is 1 where an integer differs, or where the model is wrong by more than 0.5 % of the
interval, 2 % of the first frame's latency, or one word of a least depth; the last lines say where.
"""

from __future__ import annotations

import argparse
import resource
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

import onnx
from rich.console import Console
from rich.table import Table

from fpgacomp import zoo
from fpgacomp.devices.read import load_board
from fpgacomp.engines.engine import Goal
from fpgacomp.engines.shared.csim import CsimResult
from fpgacomp.engines.stream.dataflow import Dataflow
from fpgacomp.engines.stream.design import StreamDesign
from fpgacomp.engines.stream.engine import STREAM
from fpgacomp.engines.stream.estimate.design import estimate_stream
from fpgacomp.engines.stream.fold.rtl_fifos import rtl_dataflow
from fpgacomp.engines.stream.rtl.build import build
from fpgacomp.engines.stream.rtl.interface import RtlInterface
from fpgacomp.engines.stream.rtl.simulate import Pauses, Stimulus, simulate_batches
from fpgacomp.engines.stream.timing.least import least_depths
from fpgacomp.engines.stream.timing.pipelines import Pipelines
from fpgacomp.engines.stream.timing.run import Simulator
from fpgacomp.engines.stream.timing.steps import UNMERGED
from fpgacomp.errors import ToolError
from fpgacomp.evidence.compare import compare
from fpgacomp.evidence.vectors import integer_vectors
from fpgacomp.frontend import read_network
from fpgacomp.host.toolchain import find_compiler, find_verilator
from fpgacomp.ir import interpreter
from fpgacomp.ir.types import IntArray
from fpgacomp.lower import lower
from fpgacomp.results.measured import Measured
from fpgacomp.results.project import Project
from fpgacomp.results.target import Target

COLUMNS = (
    "network", "frames", "integers", "mismatches", "interval RTL", "model", "latency RTL", "model",
    "least depth of a join: RTL / model / emitted", "LUTs (estimate)", "build CPU s",
    "cycles a second", "all CPU s",
)  # fmt: skip
EXAMPLES = ("digits_cnn", "digits_mlp")
NETWORKS = (*zoo.NAMES, *EXAMPLES)
# How far the model may be from what was measured, as a share of it.
INTERVAL_ERROR, LATENCY_ERROR = 0.005, 0.02


def load(name: str) -> onnx.ModelProto:
    """A network of the zoo, or a trained one that lies beside this file."""
    if name in EXAMPLES:
        return onnx.load(Path(__file__).parent / name / "model.onnx")
    return zoo.build(name)


def cpu_seconds() -> float:
    """Processor time of this process and of those that it has waited for."""
    own = resource.getrusage(resource.RUSAGE_SELF)
    return own.ru_utime + own.ru_stime + _children_s()


def _children_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


@dataclass(frozen=True)
class Bench:
    """One emitted design with the frames that it runs.

    Args:
        flow: its operators with the FIFOs of the SystemVerilog.
        values: tensor name -> the oracle's integers [N, *shape].
        pipelines: of its modules.
    """

    design: StreamDesign
    flow: Dataflow
    project: Project
    values: Mapping[str, IntArray]
    pipelines: Pipelines

    @classmethod
    def of(cls, name: str, frames: int, board_name: str, fps: float) -> Bench:
        """A network on a board, with frames that its weights' seed does not repeat."""
        board = load_board(board_name)
        graph = lower(read_network(load(name))).graph
        target = Target("area", fps=fps)
        goal = Goal(board=board, clock_mhz=board.clock_mhz_default, target=target)
        design = STREAM.fold(graph, goal).design
        values = interpreter.run(graph, integer_vectors(graph, frames, 0))
        project = STREAM.emit(design, {key: some[:1] for key, some in values.items()}).project
        flow = rtl_dataflow(design)
        pipelines = Pipelines.rtl(flow, board.device.wide_port_bits)
        return cls(design, flow, project, values, pipelines)

    @property
    def frames(self) -> int:
        """How many run in each simulation."""
        return len(next(iter(self.values.values())))

    def simulator(self) -> Simulator:
        """The model of the design's SystemVerilog."""
        # Three frames are enough for a steady interval, and nothing is merged.
        frames = min(self.frames, 3)
        return Simulator(self.flow, frames=frames, limit=UNMERGED, pipelines=self.pipelines)

    def run(self, stimulus: Stimulus) -> CsimResult:
        """The frames through the RTL."""
        graph = self.design.graph
        inputs = {layer.output.name: self.values[layer.output.name] for layer in graph.inputs}
        with tempfile.TemporaryDirectory() as folder:
            return next(
                simulate_batches(
                    self.project, graph, [inputs], verilator=find_verilator(),
                    compiler=find_compiler(), workdir=Path(folder), stimulus=stimulus,
                )
            )  # fmt: skip

    def build(self) -> float:
        """CPU seconds of the build; 0 if one is kept."""
        before = cpu_seconds()
        with tempfile.TemporaryDirectory() as folder:
            self.project.write(Path(folder))
            top = RtlInterface.of(self.project).top
            build(Path(folder) / "rtl", top, find_verilator(), find_compiler())
        return cpu_seconds() - before


@dataclass(frozen=True)
class Join:
    """The words that one FIFO in front of a join needs.

    Args:
        stream: its name.
        rtl: least depth with which the RTL runs, or None where that is more than the model's.
        model: least depth by the model.
        emitted: depth in the design.
    """

    stream: str
    rtl: int | None
    model: int
    emitted: int

    def __str__(self) -> str:
        return f"{self.stream}: {self.rtl or 'more'} / {self.model} / {self.emitted}"


def joins(bench: Bench, patience: int) -> Iterator[Join]:
    """For each copy that waits at a join: least depth in RTL, by the model, and emitted."""
    emitted = {s.stream: s.depth for s in RtlInterface.of(bench.project).streams}
    for name, least in least_depths(bench.flow, bench.pipelines, emitted).items():
        if least > 2:
            depth = least
            while depth > 2 and _runs(bench, {name: depth - 1}, patience):
                depth -= 1
            runs = depth < least or _runs(bench, {name: least}, patience)
            yield Join(name, depth if runs else None, least, emitted[name])


def _runs(bench: Bench, depths: Mapping[str, int], patience: int) -> bool:
    try:
        bench.run(Stimulus(depths=depths, patience=patience))
    except ToolError as error:
        if "got stuck" not in error.why:
            raise
        return False
    return True


@dataclass(frozen=True)
class Row:
    """What was found of one network.

    Args:
        cells: its line of the table.
        faults: what differs by more than it may, in words.
    """

    cells: tuple[str, ...]
    faults: tuple[str, ...]


def row(name: str, options: argparse.Namespace) -> Row:
    """A network's line of the table, and what is wrong with it."""
    started = cpu_seconds()
    bench = Bench.of(name, options.frames, options.board, options.fps)
    cpu = bench.build()
    measured: Measured | None = None
    wrong = integers = 0
    faults, speed = [], ""
    for pauses in options.pauses:
        before = _children_s()
        run = bench.run(Stimulus(pauses))
        spent = _children_s() - before
        outcome = compare(bench.values, run.values, bench.design.graph)
        wrong, integers = wrong + outcome.mismatches, integers + outcome.integers * bench.frames
        if outcome.first is not None:
            faults.append(f"pauses {pauses}: {outcome.mismatches:,} integers, {outcome.first}")
        if pauses == "none" and run.measured is not None:
            measured = run.measured
            cycles = measured.latency_cycles + (bench.frames - 1) * (measured.interval_cycles or 0)
            speed = f"{cycles / spent:,.0f}"
    model = bench.simulator().run_exact()
    interval = latency = "-"
    if measured is not None and measured.interval_cycles is not None:
        interval, latency = f"{measured.interval_cycles:,}", f"{measured.latency_cycles:,}"
        if abs(model.interval / measured.interval_cycles - 1) > INTERVAL_ERROR:
            faults.append(f"interval {interval}, by the model {model.interval:,}")
        if abs(model.finish[0] / measured.latency_cycles - 1) > LATENCY_ERROR:
            faults.append(f"latency {latency}, by the model {model.finish[0]:,}")
    patience = 4 * model.finish[0] + 1000
    depths = () if options.no_joins else tuple(joins(bench, patience))
    faults += [f"least depth of {join}" for join in depths if join.rtl != join.model]
    luts = estimate_stream(bench.design, timed=False).resources["lut"].value
    cells = (
        name, f"{bench.frames} x {len(options.pauses)}", f"{integers:,}", str(wrong), interval,
        f"{model.interval:,}", latency, f"{model.finish[0]:,}", "\n".join(map(str, depths)),
        f"{luts:,.0f}", f"{cpu:.0f}", speed, f"{cpu_seconds() - started:.0f}",
    )  # fmt: skip
    return Row(cells, tuple(f"{name}: {fault}" for fault in faults))


def main() -> None:
    """Print the table, a line as soon as a network is done on standard error as well."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("networks", nargs="*", default=list(NETWORKS), metavar="NETWORK",
                        help="Networks of the zoo, digits_cnn, or digits_mlp "
                        "(default: all of them).")  # fmt: skip
    parser.add_argument("--pauses", type=lambda text: text.split(","), default=get_args(Pauses),
                        help=f"Kinds of pauses at the ports, from {', '.join(get_args(Pauses))} "
                        "(default: all).")  # fmt: skip
    parser.add_argument("--frames", type=int, default=4, help="Frames of a run (default: 4).")
    parser.add_argument("--board", default="zcu104", help="Board folded for (default: zcu104).")
    parser.add_argument("--fps", type=float, default=4000.0,
                        help="Frames a second that a folding must reach; more make a larger design "
                        "that takes longer to build and less to run (default: 4000, about the "
                        "least of both together for the large networks).")  # fmt: skip
    parser.add_argument("--no-joins", action="store_true",
                        help="Leave out the search for the least FIFO depths.")  # fmt: skip
    options = parser.parse_args()
    if unknown := set(options.pauses) - set(get_args(Pauses)):
        parser.error(f"--pauses: {', '.join(sorted(unknown))}: choose from {get_args(Pauses)}.")
    table = Table(*COLUMNS, title="SystemVerilog of the streaming engine, simulated by Verilator")
    progress = Console(stderr=True)
    faults: list[str] = []
    for name in options.networks:
        found = row(name, options)
        table.add_row(*found.cells)
        faults += found.faults
        progress.print("  ".join(found.cells), highlight=False, soft_wrap=True)
    Console(width=210).print(table)
    if faults:
        sys.exit("\n".join(faults))


if __name__ == "__main__":
    main()
