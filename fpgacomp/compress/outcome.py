"""What a compression technique gives back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from fpgacomp.compress.recipe import History


@dataclass(frozen=True)
class TechniqueOutcome:
    """A smaller network and how it came about.

    Args:
        network: torch network, in evaluation mode.
        history: of the training; None where nothing was trained.
        notes: what was skipped or left alone, in sentences with a count.
        details: figures of the technique (sparsity per layer, bits per layer, ...), plain values.
    """

    network: Any
    history: History | None = None
    notes: tuple[str, ...] = ()
    details: Mapping[str, Any] = field(default_factory=dict)

    def noted(self, notes: Sequence[str]) -> TechniqueOutcome:
        """The same with these notes in front."""
        return replace(self, notes=(*notes, *self.notes))
