"""Hardware-aware pruning: zeros and digits go where the board's estimate says that it pays."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, replace
from statistics import median

import torch
from torch import fx, nn

from fpgacomp.compress.outcome import TechniqueOutcome
from fpgacomp.compress.prune.gradual import (
    magnitude_of,
    note_on_layers,
    prunable_layers,
    sparsity_figures,
)
from fpgacomp.compress.prune.ladder import (
    IntegerGrid,
    Ladder,
    WeightPrices,
    grid_of,
    price_of,
    signed_digits,
)
from fpgacomp.compress.prune.options import HardwareOptions
from fpgacomp.compress.recipe import History, Recipe, TrainingObserver, silent
from fpgacomp.compress.training import train
from fpgacomp.compress.types import CostFunction
from fpgacomp.data.labelled import LabelledData
from fpgacomp.errors import ModelError

ATTEMPTS = 3  # trainings, where the first misses the goal
BISECTIONS = 7  # of the budget: to less than a hundredth of it
SPARSITIES = (0.5, 0.9)  # of all layers, where prices are first measured
# Parts of a layer's weights that go to see what they cost; the median counts, since a
# folding that changes by the way, or an accumulator that loses a bit, is no price of a weight.
FURTHER = (0.25, 0.5, 0.75)


@dataclass(frozen=True)
class _Plan:
    """Prices and a budget that reach the goal, and what they lose before any training."""

    prices: Mapping[str, WeightPrices]
    budget: float
    cost: float
    loss: float


def prune_hardware(
    network: fx.GraphModule,
    data: LabelledData,
    options: HardwareOptions,
    recipe: Recipe,
    *,
    cost: CostFunction,
    observer: TrainingObserver = silent,
) -> TechniqueOutcome:
    """Save a share of a resource by zeros and fewer digits at the least loss.

    What a zero and what a signed digit save in each layer is measured: by the estimate of
    the network with and without a part of them, once with the layers half empty and once
    nearly so (a layer that time-multiplexes its products saves nothing until so few are left
    that it is unrolled). A search over the budget, judged
    by the estimate, finds how many must go; of the plans that reach the goal the one that
    loses least is trained with (`Ladder`). Layers whose zeros save nothing are left alone and
    counted.

    Args:
        network: best a quantized one (its integers are then what it will be built of); of a
            float network only whole weights go.
        cost: estimate of a network, keys lut, dsp, ff, bram18; called some 20 times and 12
            times for each layer.

    Returns:
        An outcome with the details of `prune_magnitude`, and `prices` per layer, `cost_before`,
        `cost_after` and `goal` of the resource, and `digits` (signed digits of all weights).

    Raises:
        ModelError: nothing can be pruned, or zeros and digits cannot save so much.
        UsageError: `leave` names a layer that is not there.
    """
    network = copy.deepcopy(network)
    layers, notes = prunable_layers(network, options.leave)
    if not layers:
        raise ModelError("prune", "there is nothing to prune.", "leave fewer layers alone.")
    before = dict(cost(network))
    if before[options.resource] <= 0:
        raise ModelError("prune", f"the network takes no {options.resource}.", "name another one.")
    goal = before[options.resource] * (1 - options.saving)
    search = _Search(network, list(layers), options, cost, goal)
    plan = search.best(before[options.resource])
    idle = [name for name in layers if plan.prices[name].weight <= 0]
    if idle:
        notes += (note_on_layers(idle, "left alone: zeros there save nothing"),)
    done = _trained(network, plan, search, data, recipe, observer)
    after = done.cost[options.resource]
    if after > goal:
        notes += (f"{after:.0f} {options.resource} miss the goal of {goal:.0f}",)
    prices = done.plan.prices
    details = sparsity_figures(done.network) | {
        "prices": {n: {"weight": p.weight, "digit": p.digit} for n, p in prices.items()},
        "cost_before": before, "cost_after": done.cost, "goal": goal,
        "digits": sum(_digits(done.network.get_submodule(name)) for name in layers),
    }  # fmt: skip
    return TechniqueOutcome(done.network, done.history, notes, details)


@dataclass(frozen=True)
class _Trained:
    """A pruned network, the plan it was trained with, and what the board says of it."""

    network: fx.GraphModule
    history: History
    plan: _Plan
    cost: dict[str, float]


def _trained(
    network: fx.GraphModule, plan: _Plan, search: _Search, data: LabelledData, recipe: Recipe,
    observer: TrainingObserver,
) -> _Trained:  # fmt: skip
    """The network trained with the plan, or with a stricter one where training missed the goal."""
    options, goal = search.options, search.goal
    for attempt in range(ATTEMPTS):
        pruned = copy.deepcopy(network)
        ladder = search.ladder(pruned, plan)
        history = train(
            pruned, data, _of_attempt(recipe, attempt),
            constraints=[ladder], decided_by=[options, attempt], observer=observer, what="prune",
        )  # fmt: skip
        if not history.epochs:
            ladder.project(1.0)
        ladder.finish()
        done = _Trained(pruned, history, plan, dict(search.figures(pruned)))
        missed = done.cost[options.resource] - goal
        if missed <= 0 or not history.epochs:
            break
        # Accumulators and thresholds moved with the training: aim lower by what was missed.
        search.goal -= missed
        again, _ = search.bisect(plan.prices)
        if again is None:
            break
        plan = again
    return done


def _of_attempt(recipe: Recipe, attempt: int) -> Recipe:
    """The recipe with a checkpoint of its own for each training after the first."""
    path = recipe.checkpoint
    if path is None or attempt == 0:
        return recipe
    return replace(recipe, checkpoint=path.with_name(f"{path.name}.{attempt + 1}"))


class _Search:
    """What zeros and digits cost in each layer, and how many must go."""

    def __init__(
        self,
        network: fx.GraphModule,
        names: list[str],
        options: HardwareOptions,
        cost: CostFunction,
        goal: float,
    ) -> None:
        self.network = network
        self.names = names
        self.options = options
        self.goal = goal
        self.figures = cost

    def cost(self, network: fx.GraphModule) -> float:
        return self.figures(network)[self.options.resource]

    def best(self, before: float) -> _Plan:
        """The plan that reaches the goal and loses least, before any training.

        Raises:
            ModelError: none does.
        """
        plans = []
        least = before
        for sparsity in SPARSITIES:
            prices = self.prices(sparsity)
            if any(price.weight > 0 for price in prices.values()):
                plan, cost = self.bisect(prices)
                least = min(least, cost)
                plans += [plan] if plan else []
        if not plans:
            raise ModelError(
                f"saving {self.options.saving:g} of {self.options.resource}",
                f"zeros and fewer digits bring {before:.0f} down to {least:.0f} at most, "
                f"not to {self.goal:.0f}.",
                "ask for less, or prune channels first: they make every layer smaller.",
            )
        return min(plans, key=lambda plan: plan.loss)

    def bisect(self, prices: Mapping[str, WeightPrices]) -> tuple[_Plan | None, float]:
        """(the plan with the largest budget that reaches the goal, cost of the smallest one)."""
        total = sum(price_of(self.network.get_submodule(n), p) for n, p in prices.items())
        low, high = 0.0, total
        plan = self.try_budget(prices, low)
        if plan.cost > self.goal:
            return None, plan.cost
        least = plan.cost
        for _ in range(BISECTIONS):
            middle = (low + high) / 2
            tried = self.try_budget(prices, middle)
            if tried.cost <= self.goal:
                low, plan = middle, tried
            else:
                high = middle
        return plan, least

    def try_budget(self, prices: Mapping[str, WeightPrices], budget: float) -> _Plan:
        """What a budget costs on the board, at once and untrained."""
        trial = copy.deepcopy(self.network)
        plan = _Plan(prices, budget, 0.0, 0.0)
        ladder = self.ladder(trial, plan)
        ladder.project(1.0)
        return _Plan(prices, budget, self.cost(trial), ladder.loss)

    def ladder(self, network: fx.GraphModule, plan: _Plan) -> Ladder:
        used = [name for name in self.names if plan.prices[name].weight > 0]
        return Ladder(
            {name: network.get_submodule(name) for name in used},
            plan.prices,
            plan.budget,
            ramp=self.options.ramp,
            digits=self.options.digits,
        )

    def prices(self, sparsity: float) -> dict[str, WeightPrices]:
        """What a weight and a digit cost in each layer, where all are this sparse."""
        sparse = copy.deepcopy(self.network)
        for name in self.names:
            _zero(sparse.get_submodule(name), sparsity)
        base = self.cost(sparse)
        return {name: self.price(sparse, name, base) for name in self.names}

    def price(self, sparse: fx.GraphModule, name: str, base: float) -> WeightPrices:
        layer = sparse.get_submodule(name)
        grid = grid_of(layer)
        digit = 0.0
        if grid is not None:
            digit = median(self.digit_price(sparse, name, base, grid, part) for part in FURTHER)
        weights = [self.weight_price(sparse, name, base, digit, part) for part in FURTHER]
        return WeightPrices(median(weights), digit)

    def digit_price(
        self, sparse: fx.GraphModule, name: str, base: float, grid: IntegerGrid, part: float
    ) -> float:
        """What each digit saves where this part of a layer's weights keeps one."""
        fewer = copy.deepcopy(sparse)
        lost = _single_digits(fewer.get_submodule(name), grid, part)
        return max(base - self.cost(fewer), 0.0) / lost if lost else 0.0

    def weight_price(
        self, sparse: fx.GraphModule, name: str, base: float, digit: float, part: float
    ) -> float:
        """What each weight saves where this part of a layer's weights goes."""
        emptier = copy.deepcopy(sparse)
        layer, thin = sparse.get_submodule(name), emptier.get_submodule(name)
        before = _count(layer)
        left = before[0] * (1 - part)
        _zero(thin, 1 - left / magnitude_of(layer).numel())
        weights, digits = (a - b for a, b in zip(before, _count(thin)))
        saved = base - self.cost(emptier) - digits * digit
        return max(saved, 0.0) / max(weights, 1)


def _zero(layer: nn.Module, sparsity: float) -> None:
    """Zero the smallest weights until so many are zero."""
    weight = layer.weight
    assert isinstance(weight, nn.Parameter)
    count = min(round(weight.numel() * sparsity), weight.numel() - 1)
    with torch.no_grad():
        smallest = torch.sort(magnitude_of(layer).flatten(), stable=True).indices[:count]
        weight.view(-1)[smallest] = 0.0


def _single_digits(layer: nn.Module, grid: IntegerGrid, part: float) -> int:
    """Leave the smaller ones of the living weights one digit; how many digits went."""
    weight = layer.weight
    assert isinstance(weight, nn.Parameter)
    before = _digits(layer)
    alive, _ = _count(layer)
    order = torch.sort(magnitude_of(layer).flatten(), stable=True).indices
    chosen = order[: weight.numel() - alive + round(alive * part)]
    with torch.no_grad():
        moved = (grid.nearest(weight, 1) * grid.scale).flatten()
        weight.view(-1)[chosen] = moved[chosen]
    return before - _digits(layer)


def _count(layer: nn.Module) -> tuple[int, int]:
    """(weights other than zero, digits beyond the first of each)."""
    grid = grid_of(layer)
    weight = layer.weight
    assert isinstance(weight, nn.Parameter)
    if grid is None:
        return int(torch.count_nonzero(weight)), 0
    alive = int(torch.count_nonzero(grid.nearest(weight.detach(), grid.most_digits)))
    return alive, _digits(layer) - alive


def _digits(layer: nn.Module) -> int:
    """Signed digits of all weights; of a float layer its weights other than zero."""
    grid = grid_of(layer)
    weight = layer.weight
    assert isinstance(weight, nn.Parameter)
    if grid is None:
        return int(torch.count_nonzero(weight))
    return int(signed_digits(grid.nearest(weight.detach(), grid.most_digits)).sum())
