"""A Keras model as a list of layer calls, and what of it can be quantized."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from fpgacomp.compress.types import KerasLayer, KerasModel, KerasTensor
from fpgacomp.errors import FpgacompError, ModelError, UnsupportedLayer, raise_all
from fpgacomp.host.keras2 import tensorflow

WEIGHTED = ("Dense", "Conv1D", "Conv2D", "DepthwiseConv2D")
POOLS = (
    "AveragePooling1D", "AveragePooling2D", "GlobalAveragePooling1D", "GlobalAveragePooling2D",
)  # fmt: skip
MERGES = ("Add", "Concatenate")
# Layers whose inputs have to be integers.
NEEDY = (*WEIGHTED, *POOLS, *MERGES)
# Layers that move or drop values: integers of one scale stay integers of the same scale.
PASSING = (
    "MaxPooling1D", "MaxPooling2D", "GlobalMaxPooling1D", "GlobalMaxPooling2D", "Flatten",
    "Reshape", "Permute", "UpSampling1D", "UpSampling2D", "ZeroPadding1D", "ZeroPadding2D",
    "Dropout", "SpatialDropout1D", "SpatialDropout2D", "GaussianNoise", "GaussianDropout",
)  # fmt: skip
NORMALIZING = ("BatchNormalization", "Rescaling")
ACTIVATIONS = ("Activation", "ReLU", "LeakyReLU", "ELU", "Softmax")
KNOWN = (*NEEDY, *PASSING, *NORMALIZING, *ACTIVATIONS, "InputLayer")
# Activation functions by name: those whose results are never negative, and the others.
POSITIVE = ("relu", "relu6", "sigmoid", "hard_sigmoid")
FUNCTIONS = (*POSITIVE, "tanh", "elu", "selu", "leaky_relu")


@dataclass(frozen=True, eq=False)
class SiteStep:
    """One call of a layer.

    Args:
        layer: a Keras 2 layer.
        inputs: identities (`id`) of the tensors that it reads.
        output: identity of the tensor that it computes.
        tensor: that tensor.
        function: name of the activation function that it ends with; "linear" for none.
    """

    layer: KerasLayer
    inputs: tuple[int, ...]
    output: int
    tensor: KerasTensor
    function: str

    @property
    def kind(self) -> str:
        """Name of the layer's class."""
        return type(self.layer).__name__

    @property
    def name(self) -> str:
        """Name of the layer."""
        return str(self.layer.name)

    @property
    def weighted(self) -> bool:
        """Whether it is a dense or convolution layer."""
        return self.kind in WEIGHTED


def steps_of(model: KerasModel) -> list[SiteStep]:
    """List the calls of a float model's layers in order, the input layer first.

    Raises:
        ModelError: it is no built Sequential or functional Keras 2 model of one input and output.
        UnsupportedLayer: layers have no quantized form; all of them are named.
    """
    _check_model(model)
    steps: list[SiteStep] = []
    problems: list[FpgacompError] = []
    for depth in sorted(model._nodes_by_depth, reverse=True):
        for node in model._nodes_by_depth[depth]:
            step = _step(node)
            problem = _problem(step, node, steps)
            if problem is not None:
                problems.append(problem)
            steps.append(step)
    if not problems and not any(step.weighted for step in steps):
        problems.append(UnsupportedLayer(
            "the network", "has no dense or convolution layer.", "give one that has."))  # fmt: skip
    problems += _inner_softmax(steps, id(model.outputs[0]))
    raise_all(problems)
    return steps


def _check_model(model: KerasModel) -> None:
    where = f"model {getattr(model, 'name', '?')}"
    keras = tensorflow().keras
    if type(model).__module__.split(".")[0] == "keras" or not isinstance(model, keras.Model):
        raise ModelError(
            where,
            f"is a {type(model).__module__}.{type(model).__name__}, and no model of Keras 2, "
            "which QKeras is written for.",
            "build it with tf_keras (set TF_USE_LEGACY_KERAS=1 before importing tensorflow) and "
            "set_weights(other.get_weights()), or export it as ONNX and quantize that.",
        )
    if not getattr(model, "_nodes_by_depth", None) or not model.built:
        raise ModelError(
            where,
            "it is not built, or a subclassed model whose layers cannot be listed.",
            "build it as Sequential or functional model with an Input of fixed shape.",
        )
    if len(model.inputs) != 1 or len(model.outputs) != 1:
        raise ModelError(
            where,
            f"it has {len(model.inputs)} inputs and {len(model.outputs)} outputs.",
            "quantize models of one input and one output.",
        )
    if any(size is None for size in model.inputs[0].shape[1:]):
        raise ModelError(
            where,
            f"its input shape {list(model.inputs[0].shape[1:])} leaves a size open.",
            "give Input a fixed shape.",
        )


def _step(node: Any) -> SiteStep:
    inputs = tuple(id(tensor) for tensor in node.keras_inputs)
    tensor = node.outputs
    if isinstance(tensor, list | tuple):
        tensor = tensor[0]
    return SiteStep(node.layer, inputs, id(tensor), tensor, _function(node.layer))


def _function(layer: KerasLayer) -> str:
    """The activation function's name; "?" for one that is none of Keras' own."""
    match type(layer).__name__:
        case "ReLU":
            plain = layer.max_value is None and not layer.negative_slope and not layer.threshold
            if layer.negative_slope or layer.threshold:
                return "leaky_relu"
            return "relu" if plain else "relu6"
        case "LeakyReLU":
            return "leaky_relu"
        case "ELU":
            return "elu"
        case "Softmax":
            return "softmax"
    function = getattr(layer, "activation", None)
    if function is None:
        return "linear"
    own = tensorflow().keras.activations
    name = str(getattr(function, "__name__", "?"))
    if name == "relu6":
        return name if function is tensorflow().nn.relu6 else "?"
    return name if getattr(own, name, None) is function else "?"


def _problem(step: SiteStep, node: Any, before: Iterable[SiteStep]) -> FpgacompError | None:
    where = f"layer {step.name} ({step.kind})"
    if step.kind.startswith("Q") or hasattr(step.layer, "quantizers"):
        return UnsupportedLayer(where, "is quantized already.", "start from the float model.")
    if step.kind not in KNOWN:
        return UnsupportedLayer(
            where,
            "has no quantized form.",
            f"use {', '.join(sorted((*NEEDY, *NORMALIZING, *ACTIVATIONS)))}.",
        )
    if step.function not in (*FUNCTIONS, "linear", "softmax"):
        name = getattr(getattr(step.layer, "activation", None), "__name__", step.function)
        return UnsupportedLayer(
            where,
            f"its activation {name} has no quantized form.",
            f"use {', '.join(FUNCTIONS)}.",
        )
    if step.weighted and any(other.layer is step.layer for other in before):
        return UnsupportedLayer(
            where, "is applied in several places.", "give each place a layer of its own."
        )
    if getattr(step.layer, "data_format", "channels_last") not in ("channels_last", None):
        return UnsupportedLayer(
            where, "data_format channels_first.", "use channels_last, Keras' default."
        )
    if step.kind.startswith("Conv") and int(step.layer.groups) != 1:
        return UnsupportedLayer(
            where,
            f"{step.layer.groups} groups, which TensorFlow does not train on a CPU.",
            "use DepthwiseConv2D, or export it as ONNX and quantize that with Brevitas.",
        )
    if step.kind == "Conv1D" and step.layer.padding == "causal":
        return UnsupportedLayer(
            where, "QConv1D has no causal padding.", "use ZeroPadding1D and padding='valid'."
        )
    if len(node.call_kwargs or {}) > 0:
        names = ", ".join(sorted(node.call_kwargs))
        return UnsupportedLayer(where, f"is called with {names}.", "call it without.")
    return None


def _inner_softmax(steps: Iterable[SiteStep], output: int) -> list[FpgacompError]:
    return [
        UnsupportedLayer(
            f"layer {step.name} ({step.kind})",
            "a Softmax with layers behind it has no integer form.",
            "remove it, or use a sigmoid.",
        )
        for step in steps
        if step.function == "softmax" and step.output != output
    ]
