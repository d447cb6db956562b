"""A k x k convolution split into a depthwise and a pointwise one, or replaced by one in groups."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from fpgacomp.compress.types import TorchLayer


def split_separable(layer: TorchLayer) -> tuple[nn.Module, nn.Module]:
    """Split a convolution into a depthwise k x k and a pointwise 1 x 1 one, which has the bias.

    Each input channel's kernels [out, k * k] are replaced by their best approximation of
    rank 1, which is what a depthwise kernel and a column of the pointwise layer can be (Guo
    et al., Network Decoupling, 2018).

    Args:
        layer: nn.Conv1d or nn.Conv2d without groups; it is not changed.
    """
    kind: Any = type(layer)
    channels = layer.in_channels
    depth = kind(
        channels, channels, layer.kernel_size, layer.stride, layer.padding, layer.dilation,
        groups=channels, bias=False, padding_mode=layer.padding_mode,
    )  # fmt: skip
    point = kind(channels, layer.out_channels, 1, bias=layer.bias is not None)
    kernels = layer.weight.detach().to(torch.float64).flatten(2).transpose(0, 1)  # [in, out, kk]
    left, values, right = torch.linalg.svd(kernels, full_matrices=False)
    root = values[:, :1].sqrt()
    with torch.no_grad():
        depth.weight.copy_((root * right[:, 0]).reshape(depth.weight.shape))
        point.weight.copy_((root * left[:, :, 0]).T.reshape(point.weight.shape))
        if layer.bias is not None:
            point.bias.copy_(layer.bias)
    return depth, point


def split_grouped(layer: TorchLayer, groups: int) -> nn.Module:
    """Make a convolution in groups that keeps those of a layer's weights that lie within a group.

    Args:
        layer: nn.Conv1d or nn.Conv2d without groups; it is not changed.
        groups: number of groups, which divides both numbers of channels.
    """
    kind: Any = type(layer)
    smaller: nn.Module = kind(
        layer.in_channels, layer.out_channels, layer.kernel_size, layer.stride, layer.padding,
        layer.dilation, groups=groups, bias=layer.bias is not None,
        padding_mode=layer.padding_mode,
    )  # fmt: skip
    inputs, outputs = layer.in_channels // groups, layer.out_channels // groups
    with torch.no_grad():
        for group in range(groups):
            rows = slice(group * outputs, (group + 1) * outputs)
            columns = slice(group * inputs, (group + 1) * inputs)
            smaller.weight[rows].copy_(layer.weight[rows, columns])
        if layer.bias is not None:
            smaller.bias.copy_(layer.bias)
    return smaller
