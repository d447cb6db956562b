"""What further training must keep: zeros that stay zero, values that stay shared.

A layer carries its constraint as a buffer beside its weight, so that copies of the network, state
dictionaries and further techniques take it along:

    kept     bool [*weight shape]: True where the weight may differ from zero, False where it is
             zero for good
    shared   int64 [*weight shape]: index of the codebook's value that the weight has

Code that replaces or slices a layer's weight does the same to these buffers (see `carry`).
Training holds the constraints by a projection after every optimizer step. The projection works
on the parameter itself, so that float and Brevitas layers need no different treatment.
"""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor, nn

KEPT = "kept"
SHARED = "shared"


class Constraint(Protocol):
    """A condition on weights that training keeps."""

    def settle_gradient(self) -> None:
        """Adjust the gradient; training calls it between backward pass and optimizer step."""

    def project(self, share: float) -> None:
        """Move the weights to the nearest ones allowed; training calls it after every step.

        Args:
            share: part of the training that is done, 0..1.
        """

    def settled(self, share: float) -> bool:
        """Tell whether the condition is final, so that an epoch may count as the best one.

        Args:
            share: part of the training that is done, 0..1.
        """


def keep_zeros(layer: nn.Module, kept: Tensor | None = None) -> None:
    """Zero the weights outside a mask, and have all further training keep them at zero.

    Args:
        layer: a dense or convolution layer.
        kept: bool [*weight shape], False where the weight becomes zero; None means that the
            weights that are zero now stay zero.
    """
    weight = _weight(layer)
    mask = weight.detach() != 0 if kept is None else kept.to(torch.bool)
    layer.register_buffer(KEPT, mask)
    Zeros(weight, mask).project(1.0)


def keep_shared(layer: nn.Module, indices: Tensor) -> None:
    """Give all weights of one index their mean, and have all further training keep them equal.

    Args:
        layer: a dense or convolution layer.
        indices: int64 [*weight shape], 0 to the number of values - 1.
    """
    layer.register_buffer(SHARED, indices.to(torch.int64))
    Codebook(_weight(layer), indices).project(1.0)


def carry(source: nn.Module, target: nn.Module) -> None:
    """Copy the constraints of a layer to the one that takes its place.

    Args:
        source: the layer that is replaced.
        target: the layer that replaces it, with a weight of the same shape.
    """
    for name in (KEPT, SHARED):
        buffer = getattr(source, name, None)
        if buffer is not None:
            target.register_buffer(name, buffer.clone())


def constraints_of(network: nn.Module) -> list[Constraint]:
    """Find the constraints that the layers of a network carry, bound to the layers' weights."""
    found: list[Constraint] = []
    for layer in network.modules():
        shared, kept = getattr(layer, SHARED, None), getattr(layer, KEPT, None)
        if shared is not None:
            found.append(Codebook(_weight(layer), shared))
        if kept is not None:
            found.append(Zeros(_weight(layer), kept))
    return found


class Zeros:
    """The constraint that weights outside a mask stay zero.

    Args:
        weight: the parameter.
        kept: bool [*weight shape], True where the weight may differ from zero.
    """

    def __init__(self, weight: nn.Parameter, kept: Tensor) -> None:
        self.weight = weight
        self.kept = kept

    def settle_gradient(self) -> None:
        """Zero the gradients of the weights outside the mask."""
        if self.weight.grad is not None:
            self.weight.grad.mul_(self.kept)

    def project(self, share: float) -> None:
        """Zero the weights outside the mask."""
        with torch.no_grad():
            self.weight.mul_(self.kept)

    def settled(self, share: float) -> bool:
        """Always true: the mask does not change in training."""
        return True


class Codebook:
    """The constraint that weights of one index share one value, which training moves.

    A shared value moves by the mean of its weights' gradients. Han et al. (Deep Compression,
    ICLR 2016) take their sum, which makes the steps of a value longer the more weights share it.

    Args:
        weight: the parameter.
        indices: int64 [*weight shape], 0 to the number of values - 1.
    """

    def __init__(self, weight: nn.Parameter, indices: Tensor) -> None:
        self.weight = weight
        self.indices = indices
        self._flat = indices.flatten()
        self._count = torch.bincount(self._flat).clamp(min=1).to(weight.dtype)

    @property
    def values(self) -> Tensor:
        """The values that weights share, [values]."""
        return self._means(self.weight.detach())

    def settle_gradient(self) -> None:
        """Give all weights of one index the mean of their gradients."""
        if self.weight.grad is not None:
            self.weight.grad.copy_(self._means(self.weight.grad)[self.indices])

    def project(self, share: float) -> None:
        """Give all weights of one index their mean."""
        with torch.no_grad():
            self.weight.copy_(self._means(self.weight)[self.indices])

    def settled(self, share: float) -> bool:
        """Always true: the indices do not change in training."""
        return True

    def _means(self, tensor: Tensor) -> Tensor:
        total = torch.zeros_like(self._count).index_add_(0, self._flat, tensor.flatten())
        return total / self._count


def _weight(layer: nn.Module) -> nn.Parameter:
    weight = layer.weight
    assert isinstance(weight, nn.Parameter)
    return weight
