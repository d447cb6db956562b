"""How important a channel is: by its weights, by its normalization, or by the loss."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import assert_never

import torch
from torch import Tensor, fx, nn

from fpgacomp.compress.losses import loss_of
from fpgacomp.compress.prune.groups import Channels
from fpgacomp.compress.prune.options import SaliencyKind
from fpgacomp.compress.trainable import weight_layers
from fpgacomp.compress.training import with_task
from fpgacomp.data.labelled import LabelledData

TAYLOR_BATCH = 32
TAYLOR_BATCHES = 24


def saliency_of(
    network: fx.GraphModule, channels: Channels, data: LabelledData, kind: SaliencyKind
) -> dict[int, float]:
    """Rate each unit by the sum of the ratings of its channels.

    The ratings of a layer's channels are scaled to a vector of length 1 before they are added,
    so that layers can be compared.

    Args:
        network: the network that is to be pruned.
        channels: its channels.
        data: "taylor" looks at the training split.
        kind: "taylor": the squared first-order estimate of the change of the loss on the
            training split (Molchanov et al., 2019); "magnitude": the length (L2) of a
            channel's weights; "sum": of their absolute values (L1; Li et al., 2017);
            "gamma": the size of the factor in the batch normalization behind it (Liu et al.,
            2017), and the magnitude where there is none.
    """
    match kind:
        case "taylor":
            return _summed(_taylor(network, data), channels)
        case "magnitude":
            return _summed(_of_weights(network, 2), channels)
        case "sum":
            return _summed(_of_weights(network, 1), channels)
        case "gamma":
            by_length = _summed(_of_weights(network, 2), channels)
            return {**by_length, **_summed(_gamma(network), channels)}
        case _:
            assert_never(kind)


def without_gamma(network: fx.GraphModule, channels: Channels) -> list[str]:
    """Names of layers that can lose channels but have no batch normalization behind them."""
    judged = _summed(_gamma(network), channels)
    units = (unit for unit in channels.units() if unit.number not in judged)
    return list(dict.fromkeys(layer for unit in units for layer in unit.layers))


def _summed(scores: Mapping[str, Tensor], channels: Channels) -> dict[int, float]:
    found: dict[int, float] = {}
    for name, by_channel in scores.items():
        length = float(by_channel.norm()) or 1.0
        for number, score in zip(channels.outputs[name].tolist(), by_channel.tolist()):
            found[number] = found.get(number, 0.0) + score / length
    return found


def _of_weights(network: fx.GraphModule, norm: int) -> dict[str, Tensor]:
    return {
        name: layer.weight.detach().flatten(1).norm(p=norm, dim=1)
        for name, layer in weight_layers(network).items()
    }


def _gamma(network: fx.GraphModule) -> dict[str, Tensor]:
    return {
        name: module.weight.detach().abs()
        for name, module in network.named_modules()
        if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d)
    }


def _taylor(network: fx.GraphModule, data: LabelledData) -> dict[str, Tensor]:
    """Sum over batches of the squared first-order change of the loss without the channel."""
    probe, loss = copy.deepcopy(network).eval(), loss_of(with_task(network, data))
    layers = weight_layers(probe)
    total = {name: torch.zeros(len(layer.weight)) for name, layer in layers.items()}
    generator = torch.Generator().manual_seed(0)
    order = torch.randperm(len(data.train), generator=generator)
    for batch in order.split(TAYLOR_BATCH)[:TAYLOR_BATCHES]:
        probe.zero_grad()
        x, y = torch.from_numpy(data.train.x)[batch], torch.from_numpy(data.train.y)[batch]
        loss(probe, x, y).backward()
        for name, layer in layers.items():
            change = (layer.weight.grad * layer.weight.detach()).flatten(1).sum(1)
            if layer.bias is not None:
                change = change + layer.bias.grad * layer.bias.detach()
            total[name] += change.square()
    return total
