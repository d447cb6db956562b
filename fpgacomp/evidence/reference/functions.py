"""Activation functions for the reference executor, as the ONNX operators define them."""

from __future__ import annotations

from collections.abc import Callable
from math import prod

import numpy as np

from fpgacomp.evidence.reference.node import Operands, ReferenceNode, operand, optional
from fpgacomp.ir.types import AnyArray

_SELU_ALPHA = 1.67326319217681884765625  # ONNX operator Selu, attribute defaults
_SELU_GAMMA = 1.05070102214813232421875


def relu(x: AnyArray) -> AnyArray:
    """Return max(x, 0)."""
    return np.maximum(x, 0)


def sigmoid(x: AnyArray) -> AnyArray:
    """Return 1 / (1 + exp(-x)), without overflow on either side."""
    small = np.exp(-np.abs(x))
    return np.where(x >= 0, 1 / (1 + small), small / (1 + small))


def erf(x: AnyArray) -> AnyArray:
    """Return the Gauss error function of x."""
    from scipy.special import erf as scipy_erf

    return np.asarray(scipy_erf(x))


def silu(x: AnyArray) -> AnyArray:
    """Return x * sigmoid(x)."""
    return x * sigmoid(x)


def hard_swish(x: AnyArray) -> AnyArray:
    """Return x * clip(x / 6 + 1 / 2, 0, 1)."""
    return np.asarray(x * np.clip(x / 6 + 0.5, 0, 1))


def softplus(x: AnyArray) -> AnyArray:
    """Return log(1 + exp(x))."""
    return np.asarray(np.logaddexp(x, x.dtype.type(0)))


def softsign(x: AnyArray) -> AnyArray:
    """Return x / (1 + |x|)."""
    return np.asarray(x / (1 + np.abs(x)))


def leaky_relu(node: ReferenceNode, operands: Operands) -> AnyArray:
    """Return alpha * x below zero, x from there on."""
    x = operand(operands, 0)
    return np.where(x < 0, node.number("alpha", 0.01) * x, x)


def prelu(node: ReferenceNode, operands: Operands) -> AnyArray:
    """Return slope * x below zero, with a slope that broadcasts (per channel [C, 1, 1])."""
    x = operand(operands, 0)
    return np.where(x < 0, operand(operands, 1) * x, x)


def clip(node: ReferenceNode, operands: Operands) -> AnyArray:
    """Return x within limits, which are attributes before opset 11 and optional operands since."""
    x = operand(operands, 0)
    low, high = optional(operands, 1), optional(operands, 2)
    if low is not None or "min" in node.attributes:
        x = np.maximum(x, node.get("min") if low is None else low)
    if high is not None or "max" in node.attributes:
        x = np.minimum(x, node.get("max") if high is None else high)
    return x


def hard_sigmoid(node: ReferenceNode, operands: Operands) -> AnyArray:
    """Return clip(alpha * x + beta, 0, 1)."""
    linear = node.number("alpha", 0.2) * operand(operands, 0) + node.number("beta", 0.5)
    return np.asarray(np.clip(linear, 0, 1))


def selu(node: ReferenceNode, operands: Operands) -> AnyArray:
    """Return gamma * x above zero, gamma * alpha * (exp(x) - 1) below."""
    x = operand(operands, 0)
    alpha, gamma = node.number("alpha", _SELU_ALPHA), node.number("gamma", _SELU_GAMMA)
    return gamma * np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0)))


def elu(node: ReferenceNode, operands: Operands) -> AnyArray:
    """Return x above zero, alpha * (exp(x) - 1) below."""
    x = operand(operands, 0)
    return np.where(x > 0, x, node.number("alpha", 1.0) * np.expm1(np.minimum(x, 0)))


def celu(node: ReferenceNode, operands: Operands) -> AnyArray:
    """Return x above zero, alpha * (exp(x / alpha) - 1) below."""
    x, alpha = operand(operands, 0), node.number("alpha", 1.0)
    return np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0) / alpha))


def thresholded_relu(node: ReferenceNode, operands: Operands) -> AnyArray:
    """Return x above alpha, zero up to it."""
    x = operand(operands, 0)
    return np.where(x > node.number("alpha", 1.0), x, 0)


def mish(x: AnyArray) -> AnyArray:
    """Return x * tanh(softplus(x))."""
    return np.asarray(x * np.tanh(softplus(x)))


def gelu_tanh(x: AnyArray) -> AnyArray:
    """Return GELU's approximation by a Tanh."""
    return np.asarray(0.5 * x * (1 + np.tanh((2 / np.pi) ** 0.5 * (x + 0.044715 * x**3))))


def gelu(node: ReferenceNode, operands: Operands) -> AnyArray:
    """Return x * Phi(x), exact or with the tanh approximation that the attribute asks for."""
    x = operand(operands, 0)
    if node.get("approximate", "none") == "tanh":
        return gelu_tanh(x)
    return np.asarray(0.5 * x * (1 + erf(x / 2.0**0.5)))


def softmax(node: ReferenceNode, operands: Operands) -> AnyArray:
    """Return exp(x) / sum(exp(x)) along the axis; before opset 13 over all axes from it on."""
    return _along(node, operands, lambda x: np.exp(x) / np.exp(x).sum(axis=-1, keepdims=True))


def log_softmax(node: ReferenceNode, operands: Operands) -> AnyArray:
    """Return the logarithm of Softmax."""
    return _along(node, operands, lambda x: x - np.log(np.exp(x).sum(axis=-1, keepdims=True)))


def _along(
    node: ReferenceNode, operands: Operands, function: Callable[[AnyArray], AnyArray]
) -> AnyArray:
    """Apply to the shifted values along the last axis of the view that the opset means."""
    x = operand(operands, 0)
    if node.opset < 13:
        axis = int(node.get("axis", 1)) % x.ndim
        flat = x.reshape(*x.shape[:axis], prod(x.shape[axis:]))
        return function(flat - flat.max(axis=-1, keepdims=True)).reshape(x.shape)
    axis = int(node.get("axis", -1))
    last = np.moveaxis(x, axis, -1)
    return np.moveaxis(function(last - last.max(axis=-1, keepdims=True)), -1, axis)
