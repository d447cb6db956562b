"""Runs a FINN graph in FINN's own Python execution, as integers of the graph's tensors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from fpgacomp.engines.finn.graph import FinnModel
from fpgacomp.engines.finn.runtime import finn_session
from fpgacomp.engines.finn.types import whole
from fpgacomp.errors import UnsupportedLayer, raise_all
from fpgacomp.ir.graph import Graph
from fpgacomp.ir.layers import Layer, Reshape
from fpgacomp.ir.types import IntArray

# FINN computes in float32, which holds every integer below.
_EXACT_BELOW = 1 << 24


def execute_finn(finn: FinnModel, inputs: Mapping[str, npt.NDArray[Any]]) -> dict[str, IntArray]:
    """Every tensor of the graph, as FINN computes it.

    Args:
        finn: what `build_finn` made.
        inputs: input tensor name -> integers [N, *shape].

    Returns:
        Tensor name -> int64 [N, *shape].

    Raises:
        UnsupportedLayer, Problems: sums too large for FINN's float32 execution.
    """
    raise_all([_inexact(layer) for layer in finn.graph.layers if not _exact(layer)])
    count = len(next(iter(inputs.values())))
    frames = [
        _frame(finn, {name: values[index] for name, values in inputs.items()})
        for index in range(count)
    ]
    return {name: np.stack([frame[name] for frame in frames]) for name in frames[0]}


def _exact(layer: Layer) -> bool:
    return layer.output.type.magnitude < _EXACT_BELOW


def _inexact(layer: Layer) -> UnsupportedLayer:
    return UnsupportedLayer(
        layer.name,
        f"its integers reach {layer.output.type.magnitude}, and FINN's Python execution is "
        "exact below 2**24 only.",
        "rely on the C-simulation here.",
    )


def _frame(finn: FinnModel, inputs: Mapping[str, npt.NDArray[Any]]) -> dict[str, IntArray]:
    with finn_session():
        from finn.core.onnx_exec import execute_onnx

        model = finn.model
        context = {
            finn.tensors[name].tensor: values.astype(np.float32).reshape(
                model.get_tensor_shape(finn.tensors[name].tensor)
            )
            for name, values in inputs.items()
        }
        found = execute_onnx(model, context, return_full_exec_context=True)
    values: dict[str, IntArray] = {
        name: coding.decode(whole(found[coding.tensor], name))
        for name, coding in finn.tensors.items()
    }
    return _with_reshapes(finn.graph, values)


def _with_reshapes(graph: Graph, values: dict[str, IntArray]) -> dict[str, IntArray]:
    for layer in graph.layers:
        if isinstance(layer, Reshape):
            values[layer.output.name] = values[layer.input.name].reshape(layer.output.shape)
    return values
