"""scipy's solver of integer programs: rows as dictionaries, and kept silent."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

Row = tuple[Mapping[int, float], float, float]  # column -> coefficient, least, most


def minimized(
    objective: Mapping[int, float],
    rows: Sequence[Row],
    columns: int,
    *,
    binaries: int,
    shares: int,
    node_limit: int,
    gap: float,
) -> Any:
    """scipy's result for the least objective over columns of at least 0.

    Args:
        binaries: so many columns from the first are 0 or 1.
        shares: so many columns from the first are at most 1.
        node_limit: of branch and bound: a count, not a time, so that the same input gives
            the same answer.
        gap: relative distance to the optimum at which the search ends.
    """
    from scipy.optimize import Bounds, LinearConstraint, milp
    from scipy.sparse import coo_array

    at, across, values = [], [], []
    for index, (coefficients, _, _) in enumerate(rows):
        at += [index] * len(coefficients)
        across += list(coefficients)
        values += list(coefficients.values())
    matrix = coo_array((values, (at, across)), shape=(len(rows), columns))
    cost, places = np.zeros(columns), np.arange(columns)
    cost[list(objective)] = list(objective.values())
    low, high = ([row[side] for row in rows] for side in (1, 2))
    with silent_solver():
        return milp(
            cost,
            integrality=(places < binaries).astype(int),
            bounds=Bounds(np.zeros(columns), np.where(places < shares, 1.0, np.inf)),
            constraints=LinearConstraint(matrix.tocsr(), low, high),
            options={"node_limit": node_limit, "mip_rel_gap": gap},
        )


@contextmanager
def silent_solver() -> Iterator[None]:
    """Nothing that native code prints reaches standard output.

    HiGHS prints a debug line on some problems whatever it is told, and `--json` promises
    one document and nothing else there.
    """
    sys.stdout.flush()
    kept = os.dup(1)
    sink = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(sink, 1)
        yield
    finally:
        os.dup2(kept, 1)
        os.close(kept)
        os.close(sink)
