"""Quantization of float networks: after training, during training, with bits chosen per layer.

The functions below work on torch networks, with Brevitas:

    options               what a user asks for; shared by torch/ and keras/
    torch/sites           which tensors are quantized, and which of them share a scale
    torch/ranges          the quantizer steps with the least squared error
    torch/levels          the integers that a quantizer of so many bits has
    torch/quantizers      Brevitas layers and quantizers with learned scales
    torch/transform       float network -> network of Brevitas layers
    torch/aware           quantization-aware training
    torch/post_training   calibration, equalization, GPTQ, bias correction
    torch/merge           BatchNormalization merged into the layer before it
    torch/mixed           bits chosen per layer: operations and spending (what bits cost),
                          sensitivity (what they lose), assign (an integer linear program),
                          candidates (what was trained, and keeps to the budget)
    torch/export          network of Brevitas layers -> QONNX

Keras models are quantized with QKeras; `keras.aware.quantize_keras` is the entrance:

    keras/sites           which tensors are quantized, and which of them share a scale
    keras/steps           the quantizer steps with the least squared error
    keras/quantizers      QKeras quantizers
    keras/convert         float model -> model of QKeras layers
    keras/train           the training loop
    keras/aware           quantization-aware training

PyTorch, Brevitas, TensorFlow and QKeras are imported when a function is first called.

What Brevitas 0.13.4 does not do by itself, and how it is dealt with here:

- Its export writes every 1-bit quantizer as -1 and 1. `torch/export` goes through
  `host.brevitas_qonnx`, which writes unsigned ones as 0 and 1.
- Loading a state builds its quantizers anew, which cuts an optimizer off from their scales, and
  one quantizer from another that shares its scale. `torch/quantizers` keeps them.
- It compares biases that are corrected after GPTQ with the weights that GPTQ made, unless the
  original weights are kept. `torch/post_training` keeps them until the biases are corrected.
- Its equalization knows no Flatten, Reshape, Add or Concat in the form of modules. Layers on the
  two sides of one are not equalized with each other.
- Its equalization of activations leaves multiplications between the layers. It is not offered.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any

from fpgacomp.compress.outcome import TechniqueOutcome
from fpgacomp.compress.quantize.options import (
    REPAIR_STEPS,
    MixedOptions,
    QuantizeOptions,
    RepairStep,
)
from fpgacomp.compress.recipe import Recipe, TrainingObserver, silent
from fpgacomp.compress.types import CostFunction, TorchNetwork
from fpgacomp.data.labelled import LabelledData
from fpgacomp.errors import ToolError
from fpgacomp.host.toolchain import INSTALL_BREVITAS as INSTALL

if TYPE_CHECKING:
    import onnx

    from fpgacomp.compress.losses import Loss

__all__ = [
    "MixedOptions",
    "QuantizeOptions",
    "quantize_aware",
    "quantize_mixed",
    "quantize_post_training",
    "to_qonnx",
]


def quantize_aware(
    network: TorchNetwork,
    data: LabelledData,
    options: QuantizeOptions,
    recipe: Recipe,
    *,
    loss: Loss | None = None,
    observer: TrainingObserver = silent,
) -> TechniqueOutcome:
    """Quantize a float network and train it with its quantizers in place.

    See `torch.aware.quantize_aware` for the method and its sources.

    Args:
        network: the trained float network; it is not changed.
        data: weights and scales are fitted to the training split.
        options: bits and scales.
        recipe: how the quantized network is trained.
        loss: (network, x, y) -> mean loss of a batch; None takes the recipe's, or
            that of the task.
        observer: is told every epoch.

    Returns:
        The network of Brevitas layers. Its details hold weight_bits and activation_bits by layer,
        weights (how many there are), weight_storage_bits and other_parameter_bits.

    Raises:
        ToolError: Brevitas or torch is not installed.
        UnsupportedLayer: layers have no quantized form; all of them are named.
        UsageError: the options name layers that are not there.
        TrainingError: the loss is not a number.
    """
    keywords = {} if loss is None else {"loss": loss}
    outcome: TechniqueOutcome = _function("aware", "quantize_aware")(
        network, data, options, recipe, observer=observer, **keywords
    )
    return outcome


def quantize_mixed(
    network: TorchNetwork,
    data: LabelledData,
    options: MixedOptions,
    recipe: Recipe,
    *,
    cost: CostFunction | None = None,
    loss: Loss | None = None,
    observer: TrainingObserver = silent,
) -> TechniqueOutcome:
    """Choose the bits of every layer and of the input under a budget, then train with them.

    See `torch.mixed.quantize_mixed` for the method and its sources.

    Args:
        network: the trained float network; it is not changed.
        data: weights and scales are fitted to the training split.
        options: the budget, its measure, and the bits to choose from.
        recipe: how the quantized network is trained.
        cost: estimates a quantized network, where the measure is one of its figures, e.g. "lut".
        loss: (network, x, y) -> mean loss of a batch; None takes the recipe's, or
            that of the task.
        observer: is told every epoch.

    Returns:
        The network of Brevitas layers, which keeps to the budget as trained. Its details are those
        of `quantize_aware` and measure, budget, used, input_bits, weight_sensitivity,
        activation_sensitivity, input_sensitivity, candidates (what every network that was trained
        costs and scores) and cost_calls.

    Raises:
        ToolError: Brevitas or torch is not installed.
        UnsupportedLayer: layers have no quantized form; all of them are named.
        UsageError: no choice of bits keeps to the budget, or the cost function has no such figure.
        DoesNotFit: no network keeps to the budget once it is trained.
        TrainingError: the loss is not a number.
    """
    keywords = {} if loss is None else {"loss": loss}
    outcome: TechniqueOutcome = _function("mixed", "quantize_mixed")(
        network, data, options, recipe, cost=cost, observer=observer, **keywords
    )
    return outcome


def quantize_post_training(
    network: TorchNetwork,
    data: LabelledData,
    options: QuantizeOptions,
    steps: Sequence[RepairStep] = REPAIR_STEPS,
) -> TechniqueOutcome:
    """Quantize a float network without training, and repair what rounding does to it.

    See `torch.post_training.quantize_post_training` for what each step does.

    Args:
        network: the trained float network; it is not changed.
        data: scales and repairs are fitted to the training split.
        options: bits and scales.
        steps: the repairs to make; they are always made in the order of the default.

    Returns:
        The network of Brevitas layers. Its details are those of `quantize_aware`, and steps.

    Raises:
        ToolError: Brevitas or torch is not installed.
        UnsupportedLayer: layers have no quantized form; all of them are named.
        UsageError: a step is unknown, or the options name layers that are not there.
    """
    outcome: TechniqueOutcome = _function("post_training", "quantize_post_training")(
        network, data, options, steps
    )
    return outcome


def to_qonnx(network: TorchNetwork) -> onnx.ModelProto:
    """Export a network of Brevitas layers as QONNX, for one sample at a time.

    Args:
        network: as the three functions above return it. The same network gives the same bytes.

    Raises:
        ToolError: Brevitas or torch is not installed.
        ModelError: Brevitas cannot export the network.
    """
    model: onnx.ModelProto = _function("export", "to_qonnx")(network)
    return model


def _function(module: str, name: str) -> Callable[..., Any]:
    """Import a function of torch/; its packages may be missing, and are slow to import."""
    try:
        with warnings.catch_warnings():
            # Brevitas warns of faster kernels that are not installed.
            warnings.simplefilter("ignore")
            found: Callable[..., Any] = getattr(import_module(f"{__name__}.torch.{module}"), name)
            return found
    except ImportError as missing:
        raise ToolError(
            "Brevitas",
            f"networks are quantized with Brevitas and torch ({missing}).",
            INSTALL,
        ) from missing
