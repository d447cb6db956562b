"""The streaming engine as the registry sees it; each part is imported when it is called."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, assert_never

from fpgacomp.engines.engine import Emitted, FurtherCheck, Goal, HardwareUnit, Level
from fpgacomp.engines.shared.remarks import hls_remarks, yosys_remarks
from fpgacomp.errors import FpgacompError, UsageError
from fpgacomp.host.toolchain import Compiler, find_verilator, find_yosys

if TYPE_CHECKING:
    from fpgacomp.engines.shared.csim import CsimResult, Progress
    from fpgacomp.engines.shared.emulation import EmulatedSystem
    from fpgacomp.engines.shared.result import FoldingResult
    from fpgacomp.engines.stream.design import StreamDesign
    from fpgacomp.ir.graph import Graph
    from fpgacomp.ir.types import IntArray
    from fpgacomp.results.estimate import PredictedFigures
    from fpgacomp.results.project import Project

SIMULATION_ONLY = frozenset({"TAP", "NAME"})  # parameters of fpgacomp_fifo


@dataclass(frozen=True)
class StreamEngine:
    """Streams words through a pipeline of operators, each folded over PE and SIMD."""

    name: str = "stream"
    levels: tuple[Level, ...] = ("c", "hls", "rtl", "gate")

    def refusals(self, graph: Graph) -> tuple[FpgacompError, ...]:
        """Nothing: every layer of the vocabulary has an operator."""
        return ()

    def outlook(self, graph: Graph, goal: Goal) -> None:
        """Nothing: the search takes no time."""

    def fold(self, graph: Graph, goal: Goal) -> FoldingResult[StreamDesign]:
        """The best folding of the graph, with FIFO depths that cannot deadlock."""
        if goal.io_type is not None:
            why = f"is no choice of the {self.name} engine, which always streams."
            raise UsageError("--io", why, "leave --io out, or use --backend hls4ml.")
        from fpgacomp.engines.stream.estimate.design import estimate_stream
        from fpgacomp.engines.stream.estimate.rtl.predict import as_built
        from fpgacomp.engines.stream.fold.design import fold_stream

        return as_built(fold_stream(
            graph, goal.board, clock_mhz=goal.clock_mhz, target=goal.target,
            estimate=estimate_stream, other_boards=goal.other_boards,
            share_additions=not goal.for_companion,
        ))  # fmt: skip

    def emit(self, design: StreamDesign, vectors: Mapping[str, IntArray]) -> Emitted:
        """Our own HLS C++ and SystemVerilog of the design's operators."""
        from fpgacomp.engines.stream.emit.project import emit_stream
        from fpgacomp.engines.stream.fold.rtl_fifos import rtl_dataflow
        from fpgacomp.engines.stream.rtl.project import emit_rtl

        hls = self.read_back(design.graph, emit_stream(design, vectors))
        data = {port.file: hls.project.files[f"hls/tb_data/{port.file}"]
                for port in (*hls.interface.inputs, *hls.interface.outputs)}  # fmt: skip
        whole = hls.project.merged(emit_rtl(design, rtl_dataflow(design), hls.interface, data))
        return replace(hls, project=whole)

    def read_back(self, graph: Graph, project: Project) -> Emitted:
        """A project of this engine with its interface, from its files."""
        from fpgacomp.engines.stream.interface import StreamInterface

        return Emitted(graph, project, StreamInterface.of(project))

    def simulate(
        self,
        emitted: Emitted,
        batches: Iterable[Mapping[str, IntArray]],
        level: Level,
        *,
        compiler: Compiler,
        workdir: Path,
        progress: Progress | None = None,
        trace: Path | None = None,
    ) -> Iterator[CsimResult]:
        """Run exactly the emitted C++, the emitted SystemVerilog, or its netlist."""
        match level:
            case "c" | "hls":
                from fpgacomp.engines.stream import csim

                return csim.simulate_batches(
                    emitted.project, emitted.graph, compiler, batches, workdir=workdir,
                    loops=level == "hls", progress=progress,
                )  # fmt: skip
            case "rtl" | "gate":
                from fpgacomp.engines.stream.rtl import simulate

                return simulate.simulate_batches(
                    emitted.project, emitted.graph, batches, verilator=find_verilator(),
                    compiler=compiler, workdir=workdir, progress=progress, trace=trace,
                    yosys=find_yosys("gate-level simulation") if level == "gate" else None,
                )  # fmt: skip
            case _:
                assert_never(level)

    def emulator(self, emitted: Emitted, system: EmulatedSystem, *, compiler: Compiler) -> Path:
        """The emitted SystemVerilog, clock by clock."""
        from fpgacomp.engines.stream.rtl.emulate import emulator

        return emulator(emitted.project, system, verilator=find_verilator(), compiler=compiler)

    def further(self, design: StreamDesign, frames: int) -> tuple[FurtherCheck, ...]:
        """The C++ as it is synthesized, and the SystemVerilog."""
        from fpgacomp.engines.stream.cost import further_checks

        return further_checks(design, frames)

    def remarks(self, design: StreamDesign) -> tuple[str, ...]:
        """Which of its outputs can be built for the board."""
        from fpgacomp.engines.stream.estimate.design import prices_on
        from fpgacomp.engines.stream.estimate.open_tools import measured
        from fpgacomp.engines.stream.estimate.rtl.prices import instances_of

        if measured(design.board.device):
            device = design.board.device
            basis = replace(prices_on(device).basis, instances=instances_of(device))
            return yosys_remarks(design.board, basis)
        return hls_remarks(design.board, "Build the SystemVerilog in rtl/ with the open tools.")

    def choices(self, design: StreamDesign) -> Mapping[str, str]:
        """Nothing is chosen for the design as a whole."""
        return {}

    def fifos(self, design: StreamDesign) -> Mapping[str, int]:
        """Words of the stream that carries each tensor in full; of copies, the deepest."""
        from fpgacomp.engines.stream.expand import expand

        depths: dict[str, int] = {}
        for stream in expand(design).streams:
            if stream.tensor:
                depths[stream.tensor] = max(stream.depth, depths.get(stream.tensor, 0))
        return depths

    def structure(self, design: StreamDesign) -> str:
        """The operators that the design expands to, and the streams between them."""
        from fpgacomp.engines.stream.text import print_dataflow

        return print_dataflow(design)

    def parts(self, graph: Graph, project: Project) -> Mapping[str, str]:
        """Processes and streams of the C++, after which HLS and RTL call their instances."""
        from fpgacomp.engines.stream.parts import parts

        return parts(project)

    def units(self, emitted: Emitted) -> tuple[HardwareUnit, ...]:
        """Operators, FIFOs and the control registers, as the top module instantiates them."""
        from fpgacomp.engines.shared.units import units_of
        from fpgacomp.engines.stream.operators.matrix_vector import MATRIX_MODULE, equal_dots
        from fpgacomp.engines.stream.parts import parts
        from fpgacomp.engines.stream.rtl.interface import RtlInterface

        top = RtlInterface.of(emitted.project).top
        text = emitted.project.files[f"rtl/{top}.sv"].decode()
        found = units_of(text, parts(emitted.project), ignored=SIMULATION_ONLY)
        tables = {
            path.removeprefix("rtl/"): rows for path, rows in emitted.project.files.items()
            if path.startswith("rtl/") and path.endswith(".mem")
        }  # fmt: skip
        return tuple(
            replace(one, alike=equal_dots(dict(one.parameters), tables))
            if one.module == MATRIX_MODULE else one
            for one in found
        )  # fmt: skip

    def predictions(self, design: StreamDesign) -> tuple[PredictedFigures, ...]:
        """The SystemVerilog, where the estimate is of the C++."""
        from fpgacomp.engines.stream.estimate.rtl.predict import predictions

        return predictions(design)


STREAM = StreamEngine()
