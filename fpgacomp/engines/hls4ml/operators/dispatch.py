"""From a layer of the integer graph to what this engine knows of its kind."""

from __future__ import annotations

from typing import assert_never

from fpgacomp.engines.hls4ml.operators.add import AddOperator
from fpgacomp.engines.hls4ml.operators.argmax import ArgMaxOperator
from fpgacomp.engines.hls4ml.operators.base import Operator
from fpgacomp.engines.hls4ml.operators.concat import ConcatOperator
from fpgacomp.engines.hls4ml.operators.conv import ConvOperator
from fpgacomp.engines.hls4ml.operators.dense import DenseOperator
from fpgacomp.engines.hls4ml.operators.input import InputOperator
from fpgacomp.engines.hls4ml.operators.lookup import LookupOperator
from fpgacomp.engines.hls4ml.operators.pool import MaxPoolOperator, SumPoolOperator
from fpgacomp.engines.hls4ml.operators.requantize import RequantizeOperator
from fpgacomp.engines.hls4ml.operators.reshape import ReshapeOperator
from fpgacomp.engines.hls4ml.operators.thresholds import ThresholdsOperator
from fpgacomp.engines.hls4ml.operators.upsample import UpsampleOperator
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


def operator_of(layer: Layer) -> Operator[Layer]:
    """The operator of a layer; mypy names a layer class that is missing here."""
    match layer:
        case Input():
            return InputOperator(layer)
        case Dense():
            return DenseOperator(layer)
        case Conv():
            return ConvOperator(layer)
        case MaxPool():
            return MaxPoolOperator(layer)
        case SumPool():
            return SumPoolOperator(layer)
        case Add():
            return AddOperator(layer)
        case Concat():
            return ConcatOperator(layer)
        case Reshape():
            return ReshapeOperator(layer)
        case Upsample():
            return UpsampleOperator(layer)
        case Requantize():
            return RequantizeOperator(layer)
        case Thresholds():
            return ThresholdsOperator(layer)
        case Lookup():
            return LookupOperator(layer)
        case ArgMax():
            return ArgMaxOperator(layer)
        case _:
            assert_never(layer)
