"""Rewrite: a Resize that repeats every pixel a whole number of times gets one spelling."""

from __future__ import annotations

from collections.abc import Callable
from math import ceil, floor

import numpy as np

from fpgacomp.network.editable import EditableGraph, Node

# Attributes of the one spelling: only a Resize with these repeats every pixel.
REPEATS: dict[str, object] = {
    "mode": "nearest",
    "coordinate_transformation_mode": "asymmetric",
    "nearest_mode": "floor",
}

_ROUNDING: dict[str, Callable[[float], int]] = {
    "round_prefer_floor": lambda x: ceil(x - 0.5),
    "round_prefer_ceil": lambda x: floor(x + 0.5),
    "floor": floor,
    "ceil": ceil,
}


def nearest_resize(graph: EditableGraph) -> None:
    """Write Resize(x, "", scales) with asymmetric coordinates and floor, where that is the same."""
    for node in graph.find("Resize"):
        factors = _factors(graph, node)
        if factors is None:
            continue
        scales = graph.add_constant(f"{node.name}_scales", np.asarray(factors, np.float32))
        inputs = [node.inputs[0], "", scales]
        name, origin = node.name, node.origin
        graph.replace(node, Node("Resize", inputs, node.outputs, name, "", dict(REPEATS), origin))


def _factors(graph: EditableGraph, node: Node) -> list[int] | None:
    """Return repetitions along every axis, or None where output i is not input i // factor."""
    before, after = graph.shape(node.inputs[0]), graph.shape(node.output)
    if node.attributes.get("mode", "nearest") != "nearest":
        return None
    if any(big % small for big, small in zip(after, before)):
        return None
    factors = [big // small for big, small in zip(after, before)]
    mode = node.attributes.get("coordinate_transformation_mode", "half_pixel")
    rounding = _ROUNDING.get(node.attributes.get("nearest_mode", "round_prefer_floor"))
    if rounding is None:
        return None
    for size, factor in zip(before, factors):
        for i in range(size * factor):
            place = _coordinate(i, size, factor, mode)
            if place is None or min(max(rounding(place), 0), size - 1) != i // factor:
                return None
    return factors


def _coordinate(i: int, size: int, factor: int, mode: str) -> float | None:
    """Return the input coordinate, by ONNX's attribute coordinate_transformation_mode."""
    total = size * factor
    match mode:
        case "asymmetric":
            return i / factor
        case "half_pixel" | "half_pixel_symmetric":
            return (i + 0.5) / factor - 0.5
        case "pytorch_half_pixel":
            return (i + 0.5) / factor - 0.5 if total > 1 else 0.0
        case "align_corners":
            return i * (size - 1) / (total - 1) if total > 1 else 0.0
        case "tf_half_pixel_for_nn":
            return (i + 0.5) / factor
    return None
