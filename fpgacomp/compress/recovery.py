"""How a network that was made smaller is trained until it answers as the one it was made from."""

from __future__ import annotations

from fpgacomp.compress.distill import DistillOptions
from fpgacomp.compress.outcome import TechniqueOutcome
from fpgacomp.compress.training import quality
from fpgacomp.compress.types import TorchNetwork
from fpgacomp.data.labelled import LabelledData

# A student that starts out near its teacher learns most from the classes that the teacher really
# hesitates between. Over five seeds on four data sets a temperature of 2 lost up to a point less
# accuracy than the 4 that suits students that start from scratch.
RECOVERY = DistillOptions(temperature=2.0)
CALM = 0.8  # share of the training after which the one-cycle schedule makes small steps only
TOLD_FALL = 0.01  # fall of the score on the validation split, 1 being perfect, that is told


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


def note_on_fall(
    network: TorchNetwork, data: LabelledData, outcome: TechniqueOutcome, remedy: str
) -> tuple[str, ...]:
    """Tell by how much the score fell, where recovery did not win it back.

    Args:
        network: the network that was made smaller.
        data: its validation split judges.
        outcome: the smaller network, with its training.
        remedy: what a user can do.

    Returns:
        One sentence with both figures; none where nothing was trained, or the fall is no more
        than a point.
    """
    best = None if outcome.history is None else outcome.history.best
    if best is None:
        return ()
    before, after = quality(network, data, data.validation), best.rank[0]
    if before - after <= TOLD_FALL:
        return ()
    return (f"the score on the validation split fell from {before:.1%} to {after:.1%}: {remedy}",)
