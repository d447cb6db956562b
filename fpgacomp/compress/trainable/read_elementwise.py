"""Rules for ONNX operators that work value by value: activations, sums, constant scales."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import fx, nn

from fpgacomp.compress.trainable.modules import AddTensors, ScaleTensor
from fpgacomp.compress.trainable.read_weights import constant_sum
from fpgacomp.compress.trainable.reader import Reader, refuse, tensor
from fpgacomp.ir.types import AnyArray
from fpgacomp.network.editable import Node

# ONNX's defaults, which are torch's only values, as float32.
SELU_ALPHA, SELU_GAMMA = 1.67326319217681884765625, 1.05070102214813232421875
_LARGEST = float(np.finfo(np.float32).max)


def activation(r: Reader, node: Node) -> None:
    """Activation functions without a constant input."""
    module: nn.Module
    match node.op:
        case "Relu":
            module = nn.ReLU()
        case "LeakyRelu":
            module = nn.LeakyReLU(_short(node.attributes.get("alpha", 0.01)))
        case "Elu":
            module = nn.ELU(_short(node.attributes.get("alpha", 1.0)))
        case "Selu":
            _only(node, alpha=SELU_ALPHA, gamma=SELU_GAMMA)
            module = nn.SELU()
        case "Gelu":
            _only(node, approximate="none")
            module = nn.GELU()
        case "Silu" | "Swish":
            _only(node, alpha=1.0)
            module = nn.SiLU()
        case "HardSwish":
            module = nn.Hardswish()
        case "Sigmoid":
            module = nn.Sigmoid()
        case _:
            module = nn.Tanh()
    r.bind(node, r.emit(node, module))


def _only(node: Node, **allowed: float | str) -> None:
    """Refuse a form of an activation function that torch has no layer for."""
    for key, wanted in allowed.items():
        given = node.attributes.get(key, wanted)
        same = given == wanted if isinstance(wanted, str) else np.isclose(given, wanted, rtol=1e-6)
        if not same:
            raise refuse(node, f"its {key} is {given}.", f"use {node.op} with {key} {wanted:.9}.")


def hard_sigmoid(r: Reader, node: Node) -> None:
    """max(0, min(1, alpha x + beta)); torch's own has alpha 1/6 and beta 1/2."""
    alpha, beta = node.attributes.get("alpha", 0.2), node.attributes.get("beta", 0.5)
    if np.isclose(alpha, 1 / 6, rtol=1e-6) and beta == 0.5:
        r.bind(node, r.emit(node, nn.Hardsigmoid()))
        return
    line = r.emit(node, ScaleTensor(_short(alpha), _short(beta)), part="line")
    r.bind(node, r.emit(node, nn.Hardtanh(0.0, 1.0), line))


def clip(r: Reader, node: Node) -> None:
    """Clip between two constants."""
    low, high = r.parameter(node, "min", 1), r.parameter(node, "max", 2)
    bounds = (
        -math.inf if low is None or low.item() <= -_LARGEST else low.item(),
        math.inf if high is None or high.item() >= _LARGEST else high.item(),
    )
    if not bounds[0] < bounds[1]:
        raise refuse(node, f"it clips to {bounds[0]}..{bounds[1]}.", "give min below max.")
    module: nn.Module
    if bounds[0] == 0.0 and bounds[1] == math.inf:
        module = nn.ReLU()
    elif bounds == (0.0, 6.0):
        module = nn.ReLU6()
    else:
        module = nn.Hardtanh(_short(bounds[0]), _short(bounds[1]))
    r.bind(node, r.emit(node, module))


def parametric_relu(r: Reader, node: Node) -> None:
    """PRelu of one slope."""
    slope = r.constant(node, 1, "slope")
    if slope.size != 1:
        raise refuse(node, "it has a slope per channel.", "use nn.LeakyReLU, one slope for all.")
    r.bind(node, r.emit(node, nn.LeakyReLU(_short(float(slope.flatten()[0])))))


def softmax(r: Reader, node: Node) -> None:
    """Softmax and LogSoftmax over one axis."""
    rank = len(r.shape(node.inputs[0]))
    old = r.source.graph.opset < 13
    axis = int(node.attributes.get("axis", 1 if old else -1)) % rank
    if axis == 0 or (old and axis != rank - 1):
        raise refuse(node, f"it runs over axis {axis} and those behind.", "use the last axis.")
    kind = nn.LogSoftmax if node.op == "LogSoftmax" else nn.Softmax
    r.bind(node, r.emit(node, kind(dim=axis)))


def add(r: Reader, node: Node) -> None:
    """Add and Sum: of tensors of one shape, or of a tensor and a constant."""
    data = r.data(node)
    constants = [r.source.constants[name] for name in node.inputs if name not in data]
    if constants:
        if len(data) != 1 or len(constants) != 1:
            raise refuse(node, "it sums constants and several tensors.", "add two at a time.")
        if not constant_sum(r, node, constants[0]):
            scale(r, node, 1.0, constants[0])
        return
    if len({r.shape(name) for name in data}) > 1:
        shapes = " and ".join(str(list(r.shape(name))) for name in data)
        raise refuse(node, f"it sums tensors of shapes {shapes}.", "give them one shape.")
    parts = [r.values[name] for name in data]
    r.bind(node, r.emit(node, AddTensors(), *parts) if len(parts) > 1 else parts[0])


def arithmetic(r: Reader, node: Node) -> None:
    """Sub, Mul and Div with one constant."""
    data = r.data(node)
    if len(data) != 1:
        raise refuse(
            node,
            f"{node.op} of two computed tensors is not carried.",
            "use a layer that adds or concatenates instead.",
        )
    constant_first = node.inputs[0] != data[0]
    value = r.constant(node, 0 if constant_first else 1, "operand")
    match node.op:
        case "Mul":
            scale(r, node, value, 0.0)
        case "Div" if not constant_first and np.all(value != 0):
            scale(r, node, 1.0 / value.astype(np.float64), 0.0)
        case "Div":
            raise refuse(node, "it divides by a tensor or by zero.", "divide by a constant.")
        case _ if constant_first:
            scale(r, node, -1.0, value)
        case _:
            if not constant_sum(r, node, -value):
                scale(r, node, 1.0, -value)


def negate(r: Reader, node: Node) -> None:
    """Neg."""
    scale(r, node, -1.0, 0.0)


def scale(r: Reader, node: Node, factor: AnyArray | float, offset: AnyArray | float) -> None:
    """Append `x * factor + offset`, in one module with the scale right before it."""
    (source,) = r.data(node)
    before = r.shape(source)
    if r.shape(node.outputs[0]) != before:
        raise refuse(node, "its constant is larger than its tensor.", "give one per channel.")
    a, b = (_per_sample(node, value, before) for value in (factor, offset))
    value: fx.Node = r.values[source]
    last = r.only_use(value, source)
    if isinstance(last, ScaleTensor):
        last.offset = last.offset * a + b
        last.factor = last.factor * a
        cancels = bool((last.factor == 1).all() and (last.offset == 0).all())
        r.bind(node, value.all_input_nodes[0] if cancels else value)
    else:
        r.bind(node, r.emit(node, ScaleTensor(a, b), value))


def _per_sample(node: Node, value: AnyArray | float, shape: tuple[int, ...]) -> torch.Tensor:
    """A constant without its batch axis."""
    array = np.asarray(value)
    if array.ndim == len(shape):
        if array.shape[0] != 1:
            raise refuse(node, "its constant differs between samples.", "give one for all.")
        array = array[0]
    return tensor(array.reshape(()) if array.size == 1 else array)


def _short(value: float) -> float:
    """The decimal number that was meant by a float32."""
    return float(str(np.float32(value)))
