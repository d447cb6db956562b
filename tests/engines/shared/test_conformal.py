"""Ranges by split conformal prediction, and the fit that they are taken from."""

from __future__ import annotations

from math import exp

import numpy as np
import pytest

from fpgacomp.engines.shared.calibrate import content, left_out
from fpgacomp.engines.shared.conformal import Score, conformal_range
from fpgacomp.engines.shared.fitting import fit_costs
from fpgacomp.engines.shared.rows import Part, Row
from fpgacomp.engines.shared.terms import unit_terms

FABRIC = {"lut": {"cell": 1.0, "unit": 20.0}, "ff": {"cell": 1.0}, "dsp": {}, "bram18": {}}


def row(family: str, cells: float, lut: float) -> Row:
    return Row(family, "k", (Part("k", unit_terms({"cell": cells, "unit": 1.0})),), {"lut": lut})


def test_the_range_is_at_the_rank_of_one_row_more() -> None:
    scores = [Score("a", 0.1 * index) for index in range(1, 20)]
    # 19 rows and the new one: 90 % of 20 is the 18th.
    found = conformal_range(scores)
    assert found.high == pytest.approx(exp(1.8), rel=1e-3)
    assert found.low == pytest.approx(exp(-1.8), rel=1e-3)
    assert found.count == 19


def test_few_rows_take_the_outermost_and_none_is_exact() -> None:
    assert conformal_range([Score("a", -0.5)]).high == pytest.approx(exp(0.5), rel=1e-3)
    assert conformal_range([]).high == 1.0


@pytest.mark.parametrize("seed", range(3))
def test_new_rows_lie_in_the_range_as_often_as_it_says(seed: int) -> None:
    rng = np.random.default_rng(seed)
    high = conformal_range([Score(str(i), float(x)) for i, x in enumerate(rng.normal(size=400))])
    new = rng.normal(size=4000)
    held = np.mean((np.exp(new) <= high.high) & (np.exp(new) >= high.low))
    assert 0.85 < held < 0.95


def test_a_large_repository_does_not_rule_the_range() -> None:
    one = [Score("large", 0.01)] * 400
    others = [Score(str(index), 1.0) for index in range(20)]
    assert conformal_range([*one, *others]).high == pytest.approx(exp(1.0), rel=1e-3)


def test_the_fit_finds_the_costs_and_keeps_the_fabrics_where_nothing_shows_them() -> None:
    rows = [row(str(n), float(n), 1.4 * n + 20) for n in range(50, 1500, 50)]
    found = fit_costs(rows, FABRIC)
    assert found["lut"]["cell"] == pytest.approx(1.4, rel=0.02)
    assert found["ff"] == FABRIC["ff"]
    assert fit_costs([], FABRIC) == FABRIC


def test_few_rows_move_a_cost_part_of_the_way() -> None:
    found = fit_costs([row("a", 1000.0, 3000.0)], FABRIC)["lut"]["cell"]
    assert 1.2 < found < 2.9


def test_the_same_rows_give_the_same_digits() -> None:
    rows = [row(str(n % 3), float(n), 1.3 * n) for n in range(10, 400, 7)]
    assert fit_costs(rows, FABRIC) == fit_costs(list(reversed(rows)), FABRIC)


def test_a_row_is_predicted_without_its_repository() -> None:
    rows = [row(f, float(n), scale * n) for f, scale in (("a", 1.0), ("b", 2.0))
            for n in range(100, 900, 100)]  # fmt: skip
    seen: list[set[str]] = []

    def fit(some: list[Row]) -> dict[str, dict[str, dict[str, float]]]:
        seen.append({r.source for r in some})
        return {"csynth": fit_costs(some, FABRIC)}

    predicted = list(left_out(rows, fit))  # type: ignore[arg-type]
    assert seen == [{"b"}, {"a"}]
    assert len(predicted) == len(rows)
    made = content(rows, fit, {"csynth": ("k", "unseen")}, {"unseen": {"lut": (0.5, 2.0)}})  # type: ignore[arg-type]
    stage = made["stages"]["csynth"]
    # Each repository is a factor of about two off for the other one's fit.
    assert stage["spread"]["k"]["lut"][1] > 1.5
    assert stage["spread"]["unseen"]["lut"] == [0.5, 2.0]
    assert stage["count"] == {"k": {"lut": 16}, "unseen": {}}
