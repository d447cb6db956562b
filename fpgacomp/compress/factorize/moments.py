"""Second moments of what the layers of a network read, which say what a split must keep."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor, nn

from fpgacomp.compress.threads import one_thread
from fpgacomp.compress.types import TorchLayer, TorchNetwork
from fpgacomp.data.labelled import LabelledData

SAMPLES = 256  # of the training split, evenly taken
BATCH = 32  # samples at a time; the windows of a convolution take its window's size in memory


def input_moments(
    network: TorchNetwork, layers: Iterable[str], data: LabelledData
) -> dict[str, Tensor]:
    """Average the products of every two values that a layer multiplies by its weights.

    Args:
        network: is executed in evaluation mode, and left in its own mode.
        layers: names of dense layers, and of convolutions without groups.
        data: the training split is looked at.

    Returns:
        By layer name, float64 [fan-in, fan-in], in the order of `layer.weight.flatten(1)`.
    """
    sums: dict[str, Tensor] = {}
    counts: dict[str, int] = {}
    handles = [
        network.get_submodule(name).register_forward_hook(_adder(name, sums, counts))
        for name in layers
    ]
    training = network.training
    network.eval()
    try:
        with one_thread(), torch.no_grad():
            for batch in torch.from_numpy(data.train.evenly(SAMPLES).x).split(BATCH):
                network(batch)
    finally:
        network.train(training)
        for handle in handles:
            handle.remove()
    return {name: total / counts[name] for name, total in sums.items()}


def _adder(
    name: str, sums: dict[str, Tensor], counts: dict[str, int]
) -> Callable[[nn.Module, Any, object], None]:
    def add(layer: nn.Module, inputs: Any, output: object) -> None:
        read = _windows(layer, inputs[0]).to(torch.float64)
        sums[name] = sums.get(name, 0) + read.T @ read
        counts[name] = counts.get(name, 0) + len(read)

    return add


def _windows(layer: TorchLayer, x: Tensor) -> Tensor:
    """The vectors that a layer multiplies by its weights, [vectors, fan-in]."""
    if isinstance(layer, nn.Linear):
        return x.reshape(-1, layer.in_features)
    fan_in = layer.weight[0].numel()
    # A convolution whose kernels are the unit vectors puts each window's values into channels.
    gather: Any = type(layer)(
        layer.in_channels, fan_in, layer.kernel_size, layer.stride, layer.padding, layer.dilation,
        bias=False, padding_mode=layer.padding_mode,
    )  # fmt: skip
    gather.weight.copy_(torch.eye(fan_in).reshape(gather.weight.shape))
    return gather(x).transpose(0, 1).flatten(1).T
