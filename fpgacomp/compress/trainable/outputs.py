"""The outputs of a torch network: joined into one tensor for training, apart in a file."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, fx, nn

from fpgacomp.compress.trainable.modules import ReshapeTensor
from fpgacomp.data.tasks import Ending, OutputForm

_MOVING = (nn.Identity, nn.Flatten, nn.Dropout, ReshapeTensor)


class JoinOutputs(nn.Module):
    """Puts the outputs of a network side by side, so that it has one output like all others.

    Args:
        names: of the outputs.
        shapes: of each for one sample, without the batch axis.
    """

    def __init__(self, names: Sequence[str], shapes: Sequence[tuple[int, ...]]) -> None:
        super().__init__()
        self.names, self.shapes = tuple(names), tuple(shapes)

    def forward(self, *parts: Tensor) -> Tensor:
        """Return [N, sum of the sizes]."""
        return torch.cat([part.flatten(1) for part in parts], 1)

    def extra_repr(self) -> str:
        """Show the names in the module's repr."""
        return ", ".join(self.names)


def results_of(network: fx.GraphModule) -> list[tuple[str, fx.Node]]:
    """The outputs of a network of known modules: name and node of each, in their order."""
    (result,) = next(n for n in network.graph.nodes if n.op == "output").all_input_nodes
    module = network.get_submodule(str(result.target)) if result.op == "call_module" else None
    if isinstance(module, JoinOutputs):
        return list(zip(module.names, result.args, strict=True))
    return [(network.meta.get("output_name", "output"), result)]


def join_results(
    network: fx.Graph, root: nn.Module, results: Sequence[tuple[str, fx.Node, tuple[int, ...]]]
) -> fx.Node:
    """Append what returns the outputs, and give the node that is returned.

    Args:
        network: the graph, which has no output yet.
        root: holds the modules that the graph calls.
        results: name, node and shape without the batch axis of each output.
    """
    nodes: list[fx.Node] = []
    for _, node, _ in results:
        if node.op == "placeholder" or node in nodes:
            wish = "identity"
            while hasattr(root, wish):
                wish += "_"
            root.add_module(wish, nn.Identity())
            node = network.call_module(wish, (node,))
        nodes.append(node)
    if len(nodes) == 1:
        return nodes[0]
    root.add_module("joined_outputs", JoinOutputs([r[0] for r in results], [r[2] for r in results]))
    return network.call_module("joined_outputs", tuple(nodes))


def output_forms(network: nn.Module, x: npt.NDArray[np.float32]) -> tuple[OutputForm, ...]:
    """Tell what the outputs of a network look like.

    Args:
        network: a network of known modules, or any torch module with one output.
        x: samples [N, *input shape], of which two are executed.
    """
    if not isinstance(network, fx.GraphModule):
        return (OutputForm("output", _shape(network, x), _ending(_last(network))),)
    results = results_of(network)
    endings = [_ending(_behind_moves(network, node)) for _, node in results]
    if len(results) == 1:
        return (OutputForm(results[0][0], _shape(network, x), endings[0]),)
    joined: Any = network.get_submodule("joined_outputs")
    named = zip(joined.names, joined.shapes, endings, strict=True)
    return tuple(OutputForm(name, shape, ending) for name, shape, ending in named)


def _shape(network: nn.Module, x: npt.NDArray[np.float32]) -> tuple[int, ...]:
    training = network.training
    network.eval()
    try:
        with torch.no_grad():
            return tuple(network(torch.from_numpy(x[:2])).shape[1:])
    finally:
        network.train(training)


def _behind_moves(network: fx.GraphModule, node: fx.Node) -> nn.Module | None:
    """The module that computes an output, where what moves values about is looked through."""
    while node.op == "call_module":
        module: nn.Module = network.get_submodule(str(node.target))
        if not isinstance(module, _MOVING):
            return module
        node = node.all_input_nodes[0]
    return None


def _last(network: nn.Module) -> nn.Module:
    children = [child for child in network.children() if not isinstance(child, _MOVING)]
    return _last(children[-1]) if children else network


def _ending(module: nn.Module | None) -> Ending:
    if isinstance(module, nn.Softmax):
        return "softmax"
    if isinstance(module, nn.LogSoftmax):
        return "log-softmax"
    if isinstance(module, nn.Sigmoid | nn.Hardsigmoid):
        return "sigmoid"
    return "scores"
