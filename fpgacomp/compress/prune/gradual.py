"""Masks that shrink while a network trains, which layers take one, and what they leave."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, fx, nn

from fpgacomp.compress.constraints import KEPT, SHARED
from fpgacomp.compress.trainable import weight_layers
from fpgacomp.errors import UsageError

UPDATES = 50  # number of times that the masks shrink within the ramp
NEVER = float("inf")

# From a layer to a rating of each of its weights, [*weight shape]; the lowest rated go first.
Rating = Callable[[nn.Module], Tensor]


class Gradual:
    """Masks that shrink to a number of weights: the cubic schedule of Zhu and Gupta (2017).

    This is a constraint for `train`. The masks are the layers' own buffers (`constraints.KEPT`),
    so that a checkpoint holds them, and further training keeps the zeros. A weight that is zeroed
    once stays zero.

    Args:
        layers: the layers that are pruned, by name.
        pools: groups of layer names, and how many weights stay in each group. The layers of a
            group compete with each other.
        ramp: share of the training within which the masks shrink, 0 to 1.
        rating: rates the weights of a layer; it is asked whenever the masks shrink.
        floors: number of weights, by layer name, that stay in any case.
    """

    def __init__(
        self,
        layers: Mapping[str, nn.Module],
        pools: Sequence[tuple[Sequence[str], int]],
        *,
        ramp: float,
        rating: Rating,
        floors: Mapping[str, int] | None = None,
    ) -> None:
        self.layers = layers
        self.pools = pools
        self.ramp = ramp
        self.rating = rating
        self.floors = floors or {}
        for layer in layers.values():
            if getattr(layer, KEPT, None) is None:
                layer.register_buffer(KEPT, torch.ones_like(layer.weight, dtype=torch.bool))
        self.start = [sum(count_alive(layers[name]) for name in names) for names, _ in pools]
        self.reached = -1

    def settle_gradient(self) -> None:
        """Do nothing: the layers' own constraints zero the gradients outside the masks."""

    def project(self, share: float) -> None:
        """Shrink the masks to what the schedule allows, and zero the weights outside them."""
        progress = UPDATES if share >= self.ramp else int(share / self.ramp * UPDATES)
        if progress > self.reached:
            self.reached = progress
            left = (1 - progress / UPDATES) ** 3
            for (names, end), begin in zip(self.pools, self.start):
                self._shrink(names, end + round((begin - end) * left))
        with torch.no_grad():
            for layer in self.layers.values():
                layer.weight.mul_(layer.kept)

    def settled(self, share: float) -> bool:
        """True once the masks are final."""
        return share >= self.ramp

    def _shrink(self, names: Sequence[str], count: int) -> None:
        """Leave these layers the `count` weights with the highest ratings."""
        excess = sum(count_alive(self.layers[name]) for name in names) - count
        if excess <= 0:
            return
        ratings = torch.cat([self._rated(name) for name in names])
        gone = torch.sort(ratings, stable=True).indices[:excess]
        assert bool(torch.isfinite(ratings[gone]).all()), "floors leave more than was asked for"
        masks = torch.cat([self.layers[name].kept.flatten() for name in names])
        masks[gone] = False
        for name, mask in zip(names, masks.split([_size(self.layers[name]) for name in names])):
            kept = self.layers[name].kept
            assert isinstance(kept, Tensor)
            kept.copy_(mask.reshape(kept.shape))

    def _rated(self, name: str) -> Tensor:
        """Ratings of a layer's weights; infinite for those that are gone or under the floor."""
        layer = self.layers[name]
        rating = self.rating(layer).detach().to(torch.float64).flatten().clone()
        # Those that are gone come last, so that the floor counts the others.
        rating[~layer.kept.flatten()] = -NEVER
        floor = self.floors.get(name, 0)
        if floor:
            rating[torch.sort(rating, descending=True, stable=True).indices[:floor]] = NEVER
        rating[~layer.kept.flatten()] = NEVER
        return rating


def magnitude_of(layer: nn.Module) -> Tensor:
    """The absolute value of each weight of a layer, [*weight shape]."""
    weight = layer.weight
    assert isinstance(weight, Tensor)
    return weight.detach().abs()


def count_alive(layer: nn.Module) -> int:
    """Count the weights that the layer's mask leaves; all of them where it has no mask."""
    kept = getattr(layer, KEPT, None)
    return _size(layer) if kept is None else int(torch.count_nonzero(kept))


def effective_weight(layer: nn.Module) -> Tensor:
    """The weight that a layer computes with, which in a Brevitas layer is the quantized one."""
    with torch.no_grad():
        if hasattr(layer, "quant_weight"):
            return torch.as_tensor(layer.quant_weight().value).detach()
        weight = layer.weight
        assert isinstance(weight, Tensor)
        return weight.detach()


def prunable_layers(
    network: fx.GraphModule, leave: Iterable[str]
) -> tuple[dict[str, nn.Module], tuple[str, ...]]:
    """Sort out the layers that can be pruned.

    Args:
        network: a network of known modules.
        leave: names of layers that are not to be pruned.

    Returns:
        The layers that can be pruned, by name, and a note on each kind of the others.

    Raises:
        UsageError: `leave` names a layer that is not there.
    """
    layers = weight_layers(network)
    left = list(leave)
    check_names("layers to leave alone", left, layers)
    shared = [n for n, m in layers.items() if getattr(m, SHARED, None) is not None]
    binary = [name for name, layer in layers.items() if not has_zero(layer)]
    notes = [
        note_on_layers(names, why)
        for names, why in (
            (sorted(set(left), key=list(layers).index), "left alone as asked"),
            ([n for n in shared if n not in left], "left alone: their weights share values"),
            ([n for n in binary if n not in left], "left alone: binary weights have no zero"),
        )
        if names
    ]
    out = {*left, *shared, *binary}
    return {name: m for name, m in layers.items() if name not in out}, tuple(notes)


def has_zero(layer: nn.Module) -> bool:
    """Tell whether the layer's weights can be zero; binary ones are -1 or 1 times a scale."""
    quantizer = getattr(layer, "weight_quant", None)
    if quantizer is None:
        return True
    with torch.no_grad():
        return not bool(quantizer(torch.zeros_like(layer.weight)).value.any())


def check_names(where: str, names: Iterable[str], layers: Mapping[str, object]) -> None:
    """Refuse names of layers that are not there.

    Args:
        where: what the names were given for.
        names: the names.
        layers: the layers of the network, by name.

    Raises:
        UsageError: names are not among the layers; all of them are told.
    """
    unknown = sorted(set(names) - set(layers))
    if unknown:
        raise UsageError(
            where,
            f"the network has no layer {', '.join(unknown)}.",
            f"name some of {', '.join(layers)}.",
        )


def note_on_layers(names: Sequence[str], why: str) -> str:
    """Put together a note: how many layers, what of them, and their names."""
    return f"{len(names)} layer{'s' if len(names) > 1 else ''} {why}: {', '.join(names)}"


def sparsity_figures(network: fx.GraphModule) -> dict[str, Any]:
    """Count the zeros of each dense and convolution layer and of the whole network.

    Counted are the weights that the layers compute with: in quantized layers those that are
    rounded to zero count, too.

    Returns:
        `weights`, `zeros` and `sparsity` of the network, and `layers`: the same by layer name.
    """
    layers: dict[str, dict[str, float]] = {}
    for name, layer in weight_layers(network).items():
        weight = effective_weight(layer)
        zeros = int((weight == 0).sum())
        layers[name] = {
            "weights": weight.numel(), "zeros": zeros, "sparsity": zeros / weight.numel()
        }  # fmt: skip
    weights = sum(int(layer["weights"]) for layer in layers.values())
    zeros = sum(int(layer["zeros"]) for layer in layers.values())
    return {"layers": layers, "weights": weights, "zeros": zeros, "sparsity": zeros / weights}


def _size(layer: nn.Module) -> int:
    weight = layer.weight
    assert isinstance(weight, Tensor)
    return int(weight.numel())
