"""How long and how fast to train, and what a training run tells."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from fpgacomp.errors import UsageError


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How a network is trained; the same recipe on one thread gives the same weights.

    Args:
        epochs: passes over the training split; 0 trains nothing.
        batch: samples a step.
        learning_rate: highest one of a one-cycle schedule (Smith and Topin, 2018) under Adam.
        weight_decay: decoupled from the gradient, on weights of layers only.
        seed: of everything random.
        threads: of torch; more than one may change the order of sums and so the result.
        checkpoint: file that a run is saved to after every epoch and resumed from.
    """

    epochs: int = 30
    batch: int = 64
    learning_rate: float = 2e-3
    weight_decay: float = 0.0
    seed: int = 0
    threads: int = 1
    checkpoint: Path | None = None

    def __post_init__(self) -> None:
        bounds = {"epochs": 0, "batch": 2, "threads": 1}
        for name, least in bounds.items():
            if getattr(self, name) < least:
                raise UsageError(name, f"is {getattr(self, name)}.", f"use {least} or more.")
        if not 0 < self.learning_rate < 1:
            raise UsageError(
                "learning rate", f"is {self.learning_rate:g}.", "use a number between 0 and 1."
            )
        if self.checkpoint is not None and not Path(self.checkpoint).parent.is_dir():
            raise UsageError(
                f"checkpoint {self.checkpoint}", "its folder does not exist.", "create it first."
            )
        if self.weight_decay < 0:
            raise UsageError("weight decay", f"is {self.weight_decay:g}.", "use 0 or more.")


@dataclass(frozen=True)
class Epoch:
    """One pass over the training split.

    Args:
        number: 1 to `epochs`.
        loss: mean over the training samples.
        accuracy: on the validation split, 0..1.
        validation_loss: mean cross entropy there.
        best: whether it is the best one so far.
    """

    number: int
    epochs: int
    loss: float
    accuracy: float
    validation_loss: float
    best: bool

    @property
    def rank(self) -> tuple[float, float]:
        """The best epoch has the highest: by accuracy, then by loss."""
        return self.accuracy, -self.validation_loss


@dataclass(frozen=True)
class History:
    """A training run.

    Args:
        epochs: those that were run, a resumed run's earlier ones included.
        best: the epoch whose weights were kept; None where nothing was trained.
        interrupted: whether Ctrl-C ended it early.
    """

    epochs: tuple[Epoch, ...] = ()
    best: Epoch | None = None
    interrupted: bool = False


TrainingObserver = Callable[[str, Epoch], None]  # (what is being trained, its last epoch)


def silent(what: str, epoch: Epoch) -> None:
    """Tell nobody."""
