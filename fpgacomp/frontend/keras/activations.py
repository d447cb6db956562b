"""Converts activation functions given by name, and the layers that are nothing else."""

from __future__ import annotations

from typing import Any

import numpy as np

from fpgacomp.frontend.keras.activation_quantizers import clip, quantize_activation
from fpgacomp.frontend.keras.builder import KerasGraphWriter, KerasTensor
from fpgacomp.frontend.keras.weight_quantizers import number

_PLAIN = {
    "celu": "Celu",
    "elu": "Elu",
    "exponential": "Exp",
    "hard_silu": "HardSwish",
    "hard_swish": "HardSwish",
    "mish": "Mish",
    "relu": "Relu",
    "selu": "Selu",
    "sigmoid": "Sigmoid",
    "softplus": "Softplus",
    "softsign": "Softsign",
    "tanh": "Tanh",
}


def activate(b: KerasGraphWriter, x: KerasTensor, function: Any) -> KerasTensor:
    """Append what a layer's `activation` does: None, a name, a function or a QKeras quantizer."""
    if function is None:
        return x
    if isinstance(function, str):
        return _by_name(b, x, function)
    if hasattr(function, "__name__"):
        return _by_name(b, x, function.__name__, function)
    kind = type(function).__name__
    return _LAYERS[kind](b, x, function) if kind in _LAYERS else quantize_activation(b, x, function)


def _by_name(b: KerasGraphWriter, x: KerasTensor, name: str, function: Any = None) -> KerasTensor:
    if name in _PLAIN:
        return b.same(_PLAIN[name], x)
    match name:
        case "linear":
            return x
        case "relu6":
            return clip(b, x, 0.0, 6.0)
        case "softmax":
            return b.same("Softmax", b.channels_last(x), axis=-1)
        case "log_softmax":
            return b.same("LogSoftmax", b.channels_last(x), axis=-1)
        case "hard_sigmoid":
            slope = _slope_of_hard_sigmoid(function)
            return b.same("HardSigmoid", x, alpha=slope, beta=0.5)
        case "silu" | "swish":
            return b.same("Mul", x, b.same("Sigmoid", x).name)
        case "gelu":
            return _gelu(b, x)
        case "hard_tanh":  # qkeras
            return clip(b, x, -1.0, 1.0)
        case "leaky_relu":
            return b.same("LeakyRelu", x, alpha=0.2)
        case "log_sigmoid":  # -softplus(-x)
            return b.same("Neg", b.same("Softplus", b.same("Neg", x)))
        case "tanh_shrink":
            return b.same("Sub", x, b.same("Tanh", x).name)
        case "smooth_sigmoid":  # qkeras
            return b.same("HardSigmoid", x, alpha=0.1875, beta=0.5)
        case "smooth_tanh":  # qkeras: 2 smooth_sigmoid(x) - 1
            return clip(b, b.same("Mul", x, b.constant("slope", 0.375)), -1.0, 1.0)
    raise b.refuse(f"activation {name} is not carried.", "use relu, sigmoid, tanh, silu or gelu.")


def _slope_of_hard_sigmoid(function: Any) -> float:
    """Return the slope, which depends on whose function it is; Keras 2 writes a bare name."""
    package = getattr(function, "__module__", "tf_keras").partition(".")[0]
    return {"keras": 1 / 6, "qkeras": 0.5}.get(package, 0.2)


def _gelu(b: KerasGraphWriter, x: KerasTensor) -> KerasTensor:
    """Append x/2 (1 + erf(x / sqrt 2))."""
    inner = b.same("Erf", b.same("Mul", x, b.constant("inverse_root_2", np.sqrt(0.5))))
    half = b.same("Mul", x, b.constant("half", 0.5))
    return b.same("Mul", half, b.same("Add", inner, b.constant("one", 1.0)).name)


def _relu(b: KerasGraphWriter, x: KerasTensor, layer: Any) -> KerasTensor:
    if number(getattr(layer, "threshold", 0.0) or 0.0) != 0:
        raise b.refuse(f"ReLU with threshold {layer.threshold}.", "use threshold=0.")
    slope = number(layer.negative_slope or 0.0)
    limit = None if layer.max_value is None else number(layer.max_value)
    if slope:
        return clip(b, b.same("LeakyRelu", x, alpha=slope), None, limit)
    return b.same("Relu", x) if limit is None else clip(b, x, 0.0, limit)


def _leaky_relu(b: KerasGraphWriter, x: KerasTensor, layer: Any) -> KerasTensor:
    slope = getattr(layer, "negative_slope", None)
    return b.same("LeakyRelu", x, alpha=number(layer.alpha if slope is None else slope))


def _thresholded_relu(b: KerasGraphWriter, x: KerasTensor, layer: Any) -> KerasTensor:
    return b.same("ThresholdedRelu", x, alpha=number(layer.theta))


def _prelu(b: KerasGraphWriter, x: KerasTensor, layer: Any) -> KerasTensor:
    slope = np.asarray(layer.alpha, dtype=np.float32)
    slope = np.broadcast_to(slope, (*slope.shape[:-1], x.channels))
    return b.same("PRelu", b.channels_last(x), b.constant("slope", slope))


def _elu(b: KerasGraphWriter, x: KerasTensor, layer: Any) -> KerasTensor:
    return b.same("Elu", x, alpha=number(layer.alpha))


def _softmax(b: KerasGraphWriter, x: KerasTensor, layer: Any) -> KerasTensor:
    if layer.axis not in (-1, len(x.shape)):
        raise b.refuse(f"Softmax over axis {layer.axis}.", "use the channel axis, -1.")
    return b.same("Softmax", b.channels_last(x), axis=-1)


_LAYERS = {
    "ReLU": _relu,
    "LeakyReLU": _leaky_relu,
    "PReLU": _prelu,
    "ELU": _elu,
    "Softmax": _softmax,
    "ThresholdedReLU": _thresholded_relu,
}
ACTIVATION_LAYERS = tuple(_LAYERS)
