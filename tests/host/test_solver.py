"""The solver of integer programs: optima, bounds, no solution, what is kept, silence on stdout."""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from itertools import count
from pathlib import Path

import pytest

from fpgacomp.host import solver
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


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(solver, "_answers", count())  # this process may have kept its share
    return tmp_path


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """The programs that scipy is asked."""
    programs: list[object] = []
    plain: Callable[[solver._Program], Minimum] = solver._solved

    def counted(program: solver._Program) -> Minimum:
        programs.append(program)
        return plain(program)

    monkeypatch.setattr(solver, "_solved", counted)
    return programs


NONE: Row = ({0: 1.0, 1: 1.0, 2: 1.0}, 4.0, math.inf)


def test_an_answer_is_kept_to_the_last_bit(cache: Path, asked: list[object]) -> None:
    thirds: Row = ({0: 3.0, 1: 0.7, 2: 2.1}, 1.0, math.inf)
    for row in (AT_LEAST_FOUR, thirds, NONE):
        first, again = (solved([row], binaries=0) for _ in range(2))
        assert repr(first) == repr(again)
    assert len(asked) == 3
    solved([AT_LEAST_FOUR], binaries=1)
    assert len(asked) == 4


def test_a_damaged_answer_is_found_anew(cache: Path, asked: list[object]) -> None:
    first = solved([AT_LEAST_FOUR])
    (kept,) = (path for path in cache.rglob("*") if path.is_file())
    whole = kept.read_text()
    for damaged in (whole.replace("4.5", "4.25"), whole[:-9], "[]", "{}", ""):
        kept.write_text(damaged)
        assert solved([AT_LEAST_FOUR]) == first
        assert kept.read_text() == whole
    assert len(asked) == 6


def test_a_cache_that_takes_nothing_costs_only_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, asked: list[object]
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert solved([AT_LEAST_FOUR]) == solved([AT_LEAST_FOUR])
    assert len(asked) == 2


def test_a_user_without_a_home_folder_keeps_nothing(
    monkeypatch: pytest.MonkeyPatch, asked: list[object]
) -> None:
    def homeless(*_: object) -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(solver.kept, "place", homeless)
    assert solved([AT_LEAST_FOUR]) == solved([AT_LEAST_FOUR])
    assert len(asked) == 2


def test_a_search_keeps_its_first_answers_alone(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(solver, "_answers", iter(range(solver.MOST_KEPT - 1, 10_000)))
    solved([AT_LEAST_FOUR])
    solved([NONE])
    assert len([path for path in cache.rglob("*") if path.is_file()]) == 1


def test_nothing_reaches_standard_output(capfd: pytest.CaptureFixture[str]) -> None:
    with silent_solver():
        os.write(1, b"from native code")
    print("after")
    assert capfd.readouterr().out == "after\n"
