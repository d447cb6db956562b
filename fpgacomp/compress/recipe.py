"""How long and how fast to train, and what a training run tells."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fpgacomp.errors import UsageError
from fpgacomp.host.paths import check_parent


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How a network is trained.

    On one machine and one thread the same recipe gives the same weights. Other processors round
    float sums otherwise, and training carries that on into other weights.

    Args:
        epochs: number of passes over the training split; 0 trains nothing.
        batch: number of samples per step of the optimizer, 2 or more.
        learning_rate: peak of the one-cycle schedule (Smith and Topin, 2018) that Adam follows,
            over 0 and under 1.
        weight_decay: share of itself, per unit of learning rate, that each weight of a dense or
            convolution layer loses in a step (AdamW). Biases and scales do not decay.
        seed: decides the order of the samples and everything else that is drawn at random.
        threads: number of CPU threads that the framework may use. Results repeat exactly only
            with 1, since more threads add up in another order.
        checkpoint: file that the run is saved to after every epoch. A run that finds it there
            goes on from it.
        loss: (outputs, labels) -> mean loss of a batch, a scalar tensor with a gradient, instead
            of the task's own loss. A teacher's part of a loss stays.
        step: (network, optimizer, x, labels) -> loss of a batch, a number. It makes one step of
            the optimizer itself, and takes the place of the loss. PyTorch only.

    Raises:
        UsageError: a value is out of its range, or the checkpoint's folder does not exist.
    """

    epochs: int = 30
    batch: int = 64
    learning_rate: float = 2e-3
    weight_decay: float = 0.0
    seed: int = 0
    threads: int = 1
    checkpoint: Path | None = None
    loss: Callable[[Any, Any], Any] | None = None
    step: Callable[[Any, Any, Any, Any], Any] | None = None

    def __post_init__(self) -> None:
        bounds = {"epochs": 0, "batch": 2, "threads": 1}
        for name, least in bounds.items():
            if getattr(self, name) < least:
                raise UsageError(name, f"is {getattr(self, name)}.", f"use {least} or more.")
        if not 0 < self.learning_rate < 1:
            raise UsageError(
                "learning rate", f"is {self.learning_rate:g}.", "use a number between 0 and 1."
            )
        if self.checkpoint is not None:
            check_parent(f"checkpoint {self.checkpoint}", Path(self.checkpoint))
        if self.weight_decay < 0:
            raise UsageError("weight decay", f"is {self.weight_decay:g}.", "use 0 or more.")


@dataclass(frozen=True)
class Epoch:
    """What one pass over the training split came to.

    Args:
        number: which pass it was, 1 to `epochs`.
        epochs: number of passes that the recipe asks for.
        loss: mean loss over the training samples.
        score: of the network on the validation split, by `metric`; 1 is perfect.
        validation_loss: mean loss on the validation split.
        best: whether no earlier pass was better (see `rank`).
        metric: key of `fpgacomp.data.metrics.METRICS`, the figure that `score` is.
    """

    number: int
    epochs: int
    loss: float
    score: float
    validation_loss: float
    best: bool
    metric: str = "accuracy"

    @property
    def rank(self) -> tuple[float, float]:
        """What epochs are compared by: the higher score is better, then the lower loss."""
        return self.score, -self.validation_loss


@dataclass(frozen=True)
class History:
    """What a training run came to.

    Args:
        epochs: every pass that was made, those before a resumption included.
        best: the pass whose weights were kept; None where nothing was trained.
        interrupted: whether Ctrl-C ended the run before its last pass.
    """

    epochs: tuple[Epoch, ...] = ()
    best: Epoch | None = None
    interrupted: bool = False


TrainingObserver = Callable[[str, Epoch], None]  # (what is being trained, its last epoch)


def silent(what: str, epoch: Epoch) -> None:
    """Ignore the epoch: the observer of a run that nobody watches."""
