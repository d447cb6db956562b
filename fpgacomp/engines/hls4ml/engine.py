"""The hls4ml engine as the registry sees it; each part is imported when it is called."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from fpgacomp.engines.engine import Emitted, FurtherCheck, Goal, HardwareUnit, Level
from fpgacomp.engines.shared.remarks import hls_remarks
from fpgacomp.engines.shared.trial import rank
from fpgacomp.errors import FpgacompError, raise_all

if TYPE_CHECKING:
    from fpgacomp.engines.hls4ml.design import Hls4mlDesign
    from fpgacomp.engines.shared.csim import CsimResult, Progress
    from fpgacomp.engines.shared.emulation import EmulatedSystem
    from fpgacomp.engines.shared.result import FoldingResult
    from fpgacomp.host.toolchain import Compiler
    from fpgacomp.ir.graph import Graph
    from fpgacomp.ir.types import IntArray
    from fpgacomp.results.estimate import PredictedFigures
    from fpgacomp.results.project import Project


@dataclass(frozen=True)
class Hls4mlEngine:
    """Unrolls layers, or time-multiplexes their products: the shortest latency that fits."""

    name: str = "hls4ml"
    levels: tuple[Level, ...] = ("c", "hls")

    def refusals(self, graph: Graph) -> tuple[FpgacompError, ...]:
        """What is too wide or too large for hls4ml, whichever pass runs before it."""
        from fpgacomp.engines.hls4ml.check import refusals
        from fpgacomp.passes import variants

        found = [refusals(variant) for variant in variants(graph)]
        return () if any(not refused for refused in found) else found[0]

    def outlook(self, graph: Graph, goal: Goal) -> None:
        """Nothing: the search takes no time."""

    def fold(self, graph: Graph, goal: Goal) -> FoldingResult[Hls4mlDesign]:
        """The best design over the graph and what each pass makes of it."""
        from fpgacomp.engines.hls4ml.estimate.design import estimate_hls4ml
        from fpgacomp.engines.hls4ml.fold.design import fold_hls4ml
        from fpgacomp.passes import variants

        found: list[FoldingResult[Hls4mlDesign]] = []
        refused: list[FpgacompError] = []
        for variant in variants(graph):
            try:
                found.append(
                    fold_hls4ml(
                        variant, goal.board, clock_mhz=goal.clock_mhz, target=goal.target,
                        estimate=estimate_hls4ml, io_type=goal.io_type,
                        other_boards=goal.other_boards,
                    )
                )  # fmt: skip
            except FpgacompError as error:
                refused.append(error)
        if not found:
            raise_all(refused[:1])
        return min(found, key=lambda result: rank(result, goal.target))

    def emit(self, design: Hls4mlDesign, vectors: Mapping[str, IntArray]) -> Emitted:
        """hls4ml's project with our kernels."""
        from fpgacomp.engines.hls4ml.emit.project import emit

        return self.read_back(design.graph, emit(design, vectors))

    def read_back(self, graph: Graph, project: Project) -> Emitted:
        """A project of this engine with its interface, from its files."""
        from fpgacomp.engines.hls4ml.interface import Hls4mlInterface

        return Emitted(graph, project, Hls4mlInterface.of(project))

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
        """Run exactly the emitted C++, on native integers or on the types it is synthesized with.

        There is no RTL, and so no trace.
        """
        from fpgacomp.engines.hls4ml.csim import simulate_batches

        return simulate_batches(
            emitted.project, emitted.graph, compiler, batches, workdir=workdir,
            open_types=level == "hls", progress=progress,
        )  # fmt: skip

    def emulator(self, emitted: Emitted, system: EmulatedSystem, *, compiler: Compiler) -> Path:
        """The emitted C++, frame by frame: what it computes is exact, when is the estimate's."""
        from fpgacomp.engines.hls4ml.emulate import emulator

        return emulator(emitted.project, emitted.graph, system, compiler=compiler)

    def further(self, design: Hls4mlDesign, frames: int) -> tuple[FurtherCheck, ...]:
        """The C++ on the types that it is synthesized with."""
        from fpgacomp.engines.hls4ml.cost import further_checks

        return further_checks(design, frames)

    def remarks(self, design: Hls4mlDesign) -> tuple[str, ...]:
        """Which tool can build the C++ for the board, and what no such tool has seen."""
        from fpgacomp.engines.hls4ml.shared_sums import shared_remarks

        instead = "--backend stream writes SystemVerilog, which the open tools build."
        return (*hls_remarks(design.board, instead), *shared_remarks(design))

    def choices(self, design: Hls4mlDesign) -> Mapping[str, str]:
        """The io type of the whole design."""
        return {"io_type": design.io_type}

    def fifos(self, design: Hls4mlDesign) -> Mapping[str, int]:
        """Words of the FIFO behind each tensor of a stream design; io_parallel has none."""
        from fpgacomp.engines.hls4ml.fifos import fifo_depths

        return fifo_depths(design) if design.io_type == "io_stream" else {}

    def structure(self, design: Hls4mlDesign) -> str:
        """Nothing: one kernel per layer, whose settings are its folding."""
        return ""

    def parts(self, graph: Graph, project: Project) -> Mapping[str, str]:
        """Configurations of the kernels, which HLS writes into the names of modules."""
        from fpgacomp.engines.hls4ml.parts import parts

        return parts(graph, project)

    def units(self, emitted: Emitted) -> tuple[HardwareUnit, ...]:
        """None: it emits no SystemVerilog."""
        return ()

    def predictions(self, design: Hls4mlDesign) -> tuple[PredictedFigures, ...]:
        """None: it has one source."""
        return ()


HLS4ML = Hls4mlEngine()
