"""FINN as a companion of the streaming engine: its own files, and its execution of a design."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fpgacomp.engines.engine import Corroboration
from fpgacomp.engines.finn import build_finn, emit_finn, execute_finn
from fpgacomp.engines.finn.runtime import INSTALL, finn_version
from fpgacomp.errors import Problems, UnsupportedLayer
from fpgacomp.results.project import Project

if TYPE_CHECKING:
    from fpgacomp.devices.board import Board
    from fpgacomp.engines.stream.design import StreamDesign
    from fpgacomp.ir.graph import Graph
    from fpgacomp.ir.types import IntArray

# FINN executes in Python, at about one frame of a large network a second.
FRAMES = 4


@dataclass(frozen=True)
class FinnCompanion:
    """Builds a streaming design from FINN's operators and executes it with FINN."""

    name: str = "finn"
    title: str = "FINN"
    engine: str = "stream"

    def install(self) -> str | None:
        """The command that adds FINN, or None where it is installed."""
        return INSTALL if finn_version() is None else None

    def corroborate(
        self, design: StreamDesign, values: Mapping[str, IntArray], *, required: bool
    ) -> Corroboration:
        """FINN's files below `finn/`, and FINN's execution of the first frames."""
        try:
            project = emit_finn(design)
        except (UnsupportedLayer, Problems) as error:
            if required:
                raise
            return Corroboration(Project({}), notes=(f"FINN's own files are left out: {error}",))
        inputs = {
            layer.output.name: values[layer.output.name][:FRAMES] for layer in design.graph.inputs
        }
        try:
            executed = execute_finn(build_finn(design), inputs)
        except (UnsupportedLayer, Problems) as error:
            return Corroboration(project, notes=(f"FINN did not execute the design: {error}",))
        wrong = sum(int((got != values[name][:FRAMES]).sum()) for name, got in executed.items())
        return Corroboration(
            project, len(next(iter(inputs.values()))), wrong, _unknown(design.board)
        )

    def parts(self, graph: Graph, project: Project) -> Mapping[str, str]:
        """Nodes of FINN's hardware graph."""
        from fpgacomp.engines.finn.parts import parts

        return parts(graph, project)


def _unknown(board: Board) -> tuple[str, ...]:
    """One sentence where FINN's build cannot go on to a bitstream for the board, or nothing."""
    from fpgacomp.engines.finn.project import finn_board

    if finn_board(board) is not None:
        return ()
    if board.device.toolchain != "vivado":
        why = f"FINN builds for AMD's devices alone: finn/build.py does not build for {board.name}."
        return (why,)
    return (
        f"FINN does not know the board {board.name}: finn/build.py ends in a stitched IP, "
        "not in a bitstream.",
    )


FINN = FinnCompanion()
