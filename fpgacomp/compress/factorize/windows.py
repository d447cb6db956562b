"""A k x k convolution split into column and row, or given fewer channels around it (Tucker-2)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from fpgacomp.compress.factorize.low_rank import Spectrum
from fpgacomp.compress.types import TorchLayer


def spatial_spectrum(layer: TorchLayer) -> Spectrum:
    """The singular values of a weight [out, in, k, l] as the matrix [in * k, out * l]."""
    matrix = _columns_and_rows(layer)
    return Spectrum(torch.linalg.svdvals(matrix), matrix.shape[0], matrix.shape[1])


def split_spatial(layer: TorchLayer, rank: int) -> tuple[nn.Module, nn.Module]:
    """Split a k x l convolution into k x 1 to `rank` channels and 1 x l, which has the bias.

    This is the second scheme of Jaderberg, Vedaldi and Zisserman (2014), in the closed form of
    Tai et al. (2016): W[o, i, y, x] = sum over r of column[r, i, y] row[o, r, x]. It is exact at
    the full rank.

    Args:
        layer: nn.Conv2d without groups; it is not changed.
        rank: 1 to the full rank of `spatial_spectrum`.
    """
    left, values, right = torch.linalg.svd(_columns_and_rows(layer), full_matrices=False)
    root = values[:rank].sqrt()
    inputs, outputs = layer.in_channels, layer.out_channels
    (tall, wide), (down, across) = layer.kernel_size, layer.stride
    (top, side), (below, beside) = layer.padding, layer.dilation
    column = nn.Conv2d(
        inputs, rank, (tall, 1), (down, 1), (top, 0), (below, 1),
        bias=False, padding_mode=layer.padding_mode,
    )  # fmt: skip
    row = nn.Conv2d(
        rank, outputs, (1, wide), (1, across), (0, side), (1, beside),
        bias=layer.bias is not None, padding_mode=layer.padding_mode,
    )  # fmt: skip
    columns = (left[:, :rank] * root).reshape(inputs, tall, rank)
    rows = (root[:, None] * right[:rank]).reshape(rank, outputs, wide)
    _fill(column, columns.permute(2, 0, 1)[..., None], None)
    _fill(row, rows.transpose(0, 1)[:, :, None], layer.bias)
    return column, row


@dataclass(frozen=True)
class Tucker:
    """The singular values of a convolution, along its input and along its output channels.

    Args:
        inputs: those of the weight as the matrix [in, out * window].
        outputs: those of the weight as the matrix [out, in * window].
        window: number of weights of one kernel.
    """

    inputs: Spectrum
    outputs: Spectrum
    window: int

    def weights(self, ranks: tuple[int, int]) -> int:
        """Number of weights of the three layers of a split at these (input, output) ranks."""
        inner, outer = ranks
        return self.inputs.rows * inner + inner * outer * self.window + outer * self.outputs.rows


def tucker_spectrum(layer: TorchLayer) -> Tucker:
    """The singular values of a convolution that `split_tucker` cuts off at its ranks."""
    weight = layer.weight.detach().to(torch.float64)
    modes = (weight.transpose(0, 1).flatten(1), weight.flatten(1))
    inputs, outputs = (Spectrum(torch.linalg.svdvals(m), *m.shape) for m in modes)
    return Tucker(inputs, outputs, weight[0, 0].numel())


def split_tucker(
    layer: TorchLayer, ranks: tuple[int, int]
) -> tuple[nn.Module, nn.Module, nn.Module]:
    """Split a convolution into 1 x 1 to the first rank, k x k to the second, and 1 x 1 from there.

    The last has the bias. This is the Tucker-2 decomposition of the channels (Kim et al., 2016),
    by truncated higher-order SVD. It is exact at full ranks.

    Args:
        layer: nn.Conv1d or nn.Conv2d without groups; it is not changed.
        ranks: number of channels between the first two layers, and between the last two.
    """
    kind: Any = type(layer)
    inner, outer = ranks
    weight = layer.weight.detach().to(torch.float64)
    reduce = torch.linalg.svd(weight.transpose(0, 1).flatten(1), full_matrices=False)[0][:, :inner]
    expand = torch.linalg.svd(weight.flatten(1), full_matrices=False)[0][:, :outer]
    kernel = torch.einsum("oi...,ir,os->sr...", weight, reduce, expand)
    first = kind(layer.in_channels, inner, 1, bias=False)
    core = kind(
        inner, outer, layer.kernel_size, layer.stride, layer.padding, layer.dilation,
        bias=False, padding_mode=layer.padding_mode,
    )  # fmt: skip
    last = kind(outer, layer.out_channels, 1, bias=layer.bias is not None)
    _fill(first, reduce.T.reshape(first.weight.shape), None)
    _fill(core, kernel, None)
    _fill(last, expand.reshape(last.weight.shape), layer.bias)
    return first, core, last


def _columns_and_rows(layer: TorchLayer) -> Tensor:
    weight: Tensor = layer.weight.detach().to(torch.float64)  # [out, in, k, l]
    outputs, inputs, tall, wide = weight.shape
    return weight.permute(1, 2, 0, 3).reshape(inputs * tall, outputs * wide)


def _fill(layer: TorchLayer, weight: Tensor, bias: Tensor | None) -> None:
    with torch.no_grad():
        layer.weight.copy_(weight)
        if bias is not None:
            layer.bias.copy_(bias)
