"""Solves integer and linear programs with scipy, without output of the solver.

The answers to integer programs are kept for later runs: an estimate asks some twenty, and loading
scipy for them takes longer than the rest of its search.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import astuple, dataclass
from itertools import count
from pathlib import Path

import numpy as np
import numpy.typing as npt

from fpgacomp.host import kept
from fpgacomp.host.toolchain import package_version

# Answers that a process keeps at most: a command asks for tens, a search over many networks for
# thousands, which would fill the cache folder and which nobody asks again.
MOST_KEPT = 100
_answers = count()

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
    at, across, values = [], [], []
    for index, (coefficients, _, _) in enumerate(rows):
        at += [index] * len(coefficients)
        across += list(coefficients)
        values += list(coefficients.values())
    cost = np.zeros(columns)
    cost[list(objective)] = list(objective.values())
    program = _Program(
        cost=cost,
        at=np.array(at, dtype=np.int64),
        across=np.array(across, dtype=np.int64),
        values=np.array(values, dtype=np.float64),
        low=np.array([low for _, low, _ in rows], dtype=np.float64),
        high=np.array([high for _, _, high in rows], dtype=np.float64),
        binaries=binaries,
        shares=shares,
        node_limit=node_limit,
        gap=gap,
    )
    place = _place(program)
    found = None if place is None else _answer(place)
    if found is None:
        found = _solved(program)
        if place is not None and next(_answers) < MOST_KEPT:
            _keep(found, place)
    return found


@dataclass(frozen=True, kw_only=True, eq=False)
class _Program:
    """An integer program: `low <= matrix @ x <= high`, the matrix as (at, across, values).

    The rest is as `minimized` takes it.
    """

    cost: npt.NDArray[np.float64]
    at: npt.NDArray[np.int64]
    across: npt.NDArray[np.int64]
    values: npt.NDArray[np.float64]
    low: npt.NDArray[np.float64]
    high: npt.NDArray[np.float64]
    binaries: int
    shares: int
    node_limit: int
    gap: float

    @property
    def digest(self) -> str:
        """SHA-256 of all of it."""
        arrays = (self.cost, self.at, self.across, self.values, self.low, self.high)
        numbers = (self.binaries, self.shares, self.node_limit, self.gap)
        whole = hashlib.sha256(repr((*(len(array) for array in arrays), *numbers)).encode())
        for array in arrays:
            whole.update(array.tobytes())
        return whole.hexdigest()


def _solved(program: _Program) -> Minimum:
    from scipy.optimize import Bounds, LinearConstraint, milp
    from scipy.sparse import coo_array

    columns = len(program.cost)
    shape = (len(program.low), columns)
    matrix = coo_array((program.values, (program.at, program.across)), shape=shape)
    places = np.arange(columns)
    with silent_solver():
        found = milp(
            program.cost,
            integrality=(places < program.binaries).astype(int),
            bounds=Bounds(np.zeros(columns), np.where(places < program.shares, 1.0, np.inf)),
            constraints=LinearConstraint(matrix.tocsr(), program.low, program.high),
            options={"node_limit": program.node_limit, "mip_rel_gap": program.gap},
        )
    if found.x is None:
        return Minimum(None, float("nan"), int(found.status), 0.0)
    left = float(found.mip_gap or 0.0)
    return Minimum(tuple(found.x.tolist()), float(found.fun), int(found.status), left)


def _place(program: _Program) -> Path | None:
    """Where the answer is kept; None for a user without a home folder.

    Another release of scipy, or one for another kind of processor, may answer differently.
    """
    parts = (str(package_version("scipy")), platform.machine(), program.digest)
    try:
        return kept.place("programs", "answer.json", parts, ())
    except RuntimeError:
        return None


def _keep(found: Minimum, place: Path) -> None:
    answer = astuple(found) if found.x is not None else (None, None, found.status, 0.0)
    kept.keep_finding({"answer": answer, "digest": _digest(answer)}, place)


def _answer(place: Path) -> Minimum | None:
    """What an earlier run has kept, if it is whole."""
    content = kept.finding(place)
    try:
        if content["digest"] != _digest(content["answer"]):
            return None
        x, fun, status, gap = content["answer"]
        if x is None:
            return Minimum(None, float("nan"), status, gap)
        return Minimum(tuple(x), fun, status, gap)
    except (KeyError, TypeError, ValueError):
        return None


def _digest(answer: object) -> str:
    return hashlib.sha256(json.dumps(answer).encode()).hexdigest()


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
