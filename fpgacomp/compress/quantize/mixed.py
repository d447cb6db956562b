"""Bits per layer: a search by sensitivity under a budget, then quantization-aware training."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, cast

from torch import fx

from fpgacomp.compress.data import Data
from fpgacomp.compress.network import weight_layers
from fpgacomp.compress.outcome import Outcome
from fpgacomp.compress.quantize.assign import Groups, Product, assign, least_cost, total_cost
from fpgacomp.compress.quantize.aware import quantize_aware
from fpgacomp.compress.quantize.operations import multiplications
from fpgacomp.compress.quantize.options import Bits, MixedOptions, whole_bits
from fpgacomp.compress.quantize.sensitivity import (
    Assignment,
    Table,
    places_of,
    quantized,
    sensitivities,
    uniform,
    weight_choices,
)
from fpgacomp.compress.quantize.sites import Places, check
from fpgacomp.compress.recipe import Recipe, TrainingObserver, silent
from fpgacomp.compress.training import Loss, cross_entropy
from fpgacomp.errors import UsageError

Cost = Callable[[fx.GraphModule], Mapping[str, float]]

WEIGHT, ACTIVATION = "weight ", "activation "  # what a group's name starts with
ROUNDS = 12  # of correcting the budget by what a choice really costs


def quantize_mixed(
    network: fx.GraphModule,
    data: Data,
    options: MixedOptions,
    recipe: Recipe,
    *,
    cost: Cost | None = None,
    loss: Loss = cross_entropy,
    observer: TrainingObserver = silent,
) -> Outcome:
    """Choose bits per layer, then train with them.

    The sum of the layers' own sensitivities is made least under the budget, as an integer
    linear program (as in Yao et al., HAWQ-V3, 2021; their sensitivity is a Hessian trace,
    here it is the measured rise of the loss). Bits and bit operations are counted exactly.
    A cost function's figure is taken as a sum of each choice's own share, measured around
    the uniform network nearest the budget; what is chosen is measured for real, and the
    budget of the search corrected by the difference until no better choice keeps to it.

    Args:
        network: canonical, float and trained; left as it is.
        cost: figures of a quantized network, e.g. estimated LUTs; for such a measure.

    Returns:
        The network; details as of `quantize_aware`, and: measure, budget, used,
        sensitivity (by kind, layer and bits), cost_calls.

    Raises:
        UsageError: no choice keeps to the budget, or the cost function has no such figure.
        UnsupportedLayer: layers that have no quantized form, all at once.
    """
    check(network)
    search = _Search(network, data, options, cost)
    search.check_budget()
    weights, activations = sensitivities(network, data, options, recipe, loss)
    chosen, used = search.run(_joined(weights, activations))
    wanted = replace(
        options.base,
        weight_bits=dict(chosen.weights),
        activation_bits=dict(chosen.activations) or options.base.activation_bits,
        first_last_bits=None,
    )
    outcome = quantize_aware(network, data, wanted, recipe, loss=loss, observer=observer)
    return replace(
        outcome,
        details={
            **outcome.details,
            "measure": options.measure,
            "budget": options.budget,
            "used": used,
            "sensitivity": {"weights": _plain(weights), "activations": _plain(activations)},
            "cost_calls": search.calls,
        },
    )


def bit_operations(
    places: Places, products: Mapping[str, int], assignment: Assignment, input_bits: int
) -> float:
    """Products per sample times bits of weight and of activation, summed over the layers.

    A layer that reads several sites side by side counts their mean.
    """
    bits = {s.name: assignment.activations.get(s.name, input_bits) for s in places.sites}
    return sum(
        products[layer] * whole_bits(assignment.weights[layer]) * bits[site.name] / len(sites)
        for layer, sites in places.sources.items()
        for site in sites
    )


@dataclass(frozen=True)
class _Model:
    """What choices cost: constant + their own shares + shares of pairs."""

    constant: float
    alone: Groups
    products: tuple[Product, ...] = ()


class _Search:
    def __init__(
        self, network: fx.GraphModule, data: Data, options: MixedOptions, cost: Cost | None
    ) -> None:
        self.network, self.data, self.options, self.cost = network, data, options, cost
        self.places = places_of(network, data)
        self.products = multiplications(network)
        self.choices = weight_choices(network, options)
        self.calls = 0
        self._known: dict[str, float] = {}
        self.model = self._model()

    def check_budget(self) -> None:
        """Refuse a budget that nothing keeps to, before anything is measured at length."""
        model = self.model
        least = model.constant + least_cost(model.alone, model.products)
        if least > self.options.budget:
            raise self._refusal(least)

    def run(self, loss: Groups) -> tuple[Assignment, float]:
        """(the best choice found, what it costs)."""
        model = self.model
        best: tuple[float, Assignment, float] | None = None
        budget, seen = self.options.budget, set()
        for _ in range(ROUNDS):
            chosen = assign(loss, model.alone, model.products, budget - model.constant)
            if chosen is None:
                break
            assignment = _assignment(chosen)
            used = self.measured(assignment)
            lost = sum(loss[group][choice] for group, choice in chosen.items())
            if used <= self.options.budget and (best is None or (lost, used) < (best[0], best[2])):
                best = (lost, assignment, used)
            if repr(assignment) in seen:
                break
            seen.add(repr(assignment))
            expected = model.constant + total_cost(chosen, model.alone, model.products)
            budget = self.options.budget - (used - expected)
        if best is None:
            raise self._refusal(model.constant + least_cost(model.alone, model.products))
        return best[1], best[2]

    def measured(self, assignment: Assignment) -> float:
        """What these bits really cost."""
        match self.options.measure:
            case "bits":
                layers = weight_layers(self.network)
                return float(sum(
                    layers[name].weight.numel() * whole_bits(bits)
                    for name, bits in assignment.weights.items()
                ))  # fmt: skip
            case "bops":
                bits = self.options.base.input_bits
                return bit_operations(self.places, self.products, assignment, bits)
            case _:
                return self._called(assignment)

    def _called(self, assignment: Assignment) -> float:
        key = repr(assignment)
        if key not in self._known:
            if self.cost is None:
                raise UsageError(
                    f"measure {self.options.measure}",
                    "needs a cost function.",
                    "name a board, or use bits or bops.",
                )
            figures = self.cost(quantized(self.network, self.data, self.options, assignment))
            if self.options.measure not in figures:
                raise UsageError(
                    f"measure {self.options.measure}",
                    "is none of the cost function's figures.",
                    f"use bits, bops, {', '.join(sorted(figures))}.",
                )
            self.calls += 1
            self._known[key] = float(figures[self.options.measure])
        return self._known[key]

    def _model(self) -> _Model:
        if self.options.measure == "bops":
            return self._bit_operations()
        if self.options.measure == "bits":
            layers = weight_layers(self.network)
            alone = {
                WEIGHT + name: {
                    bits: float(layer.weight.numel() * whole_bits(bits))
                    for bits in self.choices[name]
                }
                for name, layer in layers.items()
            }
            free = dict.fromkeys(self.options.activation_choices, 0.0)
            return _Model(0.0, {**alone, **{g: dict(free) for g in self._activation_groups()}})
        return self._around(self._nearest())

    def _activation_groups(self) -> list[str]:
        return [ACTIVATION + site.name for site in self.places.sites if not site.is_input]

    def _bit_operations(self) -> _Model:
        options, products = self.options, []
        free = dict.fromkeys(options.activation_choices, 0.0)
        alone: dict[str, dict[Any, float]] = {g: dict(free) for g in self._activation_groups()}
        for layer, sites in self.places.sources.items():
            own: dict[Any, float] = dict.fromkeys(self.choices[layer], 0.0)
            for site in sites:
                share = self.products[layer] / len(sites)
                if site.is_input:
                    for bits in own:
                        own[bits] += share * whole_bits(bits) * options.base.input_bits
                    continue
                joint = {
                    w: {a: share * whole_bits(w) * a for a in options.activation_choices}
                    for w in self.choices[layer]
                }
                products.append(Product(WEIGHT + layer, ACTIVATION + site.name, joint))
            alone[WEIGHT + layer] = own
        return _Model(0.0, alone, tuple(products))

    def _nearest(self) -> Assignment:
        """The uniform choice whose cost is nearest the budget."""
        common = set(self.options.weight_choices).intersection(*self.choices.values())
        weights = sorted(common, key=whole_bits)
        activations = sorted(self.options.activation_choices)
        tried = []
        for bits in weights:
            near = min(activations, key=lambda a: (abs(a - whole_bits(bits)), a))
            tried.append(uniform(self.network, self.places, bits, near))
        return min(tried, key=lambda a: abs(self.measured(a) - self.options.budget))

    def _around(self, middle: Assignment) -> _Model:
        """Each choice's own share: what it changes where all else is as in the middle."""
        constant = self.measured(middle)
        alone: dict[str, dict[Any, float]] = {}
        for name in middle.weights:
            alone[WEIGHT + name] = {
                bits: self.measured(middle.with_weight(name, bits)) - constant
                for bits in self.choices[name]
            }
        for name in middle.activations:
            alone[ACTIVATION + name] = {
                bits: self.measured(middle.with_activation(name, bits)) - constant
                for bits in self.options.activation_choices
            }
        return _Model(constant, alone)

    def _refusal(self, least: float) -> UsageError:
        return UsageError(
            f"budget {self.options.budget:g} {self.options.measure}",
            f"no choice keeps to it; the smallest takes about {least:g}.",
            "raise it, or allow fewer bits.",
        )


def _joined(weights: Table, activations: Table) -> dict[str, dict[Any, float]]:
    named: dict[str, dict[Any, float]] = {WEIGHT + name: dict(row) for name, row in weights.items()}
    return named | {ACTIVATION + name: dict(row) for name, row in activations.items()}


def _assignment(chosen: Mapping[str, Any]) -> Assignment:
    return Assignment(
        {g.removeprefix(WEIGHT): cast(Bits, c) for g, c in chosen.items() if g.startswith(WEIGHT)},
        {g.removeprefix(ACTIVATION): int(c) for g, c in chosen.items() if g.startswith(ACTIVATION)},
    )


def _plain(table: Table) -> dict[str, dict[str, float]]:
    return {name: {str(bits): rise for bits, rise in row.items()} for name, row in table.items()}
