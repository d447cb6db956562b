"""Whether the top function of a design is a DATAFLOW region or one pipeline."""

from __future__ import annotations

from fpgacomp.engines.hls4ml.design import Hls4mlDesign
from fpgacomp.engines.hls4ml.operators.dispatch import operator_of


def is_dataflow(design: Hls4mlDesign) -> bool:
    """Whether hls4ml's top function has DATAFLOW; it has one PIPELINE over everything if not.

    A PIPELINE unrolls every loop below it, so a layer that shares hardware over time needs
    DATAFLOW, as streams do (hls4ml's pass pipeline_style).
    """
    return design.io_type == "io_stream" or any(
        operator_of(layer).shares_hardware(design.folding[layer.name])
        for layer in design.graph.layers
    )
