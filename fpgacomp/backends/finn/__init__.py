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

from fpgacomp.backends.finn.finn_execute import execute_finn
from fpgacomp.backends.finn.finn_graph import build_finn
from fpgacomp.backends.finn.finn_project import emit_finn
from fpgacomp.backends.finn.finn_runtime import INSTALL, finn_version
from fpgacomp.backends.finn.stream_emit import emit_stream

__all__ = ["INSTALL", "build_finn", "emit_finn", "emit_stream", "execute_finn", "finn_version"]
