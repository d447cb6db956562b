"""Solves integer and linear programs with scipy, without output of the solver."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Row = tuple[Mapping[int, float], float, float]  # column -> coefficient, least sum, largest sum


@dataclass(frozen=True)
class Minimum:
    """What scipy's `milp` found.

    Args:
        x: value of every column; None where no solution was found.
        fun: the objective of `x`; not a number without one.
        status: of scipy: 0 optimal, 1 a limit was reached, 2 infeasible, 3 unbounded, 4 other.
        mip_gap: relative distance of `fun` to the proved bound.
    """

    x: tuple[float, ...] | None
    fun: float
    status: int
    mip_gap: float


def minimized(
    objective: Mapping[int, float],
    rows: Sequence[Row],
    columns: int,
    *,
    binaries: int,
    shares: int,
    node_limit: int,
    gap: float,
) -> Minimum:
    """The least objective over columns of at least 0 that keeps every row.

    Args:
        objective: column -> coefficient.
        rows: sums of columns and their bounds.
        columns: how many there are.
        binaries: so many columns, from the first on, are 0 or 1.
        shares: so many columns, from the first on, are at most 1.
        node_limit: nodes of branch and bound after which the search ends. A count and not a
            time, so that the same input gives the same answer on every machine.
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
        found = milp(
            cost,
            integrality=(places < binaries).astype(int),
            bounds=Bounds(np.zeros(columns), np.where(places < shares, 1.0, np.inf)),
            constraints=LinearConstraint(matrix.tocsr(), low, high),
            options={"node_limit": node_limit, "mip_rel_gap": gap},
        )
    if found.x is None:
        return Minimum(None, float("nan"), int(found.status), 0.0)
    left = float(found.mip_gap or 0.0)
    return Minimum(tuple(found.x.tolist()), float(found.fun), int(found.status), left)


def largest_slack(
    rows: npt.NDArray[np.float64], least: npt.NDArray[np.float64], *, most: float
) -> tuple[tuple[float, ...], float] | None:
    """The free columns x that keep rows @ x - slack >= least with the largest slack.

    Args:
        rows: [conditions, columns].
        least: [conditions].
        most: a slack beyond this is worth nothing.

    Returns:
        The columns and their slack, which is below 0 where not all conditions can hold; None
        where the solver ends without an answer.
    """
    from scipy.optimize import linprog

    columns = rows.shape[1]
    with silent_solver():
        found = linprog(
            [0.0] * columns + [-1.0],
            A_ub=np.hstack([-rows, np.ones((len(rows), 1))]),
            b_ub=-least,
            bounds=[(None, None)] * columns + [(None, most)],
            method="highs",
        )
    if found.x is None:
        return None
    *x, slack = found.x.tolist()
    return tuple(x), slack


@contextmanager
def silent_solver() -> Iterator[None]:
    """Keep what native code prints away from standard output.

    HiGHS, scipy's solver, prints a debug line on some problems whatever options it is given,
    and `--json` promises one document and nothing else on standard output.
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
