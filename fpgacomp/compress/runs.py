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
from fpgacomp.data.user_code import function_name
from fpgacomp.errors import TrainingError

EVALUATION_BATCH = 512
# Probabilities are raised to this before their logarithm: in float32 some are rounded to 0.
SMALLEST_PROBABILITY = 1e-30


class TrainingRun(Protocol):
    """A training run between two epochs."""

    @property
    def done(self) -> int:
        """Number of epochs so far, those of the checkpoint included."""

    @property
    def has_best(self) -> bool:
        """Whether the weights of some epoch are kept already."""

    def epoch(self) -> Epoch:
        """Train one epoch and judge it on the validation split."""

    def finish(self, interrupted: bool) -> History:
        """Put the best epoch's weights into the network, and tell how the run went."""

    def save(self) -> None:
        """Write the checkpoint, whole or not at all, if the recipe names one."""

    def resume(self) -> None:
        """Read the checkpoint of this very run, if there is one."""


def carry_out(run: TrainingRun, recipe: Recipe, observer: TrainingObserver, what: str) -> History:
    """Train the epochs that are missing, and keep the weights of the best one.

    Ctrl-C ends the run early. Before there is a best epoch to keep, it is passed on.

    Args:
        run: the run, at its beginning.
        recipe: the number of epochs.
        observer: is told every epoch, before the checkpoint is written.
        what: names the run to the observer.
    """
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
    """Return the loss of a batch if it is a number.

    Args:
        loss: mean loss of the batch.
        epoch, step, steps: where the run is, for the message.
        recipe: whose learning rate the message tells.

    Raises:
        TrainingError: the loss is infinite or NaN.
    """
    if not math.isfinite(loss):
        raise TrainingError(
            f"epoch {epoch}",
            f"the loss is {loss} at step {step} of {steps}.",
            f"lower the learning rate (now {recipe.learning_rate:g}), or scale the "
            f"samples to about -1..1{_or_mend(recipe)}.",
        )
    return loss


def _or_mend(recipe: Recipe) -> str:
    """The remedy that a loss or a training step of the user's own adds."""
    own = recipe.step if recipe.step is not None else recipe.loss
    return "" if own is None else f", or mend {function_name(own)}, which computes it"


def fingerprint(recipe: Recipe, data: LabelledData, parts: Iterable[object]) -> str:
    """Digest everything that decides how a run goes, so that checkpoints can be told apart.

    Args:
        recipe: counts but for the name of its checkpoint.
        data: its training and validation splits count.
        parts: what else decides. Arrays count by their values, functions by their names, all else
            by its repr.

    Returns:
        SHA-256, in hexadecimal digits.
    """
    own = {"loss", "step"}
    settings = {k: v for k, v in vars(recipe).items() if k not in {"checkpoint", *own}}
    digest = hashlib.sha256(repr(sorted(settings.items())).encode())
    splits = (data.train.x, data.train.y, data.validation.x, data.validation.y)
    for part in (*splits, data.task, recipe.loss, recipe.step, *parts):
        if isinstance(part, np.ndarray):
            digest.update(repr((part.dtype.str, part.shape)).encode())
            digest.update(np.ascontiguousarray(part).data)
        elif callable(part) and hasattr(part, "__qualname__"):
            digest.update(f"{part.__module__}.{part.__qualname__}".encode())
        else:
            digest.update(repr(part).encode())
    return digest.hexdigest()


def check_checkpoint(path: Path, found: str, expected: str) -> None:
    """Refuse a checkpoint of another run.

    Args:
        path: the file, for the message.
        found: fingerprint in the file.
        expected: fingerprint of this run.

    Raises:
        TrainingError: the two differ.
    """
    if found != expected:
        raise TrainingError(
            str(path),
            "is the checkpoint of another run: its network, data, recipe or options differ.",
            "name another file, or remove this one.",
        )
