"""Whether hls4ml and Vitis HLS build a whole design as it is asked for."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from fpgacomp.engines.engine import IoType
from fpgacomp.engines.hls4ml.design import Hls4mlDesign
from fpgacomp.engines.hls4ml.fold.candidates import obstacles
from fpgacomp.engines.hls4ml.operators.dispatch import operator_of
from fpgacomp.errors import DoesNotFit, FpgacompError, UnsupportedLayer
from fpgacomp.ir.graph import Graph

IO_TYPES: tuple[IoType, ...] = ("io_parallel", "io_stream")
# hls4ml writes weights and traces layers as doubles, which hold integers of 53 bits exactly.
_EXACT_BITS = 53


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


def refusals(graph: Graph) -> tuple[FpgacompError, ...]:
    """Return what keeps hls4ml from building the graph on any board; () where it can."""
    blocked = {io: obstacles(graph, io) for io in IO_TYPES}
    in_any = (
        []
        if not all(blocked.values())
        else [
            DoesNotFit(f"{graph.name} in {io}", why, "use --backend stream, or narrow the layer.")
            for io, reasons in blocked.items()
            for why in reasons
        ]
    )
    return (*in_any, *too_wide(graph))


def too_wide(graph: Graph) -> Iterator[FpgacompError]:
    """Yield every layer with an output or a constant that a double does not hold exactly."""
    for layer in graph.layers:
        if layer.output.type.magnitude.bit_length() > _EXACT_BITS:
            yield UnsupportedLayer(
                layer.name, f"its output {layer.output.type} has more than {_EXACT_BITS} bits.",
                "quantize weights or activations to fewer bits.",
            )  # fmt: skip
        constants = (value for value in vars(layer).values() if hasattr(value, "array"))
        if any(value.array.size and int(np.abs(value.array).max()).bit_length() > _EXACT_BITS
               for value in constants):  # fmt: skip
            yield UnsupportedLayer(
                layer.name, f"one of its constants has more than {_EXACT_BITS} bits.",
                "quantize its scale to fewer bits.",
            )  # fmt: skip
