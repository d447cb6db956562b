"""What further training must keep: zeros that stay zero, values that stay shared.

A layer carries its constraint as a buffer beside its weight, so that copies, state
dictionaries and further techniques take it along:

    kept     bool [*weight shape], True where the weight lives; elsewhere it is zero for good
    shared   int64 [*weight shape], which value of the codebook a weight is

Whoever replaces or slices a layer's weight does the same to these buffers (`carry`).
Training holds them by projection after every optimizer step: that works on the parameter
itself, so float and Brevitas layers are alike to it.
"""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor, nn

KEPT = "kept"
SHARED = "shared"


class Constraint(Protocol):
    """A set of weights that an optimizer must not leave."""

    def settle_gradient(self) -> None:
        """Called between backward pass and optimizer step."""

    def project(self, share: float) -> None:
        """Called after every optimizer step; `share` of the training is done (0..1)."""

    def settled(self, share: float) -> bool:
        """Whether a state at this point may count as the best one."""


def keep_zeros(layer: nn.Module, kept: Tensor | None = None) -> None:
    """Zero the weights outside the mask (default: those that are zero) for good."""
    weight = _weight(layer)
    mask = weight.detach() != 0 if kept is None else kept.to(torch.bool)
    layer.register_buffer(KEPT, mask)
    Zeros(weight, mask).project(1.0)


def keep_shared(layer: nn.Module, indices: Tensor) -> None:
    """Tie the weights of one index to one value from here on (their mean now)."""
    layer.register_buffer(SHARED, indices.to(torch.int64))
    Codebook(_weight(layer), indices).project(1.0)


def carry(source: nn.Module, target: nn.Module) -> None:
    """Give a layer that takes another's place the constraints of that one."""
    for name in (KEPT, SHARED):
        buffer = getattr(source, name, None)
        if buffer is not None:
            target.register_buffer(name, buffer.clone())


def constraints_of(network: nn.Module) -> list[Constraint]:
    """The constraints that the layers carry, bound to their weights."""
    found: list[Constraint] = []
    for layer in network.modules():
        shared, kept = getattr(layer, SHARED, None), getattr(layer, KEPT, None)
        if shared is not None:
            found.append(Codebook(_weight(layer), shared))
        if kept is not None:
            found.append(Zeros(_weight(layer), kept))
    return found


class Zeros:
    """Weights outside a mask stay zero.

    Args:
        weight: the parameter.
        kept: [*weight shape] of bool, True where the weight lives.
    """

    def __init__(self, weight: nn.Parameter, kept: Tensor) -> None:
        self.weight = weight
        self.kept = kept

    def settle_gradient(self) -> None:
        if self.weight.grad is not None:
            self.weight.grad.mul_(self.kept)

    def project(self, share: float) -> None:
        with torch.no_grad():
            self.weight.mul_(self.kept)

    def settled(self, share: float) -> bool:
        return True


class Codebook:
    """Weights of one index share one value; training moves the values.

    A shared value takes the mean of its weights' gradients. (Han et al., Deep Compression,
    ICLR 2016, take the sum: a step as many times longer as weights share the value.)

    Args:
        weight: the parameter.
        indices: [*weight shape] of int64, 0..values-1.
    """

    def __init__(self, weight: nn.Parameter, indices: Tensor) -> None:
        self.weight = weight
        self.indices = indices
        self._flat = indices.flatten()
        self._count = torch.bincount(self._flat).clamp(min=1).to(weight.dtype)

    @property
    def values(self) -> Tensor:
        """The codebook, [values]."""
        return self._means(self.weight.detach())

    def settle_gradient(self) -> None:
        if self.weight.grad is not None:
            self.weight.grad.copy_(self._means(self.weight.grad)[self.indices])

    def project(self, share: float) -> None:
        with torch.no_grad():
            self.weight.copy_(self._means(self.weight)[self.indices])

    def settled(self, share: float) -> bool:
        return True

    def _means(self, tensor: Tensor) -> Tensor:
        total = torch.zeros_like(self._count).index_add_(0, self._flat, tensor.flatten())
        return total / self._count


def _weight(layer: nn.Module) -> nn.Parameter:
    weight = layer.weight
    assert isinstance(weight, nn.Parameter)
    return weight
