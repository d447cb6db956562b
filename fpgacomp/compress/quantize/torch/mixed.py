"""Bits per layer: a search by sensitivity under a budget, then quantization-aware training."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from torch import fx

from fpgacomp.compress.losses import Loss
from fpgacomp.compress.outcome import TechniqueOutcome
from fpgacomp.compress.quantize.options import BitWidth, MixedOptions, whole_bits
from fpgacomp.compress.quantize.torch.assign import ChoiceFigures, assign, total_cost
from fpgacomp.compress.quantize.torch.aware import quantize_aware
from fpgacomp.compress.quantize.torch.sensitivity import (
    Assignment,
    Judge,
    SensitivityTable,
    sensitivities,
)
from fpgacomp.compress.quantize.torch.sites import check
from fpgacomp.compress.quantize.torch.spending import (
    ACTIVATION,
    WEIGHT,
    CostModel,
    Spending,
    bits_of,
    replace_bits,
)
from fpgacomp.compress.recipe import Recipe, TrainingObserver, silent
from fpgacomp.compress.types import CostFunction
from fpgacomp.data.labelled import LabelledData
from fpgacomp.errors import UsageError

ROUNDS = 12  # corrections of the budget, at most, by what a choice really costs


def quantize_mixed(
    network: fx.GraphModule,
    data: LabelledData,
    options: MixedOptions,
    recipe: Recipe,
    *,
    cost: CostFunction | None = None,
    loss: Loss | None = None,
    observer: TrainingObserver = silent,
) -> TechniqueOutcome:
    """Choose bits per layer, then train with them.

    The sum of the layers' own sensitivities is made least under the budget, as an integer
    linear program (as in Yao et al., HAWQ-V3, 2021; their sensitivity is a Hessian trace,
    here it is the measured rise of the loss). Bits and bit operations are counted exactly.
    A cost function's figure is taken as a sum of each choice's own share, measured around
    the uniform network nearest the budget; what is chosen is measured for real, and the
    budget of the search corrected by the difference until no better choice keeps to it.

    What one layer loses depends on what the others have left, so the choice is refined:
    from it, or from a uniform network of the budget that is better as a whole, the same
    program goes on in steps of one width, with the rise of the loss measured right there.

    Args:
        network: a trained float network of known modules; it is not changed.
        data: weights and scales are fitted to the training split.
        options: the budget, its measure, and the bits to choose from.
        recipe: how the quantized network is trained.
        cost: estimates a quantized network, where the measure is one of its figures.
        loss: (network, x, y) -> mean loss of a batch; None takes the recipe's, or that of the
            task.
        observer: is told every epoch.

    Returns:
        The network of Brevitas layers. Its details are those of `quantize_aware`, and measure,
        budget, used, weight_sensitivity and activation_sensitivity (rises of the loss, by layer
        and bits) and cost_calls.

    Raises:
        UsageError: no choice keeps to the budget, or the cost function has no such figure.
        UnsupportedLayer: layers have no quantized form; all of them are named.
    """
    check(network)
    spending = Spending(network, data, options, cost)
    model = spending.whole()
    if model.least > options.budget:
        # Told before the sensitivities, which take long to measure.
        raise _refusal(options, model)
    judge = Judge(network, data, options, recipe, loss)
    weights, activations = sensitivities(judge)
    chosen = _within(options.budget, _joined(weights, activations), model, spending)
    if chosen is None:
        raise _refusal(options, model)
    chosen = _refined(chosen, options, spending, judge)
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
            "used": spending.measured(chosen),
            "weight_sensitivity": _plain(weights),
            "activation_sensitivity": _plain(activations),
            "cost_calls": spending.calls,
        },
    )


def _within(
    budget: float, loss: ChoiceFigures, model: CostModel, spending: Spending
) -> Assignment | None:
    """Find the bits of least modelled loss that really keep to the budget; None for none."""
    best: tuple[float, float, Assignment] | None = None
    left, seen = budget, set()
    for _ in range(ROUNDS):
        chosen = assign(loss, model.alone, model.products, left - model.constant)
        if chosen is None:
            break
        assignment = _assignment(chosen)
        used = spending.measured(assignment)
        lost = sum(loss[group][choice] for group, choice in chosen.items())
        if used <= budget and (best is None or (lost, used) < best[:2]):
            best = (lost, used, assignment)
        if assignment.key in seen:
            break
        seen.add(assignment.key)
        expected = model.constant + total_cost(chosen, model.alone, model.products)
        left = budget - (used - expected)
    return None if best is None else best[2]


def _refined(
    chosen: Assignment, options: MixedOptions, spending: Spending, judge: Judge
) -> Assignment:
    """Improve the choice, or a better network of equal bits, in steps judged as a whole."""

    def fits(assignment: Assignment) -> bool:
        return spending.measured(assignment) <= options.budget

    if not options.refinements:
        return chosen
    best = min([chosen, *filter(fits, spending.uniforms())], key=judge)
    for _ in range(options.refinements):
        near = {
            group: _near(bits_of(best, group), bits) for group, bits in spending.choices.items()
        }
        steps = {
            group: {bits: replace_bits(best, group, bits) for bits in allowed}
            for group, allowed in near.items()
        }
        rises = {
            group: {bits: judge(step) - judge(best) for bits, step in row.items()}
            for group, row in steps.items()
        }
        together = _within(options.budget, rises, spending.around(best, near), spending)
        tried = [step for row in steps.values() for step in row.values() if fits(step)]
        # The best network so far stays where no other is better, since `min` takes the first.
        found = min([best, *tried, *([together] if together else [])], key=judge)
        if judge(found) >= judge(best):
            break
        best = found
    return best


def _near(now: BitWidth, allowed: tuple[BitWidth, ...]) -> tuple[BitWidth, ...]:
    """The bits themselves, and the next smaller and larger ones that are allowed."""
    ordered = sorted(allowed, key=whole_bits)
    place = ordered.index(now)
    return tuple(ordered[max(place - 1, 0) : place + 2])


def _refusal(options: MixedOptions, model: CostModel) -> UsageError:
    return UsageError(
        f"budget {options.budget:g} {options.measure}",
        f"no choice keeps to it; the smallest takes about {model.least:g}.",
        "raise it, or allow fewer bits.",
    )


def _joined(
    weights: SensitivityTable, activations: SensitivityTable
) -> dict[str, dict[BitWidth, float]]:
    named: dict[str, dict[BitWidth, float]] = {
        WEIGHT + name: dict(row) for name, row in weights.items()
    }
    return named | {ACTIVATION + name: dict(row) for name, row in activations.items()}


def _assignment(chosen: Mapping[str, BitWidth]) -> Assignment:
    return Assignment(
        {g.removeprefix(WEIGHT): c for g, c in chosen.items() if g.startswith(WEIGHT)},
        {g.removeprefix(ACTIVATION): int(c) for g, c in chosen.items() if g.startswith(ACTIVATION)},
    )


def _plain(table: SensitivityTable) -> dict[str, dict[str, float]]:
    return {name: {str(bits): rise for bits, rise in row.items()} for name, row in table.items()}
