"""How many multiplications each layer of a network takes."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, fx

from fpgacomp.compress.quantize.torch.sites import WEIGHTED, module_of
from fpgacomp.compress.trainable import example_input


def multiplications(network: fx.GraphModule) -> dict[str, int]:
    """Count the products per sample of each dense and convolution layer, by layer name.

    Products with the zeros of a padding are counted.
    """
    counts: dict[str, int] = {}

    class Counter(fx.Interpreter):
        def run_node(self, node: fx.Node) -> Any:
            result = super().run_node(node)
            layer = module_of(network, node)
            if isinstance(layer, WEIGHTED):
                assert isinstance(result, Tensor)
                products = result[0].numel() * layer.weight[0].numel()
                counts[str(node.target)] = counts.get(str(node.target), 0) + products
            return result

    training = network.training
    network.eval()
    with torch.no_grad():
        Counter(network).run(example_input(network, batch=1))
    network.train(training)
    return counts
