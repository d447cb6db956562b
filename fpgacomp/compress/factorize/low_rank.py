"""A dense or convolution layer as two of a lower rank, by singular value decomposition.

A dense layer W [out, in] becomes in -> rank -> out (Denton et al., 2014); a convolution
[out, in, k, k] a k x k convolution to `rank` channels and a 1 x 1 to the outputs (Zhang et
al., 2016), which is the decomposition of W as [out, in * k * k]. What the two compute is nearest to
what the one did, on average over its inputs, where W is decomposed in the metric of their second
moments.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from fpgacomp.compress.types import TorchLayer

# Smallest second moment, as a share of the mean one: inputs that samples never show, such as the
# corners of a picture, keep a little weight.
LEAST_MOMENT = 1e-4


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


def split(
    layer: TorchLayer, rank: int, moments: Tensor | None = None
) -> tuple[nn.Module, nn.Module]:
    """Split a layer into one to `rank` channels, without bias, and one from there, with the bias.

    At the full rank the two compute what the one did, up to float32 rounding.

    Args:
        layer: nn.Linear, nn.Conv1d or nn.Conv2d without groups; it is not changed.
        rank: 1 to the full rank.
        moments: second moments of what the layer reads, [fan-in, fan-in]; see `moments`. The two
            layers then err least on average over such inputs. None weighs all inputs alike.
    """
    matrix = layer.weight.detach().flatten(1).to(torch.float64)
    root = None if moments is None else _root(moments)
    left, values, right = torch.linalg.svd(
        matrix if root is None else matrix @ root, full_matrices=False
    )
    expand, reduce = left[:, :rank], values[:rank, None] * right[:rank]
    if root is not None:
        reduce = torch.linalg.solve_triangular(root, reduce, upper=False, left=False)
    expand, reduce = _even(expand, reduce)
    first, second = _empty(layer, rank)
    with torch.no_grad():
        first.weight.copy_(reduce.reshape(first.weight.shape))
        second.weight.copy_(expand.reshape(second.weight.shape))
        if layer.bias is not None:
            second.bias.copy_(layer.bias)
    return first, second


def _root(moments: Tensor) -> Tensor:
    """The lower triangular L with L L^T = moments, which are made invertible where they are not."""
    size = len(moments)
    spread = float(moments.trace()) / size or 1.0
    return torch.linalg.cholesky(
        moments + LEAST_MOMENT * spread * torch.eye(size, dtype=moments.dtype)
    )


def _even(expand: Tensor, reduce: Tensor) -> tuple[Tensor, Tensor]:
    """Give each column of the one and the row of the other that it meets the same length."""
    ratio = (reduce.norm(dim=1) / expand.norm(dim=0)).sqrt()
    ratio = torch.where(ratio > 0, ratio, torch.ones_like(ratio))
    return expand * ratio, reduce / ratio[:, None]


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
