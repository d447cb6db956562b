"""How a network that was made smaller is trained until it answers as the one it was made from."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor, nn

from fpgacomp.compress.distill import DistillOptions
from fpgacomp.compress.losses import Loss
from fpgacomp.compress.outcome import TechniqueOutcome
from fpgacomp.compress.training import quality
from fpgacomp.compress.types import TorchNetwork
from fpgacomp.data.labelled import LabelledData
from fpgacomp.data.percents import share_text

# A student that starts out near its teacher learns most from the classes that the teacher really
# hesitates between. Over five seeds on four data sets a temperature of 2 lost up to a point less
# accuracy than the 4 that suits students that start from scratch.
RECOVERY = DistillOptions(temperature=2.0)
CALM = 0.8  # share of the training after which the one-cycle schedule makes small steps only
TOLD_FALL = 0.02  # fall of the score on the validation split, 1 being perfect, that is told


class CalmEpochs:
    """The condition that an epoch counts as the best one only when steps have become small.

    A validation split of a hundred samples tells two good epochs apart by chance. The best of
    thirty is then often an early one that was lucky, and worse on other samples than the last.
    """

    def settle_gradient(self) -> None:
        """Leave the gradient as it is."""

    def project(self, share: float) -> None:
        """Leave the weights as they are."""

    def settled(self, share: float) -> bool:
        """Tell whether the last part of the training has begun.

        Args:
            share: part of the training that is done, 0..1.
        """
        return share >= CALM


def with_mixtures(guided: Loss, matched: Loss) -> Loss:
    """Make a loss that compares the answers to mixtures of samples as well.

    A teacher answers any input, not only the few that have labels. A student that answers as it
    does between the samples, too, has less room to fit them by chance (Beyer et al., Knowledge
    distillation: a good teacher is patient and consistent, CVPR 2022).

    Args:
        guided: loss of the samples of a batch.
        matched: loss of their mixtures, which have no labels: of the teacher's answers alone.

    Returns:
        The mean of both.
    """

    def loss(student: nn.Module, x: Tensor, y: Tensor) -> Tensor:
        # The mixtures come first: the averages of a normalization remember the samples better.
        between = matched(student, mixtures(x), y)
        return (guided(student, x, y) + between) / 2

    return loss


def mixtures(x: Tensor) -> Tensor:
    """Mix each sample of a batch with another one of it, in a proportion drawn for each."""
    proportion = torch.rand(len(x), *[1] * (x.dim() - 1))
    return proportion * x + (1 - proportion) * x[torch.randperm(len(x))]


def tell_fall(
    network: TorchNetwork, data: LabelledData, outcome: TechniqueOutcome, remedy: str
) -> TechniqueOutcome:
    """Add a note on how much the score fell, where recovery did not win it back.

    Args:
        network: the network that was made smaller.
        data: its validation split judges.
        outcome: the smaller network, with its training.
        remedy: what a user can do.

    Returns:
        The outcome, whose last note holds both figures; without that note where nothing was
        trained, or the fall is no more than two points.
    """
    best = None if outcome.history is None else outcome.history.best
    if best is None:
        return outcome
    before, after = quality(network, data, data.validation), best.rank[0]
    if before - after <= TOLD_FALL:
        return outcome
    fall = f"fell from {share_text(before)} to {share_text(after)}"
    text = f"the score on the validation split {fall}: {remedy}"
    return replace(outcome, notes=(*outcome.notes, text))
