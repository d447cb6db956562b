"""How each class of a canonical network becomes ONNX nodes."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from torch import nn

from fpgacomp.compress.trainable.modules import (
    AddTensors,
    ConcatTensors,
    PermuteTensor,
    ReshapeTensor,
    ScaleTensor,
)
from fpgacomp.compress.trainable.writer import Writer
from fpgacomp.compress.types import TorchLayer
from fpgacomp.errors import UnsupportedLayer


@dataclass(frozen=True)
class ModuleCall:
    """One call of a layer.

    Args:
        name: of the layer.
        module: the layer.
        inputs: ONNX tensors that it takes.
        output: ONNX tensor that it makes.
        shape: of its first input, batch included.
        result: of its output.
    """

    name: str
    module: TorchLayer
    inputs: tuple[str, ...]
    output: str
    shape: tuple[int, ...]
    result: tuple[int, ...]


def write_layer(w: Writer, call: ModuleCall) -> None:
    """Append the nodes of one call.

    Raises:
        UnsupportedLayer: a class or a setting that a float ONNX file does not carry.
    """
    rule = RULES.get(type(call.module))
    if rule is None:
        raise UnsupportedLayer(
            call.name,
            f"{type(call.module).__name__} is no layer of a canonical float network.",
            "bring the network into that form with from_module.",
        )
    w.layer = call.name
    rule(w, call)


def _many(value: Any, rank: int) -> list[int]:
    return [int(v) for v in value] if isinstance(value, Sequence) else [int(value)] * rank


def _convolution(w: Writer, call: ModuleCall) -> None:
    m, rank = call.module, len(call.shape) - 2
    if m.padding_mode != "zeros" or isinstance(m.padding, str):
        raise UnsupportedLayer(
            call.name, f"padding {m.padding}, {m.padding_mode}.", "use whole numbers of zeros."
        )
    inputs = [call.inputs[0], w.weight(call.name, m)]
    if m.bias is not None:
        inputs.append(w.constant(f"{call.name}.bias", m.bias))
    w.node(
        "Conv",
        inputs,
        call.output,
        kernel_shape=_many(m.kernel_size, rank),
        strides=_many(m.stride, rank),
        dilations=_many(m.dilation, rank),
        pads=_many(m.padding, rank) * 2,
        group=m.groups,
    )


def _dense(w: Writer, call: ModuleCall) -> None:
    m, weight = call.module, w.weight(call.name, call.module)
    bias = [] if m.bias is None else [w.constant(f"{call.name}.bias", m.bias)]
    if len(call.shape) == 2:
        w.node("Gemm", [call.inputs[0], weight, *bias], call.output, transB=1)
        return
    turned = w.node("Transpose", [weight], f"{call.name}/weight_turned", perm=[1, 0])
    product = f"{call.name}/product" if bias else call.output
    w.node("MatMul", [call.inputs[0], turned], product)
    if bias:
        w.node("Add", [product, *bias], call.output)


def _batch_norm(w: Writer, call: ModuleCall) -> None:
    m, count = call.module, call.module.num_features
    if m.running_mean is None:
        raise UnsupportedLayer(
            call.name, "it keeps no running statistics.", "use track_running_stats=True."
        )
    weight = np.ones(count, np.float32) if m.weight is None else m.weight
    bias = np.zeros(count, np.float32) if m.bias is None else m.bias
    values = {
        "weight": weight, "bias": bias, "running_mean": m.running_mean, "running_var": m.running_var
    }  # fmt: skip
    constants = [w.constant(f"{call.name}.{role}", value) for role, value in values.items()]
    momentum = 0.1 if m.momentum is None else m.momentum
    w.node(
        "BatchNormalization",
        [call.inputs[0], *constants],
        call.output,
        epsilon=m.eps,
        momentum=1 - momentum,
    )


def _plain(op: str, **settings: str) -> Callable[[Writer, ModuleCall], None]:
    """Make a rule for one ONNX node whose attributes are fields of the module: attribute=field."""

    def rule(w: Writer, call: ModuleCall) -> None:
        values = {key: getattr(call.module, name) for key, name in settings.items()}
        w.node(op, call.inputs, call.output, **values)

    return rule


def _clip(w: Writer, call: ModuleCall) -> None:
    inputs = [call.inputs[0]]
    for name, bound in (("min", call.module.min_val), ("max", call.module.max_val)):
        open_end = math.isinf(bound)
        inputs.append("" if open_end else w.constant(f"{call.name}.{name}", np.float32(bound)))
    w.node("Clip", inputs, call.output)


def _silu(w: Writer, call: ModuleCall) -> None:
    (x,) = call.inputs
    w.node("Mul", [x, w.node("Sigmoid", [x], f"{call.name}/gate")], call.output)


def _gelu(w: Writer, call: ModuleCall) -> None:
    """Write GELU as x / 2 * (1 + erf(x / sqrt 2)): the opset that is written has no Gelu."""
    if call.module.approximate != "none":
        raise UnsupportedLayer(
            call.name, f"GELU approximated by {call.module.approximate}.", 'use approximate="none".'
        )
    (x,), name = call.inputs, call.name
    inner = [x, w.constant(f"{name}.inner", np.float32(math.sqrt(0.5)))]
    erf = w.node("Erf", [w.node("Mul", inner, f"{name}/scaled")], f"{name}/erf")
    gate = w.node("Add", [erf, w.constant(f"{name}.one", np.float32(1))], f"{name}/gate")
    half = w.node("Mul", [x, w.constant(f"{name}.half", np.float32(0.5))], f"{name}/half")
    w.node("Mul", [half, gate], call.output)


def _hard_sigmoid(w: Writer, call: ModuleCall) -> None:
    w.node("HardSigmoid", call.inputs, call.output, alpha=1 / 6, beta=0.5)


def _softmax(w: Writer, call: ModuleCall) -> None:
    kind = type(call.module).__name__
    if call.module.dim is None:
        raise UnsupportedLayer(call.name, f"{kind} without dim.", "give it dim=1.")
    w.node(kind, call.inputs, call.output, axis=call.module.dim % len(call.shape))


def _pool(w: Writer, call: ModuleCall) -> None:
    m, rank = call.module, len(call.shape) - 2
    average = isinstance(m, nn.AvgPool1d | nn.AvgPool2d)
    if getattr(m, "divisor_override", None) or getattr(m, "return_indices", False):
        raise UnsupportedLayer(
            call.name, "divisor_override or return_indices.", "leave them at their defaults."
        )
    if average and m.ceil_mode and m.count_include_pad and any(_many(m.padding, rank)):
        raise UnsupportedLayer(
            call.name,
            "ceil_mode with counted padding means different things in torch and in ONNX.",
            "use ceil_mode=False or count_include_pad=False.",
        )
    w.node(
        "AveragePool" if average else "MaxPool",
        call.inputs,
        call.output,
        kernel_shape=_many(m.kernel_size, rank),
        strides=_many(m.kernel_size if m.stride is None else m.stride, rank),
        pads=_many(m.padding, rank) * 2,
        ceil_mode=int(m.ceil_mode) or None,
        dilations=None if average else _many(m.dilation, rank),
        # Without padding the overhang of ceil_mode is all there is not to be counted.
        count_include_pad=int(any(_many(m.padding, rank)) and m.count_include_pad)
        if average
        else None,
    )


def _global_average(w: Writer, call: ModuleCall) -> None:
    if set(call.result[2:]) != {1}:
        raise UnsupportedLayer(
            call.name,
            f"it averages to {list(call.result[2:])}.",
            "average to size 1, or use AvgPool.",
        )
    w.node("GlobalAveragePool", call.inputs, call.output)


def _flatten(w: Writer, call: ModuleCall) -> None:
    if (call.module.start_dim, call.module.end_dim) not in ((1, -1), (1, len(call.shape) - 1)):
        raise UnsupportedLayer(
            call.name, f"it flattens from axis {call.module.start_dim}.", "use start_dim=1."
        )
    w.node("Flatten", call.inputs, call.output, axis=1)


def _reshape(w: Writer, call: ModuleCall) -> None:
    target = w.constant(f"{call.name}.shape", np.asarray([0, *call.result[1:]], np.int64))
    w.node("Reshape", [call.inputs[0], target], call.output)


def _upsample(w: Writer, call: ModuleCall) -> None:
    factors = [b / a for a, b in zip(call.shape, call.result)]
    if call.module.mode != "nearest" or any(f != int(f) for f in factors):
        raise UnsupportedLayer(
            call.name, f"it upsamples by {factors[2:]}, {call.module.mode}.", "whole, nearest."
        )
    scales = w.constant(f"{call.name}.scales", np.asarray(factors, np.float32))
    w.node(
        "Resize",
        [call.inputs[0], "", scales],
        call.output,
        mode="nearest",
        coordinate_transformation_mode="asymmetric",
        nearest_mode="floor",
    )


def _pad(w: Writer, call: ModuleCall) -> None:
    m, rank = call.module, len(call.shape)
    if m.value != 0:
        raise UnsupportedLayer(call.name, f"it pads with {m.value}.", "pad with zeros.")
    pads = [0] * (2 * rank)
    for position in range(len(m.padding) // 2):
        axis = rank - 1 - position
        pads[axis], pads[axis + rank] = m.padding[2 * position : 2 * position + 2]
    amounts = w.constant(f"{call.name}.pads", np.asarray(pads, np.int64))
    w.node("Pad", [call.inputs[0], amounts], call.output, mode="constant")


def _scale(w: Writer, call: ModuleCall) -> None:
    source, m = call.inputs[0], call.module
    multiplies, adds = bool((m.factor != 1).any()), bool((m.offset != 0).any())
    if multiplies or not adds:
        factor = w.constant(f"{call.name}.factor", m.factor)
        source = w.node("Mul", [source, factor], f"{call.name}/product" if adds else call.output)
    if adds:
        w.node("Add", [source, w.constant(f"{call.name}.offset", m.offset)], call.output)


def _sum(w: Writer, call: ModuleCall) -> None:
    total = call.inputs[0]
    for position, part in enumerate(call.inputs[1:], start=2):
        last = position == len(call.inputs)
        output = call.output if last else f"{call.name}/sum_{position}"
        total = w.node("Add", [total, part], output)


RULES: dict[type[nn.Module], Callable[[Writer, ModuleCall], None]] = {
    nn.Linear: _dense,
    nn.Conv1d: _convolution,
    nn.Conv2d: _convolution,
    nn.BatchNorm1d: _batch_norm,
    nn.BatchNorm2d: _batch_norm,
    nn.ReLU: _plain("Relu"),
    nn.ReLU6: _clip,
    nn.Hardtanh: _clip,
    nn.LeakyReLU: _plain("LeakyRelu", alpha="negative_slope"),
    nn.ELU: _plain("Elu", alpha="alpha"),
    nn.SELU: _plain("Selu"),
    nn.SiLU: _silu,
    nn.GELU: _gelu,
    nn.Hardswish: _plain("HardSwish"),
    nn.Hardsigmoid: _hard_sigmoid,
    nn.Sigmoid: _plain("Sigmoid"),
    nn.Tanh: _plain("Tanh"),
    nn.Softmax: _softmax,
    nn.LogSoftmax: _softmax,
    nn.MaxPool1d: _pool,
    nn.MaxPool2d: _pool,
    nn.AvgPool1d: _pool,
    nn.AvgPool2d: _pool,
    nn.AdaptiveAvgPool1d: _global_average,
    nn.AdaptiveAvgPool2d: _global_average,
    nn.Flatten: _flatten,
    nn.Upsample: _upsample,
    nn.UpsamplingNearest2d: _upsample,
    nn.ConstantPad1d: _pad,
    nn.ConstantPad2d: _pad,
    nn.ZeroPad1d: _pad,
    nn.ZeroPad2d: _pad,
    nn.Dropout: _plain("Identity"),
    nn.Dropout1d: _plain("Identity"),
    nn.Dropout2d: _plain("Identity"),
    nn.Identity: _plain("Identity"),
    AddTensors: _sum,
    ConcatTensors: _plain("Concat", axis="dim"),
    ReshapeTensor: _reshape,
    PermuteTensor: _plain("Transpose", perm="dims"),
    ScaleTensor: _scale,
}
