"""A way out for a design that does not fit, before anyone says how sure it is."""

from __future__ import annotations

from dataclasses import dataclass

from fpgacomp.devices.board import Board
from fpgacomp.results.target import Target


@dataclass(frozen=True)
class Way:
    """What may be changed so that a design fits.

    Args:
        kind: what is changed, in words.
        what: what the change comes to.
        plural: whether `what` is.
        options: what to type for it.
        board, clock_mhz, target: those asked for, or the changed ones.
        bits: most bits of weights and activations; None where the network stays as it is.
    """

    kind: str
    what: str
    plural: bool
    options: str
    board: Board
    clock_mhz: float
    target: Target
    bits: int | None = None
