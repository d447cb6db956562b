"""Choices of bits that were trained: what each really costs, and which of them is handed back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from torch import fx

from fpgacomp.compress.losses import Loss
from fpgacomp.compress.outcome import TechniqueOutcome
from fpgacomp.compress.quantize.options import BitWidth, MixedOptions
from fpgacomp.compress.quantize.torch.aware import quantize_aware
from fpgacomp.compress.quantize.torch.sensitivity import Assignment
from fpgacomp.compress.quantize.torch.spending import Spending
from fpgacomp.compress.recipe import Epoch, Recipe, TrainingObserver
from fpgacomp.data.labelled import LabelledData


@dataclass(frozen=True)
class TrainedBits:
    """A network that was trained with bits of the search's choice.

    Args:
        assignment: the bits.
        outcome: the network and its training.
        used: what it costs once it is trained, in the unit of the measure.
        fits: whether that keeps to the budget.
    """

    assignment: Assignment
    outcome: TechniqueOutcome
    used: float
    fits: bool

    @property
    def best(self) -> Epoch | None:
        """The epoch whose weights were kept; None where nothing was trained."""
        return None if self.outcome.history is None else self.outcome.history.best

    @property
    def score(self) -> float:
        """Score on the validation split, 1 is perfect; 0 where nothing was trained."""
        return 0.0 if self.best is None else self.best.rank[0]

    @property
    def rank(self) -> tuple[float, ...]:
        """What candidates are compared by: the score, then the cost, then the loss.

        The first by it is dominated by none: no other one scores as much for less, or more for as
        much.
        """
        return (self.score, -self.used, *(() if self.best is None else self.best.rank[1:]))

    @property
    def interrupted(self) -> bool:
        """Whether Ctrl-C ended its training."""
        return self.outcome.history is not None and self.outcome.history.interrupted


class Trainer:
    """Trains a network with bits of the search's choice, and measures what came of it.

    Args:
        network: the trained float network; it is not changed.
        data: weights and scales are fitted to its training split.
        options: the budget, and what all candidates have in common.
        recipe: how each candidate is trained.
        spending: measures what it costs.
        loss: (network, x, y) -> mean loss of a batch; None for the one of the task.
        observer: is told every epoch.
    """

    def __init__(
        self,
        network: fx.GraphModule,
        data: LabelledData,
        options: MixedOptions,
        recipe: Recipe,
        spending: Spending,
        *,
        loss: Loss | None,
        observer: TrainingObserver,
    ) -> None:
        self._network, self._data, self._options, self._recipe = network, data, options, recipe
        self._spending, self._loss, self._observer = spending, loss, observer
        self._known: dict[str, TrainedBits] = {}

    @property
    def candidates(self) -> tuple[TrainedBits, ...]:
        """All that were trained so far, in that order."""
        return tuple(self._known.values())

    @property
    def best(self) -> TrainedBits | None:
        """Of the candidates that keep to the budget the first by rank; None where none does."""
        return max((c for c in self.candidates if c.fits), key=lambda c: c.rank, default=None)

    def __call__(self, assignment: Assignment) -> TrainedBits:
        """Train a network with these bits; one that was trained already is not trained again."""
        if assignment.key not in self._known:
            outcome = quantize_aware(
                self._network, self._data, assignment.options(self._options.base),
                self._of_number(len(self._known)), loss=self._loss, observer=self._observer,
            )  # fmt: skip
            used = self._spending.trained(assignment, outcome.network)
            fits = used <= self._options.budget
            self._known[assignment.key] = TrainedBits(assignment, outcome, used, fits)
        return self._known[assignment.key]

    def _of_number(self, number: int) -> Recipe:
        """Give each training after the first a checkpoint of its own."""
        path = self._recipe.checkpoint
        if path is None or number == 0:
            return self._recipe
        return replace(self._recipe, checkpoint=path.with_name(f"{path.name}.{number + 1}"))


def name_of(assignment: Assignment) -> str:
    """Name the bits, e.g. "W2A2, 8-bit input"; several widths are written with hyphens."""
    weights = f"W{_widths(assignment.weights.values())}"
    activations = f"A{_widths(assignment.activations.values())}" if assignment.activations else ""
    mixed = "-" in weights + activations
    return f"{weights}{' ' * mixed}{activations}, {assignment.input_bits}-bit input"


def figures_of(candidates: Iterable[TrainedBits]) -> dict[str, Mapping[str, Any]]:
    """Tell by name what the candidates cost and score, as plain values."""
    return {
        name_of(c.assignment): {
            "cost": c.used,
            "validation_score": c.score,
            "within_budget": c.fits,
        }
        for c in candidates
    }


def _widths(bits: Iterable[BitWidth]) -> str:
    named = ["t" if width == "ternary" else str(width) for width in bits]
    return named[0] if len(set(named)) == 1 else "-".join(named)
