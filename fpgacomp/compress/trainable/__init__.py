"""Float ONNX files and torch modules to and from the canonical torch network.

modules         Add, Concat, Reshape, Permute, Scale
read_onnx       ONNX -> network: float_graph folds constants, read_* hold the rules per operator
read_module     any torch module -> network
write_onnx      network -> ONNX: write_layers holds the rules per class
layers          weight layers, input shape, example input
"""

from __future__ import annotations

from fpgacomp.compress.constraints import constraints_of
from fpgacomp.compress.trainable.layers import example_input, input_shape, weight_layers
from fpgacomp.compress.trainable.modules import (
    AddTensors,
    ConcatTensors,
    PermuteTensor,
    ReshapeTensor,
    ScaleTensor,
)
from fpgacomp.compress.trainable.read_module import from_module
from fpgacomp.compress.trainable.read_onnx import from_onnx
from fpgacomp.compress.trainable.write_onnx import to_onnx

__all__ = [
    "AddTensors",
    "ConcatTensors",
    "PermuteTensor",
    "ReshapeTensor",
    "ScaleTensor",
    "constraints_of",
    "example_input",
    "from_module",
    "from_onnx",
    "input_shape",
    "to_onnx",
    "weight_layers",
]
