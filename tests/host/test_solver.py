"""The solver of integer programs: optima, bounds, no solution, silence on standard output."""

from __future__ import annotations

import math
import os

import pytest

from fpgacomp.host.solver import Minimum, Row, minimized, silent_solver

LIMITS = {"node_limit": 1000, "gap": 1e-6}
AT_LEAST_FOUR: Row = ({0: 3.0, 1: 2.0, 2: 2.0}, 4.0, math.inf)


def solved(rows: list[Row], *, binaries: int = 3, shares: int = 3) -> Minimum:
    objective = {0: 5.0, 1: 2.0, 2: 2.5}
    return minimized(objective, rows, 3, binaries=binaries, shares=shares, **LIMITS)  # type: ignore[arg-type]


def test_the_cheapest_choice_that_keeps_the_row() -> None:
    found = solved([AT_LEAST_FOUR])
    assert found.x == pytest.approx((0.0, 1.0, 1.0))
    assert found.fun == pytest.approx(4.5) and found.status == 0


def test_columns_that_are_no_binaries_may_be_divided() -> None:
    found = solved([AT_LEAST_FOUR], binaries=0, shares=0)
    assert found.x == pytest.approx((0.0, 2.0, 0.0)) and found.fun == pytest.approx(4.0)
    capped = solved([AT_LEAST_FOUR], binaries=0, shares=2)
    assert capped.x == pytest.approx((0.0, 1.0, 1.0))


def test_a_program_without_a_solution() -> None:
    found = solved([({0: 1.0, 1: 1.0, 2: 1.0}, 4.0, math.inf)])
    assert found.x is None and found.status == 2 and math.isnan(found.fun)


def test_nothing_reaches_standard_output(capfd: pytest.CaptureFixture[str]) -> None:
    with silent_solver():
        os.write(1, b"from native code")
    print("after")
    assert capfd.readouterr().out == "after\n"
