"""From samples to integer types: post-training quantization, and quantizers for raw inputs."""

from __future__ import annotations

from fpgacomp.frontend.calibrate.input_quant import quantize_input, unquantized_inputs
from fpgacomp.frontend.calibrate.options import PtqOptions
from fpgacomp.frontend.calibrate.quantize import complete_quantization, quantize_post_training

__all__ = [
    "PtqOptions",
    "complete_quantization",
    "quantize_input",
    "quantize_post_training",
    "unquantized_inputs",
]
