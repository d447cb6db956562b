"""A design as text: its graph with each layer's folding as a comment behind the layer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import TYPE_CHECKING

from fpgacomp.engines.engine import Design
from fpgacomp.ir.text import GraphText, print_graph

if TYPE_CHECKING:
    from _typeshed import DataclassInstance


def print_design(design: Design, *, notes: Sequence[str] = (), structure: str = "") -> GraphText:
    """The design in text form, which `parse_graph` reads back as the design's graph.

    Args:
        design: of any engine.
        notes: comment lines for the head, the board's below them.
        structure: what the design consists of below its layers (`Engine.structure`), which
            follows the graph as comments.

    Returns:
        The text, and the arrays that it names by digest.
    """
    board = design.board
    head = [*notes, f"board {board.name} ({board.part}), {design.clock_mhz:g} MHz"]
    remarks = {name: spell_folding(folding) for name, folding in design.folding.items()}
    text, arrays = print_graph(design.graph, notes=head, remarks=remarks)
    below = "".join(f"// {line}".rstrip() + "\n" for line in structure.splitlines())
    return GraphText(f"{text}\n{below}" if below else text, arrays)


def spell_folding(folding: DataclassInstance | Mapping[str, object]) -> str:
    """A layer's folding as `pe=4 simd=8 ...`, from the engine's class or from a report."""
    if not isinstance(folding, Mapping):
        folding = {field.name: getattr(folding, field.name) for field in fields(folding)}
    return " ".join(f"{name}={value}" for name, value in folding.items())
