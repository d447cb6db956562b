"""Weights with fewer signed digits, down to none: which steps lose least per unit of cost.

A constant product by an integer weight costs one adder for being there (the tree that sums the
products) and one for each digit beyond the first of its canonical signed form (Reitwiesner
1960). So a weight descends a ladder: from 7 = 8 - 1 to 8 or 4, from there to 0.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor, nn

from fpgacomp.compress.constraints import KEPT, keep_zeros
from fpgacomp.compress.types import TorchLayer

# Buffer of a layer, int8 [*weight shape]: the number of signed digits that a weight may have, its
# cap. A weight whose cap is 0 is zero.
DIGITS = "digits"
NO_CAP = 127  # more digits than any weight has
UPDATES = 50  # number of times that the caps are chosen within the ramp
FLOOR = 0.02  # share of a layer's weights that stays in any case, rounded down, but one at least


@dataclass(frozen=True)
class WeightPrices:
    """What the weights of a layer cost, in any unit.

    Args:
        weight: cost of a weight that is not zero and has one signed digit.
        digit: cost of each further digit of a weight.
    """

    weight: float
    digit: float


@dataclass(frozen=True)
class IntegerGrid:
    """The integers that the weights of a quantized layer can be.

    Args:
        lowest: the smallest integer.
        highest: the largest integer.
        scale: weight = scale * integer; broadcasts over the weight.
    """

    lowest: int
    highest: int
    scale: Tensor

    @property
    def most_digits(self) -> int:
        """The largest number of signed digits that one of the integers has."""
        return _most_digits(self.lowest, self.highest)

    def nearest(self, weight: Tensor, digits: int) -> Tensor:
        """The nearest integers with at most so many signed digits, int64 [*weight shape]."""
        allowed, borders = _allowed(self.lowest, self.highest, digits)
        return allowed[torch.bucketize(weight / self.scale, borders.to(weight.dtype))]


@lru_cache(maxsize=128)
def _allowed(lowest: int, highest: int, digits: int) -> tuple[Tensor, Tensor]:
    """The integers of at most so many digits, and the borders halfway between them."""
    every = torch.arange(lowest, highest + 1)
    allowed = every[signed_digits(every) <= digits]
    return allowed, (allowed[1:] + allowed[:-1]).double() / 2


@lru_cache(maxsize=32)
def _most_digits(lowest: int, highest: int) -> int:
    return int(signed_digits(torch.arange(lowest, highest + 1)).max())


def signed_digits(values: Tensor) -> Tensor:
    """Count the digits of each integer's canonical signed form that are not zero, as int64."""
    magnitude = values.abs().to(torch.int64)
    bits = (3 * magnitude) ^ magnitude
    return torch.stack([(bits >> place) & 1 for place in range(18)]).sum(dim=0)


def grid_of(layer: nn.Module) -> IntegerGrid | None:
    """Find the integers of a layer's weights; None where digits cannot be chosen for it.

    That is so in a float layer, and where the scale is computed from the weights: it would move
    when the largest weight loses a digit, and change the integers of all others. Such a layer can
    have zeros all the same.
    """
    quantizer: Any = getattr(layer, "weight_quant", None)
    if quantizer is None or not getattr(quantizer, "is_quant_enabled", True):
        return None
    with torch.no_grad():
        weight = layer.weight
        now, doubled = quantizer(weight), quantizer(2 * weight)
        if now.scale is None or not torch.equal(now.scale, doubled.scale):
            return None
        bits, signed = int(now.bit_width), bool(now.signed)
        if bits < 2 or bool(torch.as_tensor(now.zero_point).any()):
            return None
        highest = (1 << (bits - signed)) - 1
        narrow = bool(quantizer.is_narrow_range)
        return IntegerGrid(
            -highest - (not narrow) if signed else 0, highest, now.scale.detach().clone()
        )


def _now(layer: TorchLayer, grid: IntegerGrid | None) -> IntegerGrid | None:
    """The grid with the scale that the layer has now, since training moves it."""
    if grid is None:
        return None
    with torch.no_grad():
        return replace(grid, scale=layer.weight_quant(layer.weight).scale.detach().clone())


class Ladder:
    """Weights that lose digits, and then become zero, until the rest costs no more than a budget.

    This is a constraint for `train`. A weight goes down step by step: each step takes one of its
    digits, the last one makes it zero. Until the ramp ends the caps are chosen anew 50 times, on
    the cubic schedule of Zhu and Gupta (2017); then they are fixed. The optimizer moves weights
    with all their digits, which are kept beside the capped ones (straight-through, as in
    quantization-aware training), so that digits may come back. A weight that became zero stays
    zero.

    The loss of a step is the rise of the weight's squared error, divided by the sum of squares of
    all weights of the layer that are as large or larger (LAMP; Lee et al., Layer-adaptive
    Sparsity for the Magnitude-based Pruning, ICLR 2021). That makes the last weights of a layer
    dear. Steps are taken in rising order of loss per price.

    Args:
        layers: the layers that are pruned, by name.
        prices: what weights and digits cost in each of them.
        budget: what all weights and digits that stay may cost together, in the unit of the
            prices.
        ramp: share of the training within which weights and digits go, 0 to 1.
        digits: whether weights lose digits one by one. False: a weight keeps all its digits or
            becomes zero, so that every integer that is not zero is the one it would be unpruned.
    """

    def __init__(
        self,
        layers: Mapping[str, nn.Module],
        prices: Mapping[str, WeightPrices],
        budget: float,
        *,
        ramp: float,
        digits: bool = True,
    ) -> None:
        self.layers: dict[str, TorchLayer] = dict(layers)
        self.prices = prices
        self.budget = budget
        self.ramp = ramp
        self.digits = digits
        self.behind: dict[str, Tensor] = {}
        self.grids = {name: grid_of(layer) for name, layer in layers.items()}
        self.start = sum(price_of(layer, prices[name]) for name, layer in layers.items())
        self.reached = -1
        self.loss = 0.0
        for layer in self.layers.values():
            if not hasattr(layer, DIGITS):
                full = torch.full_like(layer.weight, NO_CAP, dtype=torch.int8)
                layer.register_buffer(DIGITS, full)

    def settle_gradient(self) -> None:
        """Put the weights with all their digits back, for the optimizer to move."""
        with torch.no_grad():
            for name, weight in self.behind.items():
                layer = self.layers[name]
                layer.weight.copy_(weight.masked_fill(layer.digits == 0, 0.0))

    def project(self, share: float) -> None:
        """Choose the caps anew where the schedule says so, and cut the weights down to them."""
        progress = UPDATES if share >= self.ramp else int(share / self.ramp * UPDATES)
        grids = {name: _now(layer, self.grids[name]) for name, layer in self.layers.items()}
        if progress > self.reached:
            self.reached = progress
            left = (1 - progress / UPDATES) ** 3
            self._choose(grids, self.budget + (self.start - self.budget) * left)
        with torch.no_grad():
            for name, layer in self.layers.items():
                self.behind[name] = layer.weight.detach().clone()
                layer.weight.copy_(cap_digits(layer.weight, layer.digits, grids[name]))

    def settled(self, share: float) -> bool:
        """True once the caps are final."""
        return share >= self.ramp

    def finish(self) -> None:
        """Cut the weights down to their caps, and make the zeros constraints of the layers."""
        with torch.no_grad():
            for layer in self.layers.values():
                layer.weight.copy_(cap_digits(layer.weight, layer.digits, grid_of(layer)))
                kept = getattr(layer, KEPT, None)
                keep_zeros(layer, layer.digits > 0 if kept is None else (layer.digits > 0) & kept)

    def _choose(self, grids: Mapping[str, IntegerGrid | None], budget: float) -> None:
        rates, prices, losses, counts = [], [], [], []
        for name, layer in self.layers.items():
            found = self._steps(name, layer, grids[name])
            rates.append(found[0].flatten())
            prices.append(found[1].flatten())
            losses.append(found[2].flatten())
            counts.append(found[0].shape)
        rate, price, loss = torch.cat(rates), torch.cat(prices), torch.cat(losses)
        order = torch.sort(rate, stable=True).indices
        saved = torch.cumsum(price[order], dim=0)
        excess = float(price.sum()) - budget
        last = int(torch.searchsorted(saved, excess)) + 1 if excess > 0 else 0
        gone = torch.zeros(len(rate), dtype=torch.bool)
        # A step to the value that the weight has already changes nothing.
        gone[order[:last]] = True
        gone[(rate == 0) & (loss == 0)] = True
        gone[torch.isinf(rate)] = False
        self.loss = float(loss[gone].sum())
        for layer, shape, part in zip(
            self.layers.values(), counts, gone.split([s.numel() for s in counts])
        ):
            left = (~part.reshape(shape)).sum(dim=0).reshape(layer.weight.shape)
            if not self.digits:
                left = left * layer.digits  # the one step is gone or not: its cap, or zero
            layer.digits.copy_(left.masked_fill(layer.digits == 0, 0).to(torch.int8))

    def _steps(
        self, name: str, layer: TorchLayer, grid: IntegerGrid | None
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Loss per price, price and loss of each step, [steps, weights], the first step first."""
        weight = layer.weight.detach().flatten().to(torch.float64)
        scale = torch.ones_like(layer.weight) if grid is None else grid.scale
        unit = torch.broadcast_to(scale, layer.weight.shape).flatten().to(torch.float64)
        errors, most = [weight.square()], 1
        if grid is not None:
            shaped = IntegerGrid(grid.lowest, grid.highest, unit)
            most = grid.most_digits
            errors += [
                (shaped.nearest(weight, count) * unit - weight).square()
                for count in range(1, most + 1)
            ]
        else:
            errors.append(torch.zeros_like(weight))
        dead = getattr(layer, KEPT, None)
        fall = torch.stack([errors[k - 1] - errors[k] for k in range(most, 0, -1)]).clamp(min=0)
        if dead is not None:
            fall[:, ~dead.flatten()] = 0.0
        return self._priced(name, fall / larger_squares(weight))

    def _priced(self, name: str, loss: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        price = torch.full_like(loss, self.prices[name].digit)
        price[-1] = self.prices[name].weight
        # A step that loses nothing takes a digit that the weight does not have: it saves nothing.
        price[loss == 0] = 0.0
        if not self.digits:
            # One step for the whole weight: a budget that ends within it cannot split it.
            loss, price = loss.sum(0, keepdim=True), price.sum(0, keepdim=True)
        rate = _rising(loss, price)
        floor = max(1, int(FLOOR * loss.shape[1]))
        rate[:, torch.sort(rate[-1], descending=True, stable=True).indices[:floor]] = torch.inf
        rate[loss.flip(0).cumsum(0).flip(0) == 0] = 0.0
        return rate, price, loss


def larger_squares(weight: Tensor) -> Tensor:
    """For each weight of [n], the sum of squares of all that are as large or larger, [n]."""
    order = torch.sort(weight.abs(), descending=True, stable=True).indices
    sums = torch.empty_like(weight)
    sums[order] = weight[order].square().cumsum(0)
    return sums.clamp(min=1e-30)


def price_of(layer: TorchLayer, prices: WeightPrices) -> float:
    """What all weights and digits of the layer cost as they are now, in the unit of the prices."""
    grid = grid_of(layer)
    if grid is None:
        return prices.weight * int(torch.count_nonzero(layer.weight))
    count = signed_digits(grid.nearest(layer.weight.detach(), grid.most_digits))
    alive = int(torch.count_nonzero(count))
    return prices.weight * alive + prices.digit * (int(count.sum()) - alive)


def cap_digits(weight: Tensor, caps: Tensor, grid: IntegerGrid | None) -> Tensor:
    """Move the weights that have more digits than their caps to the nearest that have not.

    Args:
        weight: [*weight shape].
        caps: int8 [*weight shape], see `DIGITS`.
        grid: the layer's integers; None, for a layer without digits, zeroes by the caps alone.

    Returns:
        A new tensor, [*weight shape].
    """
    result = weight.detach().clone()
    if grid is not None:
        have = signed_digits(grid.nearest(weight, grid.most_digits))
        for cap in range(1, grid.most_digits):
            moved = grid.nearest(weight, cap) * grid.scale
            result = torch.where((caps == cap) & (have > cap), moved, result)
    return result.masked_fill(caps == 0, 0.0)


def _rising(loss: Tensor, price: Tensor) -> Tensor:
    """Loss per price of each step, averaged so that no step is better than one before it.

    The isotonic regression max over i <= j of min over l >= j of the mean of steps i..l.
    """
    steps = len(loss)
    zero = torch.zeros_like(loss[:1])
    losses = torch.cat([zero, loss.cumsum(0)])
    prices = torch.cat([zero, price.cumsum(0)])

    def mean(first: int, last: int) -> Tensor:
        part = losses[last + 1] - losses[first]
        cost = prices[last + 1] - prices[first]
        return torch.where(part <= 0, torch.zeros_like(part), part / cost.clamp(min=1e-30))

    rows = []
    for j in range(steps):
        least = [
            torch.stack([mean(i, last) for last in range(j, steps)]).amin(0) for i in range(j + 1)
        ]
        rows.append(torch.stack(least).amax(0))
    return torch.stack(rows)
