"""Rules that turn the functions and methods in a traced forward() into modules."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, fx, nn

from fpgacomp.compress.trainable.modules import (
    AddTensors,
    ConcatTensors,
    PermuteTensor,
    ReshapeTensor,
    ScaleTensor,
)

# From one use of a function to the module that computes it; None where no module does.
FunctionRule = Callable[["Use"], nn.Module | None]


@dataclass(frozen=True)
class Use:
    """One use of a function in a traced network.

    Args:
        inputs: the computed tensors that it takes.
        values: its other arguments by name; those that have their default are left out.
        shapes: shapes of the inputs, the batch axis included.
        result: shape of its output, the batch axis included.
    """

    inputs: tuple[fx.Node, ...]
    values: Mapping[str, Any]
    shapes: tuple[tuple[int, ...], ...]
    result: tuple[int, ...]

    @property
    def rank(self) -> int:
        """Number of axes of the first input, the batch axis counted."""
        return len(self.shapes[0])

    def get(self, name: str, default: Any = None) -> Any:
        """The value of an argument, or a default where it was not given."""
        return self.values.get(name, default)


def _reshaped(use: Use) -> nn.Module | None:
    """Functions that keep the values of each sample in their order."""
    if use.result[0] != use.shapes[0][0] or len(use.result) < 2:
        return None
    return nn.Flatten() if len(use.result) == 2 else ReshapeTensor(use.result[1:])


def _permuted(use: Use) -> nn.Module | None:
    dims = use.get("dims", ())
    order = [axis % use.rank for axis in dims]
    return PermuteTensor(order) if order and order[0] == 0 else None


def _transposed(use: Use) -> nn.Module | None:
    order = list(range(use.rank))
    a, b = use.get("dim0") % use.rank, use.get("dim1") % use.rank
    order[a], order[b] = order[b], order[a]
    return PermuteTensor(order) if order[0] == 0 else None


def _sum(use: Use) -> nn.Module | None:
    if use.get("alpha", 1) != 1:
        return None
    if len(use.inputs) == 1:
        return _scaled(1.0, use.get("other"), use)
    return AddTensors() if len(set(use.shapes)) == 1 else None


def _scaled(factor: Any, offset: Any, use: Use) -> nn.Module | None:
    """A module for x * factor + offset; None where constants differ by sample or enlarge x."""
    constants = []
    for value in (factor, offset):
        if not isinstance(value, int | float | Tensor):
            return None
        constant = torch.as_tensor(value, dtype=torch.float32).detach()
        if constant.dim() == use.rank and constant.shape[0] == 1:
            constant = constant[0]
        if constant.dim() >= use.rank or use.result != use.shapes[0]:
            return None
        constants.append(constant)
    return ScaleTensor(*constants)


def _product(use: Use) -> nn.Module | None:
    return _scaled(use.get("other"), 0.0, use) if len(use.inputs) == 1 else None


def _difference(use: Use) -> nn.Module | None:
    if len(use.inputs) != 1 or use.get("alpha", 1) != 1:
        return None
    if "input" in use.values:  # constant - tensor
        return _scaled(-1.0, use.get("input"), use)
    return _scaled(1.0, -use.get("other"), use)


def _quotient(use: Use) -> nn.Module | None:
    if len(use.inputs) != 1 or "input" in use.values or use.get("rounding_mode"):
        return None
    return _scaled(1.0 / use.get("other"), 0.0, use)


def _concatenated(use: Use) -> nn.Module | None:
    dim = use.get("dim", use.get("axis", 0)) % use.rank
    return ConcatTensors(dim) if dim else None


def _pooled(kinds: Sequence[type[nn.Module]], *names: str) -> FunctionRule:
    """A rule for pooling over one or two axes, whose module has arguments of the same names."""

    def rule(use: Use) -> nn.Module | None:
        if use.rank not in (3, 4) or use.get("return_indices"):
            return None
        values = {name: use.get(name) for name in names if use.get(name) is not None}
        return kinds[use.rank - 3](**values)

    return rule


def _adaptive(use: Use) -> nn.Module | None:
    if use.rank not in (3, 4) or set(use.result[2:]) != {1}:
        return None
    return nn.AdaptiveAvgPool1d(1) if use.rank == 3 else nn.AdaptiveAvgPool2d(1)


def _mean(use: Use) -> nn.Module | None:
    """The mean over all rows and columns of data whose channels come first."""
    dim = use.get("dim", use.get("axis"))
    dims = [dim] if isinstance(dim, int) else list(dim or ())
    if use.rank not in (3, 4) or sorted(d % use.rank for d in dims) != list(range(2, use.rank)):
        return None
    pool = _adaptive_of(use.rank)
    return pool if use.get("keepdim") else nn.Sequential(pool, nn.Flatten())


def _adaptive_of(rank: int) -> nn.Module:
    return nn.AdaptiveAvgPool1d(1) if rank == 3 else nn.AdaptiveAvgPool2d(1)


def _softmax(kind: Callable[[int], nn.Module]) -> FunctionRule:
    def rule(use: Use) -> nn.Module | None:
        dim = use.get("dim")
        return None if dim is None else kind(dim % use.rank)

    return rule


def _clamped(use: Use) -> nn.Module | None:
    low, high = use.get("min"), use.get("max")
    if any(isinstance(bound, Tensor) for bound in (low, high)):
        return None
    if low == 0 and high is None:
        return nn.ReLU()
    low, high = -math.inf if low is None else low, math.inf if high is None else high
    return nn.Hardtanh(low, high) if low < high else None


def _hardtanh(use: Use) -> nn.Module | None:
    return nn.Hardtanh(use.get("min_val", -1.0), use.get("max_val", 1.0))


def _padded(use: Use) -> nn.Module | None:
    pad = tuple(use.get("pad", ()))
    if use.get("mode", "constant") != "constant" or (use.get("value") or 0) != 0:
        return None
    if len(pad) not in (2, 4) or len(pad) > 2 * (use.rank - 2):
        return None
    return nn.ConstantPad1d(pad, 0.0) if len(pad) == 2 else nn.ConstantPad2d(pad, 0.0)


def _upsampled(use: Use) -> nn.Module | None:
    factors = [b / a for a, b in zip(use.shapes[0], use.result)][2:]
    if use.get("mode", "nearest") != "nearest" or any(f != math.floor(f) for f in factors):
        return None
    scale = factors[0] if len(set(factors)) == 1 else tuple(factors)
    return nn.Upsample(scale_factor=scale, mode="nearest")


def _always(kind: Callable[[], nn.Module]) -> FunctionRule:
    return lambda use: kind()


def _negated(use: Use) -> nn.Module | None:
    return ScaleTensor(-1.0, 0.0)


_MAX = _pooled(
    (nn.MaxPool1d, nn.MaxPool2d), "kernel_size", "stride", "padding", "dilation", "ceil_mode"
)
_MEAN = _pooled(
    (nn.AvgPool1d, nn.AvgPool2d),
    "kernel_size",
    "stride",
    "padding",
    "ceil_mode",
    "count_include_pad",
)

# The names of the arguments and the rule, by function, or by the name of a method of tensors.
RULES: dict[Any, tuple[tuple[str, ...], FunctionRule]] = {}


def _register(keys: Sequence[Any], names: str, rule: FunctionRule) -> None:
    RULES.update({key: (tuple(names.split()), rule) for key in keys})


_register([F.relu, F.relu_, torch.relu, torch.relu_, "relu", "relu_"], "input", _always(nn.ReLU))
_register([F.relu6], "input", _always(nn.ReLU6))
_register([F.hardtanh, F.hardtanh_], "input min_val max_val", _hardtanh)
_register(
    [F.leaky_relu, F.leaky_relu_],
    "input negative_slope",
    lambda use: nn.LeakyReLU(use.get("negative_slope", 0.01)),
)
_register([F.sigmoid, torch.sigmoid, "sigmoid"], "input", _always(nn.Sigmoid))
_register([F.elu, F.elu_], "input alpha", lambda use: nn.ELU(use.get("alpha", 1.0)))
_register([F.selu, F.selu_, torch.selu, torch.selu_], "input", _always(nn.SELU))
_register([F.silu], "input", _always(nn.SiLU))
_register([F.gelu], "input approximate", lambda use: nn.GELU(use.get("approximate", "none")))
_register([F.hardswish], "input", _always(nn.Hardswish))
_register([F.hardsigmoid], "input", _always(nn.Hardsigmoid))
_register([F.tanh, torch.tanh, "tanh"], "input", _always(nn.Tanh))
_register([F.softmax, torch.softmax, "softmax"], "input dim", _softmax(nn.Softmax))
_register([F.log_softmax, torch.log_softmax, "log_softmax"], "input dim", _softmax(nn.LogSoftmax))
_register([torch.clamp, torch.clip, "clamp", "clip"], "input min max", _clamped)
_register([torch.flatten, "flatten", "view", torch.reshape, "reshape"], "input", _reshaped)
_register([torch.squeeze, "squeeze", torch.unsqueeze, "unsqueeze"], "input", _reshaped)
_register([torch.permute, "permute"], "input dims", _permuted)
_register([torch.transpose, "transpose"], "input dim0 dim1", _transposed)
_register([operator.add, operator.iadd, torch.add, "add", "add_"], "input other", _sum)
_register([operator.mul, operator.imul, torch.mul, "mul", "mul_"], "input other", _product)
_register([operator.sub, operator.isub, torch.sub, "sub"], "input other", _difference)
_register([operator.truediv, torch.div, "div"], "input other", _quotient)
_register([operator.neg, torch.neg, "neg"], "input", _negated)
_register([torch.cat, torch.concat], "tensors dim", _concatenated)
_register(
    [F.max_pool1d, F.max_pool2d, torch.max_pool1d, torch.max_pool2d],
    "input kernel_size stride padding dilation ceil_mode return_indices",
    _MAX,
)
_register(
    [F.avg_pool1d, F.avg_pool2d],
    "input kernel_size stride padding ceil_mode count_include_pad divisor_override",
    lambda use: None if use.get("divisor_override") else _MEAN(use),
)
_register([F.adaptive_avg_pool1d, F.adaptive_avg_pool2d], "input output_size", _adaptive)
_register([torch.mean, "mean"], "input dim keepdim", _mean)
_register([F.pad], "input pad mode value", _padded)
_register([F.interpolate], "input size scale_factor mode align_corners", _upsampled)
_register([F.dropout], "input p training inplace", lambda use: nn.Dropout(use.get("p", 0.5)))
_register(["contiguous", "clone", "detach", "float"], "input", _always(nn.Identity))
