"""Integer graph to integer graph, one pass per file.

A pass keeps the function: the outputs keep their names and integers, and a tensor that
keeps its name keeps its values. Whether a pass pays depends on the engine and the
board, so each gives a variant of the graph, and the folding's estimate decides.
"""

from __future__ import annotations

from fpgacomp.ir.graph import Graph
from fpgacomp.ir.verify import verify
from fpgacomp.passes.pool_before_activation import pool_before_activation

PASSES = (pool_before_activation,)

__all__ = ["PASSES", "pool_before_activation", "variants"]


def variants(graph: Graph) -> tuple[Graph, ...]:
    """Return the graph itself, then what each pass makes of it where that is something else."""
    found = [graph]
    for rewrite in PASSES:
        changed = verify(rewrite(found[-1]), after=rewrite.__name__)
        if changed != found[-1]:
            found.append(changed)
    return tuple(found)
