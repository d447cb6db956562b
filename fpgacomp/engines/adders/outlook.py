"""What an unrolled design comes to at least, without sharing one addition."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from fpgacomp.devices.device import Device
from fpgacomp.engines.adders.unroll import Wires, hulls, unrolled_with
from fpgacomp.engines.engine import Outlook
from fpgacomp.engines.shared.circuit import solve
from fpgacomp.engines.shared.circuit.bound import least_luts
from fpgacomp.engines.shared.circuit.build import Builder
from fpgacomp.engines.shared.circuit.cost import luts
from fpgacomp.engines.shared.digits import signed_digits
from fpgacomp.ir.graph import Graph
from fpgacomp.ir.layers import Conv, Dense
from fpgacomp.ir.types import IntArray

# Signed digits of all matrices that are shared unasked. Some 8,000 took up to 15 seconds on two
# cores (the jet network of the zoo), once: what is found is kept.
MOST_UNASKED = 10_000


def outlook(graph: Graph, device: Device) -> Outlook:
    """What is known of the design of a graph on a device."""
    each = _digits(graph)
    digits, largest = sum(each), max(each, default=0)
    why = refused = ""
    if largest > solve.MOST_DIGITS:
        refused = (
            f"a matrix of {largest:,} signed digits is too large to share the additions of (up to "
            f"{solve.MOST_DIGITS:,} are tried)"
        )
    if digits > MOST_UNASKED:
        why = (
            f"sharing the additions of {digits:,} signed digits may take minutes, and up to "
            f"{MOST_UNASKED:,} are shared unasked"
        )
    missing = "" if solve.installed() else solve.INSTALL
    return Outlook(least_circuit_luts(graph, device), why, missing, refused)


def shared_digits(graph: Graph) -> int:
    """Signed digits of all matrices."""
    return sum(_digits(graph))


def _digits(graph: Graph) -> list[int]:
    """Signed digits of each matrix."""
    return [
        int(signed_digits(layer.weight.array).sum())
        for layer in graph.layers
        if isinstance(layer, Dense | Conv)
    ]


@lru_cache(maxsize=64)
def least_circuit_luts(graph: Graph, device: Device) -> float:
    """LUTs that the circuit of a graph takes at least, without its ports.

    What is no matrix is counted as it is made; a matrix by `least_luts`, once for each row of
    wires that it is multiplied with.
    """
    matrices: list[float] = []

    def multiply(weight: IntArray, rows: Wires, builder: Builder) -> Wires:
        hull = hulls(rows, builder)
        varying = [index for index, (lo, hi) in enumerate(hull) if lo < hi]
        distinct, place = np.unique(rows, axis=0, return_inverse=True)
        if varying:
            spans = [hull[index] for index in varying]
            each = least_luts(weight[varying], spans, ternary=device.ternary_adders)
            matrices.append(each * len(distinct))
        made = [_unknown(weight, row, builder) for row in distinct]
        return np.array(made)[place.reshape(-1)]

    circuit = unrolled_with(graph, multiply)
    return sum(matrices) + sum(luts(circuit, device.lut_inputs))


def _unknown(weight: IntArray, row: Wires, builder: Builder) -> list[int]:
    """A wire for each sum of a row, with the range that follows from those of its wires."""
    spans = np.array([builder.ranges[wire] for wire in row.tolist()], dtype=np.int64)
    lo, hi = spans[:, :1], spans[:, 1:]
    least = np.where(weight > 0, lo, hi)
    most = lo + hi - least
    ends = zip((weight * least).sum(axis=0).tolist(), (weight * most).sum(axis=0).tolist())
    return [builder.unknown(span) for span in ends]
