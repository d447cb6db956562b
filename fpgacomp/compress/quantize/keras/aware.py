"""Quantization-aware training of Keras models, on QKeras."""

from __future__ import annotations

from typing import Any

import numpy as np

from fpgacomp.compress.outcome import TechniqueOutcome
from fpgacomp.compress.quantize.keras.convert import QuantizedKeras, to_qkeras
from fpgacomp.compress.quantize.keras.train import set_threads, train_keras
from fpgacomp.compress.quantize.options import QuantizeOptions, whole_bits
from fpgacomp.compress.recipe import Recipe, TrainingObserver, silent
from fpgacomp.compress.types import KerasModel
from fpgacomp.data.labelled import LabelledData

FLOAT_BITS = 32  # of a bias or a normalization's parameters, which stay float


def quantize_keras(
    model: KerasModel,
    data: LabelledData,
    options: QuantizeOptions,
    recipe: Recipe,
    *,
    observer: TrainingObserver = silent,
) -> TechniqueOutcome:
    """Quantize a float Keras model and train it with its quantizers in place.

    Rounding passes gradients on as they are (straight-through, Bengio et al., 2013). Scales are
    fitted to the float weights and to training samples beforehand and stay fixed, since QKeras
    does not learn them.

    Args:
        model: a trained, built Sequential or functional Keras 2 model; it is not changed.
        data: weights are fitted to the training split.
        options: bits and scales.
        recipe: how the quantized model is trained.
        observer: is told every epoch.

    Returns:
        The QKeras model. Its details hold weight_bits and activation_bits by layer, weights (how
        many there are), weight_storage_bits and other_parameter_bits.

    Raises:
        UnsupportedLayer, ModelError: the model or its layers have no quantized form; all such
            layers are named.
        UsageError: the options name layers that are not there.
        TrainingError: the loss is not a number.
        ToolError: TensorFlow or QKeras is not installed.
    """
    late = set_threads(recipe.threads)
    quantized = to_qkeras(model, data, options)
    history = train_keras(
        quantized.model, data, recipe, observer, decided_by=[options], what="quantized network"
    )
    notes = (*quantized.notes, *options.notes_on(quantized.weights), *([late] if late else []))
    return TechniqueOutcome(quantized.model, history, notes, _describe(quantized))


def _describe(quantized: QuantizedKeras) -> dict[str, Any]:
    """Bits by layer and the sizes that follow, as plain values."""
    layers = {layer.name: layer for layer in quantized.model.layers}
    counts = {name: int(np.prod(layers[name].weights[0].shape)) for name in quantized.weights}
    everything = sum(int(np.prod(w.shape)) for w in quantized.model.weights)
    return {
        "weight_bits": dict(quantized.weights),
        "activation_bits": dict(quantized.activations),
        "weights": sum(counts.values()),
        "weight_storage_bits": sum(
            count * whole_bits(quantized.weights[name]) for name, count in counts.items()
        ),
        "other_parameter_bits": FLOAT_BITS * (everything - sum(counts.values())),
    }
