"""Latency and resources before synthesis: `estimate_hls4ml`."""

from fpgacomp.estimate.hls4ml import estimate_hls4ml

__all__ = ["estimate_hls4ml"]
