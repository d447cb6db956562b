"""Quantization-aware training: quantizers are inserted, then weights and scales are trained."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import fx, nn

from fpgacomp.compress.losses import Loss
from fpgacomp.compress.outcome import TechniqueOutcome
from fpgacomp.compress.quantize.options import BitWidth, QuantizeOptions, whole_bits
from fpgacomp.compress.quantize.torch.transform import QuantizedNetwork, quantize
from fpgacomp.compress.recipe import Recipe, TrainingObserver, silent
from fpgacomp.compress.trainable import weight_layers
from fpgacomp.compress.training import train
from fpgacomp.data.labelled import LabelledData

FLOAT_BITS = 32  # of a bias or a normalization's parameters, which stay float


def quantize_aware(
    network: fx.GraphModule,
    data: LabelledData,
    options: QuantizeOptions,
    recipe: Recipe,
    *,
    loss: Loss | None = None,
    observer: TrainingObserver = silent,
) -> TechniqueOutcome:
    """Quantize a float network and train it with its quantizers in place.

    Rounding passes gradients on as they are (straight-through, Bengio et al., 2013). The scales
    are learned with the weights (Esser et al., Learned Step Size Quantization, 2020; Jain et al.,
    Trained Quantization Thresholds, 2020). They start where the squared error is least.

    Args:
        network: a trained float network of known modules; it is not changed.
        data: weights and scales are fitted to the training split.
        options: bits and scales.
        recipe: how the quantized network is trained.
        loss: (network, x, y) -> mean loss of a batch; None takes the recipe's, or that of the
            task. With a distillation loss the network learns from a teacher.
        observer: is told every epoch.

    Returns:
        The network of Brevitas layers. Its details hold weight_bits and activation_bits by layer,
        weights (how many there are), weight_storage_bits and other_parameter_bits.

    Raises:
        UnsupportedLayer: layers have no quantized form; all of them are named.
        UsageError: the options name layers that are not there.
        TrainingError: the loss is not a number.
    """
    quantized = quantize(network, data, options)
    history = train(
        quantized.network, data, recipe,
        loss=loss, decided_by=[options, loss], observer=observer, what="quantized network",
    )  # fmt: skip
    notes = options.notes_on(quantized.weights)
    return TechniqueOutcome(quantized.network, history, notes, describe(quantized))


def describe(quantized: QuantizedNetwork) -> dict[str, Any]:
    """Tell the bits by layer, and the sizes that follow from them, as plain values."""
    layers = weight_layers(quantized.network)
    counts = {name: layer.weight.numel() for name, layer in layers.items()}
    return {
        "weight_bits": dict(quantized.weights),
        "activation_bits": dict(quantized.activations),
        "weights": sum(counts.values()),
        "weight_storage_bits": storage_bits(counts, quantized.weights),
        "other_parameter_bits": FLOAT_BITS * _others(quantized.network),
    }


def storage_bits(counts: Mapping[str, int], bits: Mapping[str, BitWidth]) -> int:
    """Bits that all weights take together.

    Args:
        counts: number of weights by layer.
        bits: bits of a weight by layer.
    """
    return sum(count * whole_bits(bits[name]) for name, count in counts.items())


def _others(network: nn.Module) -> int:
    """Number of biases and of parameters of normalizations; scales are not counted."""
    wanted = (nn.BatchNorm1d, nn.BatchNorm2d)
    norms = [m for m in network.modules() if isinstance(m, wanted)]
    biases = [m.bias for m in weight_layers(network).values() if m.bias is not None]
    return int(sum(4 * norm.num_features for norm in norms) + sum(b.numel() for b in biases))
