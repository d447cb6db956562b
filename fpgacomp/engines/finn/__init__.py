"""FINN's own operators, files and execution: evidence for a streaming design.

graph      dataflow -> FINN's hardware operators (needs FINN, imported when called)
execute    FINN's own execution of them, as integers of our tensors
project    FINN's files: hardware model, folding, generated code, build script
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from fpgacomp.engines.finn.runtime import INSTALL, finn_version

if TYPE_CHECKING:
    from fpgacomp.engines.finn.graph import FinnModel
    from fpgacomp.engines.stream.design import StreamDesign
    from fpgacomp.ir.types import IntArray
    from fpgacomp.results.project import Project

__all__ = ["INSTALL", "build_finn", "emit_finn", "execute_finn", "finn_version"]

# Each part is imported when it is called: an estimate needs none of them.


def emit_finn(design: StreamDesign) -> Project:
    """See `fpgacomp.engines.finn.project.emit_finn`."""
    from fpgacomp.engines.finn import project as finn_project

    return finn_project.emit_finn(design)


def build_finn(design: StreamDesign) -> FinnModel:
    """See `fpgacomp.engines.finn.graph.build_finn`."""
    from fpgacomp.engines.finn import graph as finn_graph

    return finn_graph.build_finn(design)


def execute_finn(model: FinnModel, inputs: Mapping[str, Any]) -> dict[str, IntArray]:
    """See `fpgacomp.engines.finn.execute.execute_finn`."""
    from fpgacomp.engines.finn import execute as finn_execute

    return finn_execute.execute_finn(model, inputs)
