"""Integer graph and folding to a streaming design, in our own HLS C++ and in FINN's operators.

ir.expand       design -> dataflow of streaming operators
stream_rules    operator -> call of the operator library in hls_templates/stream
stream_tables   weights, thresholds and tables in the library's layout
stream_emit     all of it as an HLS C++ project, with testbench, vectors and build script
finn_graph      dataflow -> FINN's hardware operators (needs FINN, imported when called)
finn_execute    FINN's own execution of them, as integers of our tensors
finn_project    FINN's files: hardware model, folding, generated code, build script
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from fpgacomp.backends.finn.finn_runtime import INSTALL, finn_version
from fpgacomp.ir.design import StreamDesign
from fpgacomp.ir.project import Project
from fpgacomp.ir.types import IntArray

if TYPE_CHECKING:
    from fpgacomp.backends.finn.finn_graph import FinnModel

__all__ = ["INSTALL", "build_finn", "emit_finn", "emit_stream", "execute_finn", "finn_version"]

# Each part is imported when it is called: an estimate needs none of them.


def emit_stream(design: StreamDesign, vectors: Mapping[str, IntArray]) -> Project:
    """See `fpgacomp.backends.finn.stream_emit.emit_stream`."""
    from fpgacomp.backends.finn import stream_emit

    return stream_emit.emit_stream(design, vectors)


def emit_finn(design: StreamDesign) -> Project:
    """See `fpgacomp.backends.finn.finn_project.emit_finn`."""
    from fpgacomp.backends.finn import finn_project

    return finn_project.emit_finn(design)


def build_finn(design: StreamDesign) -> FinnModel:
    """See `fpgacomp.backends.finn.finn_graph.build_finn`."""
    from fpgacomp.backends.finn import finn_graph

    return finn_graph.build_finn(design)


def execute_finn(model: FinnModel, inputs: Mapping[str, Any]) -> dict[str, IntArray]:
    """See `fpgacomp.backends.finn.finn_execute.execute_finn`."""
    from fpgacomp.backends.finn import finn_execute

    return finn_execute.execute_finn(model, inputs)
