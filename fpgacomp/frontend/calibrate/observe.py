"""Finds out what values a network's tensors take on calibration data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from fpgacomp.errors import InputDataError
from fpgacomp.frontend.calibrate.run import CHUNK, Runner
from fpgacomp.ir.types import AnyArray, NamedArrays
from fpgacomp.network.editable import EditableGraph

KEPT = 1 << 17  # values kept of a tensor, for percentiles and squared errors


@dataclass(frozen=True)
class TensorStatistics:
    """What is kept of a tensor's values: the extremes of all, and values drawn evenly from them.

    Args:
        lo: lowest value over all samples.
        hi: highest value over all samples.
        samples: values drawn evenly, flat.
    """

    lo: float
    hi: float
    samples: AnyArray

    @staticmethod
    def together(parts: Sequence[TensorStatistics]) -> TensorStatistics:
        """Return the statistics of several tensors as those of one."""
        samples = np.concatenate([part.samples for part in parts])
        return TensorStatistics(min(p.lo for p in parts), max(p.hi for p in parts), samples)


def observe(
    graph: EditableGraph, tensors: Sequence[str], feeds: NamedArrays
) -> dict[str, TensorStatistics]:
    """Run the float network on all samples and return the statistics of these tensors.

    Raises:
        ModelError: ONNX Runtime does not accept the network.
        InputDataError: the float network itself overflows on this data.
    """
    random = np.random.default_rng(0)
    given = {t: _look(feeds[t], KEPT, random) for t in tensors if t in graph.inputs}
    inner = [t for t in tensors if t not in given]
    if not inner:
        return given
    count = len(next(iter(feeds.values())))
    share = -(-KEPT // -(-count // CHUNK))
    parts: dict[str, list[TensorStatistics]] = {t: [] for t in inner}
    for chunk in Runner(graph, inner).chunks(feeds):
        for tensor, values in chunk.items():
            if not np.isfinite(values).all():
                raise InputDataError(
                    "calibration data",
                    f"the float network answers NaN or infinity at tensor {tensor}.",
                    "scale the data as the network was trained on it.",
                )
            parts[tensor].append(_look(values, share, random))
    return given | {t: TensorStatistics.together(parts[t]) for t in inner}


def _look(values: AnyArray, keep: int, random: np.random.Generator) -> TensorStatistics:
    flat = values.ravel()
    samples = flat if flat.size <= keep else flat[random.integers(0, flat.size, keep)]
    return TensorStatistics(float(flat.min()), float(flat.max()), samples)
