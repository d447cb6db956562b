"""What a network of known modules holds: its dense and convolution layers, and its input."""

from __future__ import annotations

from typing import TypeAlias

import torch
from torch import Tensor, fx, nn

WeightModule: TypeAlias = nn.Linear | nn.Conv1d | nn.Conv2d


def weight_layers(network: fx.GraphModule) -> dict[str, WeightModule]:
    """Find the dense and convolution layers, by name, in the order of execution.

    Brevitas layers are subclasses of torch's and are found as well.
    """
    found: dict[str, WeightModule] = {}
    for node in network.graph.nodes:
        if node.op == "call_module":
            module = network.get_submodule(str(node.target))
            if isinstance(module, nn.Linear | nn.Conv1d | nn.Conv2d):
                found.setdefault(str(node.target), module)
    return found


def input_shape(network: fx.GraphModule) -> tuple[int, ...]:
    """The shape of one sample, without the batch axis."""
    return tuple(network.meta["input_shape"])


def example_input(network: fx.GraphModule, batch: int = 2, seed: int = 0) -> Tensor:
    """Draw random samples of a network's input, uniform in 0..1, the same for the same seed.

    Args:
        network: a network of known modules.
        batch: number of samples.
        seed: of the random numbers.

    Returns:
        float32 [batch, *input shape].
    """
    generator = torch.Generator().manual_seed(seed)
    return torch.rand((batch, *input_shape(network)), generator=generator)
