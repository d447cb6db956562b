"""The adders engine as the registry sees it; each part is imported when it is called."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from fpgacomp.engines.engine import Emitted, FurtherCheck, Goal, HardwareUnit, Level, Outlook
from fpgacomp.engines.stream.engine import STREAM
from fpgacomp.errors import FpgacompError, UsageError

if TYPE_CHECKING:
    from fpgacomp.engines.adders.design import AdderDesign
    from fpgacomp.engines.shared.csim import CsimResult, Progress
    from fpgacomp.engines.shared.emulation import EmulatedSystem
    from fpgacomp.engines.shared.result import FoldingResult
    from fpgacomp.host.toolchain import Compiler
    from fpgacomp.ir.graph import Graph
    from fpgacomp.ir.types import IntArray
    from fpgacomp.results.estimate import PredictedFigures
    from fpgacomp.results.project import Project


@dataclass(frozen=True)
class AddersEngine:
    """Unrolls a whole network into additions that its outputs share: a frame a cycle.

    Ports, registers and everything that runs a project are the streaming engine's.
    """

    name: str = "adders"
    levels: tuple[Level, ...] = STREAM.levels

    def refusals(self, graph: Graph) -> tuple[FpgacompError, ...]:
        """Networks of several inputs or outputs, and those too large to unroll."""
        from fpgacomp.engines.adders.unroll import refusals

        return tuple(refusals(graph))

    def outlook(self, graph: Graph, goal: Goal) -> Outlook:
        """The least size of the circuit, and what keeps its additions from being shared unasked."""
        from fpgacomp.engines.adders.outlook import outlook

        return outlook(graph, goal.board.device)

    def fold(self, graph: Graph, goal: Goal) -> FoldingResult[AdderDesign]:
        """The unrolled design."""
        if goal.io_type is not None:
            why = f"is no choice of the {self.name} engine, whose ports are AXI4-Stream."
            raise UsageError("--io", why, "leave --io out, or use --backend hls4ml.")
        from fpgacomp.engines.adders.fold import fold_adders

        return fold_adders(graph, goal)

    def emit(self, design: AdderDesign, vectors: Mapping[str, IntArray]) -> Emitted:
        """The circuit in C++ and SystemVerilog, between the ports of the streaming engine."""
        from fpgacomp.engines.adders.dataflow import dataflow_of
        from fpgacomp.engines.stream.emit.project import emit_dataflow
        from fpgacomp.engines.stream.rtl.project import emit_rtl

        flow = dataflow_of(design)
        hls = self.read_back(design.graph, emit_dataflow(design, flow, vectors))
        data = {port.file: hls.project.files[f"hls/tb_data/{port.file}"]
                for port in (*hls.interface.inputs, *hls.interface.outputs)}  # fmt: skip
        whole = hls.project.merged(emit_rtl(design, flow, hls.interface, data))
        return Emitted(design.graph, whole, hls.interface)

    def read_back(self, graph: Graph, project: Project) -> Emitted:
        """A project of this engine with its interface, from its files."""
        return STREAM.read_back(graph, project)

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
        """Run exactly the emitted C++, or the emitted SystemVerilog."""
        return STREAM.simulate(
            emitted, batches, level, compiler=compiler, workdir=workdir, progress=progress,
            trace=trace,
        )  # fmt: skip

    def emulator(self, emitted: Emitted, system: EmulatedSystem, *, compiler: Compiler) -> Path:
        """The emitted SystemVerilog, clock by clock."""
        return STREAM.emulator(emitted, system, compiler=compiler)

    def further(self, design: AdderDesign, frames: int) -> tuple[FurtherCheck, ...]:
        """The C++ as it is synthesized, and the SystemVerilog."""
        from fpgacomp.engines.adders.cost import further_checks

        return further_checks(design, frames)

    def remarks(self, design: AdderDesign) -> tuple[str, ...]:
        """What the figures stand for, and which of its outputs can be built."""
        from fpgacomp.engines.adders.remarks import remarks

        return remarks(design)

    def choices(self, design: AdderDesign) -> Mapping[str, str]:
        """Additions between two registers, and the pipeline stages that follow."""
        return {"levels": str(design.levels), "stages": str(design.plan.stages)}

    def fifos(self, design: AdderDesign) -> Mapping[str, int]:
        """Words of the streams at both ends."""
        from fpgacomp.engines.adders.dataflow import dataflow_of

        streams = dataflow_of(design).streams
        return {stream.tensor: stream.depth for stream in streams if stream.tensor}

    def structure(self, design: AdderDesign) -> str:
        """The circuit in figures: nobody reads thousands of wires."""
        from fpgacomp.engines.adders.remarks import structure

        return structure(design)

    def parts(self, graph: Graph, project: Project) -> Mapping[str, str]:
        """Processes and streams at both ends; the circuit is one part, which is no layer's."""
        return STREAM.parts(graph, project)

    def units(self, emitted: Emitted) -> tuple[HardwareUnit, ...]:
        """The circuit, the ports and the registers."""
        return STREAM.units(emitted)

    def predictions(self, design: AdderDesign) -> tuple[PredictedFigures, ...]:
        """By Vivado where that builds it; the estimate is what Yosys makes of its SystemVerilog."""
        from fpgacomp.engines.adders.estimate import predicted_by_vivado
        from fpgacomp.engines.shared.remarks import built_by_hls

        return (predicted_by_vivado(design),) if built_by_hls(design.board) else ()


ADDERS = AddersEngine()
