"""The one-step gradient attack on float networks, and on quantized ones straight through.

PyTorch computes the gradient. It is imported only when an attack is asked for.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import onnx
from onnx import numpy_helper

from fpgacomp.compress.evaluate.disturb import ValueRange
from fpgacomp.compress.evaluate.quantizers import NodeQuantizer
from fpgacomp.compress.types import TorchNetwork
from fpgacomp.data.labelled import Samples
from fpgacomp.data.percents import agreement_text
from fpgacomp.data.tasks import Task
from fpgacomp.errors import FpgacompError, Problems, UnsupportedLayer
from fpgacomp.ir.types import NamedArrays
from fpgacomp.network.attributes import initializers
from fpgacomp.network.canonical import Network

Floats = npt.NDArray[np.float32]
BATCH = 256
# Share of the answers that torch and the network's own executor must agree on. They add up floats
# in different orders, so that an answer close to another class may differ.
AGREEMENT = 0.99


@dataclass(frozen=True, eq=False)
class GradientAttack:
    """A function that attacks samples, or the reason why there is none.

    Args:
        attack: makes attacked samples [N, *input shape] from samples and an epsilon (share of the
            range); None where the network has no gradient.
        note: how the gradient is computed, or why there is none.
    """

    attack: Callable[[Samples, float], Floats] | None
    note: str


def gradient_of(
    network: Network, samples: Samples, task: Task, outputs: NamedArrays, inside: ValueRange
) -> GradientAttack:
    """Find the gradient of the loss by the input, where the network has one.

    Args:
        network: a float network, or canonical QONNX.
        samples: the test split in the network's shape, one sample at least.
        task: what the network is asked to tell.
        outputs: what the network computes for the samples when it is executed. In PyTorch it must
            tell the same, except for one sample in a hundred, since otherwise its gradient is not
            the network's.
        inside: attacked values stay in this range.

    Returns:
        The attack; where there is none, its note says why.
    """
    try:
        import torch

        from fpgacomp.compress.threads import one_thread
    except ImportError:
        return GradientAttack(None, "no gradient: torch is not installed (pip install torch).")
    try:
        if network.format == "float":
            from fpgacomp.compress.trainable import from_onnx

            module, note = from_onnx(network.original), "gradient of the float network"
        else:
            module, note = straight_through(network.model), "straight-through gradient"
    except FpgacompError as error:
        return GradientAttack(None, f"no gradient: {_first(error)}")
    with one_thread(), torch.no_grad():
        parts = torch.from_numpy(samples.x).split(BATCH)
        joined = np.concatenate([module(part).flatten(1).numpy() for part in parts])
    agreed = task.agreement(task.split(joined), outputs)
    if agreed < AGREEMENT:
        return GradientAttack(
            None,
            f"no gradient: torch agrees on {agreement_text(agreed)} of the samples, not on all.",
        )
    scoring = _with_scores(module, task, samples)

    def attack(some: Samples, epsilon: float) -> Floats:
        return attack_samples(module, scoring, some, epsilon, inside)

    return GradientAttack(attack, note)


def attack_samples(
    module: TorchNetwork, task: Task, samples: Samples, epsilon: float, inside: ValueRange
) -> Floats:
    """Compute x + epsilon * width * sign(gradient of the loss by x), clipped to the range.

    This is the fast gradient sign method (FGSM, Goodfellow et al. 2015).

    Args:
        module: a torch network in inference mode.
        task: what it is asked to tell.
        samples: x and the labels.
        epsilon: largest change of a value, as a share of the width of the range.
        inside: the range.

    Returns:
        The attacked samples, float32 [N, *input shape].
    """
    import torch

    from fpgacomp.compress.losses import task_loss
    from fpgacomp.compress.threads import one_thread

    parts = []
    with one_thread():
        for start in range(0, len(samples), BATCH):
            part = Samples(samples.x[start : start + BATCH], samples.y[start : start + BATCH])
            x = torch.from_numpy(part.x).clone().requires_grad_()
            loss = task_loss(task, module(x).flatten(1), torch.from_numpy(part.y))
            (slope,) = torch.autograd.grad(loss, x)
            step = np.float32(epsilon * inside.width) * np.sign(slope.numpy())
            parts.append(inside.clip(part.x + step))
    return np.concatenate(parts)


def straight_through(model: onnx.ModelProto) -> TorchNetwork:
    """Read a quantized network into PyTorch, its activation quantizers handing the gradient on.

    Forward it computes what the network does; backward a quantizer is the identity inside its
    limits and zero outside (the straight-through estimator; Bengio et al. 2013, Hubara et al.
    2016).

    Args:
        model: canonical QONNX.

    Raises:
        UnsupportedLayer: a quantizer has no such form, or a layer no counterpart in PyTorch.
    """
    from fpgacomp.compress.trainable import from_onnx

    plain = onnx.ModelProto()
    plain.CopyFrom(model)
    graph = plain.graph
    constants = initializers(graph)
    quantizers: dict[str, NodeQuantizer] = {}
    nodes = list(graph.node)
    del graph.node[:]
    for node in nodes:
        if node.op_type in ("Trunc", "MultiThreshold"):
            raise UnsupportedLayer(
                node.name or node.output[0],
                f"{node.op_type} has no straight-through form here.",
                "attack the float network, or transfer its samples.",
            )
        if node.op_type not in ("Quant", "BipolarQuant"):
            graph.node.append(node)
            continue
        quantizer = NodeQuantizer.of(node, constants)
        if node.input[0] in constants:
            weights = quantizer(constants[node.input[0]])
            graph.initializer.append(numpy_helper.from_array(weights, node.output[0]))
            continue
        # A Dropout, which canonical networks do not have, keeps the quantizer's place in torch.
        name = f"straight_through_{len(quantizers)}"
        quantizers[name] = quantizer
        graph.node.append(onnx.helper.make_node("Dropout", [node.input[0]], node.output, name))
    network = from_onnx(plain)
    for name, quantizer in quantizers.items():
        network.set_submodule(name, _straight_through(quantizer), strict=True)
    network.eval()
    return network


def _straight_through(quantizer: NodeQuantizer) -> TorchNetwork:
    import torch

    low, high = (torch.from_numpy(np.asarray(limit)) for limit in quantizer.limits())

    class StraightThrough(torch.nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            quantized = torch.from_numpy(quantizer(x.detach().numpy()))
            through = torch.maximum(torch.minimum(x, high), low)
            return through + (quantized - through).detach()

    return StraightThrough()


def _with_scores(module: TorchNetwork, task: Task, samples: Samples) -> Task:
    """Have a network answer in scores, and return the task that is asked of these.

    Of sure probabilities float32 gradients are zero.
    """
    import torch

    from fpgacomp.compress.trainable.outputs import output_forms

    if any(part.kind in ("regression", "reconstruction") for part in task.parts):
        return task
    output = next(node for node in module.graph.nodes if node.op == "output")
    last = output.args[0]
    probable = (torch.nn.Softmax, torch.nn.Sigmoid)
    if last.op == "call_module" and isinstance(module.get_submodule(last.target), probable):
        output.args = (last.args[0],)
        module.recompile()
    return task.with_forms(output_forms(module, samples.x))


def _first(error: FpgacompError) -> str:
    """The first of the problems, and how many more there are."""
    if not isinstance(error, Problems):
        return f"{error.where}: {error.why}"
    more = len(error.problems) - 1
    return f"{error.where}: {error.why}" + (f" And {more} more." if more else "")
