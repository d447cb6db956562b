"""Brevitas layers and quantizers with learned scales of given initial values.

Free scales are learned as logarithms, so that a step of the optimizer changes a small scale
as much as a large one, in proportion (Jain et al., Trained Quantization Thresholds, 2020); a
scale's gradient is that of Learned Step Size Quantization (Esser et al., 2020). A
power-of-two scale is the rounded logarithm.
"""

from __future__ import annotations

from typing import Any

import torch
from brevitas.inject.enum import QuantType, RestrictValueType, ScalingImplType, ScalingPerOutputType
from brevitas.nn import QuantConv1d, QuantConv2d, QuantIdentity, QuantLinear, QuantReLU
from brevitas.quant.base import IntQuant
from brevitas.quant.solver import ActQuantSolver, WeightQuantSolver
from torch import Tensor, nn

from fpgacomp.compress.constraints import carry
from fpgacomp.compress.quantize.options import ScaleGranularity, ScaleKind
from fpgacomp.compress.quantize.torch.levels import IntegerLevels
from fpgacomp.compress.quantize.torch.ranges import best_steps, binary_scales


class _Weights(IntQuant, WeightQuantSolver):
    scaling_impl_type = ScalingImplType.PARAMETER


class _BinaryWeights(WeightQuantSolver):
    quant_type = QuantType.BINARY
    bit_width = 1
    signed = True
    narrow_range = True
    scaling_impl_type = ScalingImplType.PARAMETER


class _Activations(IntQuant, ActQuantSolver):
    scaling_per_output_type = ScalingPerOutputType.TENSOR


class _BipolarActivations(ActQuantSolver):
    quant_type = QuantType.BINARY
    bit_width = 1
    signed = True
    narrow_range = True
    scaling_per_output_type = ScalingPerOutputType.TENSOR


def _divisor(levels: IntegerLevels, scale: ScaleKind) -> int:
    """What a step is multiplied by to give the number that Brevitas learns."""
    if levels.bipolar:
        return 1
    if scale == "power-of-two":
        return levels.highest + 1
    return -levels.lowest if levels.signed else levels.highest


def steps_of(
    weight: Tensor, levels: IntegerLevels, scale: ScaleKind, granularity: ScaleGranularity
) -> Tensor:
    """Find the steps of a weight that err least.

    Args:
        weight: [out, ...].
        levels: the integers of the quantizer.
        scale: whether steps have to be powers of two.
        granularity: whether each output channel has a step of its own.

    Returns:
        The steps, as they broadcast over the weight, or a single one, [].
    """
    channels = len(weight) if granularity == "channel" else 1
    rows = weight.detach().reshape(channels, -1)
    if levels.bipolar:
        steps = binary_scales(rows)
    else:
        steps = best_steps(
            rows, levels.lowest, levels.highest, power_of_two=scale == "power-of-two"
        )
    if granularity == "tensor":
        return steps.reshape(())
    return steps.reshape(-1, *(1,) * (weight.ndim - 1))


def quantize_layer(
    layer: nn.Module, levels: IntegerLevels, scale: ScaleKind, granularity: ScaleGranularity
) -> nn.Module:
    """Make the Brevitas layer that takes the place of a float one.

    Args:
        layer: a dense or convolution layer. Weights, bias, mode and constraints are taken over.
        levels: the integers of its weights.
        scale: whether scales have to be powers of two.
        granularity: whether each output channel has a scale of its own.
    """
    weight = layer.weight
    steps = steps_of(weight, levels, scale, granularity)
    kind = ScalingPerOutputType.CHANNEL if granularity == "channel" else ScalingPerOutputType.TENSOR
    base: Any = _BinaryWeights if levels.bipolar else _Weights
    quant = base.let(
        bit_width=levels.bits,
        narrow_range=levels.narrow or levels.bipolar,
        restrict_scaling_type=_restriction(scale),
        scaling_per_output_type=kind,
        scaling_init=steps * _divisor(levels, scale),
    )
    new = _twin(layer, quant)
    with torch.no_grad():
        new.weight.copy_(weight)
        if layer.bias is not None:
            new.bias.copy_(layer.bias)
    carry(layer, new)
    _keep_parameters(new.weight_quant)
    return new.train(layer.training)


def _twin(layer: nn.Module, quant: Any) -> Any:
    bias = layer.bias is not None
    if isinstance(layer, nn.Linear):
        return QuantLinear(layer.in_features, layer.out_features, bias=bias, weight_quant=quant)
    assert isinstance(layer, nn.Conv1d | nn.Conv2d)
    kind = QuantConv1d if isinstance(layer, nn.Conv1d) else QuantConv2d
    return kind(
        layer.in_channels, layer.out_channels, layer.kernel_size, stride=layer.stride,
        padding=layer.padding, dilation=layer.dilation, groups=layer.groups, bias=bias,
        weight_quant=quant,
    )  # fmt: skip


def activation_quantizer(
    levels: IntegerLevels, scale: ScaleKind, step: float, *, relu: bool, learned: bool
) -> nn.Module:
    """Make the Brevitas layer that quantizes an activation.

    Args:
        levels: the integers of the quantizer.
        scale: whether its scale has to be a power of two.
        step: the initial scale.
        relu: whether it takes the place of a ReLU (QuantReLU), or of nothing (QuantIdentity).
        learned: whether training moves the scale.
    """
    base: Any = _BipolarActivations if levels.bipolar else _Activations
    quant = base.let(
        bit_width=levels.bits,
        signed=levels.signed,
        narrow_range=levels.narrow or levels.bipolar,
        restrict_scaling_type=_restriction(scale, learned),
        scaling_impl_type=ScalingImplType.PARAMETER if learned else ScalingImplType.CONST,
        scaling_init=torch.tensor(step * _divisor(levels, scale)),
    )
    new = (QuantReLU if relu else QuantIdentity)(act_quant=quant)
    _keep_parameters(new.act_quant)
    return new


def _keep_parameters(proxy: Any) -> None:
    """Have the quantizer keep its parameters, as objects, when a state is loaded.

    Brevitas would build the quantizer anew: an optimizer would go on with parameters that
    are no longer the network's, and ties between quantizers would be cut.
    """
    proxy.init_tensor_quant = _leave_alone


def _leave_alone() -> None:
    """Do nothing, in place of the function by which Brevitas builds a quantizer anew."""


class TiedScale(nn.Module):
    """The scale of another quantizer times a fixed power of two.

    Args:
        leader: the activation quantizer whose scale is followed.
        exponent: the exponent of the power of two.
    """

    def __init__(self, leader: nn.Module, exponent: int) -> None:
        super().__init__()
        quantizer = leader.act_quant.fused_activation_quant_proxy.tensor_quant
        # In a tuple they are no submodules, so that their parameters belong to the leader alone.
        self._leader: tuple[Any, Any, Any] = (
            quantizer.scaling_impl,
            getattr(quantizer, "int_scaling_impl", None),
            getattr(quantizer, "msb_clamp_bit_width_impl", None),
        )
        self.factor = 2.0**exponent

    def forward(self, x: Tensor, threshold: Tensor | None = None) -> Tensor:
        """Compute the scale; Brevitas calls this with the values and a threshold."""
        scaling, divisor, bit_width = self._leader
        own = None if divisor is None else divisor(bit_width())
        scale: Tensor = scaling(x, own) * self.factor
        return scale


def tie(follower: nn.Module, leader: nn.Module, exponent: int) -> None:
    """Replace the follower's scale by the leader's times 2**exponent.

    Args:
        follower: an activation quantizer.
        leader: another one.
        exponent: the exponent of the power of two.
    """
    quantizer = follower.act_quant.fused_activation_quant_proxy.tensor_quant
    quantizer.scaling_impl = TiedScale(leader, exponent)


def _restriction(scale: ScaleKind, learned: bool = True) -> Any:
    if scale == "power-of-two":
        return RestrictValueType.POWER_OF_TWO
    # A scale that nothing learns is kept as it is, since 2**log2(x) is not quite x.
    return RestrictValueType.LOG_FP if learned else RestrictValueType.FP
