"""What a compression technique gives back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from fpgacomp.compress.recipe import History
from fpgacomp.compress.types import KerasModel, TorchNetwork


@dataclass(frozen=True)
class TechniqueOutcome:
    """The network that one technique made, and how it came about.

    Args:
        network: a torch network in evaluation mode; of `quantize.keras` a Keras model.
        history: the training run; None where nothing was trained.
        notes: sentences on what was skipped or left alone, each with a count.
        details: figures of the technique as plain values, e.g. the sparsity of each layer.
    """

    network: TorchNetwork | KerasModel
    history: History | None = None
    notes: tuple[str, ...] = ()
    details: Mapping[str, Any] = field(default_factory=dict)

    def with_notes(self, notes: Sequence[str]) -> TechniqueOutcome:
        """Return the same outcome with these notes in front of its own."""
        return replace(self, notes=(*notes, *self.notes))
