"""Rewrite: outputs that are the same for every input go, as a QuantTensor's scale does."""

from __future__ import annotations

from fpgacomp.network.editable import EditableGraph


def drop_constant_outputs(graph: EditableGraph) -> None:
    """Remove outputs that are constants, with a warning, where another output is left.

    A Brevitas module that returns a QuantTensor is exported with its scale, zero point, bit
    width and flags as outputs of their own.
    """
    constant = [name for name in graph.outputs if name in graph.constants]
    kept = [name for name in graph.outputs if name not in graph.constants]
    if not constant or not kept:
        return
    graph.outputs[:] = kept
    listing = ", ".join(constant)
    graph.warnings.append(f"Constant outputs are left out, they need no computation: {listing}.")
