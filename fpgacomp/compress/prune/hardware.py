"""Hardware-aware pruning: weights and digits go where the board's estimate says that it pays."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, replace
from statistics import median

import torch
from torch import fx, nn

from fpgacomp.compress.distill import distillation_loss
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
from fpgacomp.compress.recovery import RECOVERY, CalmEpochs, tell_fall
from fpgacomp.compress.training import train
from fpgacomp.compress.types import CostFunction
from fpgacomp.data.labelled import LabelledData
from fpgacomp.errors import ModelError

ATTEMPTS = 3  # trainings at most: where one misses the goal, the next aims lower
BISECTIONS = 7  # halvings of the range of budgets, which find it to a hundredth
SPARSITIES = (0.5, 0.9)  # shares of zeros in all layers at which prices are measured
# Parts of a layer's remaining weights that are removed to measure their price. The median of the
# three counts: in one of them the folding may change, or an accumulator lose a bit, which says
# nothing about the price of a weight.
FURTHER = (0.25, 0.5, 0.75)


@dataclass(frozen=True)
class _BudgetPlan:
    """A budget for weights and digits, and what the network pruned to it comes to.

    Args:
        prices: what a weight and a digit cost, by layer.
        budget: what all weights and digits together may cost.
        cost: the board's estimate of the network pruned to this budget, untrained.
        loss: sum of the relative squared errors of the weights that change; see `Ladder`.
    """

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
    """Save a share of a resource by zeros and fewer signed digits, at the least loss.

    What a zero saves in each layer, and what a digit saves, is measured: the network is estimated
    with and without a part of them, once with half of all weights zero and once with nine tenths.
    (A layer that computes its products one after another saves nothing by zeros until so few
    products are left that each gets hardware of its own.) A search over the budget, judged by the
    estimate, finds how many weights and digits must go. Of the plans that reach the goal, the
    network is trained with the one that loses least (see `Ladder`), on the labels and on the
    answers of the network as it was. Layers whose zeros save nothing are left alone and counted.

    Args:
        network: a trained network of known modules; it is not changed. It should be quantized,
            since its integers are what the hardware is built of; a float network loses only
            whole weights.
        data: the weights that stay are fitted to the training split.
        options: the resource, and the share of it to save.
        recipe: how the network is trained.
        cost: estimates a network, with the keys lut, dsp, ff and bram18. It is called about 20
            times, and 12 times for each layer.
        observer: is told every epoch.

    Returns:
        An outcome with the details of `prune_magnitude`, and `prices` per layer, `cost_before`,
        `cost_after` and `goal` of the resource, and `digits` (signed digits of all weights).

    Raises:
        ModelError: nothing can be pruned, the network takes none of the resource, or zeros and
            digits cannot save so much of it.
        UsageError: `options.leave` names a layer that is not there.
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
    outcome = TechniqueOutcome(done.network, done.history, notes, details)
    remedy = f"save less than {options.saving:.0%}, or train longer (--epochs)"
    return tell_fall(network, data, outcome, remedy)


@dataclass(frozen=True)
class _Trained:
    """A pruned network, the plan it was trained with, and what the board says of it."""

    network: fx.GraphModule
    history: History
    plan: _BudgetPlan
    cost: dict[str, float]


def _trained(
    network: fx.GraphModule, plan: _BudgetPlan, search: _Search, data: LabelledData, recipe: Recipe,
    observer: TrainingObserver,
) -> _Trained:  # fmt: skip
    """Train a copy with the plan, and again with stricter ones while the goal is missed.

    Where all miss it, the one that misses it least is pruned a little further without training: a
    stricter plan may take more, as a folding with fewer products may leave DSP blocks for LUTs.
    """
    options, goal = search.options, search.goal
    nearest: _Trained | None = None
    for attempt in range(ATTEMPTS):
        pruned = copy.deepcopy(network)
        ladder = search.ladder(pruned, plan)
        history = train(
            pruned, data, _of_attempt(recipe, attempt),
            loss=distillation_loss(network, RECOVERY, data, recipe),
            constraints=[ladder, CalmEpochs()],
            decided_by=[options, attempt, RECOVERY, network], observer=observer, what="prune",
        )  # fmt: skip
        if not history.epochs:
            ladder.project(1.0)
        ladder.finish()
        done = _Trained(pruned, history, plan, dict(search.figures(pruned)))
        if nearest is None or done.cost[options.resource] < nearest.cost[options.resource]:
            nearest = done
        missed = done.cost[options.resource] - goal
        if missed <= 0 or not history.epochs:
            break
        # Training moved accumulators and thresholds, which cost, too: aim lower by that much than
        # this plan did. (It may have aimed far below the goal already: costs come in steps.)
        search.goal = plan.cost - missed
        again, _ = search.bisect(plan.prices)
        if again is None:
            break
        plan = again
    assert nearest is not None
    search.goal = goal
    return nearest if nearest.cost[options.resource] <= goal else _further(nearest, search)


def _further(done: _Trained, search: _Search) -> _Trained:
    """Prune a trained network until it reaches the goal; as it is where no budget reaches it."""
    rest = _Search(done.network, search.names, search.options, search.figures, search.goal)
    plan, _ = rest.bisect(done.plan.prices)
    if plan is None:
        return done
    pruned = copy.deepcopy(done.network)
    ladder = rest.ladder(pruned, plan)
    ladder.project(1.0)
    ladder.finish()
    return replace(done, network=pruned, plan=plan, cost=dict(search.figures(pruned)))


def _of_attempt(recipe: Recipe, attempt: int) -> Recipe:
    """Give each training after the first a checkpoint of its own."""
    path = recipe.checkpoint
    if path is None or attempt == 0:
        return recipe
    return replace(recipe, checkpoint=path.with_name(f"{path.name}.{attempt + 1}"))


class _Search:
    """Measures what weights and digits cost in each layer, and finds how many must go."""

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

    def best(self, before: float) -> _BudgetPlan:
        """The plan that reaches the goal and loses least, before any training.

        Raises:
            ModelError: no plan reaches the goal.
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

    def bisect(self, prices: Mapping[str, WeightPrices]) -> tuple[_BudgetPlan | None, float]:
        """Find the largest budget that reaches the goal at these prices.

        Returns:
            The plan (None where no budget reaches the goal), and the cost with a budget of 0.
        """
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

    def try_budget(self, prices: Mapping[str, WeightPrices], budget: float) -> _BudgetPlan:
        """Prune a copy of the network to a budget, without training, and estimate it."""
        trial = copy.deepcopy(self.network)
        plan = _BudgetPlan(prices, budget, 0.0, 0.0)
        ladder = self.ladder(trial, plan)
        ladder.project(1.0)
        return _BudgetPlan(prices, budget, self.cost(trial), ladder.loss)

    def ladder(self, network: fx.GraphModule, plan: _BudgetPlan) -> Ladder:
        used = [name for name in self.names if plan.prices[name].weight > 0]
        return Ladder(
            {name: network.get_submodule(name) for name in used},
            plan.prices,
            plan.budget,
            ramp=self.options.ramp,
            digits=self.options.digits,
        )

    def prices(self, sparsity: float) -> dict[str, WeightPrices]:
        """What a weight and a digit cost in each layer, in a network of this sparsity."""
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
        """What a digit saves, by leaving a part of a layer's weights a single one."""
        fewer = copy.deepcopy(sparse)
        lost = _single_digits(fewer.get_submodule(name), grid, part)
        return max(base - self.cost(fewer), 0.0) / lost if lost else 0.0

    def weight_price(
        self, sparse: fx.GraphModule, name: str, base: float, digit: float, part: float
    ) -> float:
        """What a weight of one digit saves, by zeroing a part of a layer's weights."""
        emptier = copy.deepcopy(sparse)
        layer, thin = sparse.get_submodule(name), emptier.get_submodule(name)
        before = _count(layer)
        left = before[0] * (1 - part)
        _zero(thin, 1 - left / magnitude_of(layer).numel())
        weights, digits = (a - b for a, b in zip(before, _count(thin)))
        saved = base - self.cost(emptier) - digits * digit
        return max(saved, 0.0) / max(weights, 1)


def _zero(layer: nn.Module, sparsity: float) -> None:
    """Zero the smallest weights of a layer until this share of all is zero; one at least stays."""
    weight = layer.weight
    assert isinstance(weight, nn.Parameter)
    count = min(round(weight.numel() * sparsity), weight.numel() - 1)
    with torch.no_grad():
        smallest = torch.sort(magnitude_of(layer).flatten(), stable=True).indices[:count]
        weight.view(-1)[smallest] = 0.0


def _single_digits(layer: nn.Module, grid: IntegerGrid, part: float) -> int:
    """Leave the smallest part of the weights that are not zero one digit; count what went."""
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
    """Number of weights that are not zero, and number of digits beyond the first of each."""
    grid = grid_of(layer)
    weight = layer.weight
    assert isinstance(weight, nn.Parameter)
    if grid is None:
        return int(torch.count_nonzero(weight)), 0
    alive = int(torch.count_nonzero(grid.nearest(weight.detach(), grid.most_digits)))
    return alive, _digits(layer) - alive


def _digits(layer: nn.Module) -> int:
    """Number of signed digits of all weights; in a float layer, of weights that are not zero."""
    grid = grid_of(layer)
    weight = layer.weight
    assert isinstance(weight, nn.Parameter)
    if grid is None:
        return int(torch.count_nonzero(weight))
    return int(signed_digits(grid.nearest(weight.detach(), grid.most_digits)).sum())
