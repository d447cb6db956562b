"""Float ONNX files and torch modules, to and from torch networks of known modules.

Every technique works on such a network: a `torch.fx.GraphModule` whose graph calls modules and
nothing else, each of a class that has a rule for ONNX. It is called canonical below.

    modules         AddTensors, ConcatTensors, ReshapeTensor, PermuteTensor, ScaleTensor: what
                    torch has functions for, but no modules
    layers          finds the dense and convolution layers, and the shape of the input
    names           names of layers that a user recognises
    read_onnx       ONNX -> network: float_graph folds constants, gates recognises SiLU, GELU
                    and HardSwish, reader and read_* hold the rules per operator
    read_module     any torch module -> network; functions holds the rules per function
    write_onnx      network -> ONNX; writer and write_layers hold the rules per class
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
