"""Latency and resources before synthesis: `estimate_hls4ml`, `estimate_stream`."""

from fpgacomp.estimate.hls4ml import estimate_hls4ml
from fpgacomp.estimate.stream import estimate_stream

__all__ = ["estimate_hls4ml", "estimate_stream"]
