"""The activation functions of a canonical network, and operations torch has no module for."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

ACTIVATIONS = (
    nn.ReLU, nn.ReLU6, nn.Hardtanh, nn.LeakyReLU, nn.ELU, nn.SELU, nn.SiLU, nn.GELU,
    nn.Hardswish, nn.Hardsigmoid, nn.Sigmoid, nn.Tanh,
)  # fmt: skip


class AddTensors(nn.Module):
    """The sum of two or more tensors of one shape."""

    def forward(self, *parts: Tensor) -> Tensor:
        total = parts[0]
        for part in parts[1:]:
            total = total + part
        return total


class ConcatTensors(nn.Module):
    """Tensors side by side.

    Args:
        dim: the axis, batch axis counted; at least 1.
    """

    def __init__(self, dim: int = 1) -> None:
        super().__init__()
        self.dim = dim

    def forward(self, *parts: Tensor) -> Tensor:
        return torch.cat(parts, self.dim)

    def extra_repr(self) -> str:
        return f"dim={self.dim}"


class ReshapeTensor(nn.Module):
    """The same values of each sample in another shape.

    Args:
        shape: of one sample, without the batch axis, all sizes known.
    """

    def __init__(self, shape: Sequence[int]) -> None:
        super().__init__()
        self.shape = tuple(shape)

    def forward(self, x: Tensor) -> Tensor:
        return x.reshape(x.shape[0], *self.shape)

    def extra_repr(self) -> str:
        return f"shape={self.shape}"


class PermuteTensor(nn.Module):
    """Axes in another order.

    Args:
        dims: for every axis of the result the axis it comes from; starts with 0, the batch.
    """

    def __init__(self, dims: Sequence[int]) -> None:
        super().__init__()
        self.dims = tuple(dims)

    def forward(self, x: Tensor) -> Tensor:
        return x.permute(self.dims)

    def extra_repr(self) -> str:
        return f"dims={self.dims}"


class ScaleTensor(nn.Module):
    """`x * factor + offset` with constants that no training moves.

    Args:
        factor: shape that broadcasts against one sample, e.g. () or [channels, 1, 1].
        offset: likewise.
    """

    factor: Tensor
    offset: Tensor

    def __init__(self, factor: Tensor | float = 1.0, offset: Tensor | float = 0.0) -> None:
        super().__init__()
        self.register_buffer("factor", torch.as_tensor(factor, dtype=torch.float32).clone())
        self.register_buffer("offset", torch.as_tensor(offset, dtype=torch.float32).clone())

    def forward(self, x: Tensor) -> Tensor:
        return x * self.factor + self.offset

    def extra_repr(self) -> str:
        return f"factor={list(self.factor.shape)}, offset={list(self.offset.shape)}"
