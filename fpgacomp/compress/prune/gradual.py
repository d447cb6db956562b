"""Masks that shrink while a network trains, which layers take one, and what they leave."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, fx, nn

from fpgacomp.compress.constraints import KEPT, SHARED
from fpgacomp.compress.trainable import weight_layers
from fpgacomp.errors import UsageError

UPDATES = 50  # changes of the mask within the ramp
NEVER = float("inf")

Rating = Callable[[nn.Module], Tensor]  # layer -> [*weight shape], lowest goes first


class Gradual:
    """Masks that shrink to a number of weights: the cubic schedule of Zhu and Gupta (2017).

    A constraint for `train`. The masks are the layers' own buffers (`constraints.KEPT`), so
    that a checkpoint holds them, and further training keeps what they leave. A weight once
    gone stays gone.

    Args:
        pools: per group of layers that compete with each other how many weights stay in all.
        floors: per layer name the number of weights that stay in any case.
        rating: of a layer's weights, asked anew at every change.
        ramp: share of the training within which the masks shrink.
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
        """The masks' own constraint does it."""

    def project(self, share: float) -> None:
        """Shrink the masks to what the schedule allows and zero the weights outside."""
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
        """Only networks with the final masks count."""
        return share >= self.ramp

    def _shrink(self, names: Sequence[str], count: int) -> None:
        """Leave `count` weights of these layers, the best rated ones."""
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
        """Ratings of the weights that may go; infinite for those gone or under the floor."""
        layer = self.layers[name]
        rating = self.rating(layer).detach().to(torch.float64).flatten().clone()
        rating[~layer.kept.flatten()] = -NEVER  # so that the floor counts living ones
        floor = self.floors.get(name, 0)
        if floor:
            rating[torch.sort(rating, descending=True, stable=True).indices[:floor]] = NEVER
        rating[~layer.kept.flatten()] = NEVER
        return rating


def magnitude_of(layer: nn.Module) -> Tensor:
    """|w|, [*weight shape]."""
    weight = layer.weight
    assert isinstance(weight, Tensor)
    return weight.detach().abs()


def count_alive(layer: nn.Module) -> int:
    """How many weights the layer's mask leaves."""
    kept = getattr(layer, KEPT, None)
    return _size(layer) if kept is None else int(torch.count_nonzero(kept))


def effective_weight(layer: nn.Module) -> Tensor:
    """The weight that the layer computes with: quantized, where it is a Brevitas layer."""
    with torch.no_grad():
        if hasattr(layer, "quant_weight"):
            return torch.as_tensor(layer.quant_weight().value).detach()
        weight = layer.weight
        assert isinstance(weight, Tensor)
        return weight.detach()


def prunable_layers(
    network: fx.GraphModule, leave: Iterable[str]
) -> tuple[dict[str, nn.Module], tuple[str, ...]]:
    """The layers that can take a mask, and a note for each kind of the others.

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
    """Whether a weight of zero stays zero in the layer's quantizer (binary ones have none)."""
    quantizer = getattr(layer, "weight_quant", None)
    if quantizer is None:
        return True
    with torch.no_grad():
        return not bool(quantizer(torch.zeros_like(layer.weight)).value.any())


def check_names(where: str, names: Iterable[str], layers: Mapping[str, object]) -> None:
    """Refuse names of layers that are not there."""
    unknown = sorted(set(names) - set(layers))
    if unknown:
        raise UsageError(
            where,
            f"the network has no layer {', '.join(unknown)}.",
            f"name some of {', '.join(layers)}.",
        )


def note_on_layers(names: Sequence[str], why: str) -> str:
    """A note: how many layers, why, and which."""
    return f"{len(names)} layer{'s' if len(names) > 1 else ''} {why}: {', '.join(names)}"


def sparsity_figures(network: fx.GraphModule) -> dict[str, Any]:
    """Zeros of every weight layer and of the whole network, as the layers compute with them."""
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
