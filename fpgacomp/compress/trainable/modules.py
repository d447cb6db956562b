"""Modules for operations that torch has only functions for, and the activation functions."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

ACTIVATIONS = (
    nn.ReLU, nn.ReLU6, nn.Hardtanh, nn.LeakyReLU, nn.ELU, nn.SELU, nn.SiLU, nn.GELU,
    nn.Hardswish, nn.Hardsigmoid, nn.Sigmoid, nn.Tanh,
)  # fmt: skip


class AddTensors(nn.Module):
    """Adds two or more tensors of one shape."""

    def forward(self, *parts: Tensor) -> Tensor:
        """Return the sum."""
        total = parts[0]
        for part in parts[1:]:
            total = total + part
        return total


class ConcatTensors(nn.Module):
    """Concatenates tensors.

    Args:
        dim: the axis along which they are concatenated, the batch axis counted; 1 or more.
    """

    def __init__(self, dim: int = 1) -> None:
        super().__init__()
        self.dim = dim

    def forward(self, *parts: Tensor) -> Tensor:
        """Return the concatenation."""
        return torch.cat(parts, self.dim)

    def extra_repr(self) -> str:
        """Show the axis in the module's repr."""
        return f"dim={self.dim}"


class ReshapeTensor(nn.Module):
    """Gives the values of each sample another shape.

    Args:
        shape: the new shape of one sample, without the batch axis, all sizes known.
    """

    def __init__(self, shape: Sequence[int]) -> None:
        super().__init__()
        self.shape = tuple(shape)

    def forward(self, x: Tensor) -> Tensor:
        """Return x [N, ...] as [N, *shape]."""
        return x.reshape(x.shape[0], *self.shape)

    def extra_repr(self) -> str:
        """Show the shape in the module's repr."""
        return f"shape={self.shape}"


class PermuteTensor(nn.Module):
    """Puts the axes of a tensor into another order.

    Args:
        dims: for every axis of the result, the axis that it comes from. The first is 0, the batch.
    """

    def __init__(self, dims: Sequence[int]) -> None:
        super().__init__()
        self.dims = tuple(dims)

    def forward(self, x: Tensor) -> Tensor:
        """Return x with its axes in the new order."""
        return x.permute(self.dims)

    def extra_repr(self) -> str:
        """Show the order in the module's repr."""
        return f"dims={self.dims}"


class ScaleTensor(nn.Module):
    """Computes x * factor + offset with constants that training does not move.

    Args:
        factor: a number, or a tensor that broadcasts against one sample, e.g. [channels, 1, 1].
        offset: likewise.
    """

    factor: Tensor
    offset: Tensor

    def __init__(self, factor: Tensor | float = 1.0, offset: Tensor | float = 0.0) -> None:
        super().__init__()
        self.register_buffer("factor", torch.as_tensor(factor, dtype=torch.float32).clone())
        self.register_buffer("offset", torch.as_tensor(offset, dtype=torch.float32).clone())

    def forward(self, x: Tensor) -> Tensor:
        """Return x scaled and shifted."""
        return x * self.factor + self.offset

    def extra_repr(self) -> str:
        """Show the shapes of the constants in the module's repr."""
        return f"factor={list(self.factor.shape)}, offset={list(self.offset.shape)}"
