"""What every training run does, whichever framework computes it."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable
from pathlib import Path
from typing import Protocol

import numpy as np

from fpgacomp.compress.recipe import Epoch, History, Recipe, TrainingObserver
from fpgacomp.data.labelled import LabelledData
from fpgacomp.errors import TrainingError

EVALUATION_BATCH = 512
# Logarithm of a probability that rounded to 0 in float32.
SMALLEST_PROBABILITY = 1e-30


class TrainingRun(Protocol):
    """A training run between two epochs."""

    @property
    def done(self) -> int:
        """Epochs so far, those of the checkpoint included."""

    @property
    def has_best(self) -> bool:
        """Whether an epoch's weights are kept already."""

    def epoch(self) -> Epoch:
        """Train one epoch and judge it on the validation split."""

    def finish(self, interrupted: bool) -> History:
        """Put the best epoch's weights back."""

    def save(self) -> None:
        """Write the checkpoint, if one is wanted: whole or not at all."""

    def resume(self) -> None:
        """Go on from the checkpoint, if there is one of this very run."""


def carry_out(run: TrainingRun, recipe: Recipe, observer: TrainingObserver, what: str) -> History:
    """All epochs that are missing; Ctrl-C ends the run where there is a best epoch to keep."""
    run.resume()
    interrupted = False
    try:
        while run.done < recipe.epochs:
            observer(what, run.epoch())
            run.save()
    except KeyboardInterrupt:
        if not run.has_best:
            raise
        interrupted = True
    return run.finish(interrupted)


def check_loss(loss: float, epoch: int, step: int, steps: int, recipe: Recipe) -> float:
    """The loss of a batch.

    Raises:
        TrainingError: it is not a number.
    """
    if not math.isfinite(loss):
        raise TrainingError(
            f"epoch {epoch}",
            f"the loss is {loss} at step {step} of {steps}.",
            f"lower the learning rate (now {recipe.learning_rate:g}), or scale the "
            "samples to about -1..1.",
        )
    return loss


def fingerprint(recipe: Recipe, data: LabelledData, parts: Iterable[object]) -> str:
    """Of all that decides how a run goes: a checkpoint of another one is not gone on from.

    Args:
        parts: arrays by their values, functions by their names, all else by its repr.
    """
    settings = {k: v for k, v in vars(recipe).items() if k != "checkpoint"}
    digest = hashlib.sha256(repr(sorted(settings.items())).encode())
    splits = (data.train.x, data.train.y, data.validation.x, data.validation.y)
    for part in (*splits, *parts):
        if isinstance(part, np.ndarray):
            digest.update(repr((part.dtype.str, part.shape)).encode())
            digest.update(np.ascontiguousarray(part).data)
        elif callable(part) and hasattr(part, "__qualname__"):
            digest.update(f"{part.__module__}.{part.__qualname__}".encode())
        else:
            digest.update(repr(part).encode())
    return digest.hexdigest()


def check_checkpoint(path: Path, found: str, expected: str) -> None:
    """Refuse a checkpoint whose fingerprint is not this run's.

    Raises:
        TrainingError: it is another one's.
    """
    if found != expected:
        raise TrainingError(
            str(path),
            "is the checkpoint of another run: its network, data, recipe or options differ.",
            "remove it, or name another file.",
        )
