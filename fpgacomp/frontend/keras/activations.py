"""Converts activation functions given by name, and the layers that are nothing else."""

from __future__ import annotations

from typing import Any

import numpy as np

from fpgacomp.frontend.keras.activation_quantizers import clip, quantize_activation
from fpgacomp.frontend.keras.builder import KerasGraphWriter, KerasTensor
from fpgacomp.frontend.keras.weight_quantizers import number

_PLAIN = {"relu": "Relu", "sigmoid": "Sigmoid", "tanh": "Tanh", "elu": "Elu", "selu": "Selu"}


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
        case "hard_silu" | "hard_swish":
            return b.same("HardSwish", x)
        case "gelu":
            return _gelu(b, x)
        case "hard_tanh":  # qkeras
            return clip(b, x, -1.0, 1.0)
        case "leaky_relu":
            return b.same("LeakyRelu", x, alpha=0.2)
    raise b.refuse(f"activation {name} is not carried.", "use relu, tanh, sigmoid or a quantizer.")


def _slope_of_hard_sigmoid(function: Any) -> float:
    """Return the slope by asking the function: Keras 2 has 0.2, Keras 3 has 1/6, QKeras 0.5."""
    if function is None:
        return 0.2
    return number(function(np.asarray([1.0], dtype=np.float32))[0]) - 0.5


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
}
ACTIVATION_LAYERS = tuple(_LAYERS)
