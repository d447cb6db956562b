"""Converts layers that hold another layer: TimeDistributed; and takes off tfmot's pruning."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

import numpy as np

from fpgacomp.frontend.keras.builder import KerasGraphWriter, KerasTensor
from fpgacomp.frontend.keras.normalization import batch_normalization
from fpgacomp.frontend.keras.shaping import reshape, reshaped

Convert = Callable[[KerasGraphWriter, KerasTensor, Any], KerasTensor]

_POINTWISE = frozenset(
    (
        *("Dense", "QDense", "QDenseBatchnorm", "Activation", "QActivation", "ReLU", "LeakyReLU"),
        *("PReLU", "ELU", "ThresholdedReLU", "Rescaling", "Dropout", "SpatialDropout1D"),
        *("SpatialDropout2D", "GaussianNoise", "GaussianDropout", "AlphaDropout"),
        "ActivityRegularization",
    )
)
"""Layers that treat every position alike, so that an axis of time in front changes nothing."""

_ALONG_ONE_AXIS = frozenset(
    (
        *("Conv1D", "QConv1D", "DepthwiseConv1D", "SeparableConv1D", "QSeparableConv1D"),
        *("MaxPooling1D", "AveragePooling1D"),
    )
)
"""1-D layers: with time in front they are 2-D layers whose window is 1 in time."""


def time_distributed(
    b: KerasGraphWriter, x: KerasTensor, layer: Any, convert: Convert
) -> KerasTensor:
    """Convert TimeDistributed, which runs its layer once for each index of axis 1.

    Args:
        convert: converts the inner layer.

    Raises:
        UnsupportedLayer: an inner layer that does not work on all steps as they lie.
    """
    inner = layer.layer
    kind = type(inner).__name__
    if kind in _POINTWISE or (kind in _ALONG_ONE_AXIS and len(x.shape) == 3):
        return convert(b, x, inner)
    match kind:
        case "BatchNormalization" | "QBatchNormalization":
            return batch_normalization(b, x, inner, axes_in_front=1)
        case "Flatten":
            return reshaped(b, x, (x.shape[0], int(np.prod(x.shape[1:]))))
        case "Reshape":
            return reshape(b, x, inner, axes_in_front=1)
    raise b.refuse(
        f"TimeDistributed runs {kind} once for each of {x.shape[0]} steps.",
        f"compile {kind} and what belongs to it as a network of its own, run it per step.",
    )


def strip_pruning(model: Any) -> Any:
    """Return the model without tfmot's PruneLowMagnitude wrappers, their masks applied.

    A model without such a wrapper is returned as it is. tfmot masks the weights in every
    call, also in inference; `strip_pruning` alone would keep what the last training step
    added behind a mask.
    """
    wrappers = [part for part in _parts(model) if type(part).__name__ == "PruneLowMagnitude"]
    if not wrappers:
        return model
    tfmot = import_module("tensorflow_model_optimization.python.core.sparsity.keras.prune")
    for wrapper in wrappers:
        for weight, mask, _ in wrapper.pruning_vars:
            weight.assign(weight * mask)
    return tfmot.strip_pruning(model)


def _parts(model: Any) -> list[Any]:
    """Return the layers of a model and of the models in it."""
    found: list[Any] = []
    for layer in getattr(model, "layers", ()):
        found += [layer, *_parts(layer)]
    return found
