"""What an engine is: it folds a graph for a goal, emits a design, simulates what it emitted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Protocol

from fpgacomp.devices.board import Board
from fpgacomp.ir.graph import Graph

if TYPE_CHECKING:
    from _typeshed import DataclassInstance


class Design(Protocol):
    """What every engine's design has: one graph on one board, and a folding for its layers."""

    @property
    def graph(self) -> Graph: ...

    @property
    def board(self) -> Board: ...

    @property
    def clock_mhz(self) -> float: ...

    @property
    def folding(self) -> Mapping[str, DataclassInstance]: ...
