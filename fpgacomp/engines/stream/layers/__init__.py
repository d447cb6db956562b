"""How each layer of the integer graph is streamed, one file per kind of layer.

A new layer is a file here and a line below; `rules.py` says what it must state.
"""

from __future__ import annotations

from typing import assert_never

from fpgacomp.engines.stream.layers.activation import RequantizeRules, TableRules
from fpgacomp.engines.stream.layers.add import AddRules
from fpgacomp.engines.stream.layers.arg_max import ArgMaxRules
from fpgacomp.engines.stream.layers.concat import ConcatRules
from fpgacomp.engines.stream.layers.convolution import ConvRules
from fpgacomp.engines.stream.layers.dense import DenseRules
from fpgacomp.engines.stream.layers.depthwise import DepthwiseRules
from fpgacomp.engines.stream.layers.input import InputRules
from fpgacomp.engines.stream.layers.max_pool import MaxPoolRules
from fpgacomp.engines.stream.layers.reshape import ReshapeRules
from fpgacomp.engines.stream.layers.rules import LayerRules
from fpgacomp.engines.stream.layers.sum_pool import SumPoolRules
from fpgacomp.engines.stream.layers.upsample import UpsampleRules
from fpgacomp.ir.layers import (
    Add,
    ArgMax,
    Concat,
    Conv,
    Dense,
    Input,
    Layer,
    Lookup,
    MaxPool,
    Requantize,
    Reshape,
    SumPool,
    Thresholds,
    Upsample,
)

__all__ = ["LayerRules", "rules_of"]


def rules_of(layer: Layer) -> LayerRules:
    """The rules by which a layer is folded and expanded."""
    match layer:
        case Input():
            return InputRules(layer)
        case Reshape():
            return ReshapeRules(layer)
        case Dense():
            return DenseRules(layer)
        case Conv() if layer.depthwise:
            return DepthwiseRules(layer)
        case Conv():
            return ConvRules(layer)
        case MaxPool():
            return MaxPoolRules(layer)
        case SumPool():
            return SumPoolRules(layer)
        case Add():
            return AddRules(layer)
        case Concat():
            return ConcatRules(layer)
        case Upsample():
            return UpsampleRules(layer)
        case Requantize():
            return RequantizeRules(layer)
        case Thresholds() | Lookup():
            return TableRules(layer)
        case ArgMax():
            return ArgMaxRules(layer)
        case _:
            assert_never(layer)
