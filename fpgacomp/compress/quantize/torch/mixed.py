"""Bits per layer: a search by sensitivity under a budget, which the trained network keeps, too."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from torch import fx

from fpgacomp.compress.losses import Loss
from fpgacomp.compress.outcome import TechniqueOutcome
from fpgacomp.compress.quantize.options import BitWidth, MixedOptions, whole_bits
from fpgacomp.compress.quantize.torch.assign import ChoiceFigures, assign, total_cost
from fpgacomp.compress.quantize.torch.candidates import Trainer, figures_of
from fpgacomp.compress.quantize.torch.sensitivity import (
    Assignment,
    Judge,
    Sensitivities,
    SensitivityTable,
    sensitivities,
)
from fpgacomp.compress.quantize.torch.sites import check
from fpgacomp.compress.quantize.torch.spending import (
    ACTIVATION,
    INPUT,
    WEIGHT,
    CostModel,
    Spending,
    bits_of,
    replace_bits,
)
from fpgacomp.compress.recipe import Recipe, TrainingObserver, silent
from fpgacomp.compress.types import CostFunction
from fpgacomp.data.labelled import LabelledData
from fpgacomp.errors import DoesNotFit, UsageError

ROUNDS = 12  # corrections of the budget, at most, by what a choice really costs
ATTEMPTS = 5  # trainings at most of the search's choice: where one misses, the next aims lower


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
    """Choose bits per layer and for the input, train with them, and hold the result to its budget.

    The sum of the layers' own sensitivities is made least under the budget, as an integer
    linear program (as in Yao et al., HAWQ-V3, 2021; their sensitivity is a Hessian trace,
    here it is the measured rise of the loss). Bits and bit operations are counted exactly.
    A cost function's figure is taken as a sum of each choice's own share, measured around
    the uniform network nearest the budget; what is chosen is measured for real, and the
    budget of the search corrected by the difference until no better choice keeps to it.

    What one layer loses depends on what the others have left, so the choice is refined:
    from it, or from a uniform network of the budget that is better as a whole, the same
    program goes on in steps of one width, with the rise of the loss measured right there.

    The choice is trained and measured again, since training changes what a network costs.
    Where it misses the budget, the search aims lower by as much. Then the uniform networks
    that keep to the budget are trained, the finest first, until one scores less than the best
    so far. Of all that keep to the budget the one that scores most on the validation split is
    returned, of equals the cheapest: no uniform network among them dominates it.

    Args:
        network: a trained float network of known modules; it is not changed.
        data: weights and scales are fitted to the training split.
        options: the budget, its measure, and the bits to choose from.
        recipe: how each of the quantized networks is trained.
        cost: estimates a quantized network, where the measure is one of its figures.
        loss: (network, x, y) -> mean loss of a batch; None takes the recipe's, or that of the
            task.
        observer: is told every epoch.

    Returns:
        The network of Brevitas layers. Its details are those of `quantize_aware`, and measure,
        budget, used (by the trained network), input_bits, weight_sensitivity,
        activation_sensitivity and input_sensitivity (rises of the loss, by layer and bits),
        candidates (cost and validation score of every network that was trained) and cost_calls.

    Raises:
        UsageError: no choice keeps to the budget, or the cost function has no such figure.
        DoesNotFit: untrained networks keep to the budget, but none does once it is trained.
        UnsupportedLayer: layers have no quantized form; all of them are named.
    """
    check(network)
    spending = Spending(network, data, options, cost)
    model = spending.whole()
    if model.least > options.budget:
        # Told before the sensitivities, which take long to measure.
        raise _refusal(options, model)
    judge = Judge(network, data, options, recipe, loss)
    rises = sensitivities(judge)
    search = _Search(options, spending, judge, model, _joined(rises, spending))
    trainer = Trainer(network, data, options, recipe, spending, loss=loss, observer=observer)
    if not _train_within(search, trainer):
        raise _refusal(options, model)
    if recipe.epochs and not any(candidate.interrupted for candidate in trainer.candidates):
        _train_uniform(search, trainer)
    return _result(options, trainer, rises, spending)


@dataclass(frozen=True)
class _Search:
    """Finds bits on untrained networks.

    Args:
        options: the bits to choose from, and the budget of the trained network.
        spending: measures what bits cost.
        judge: measures what they lose.
        model: what the bits of single layers cost, in about.
        loss: what they lose, one by one.
    """

    options: MixedOptions
    spending: Spending
    judge: Judge
    model: CostModel
    loss: ChoiceFigures

    def choose(self, budget: float) -> Assignment | None:
        """Find the bits that lose least and keep to this budget untrained; None for none."""
        chosen = _within(budget, self.loss, self.model, self.spending)
        if chosen is None:
            return None
        return _refined(chosen, replace(self.options, budget=budget), self.spending, self.judge)


def _train_within(search: _Search, trainer: Trainer) -> bool:
    """Train the choice of the search, and again for less until the trained network fits.

    Returns:
        Whether the search found anything to train.
    """
    budget = target = search.options.budget
    for _ in range(ATTEMPTS):
        chosen = search.choose(target) if target > 0 else None
        if chosen is None:
            break
        trained = trainer(chosen)
        if trained.fits or trained.interrupted:
            break
        # Below what this choice cost untrained, so that the next one is another.
        target = min(target, search.spending.measured(chosen)) - (trained.used - budget)
    return bool(trainer.candidates)


def _train_uniform(search: _Search, trainer: Trainer) -> None:
    """Train uniform networks of the budget, until one scores less than the best so far."""
    budget, measured = search.options.budget, search.spending.measured
    fitting = [one for one in search.spending.uniforms() if measured(one) <= budget]
    for assignment in sorted(fitting, key=measured, reverse=True):
        best = trainer.best
        trained = trainer(assignment)
        if trained.interrupted or (best is not None and trained.score < best.score):
            break


def _result(
    options: MixedOptions, trainer: Trainer, rises: Sensitivities, spending: Spending
) -> TechniqueOutcome:
    best = trainer.best
    if best is None:
        least = min(candidate.used for candidate in trainer.candidates)
        raise DoesNotFit(
            f"budget {options.budget:g} {options.measure}",
            f"is missed by all {len(trainer.candidates)} networks that were trained for it; the "
            f"smallest takes {least:g} once it is trained.",
            f"raise it to {least:g}, or allow fewer bits.",
        )
    over = [candidate for candidate in trainer.candidates if not candidate.fits]
    notes = (
        f"{len(over)} trained networks missed the budget of {options.budget:g} {options.measure} "
        f"({', '.join(f'{candidate.used:g}' for candidate in over)}) and were given up",
    )
    details = {
        "measure": options.measure,
        "budget": options.budget,
        "used": best.used,
        "input_bits": best.assignment.input_bits,
        "weight_sensitivity": _plain(rises.weights),
        "activation_sensitivity": _plain(rises.activations),
        "input_sensitivity": _plain({INPUT: dict(rises.input)}),
        "candidates": figures_of(trainer.candidates),
        "cost_calls": spending.calls,
    }
    return replace(
        best.outcome,
        notes=(*best.outcome.notes, *(notes if over else ())),
        details={**best.outcome.details, **details},
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
        assignment = _assignment(chosen, spending.input_bits)
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


def _joined(rises: Sensitivities, spending: Spending) -> ChoiceFigures:
    """The rises of the loss by the names of the groups whose bits are searched."""
    every: dict[str, Mapping[BitWidth, float]] = {
        **{WEIGHT + name: row for name, row in rises.weights.items()},
        **{ACTIVATION + name: row for name, row in rises.activations.items()},
        INPUT: rises.input,
    }
    return {group: every[group] for group in spending.choices}


def _assignment(chosen: Mapping[str, BitWidth], input_bits: int) -> Assignment:
    """The bits of all groups; an input that nothing reads as integers gets `input_bits`."""
    return Assignment(
        {g.removeprefix(WEIGHT): c for g, c in chosen.items() if g.startswith(WEIGHT)},
        {g.removeprefix(ACTIVATION): int(c) for g, c in chosen.items() if g.startswith(ACTIVATION)},
        whole_bits(chosen.get(INPUT, input_bits)),
    )


def _plain(table: SensitivityTable) -> dict[str, dict[str, float]]:
    return {name: {str(bits): rise for bits, rise in row.items()} for name, row in table.items()}
