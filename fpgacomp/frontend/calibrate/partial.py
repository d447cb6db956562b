"""Which parts of a partly quantized network calibration leaves as they are."""

from __future__ import annotations

import numpy as np

from fpgacomp.frontend.calibrate.placement import AVERAGES, TRANSPARENT, Placement
from fpgacomp.ir.types import AnyArray
from fpgacomp.network.editable import EditableGraph, Node
from fpgacomp.network.operators import PRODUCTS, QUANTIZERS

# Operators whose result is integers times a scale plus an offset where their input is.
_AFFINE = (*TRANSPARENT, *AVERAGES, "Resize", "Add", "Mul", "Div", "BatchNormalization")
_GRID_EXPONENTS = range(17)
_GRID_BITS = 15


def has_quantizers(graph: EditableGraph) -> bool:
    """Return whether the network is quantized in part or as a whole."""
    return any(node.op in QUANTIZERS for node in graph.nodes)


def open_sites(graph: EditableGraph, placement: Placement) -> Placement:
    """Return the placement without the tensors that are integers already, by its own quantizers."""
    settled = _integer_tensors(graph)
    sites = tuple(site for site in placement.sites if site.tensor not in settled)
    left = {site.tensor for site in sites}
    groups = (tuple(name for name in group if name in left) for group in placement.groups)
    return Placement(sites, tuple(group for group in groups if group))


def is_on_grid(weight: AnyArray) -> bool:
    """Return whether weights are integers of at most 16 bits times one power of two.

    They are then quantized although no quantizer says so, as in the files of many exporters.
    """
    for exponent in _GRID_EXPONENTS:
        scaled = weight.astype(np.float64) * 2.0**exponent
        if np.array_equal(scaled, np.round(scaled)):
            return bool(np.abs(scaled).max(initial=0.0) < 1 << _GRID_BITS)
    return False


def quantized_now(graph: EditableGraph, before: EditableGraph, node: Node) -> bool:
    """Return whether calibration gave this product a quantizer for its input or its weight."""
    was = next(other for other in before.nodes if other.output == node.output)
    return node.inputs[:2] != was.inputs[:2]


def _integer_tensors(graph: EditableGraph) -> set[str]:
    """Return the tensors that lowering carries as integers, if their readers are products."""
    found: set[str] = set()
    plain: set[str] = set()  # of these, the ones that are moved or picked, not computed with
    for node in graph.nodes:
        data = [name for name in node.inputs if name and name not in graph.constants]
        if node.op in QUANTIZERS:
            found.update(node.outputs)
            plain.update(node.outputs)
        elif node.domain or node.op in PRODUCTS or not data:
            continue
        elif node.op in TRANSPARENT and all(name in plain for name in data):
            found.update(node.outputs)
            plain.update(node.outputs)
        else:
            computed = node.op in _AFFINE and all(name in found for name in data)
            if computed or (node.op == "Relu" and data[0] in plain):
                found.update(node.outputs)
    return found
