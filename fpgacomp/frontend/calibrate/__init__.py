"""From data to integers: post-training quantization, input quantizers, and loading the data."""

from __future__ import annotations

from fpgacomp.frontend.calibrate.data import check_inputs, input_shapes, load_inputs
from fpgacomp.frontend.calibrate.input_quant import quantize_input, unquantized_inputs
from fpgacomp.frontend.calibrate.options import PtqOptions
from fpgacomp.frontend.calibrate.quantize import quantize_post_training

__all__ = [
    "PtqOptions",
    "check_inputs",
    "input_shapes",
    "load_inputs",
    "quantize_input",
    "quantize_post_training",
    "unquantized_inputs",
]
