"""Whether hls4ml and Vitis HLS build a whole design as it is asked for."""

from __future__ import annotations

from fpgacomp.engines.hls4ml.design import Hls4mlDesign
from fpgacomp.engines.hls4ml.operators.dispatch import operator_of
from fpgacomp.errors import FpgacompError, UnsupportedLayer


def problems(design: Hls4mlDesign) -> list[FpgacompError]:
    """Every layer of the design that hls4ml or Vitis would refuse or change."""
    found: list[FpgacompError] = []
    for layer in design.graph.layers:
        folding = design.folding.get(layer.name)
        if folding is None:
            found.append(UnsupportedLayer(layer.name, "it has no folding.",
                                          "give every layer of the graph one."))  # fmt: skip
            continue
        complaints = operator_of(layer).problems(folding, design.io_type)
        found += [UnsupportedLayer(layer.name, why, fix) for why, fix in complaints]
    return found
