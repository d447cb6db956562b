"""Integer graph and folding to a streaming design.

ir.expand       design -> dataflow of streaming operators
stream_rules    operator -> call of the operator library in hls_templates/stream
stream_tables   weights, thresholds and tables in the library's layout
stream_emit     all of it as an HLS C++ project, with testbench, vectors and build script
"""

from __future__ import annotations

from fpgacomp.backends.finn.stream_emit import emit_stream

__all__ = ["emit_stream"]
