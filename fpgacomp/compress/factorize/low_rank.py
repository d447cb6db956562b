"""A dense or convolution layer as two of a lower rank, by singular value decomposition.

A dense layer W [out, in] becomes in -> rank -> out (Denton et al., 2014); a convolution
[out, in, k, k] a k x k convolution to `rank` channels and a 1 x 1 to the outputs (Zhang et
al., 2016), which is the decomposition of W as [out, in * k * k].
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from fpgacomp.compress.types import TorchLayer


@dataclass(frozen=True)
class Spectrum:
    """The singular values of a layer's weight as a matrix.

    Args:
        values: the singular values, in falling order.
        rows: number of rows of the matrix.
        columns: number of columns of the matrix.
    """

    values: Tensor
    rows: int
    columns: int

    @property
    def full_rank(self) -> int:
        """The rank at which a split computes exactly what the layer did."""
        return len(self.values)

    def of_share(self, share: float) -> int:
        """The rank that is this share of the full one, rounded down, at least 1."""
        return max(1, int(self.full_rank * share))

    def of_energy(self, energy: float) -> int:
        """The lowest rank that keeps this share of the sum of squared singular values."""
        kept = torch.cumsum(self.values.square(), 0) / self.values.square().sum()
        return min(self.full_rank, int((kept < energy - 1e-9).sum()) + 1)

    def weights(self, rank: int) -> int:
        """Number of weights of the two layers of a split at this rank."""
        return rank * (self.rows + self.columns)


def spectrum(layer: TorchLayer) -> Spectrum:
    """The singular values of a layer's weight as the matrix [out, everything else]."""
    matrix = layer.weight.detach().flatten(1).to(torch.float64)
    return Spectrum(torch.linalg.svdvals(matrix), matrix.shape[0], matrix.shape[1])


def split(layer: TorchLayer, rank: int) -> tuple[nn.Module, nn.Module]:
    """Split a layer into one to `rank` channels, without bias, and one from there, with the bias.

    At the full rank the two compute what the one did, up to float32 rounding.

    Args:
        layer: nn.Linear, nn.Conv1d or nn.Conv2d without groups; it is not changed.
        rank: 1 to the full rank.
    """
    matrix = layer.weight.detach().flatten(1).to(torch.float64)
    left, values, right = torch.linalg.svd(matrix, full_matrices=False)
    root = values[:rank].sqrt()
    expand, reduce = left[:, :rank] * root, root[:, None] * right[:rank]
    first, second = _empty(layer, rank)
    with torch.no_grad():
        first.weight.copy_(reduce.reshape(first.weight.shape))
        second.weight.copy_(expand.reshape(second.weight.shape))
        if layer.bias is not None:
            second.bias.copy_(layer.bias)
    return first, second


def _empty(layer: TorchLayer, rank: int) -> tuple[TorchLayer, TorchLayer]:
    bias = layer.bias is not None
    if isinstance(layer, nn.Linear):
        return (
            nn.Linear(layer.in_features, rank, bias=False),
            nn.Linear(rank, layer.out_features, bias=bias),
        )
    kind = type(layer)
    first = kind(
        layer.in_channels, rank, layer.kernel_size, layer.stride, layer.padding, layer.dilation,
        bias=False, padding_mode=layer.padding_mode,
    )  # fmt: skip
    return first, kind(rank, layer.out_channels, 1, bias=bias)
