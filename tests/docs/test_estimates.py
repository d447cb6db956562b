"""The tables of docs/estimates.md are what `bench-estimates` finds on the published tables."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import fpgacomp
from examples.benchmark_estimates import PICTURE, table_of_page
from examples.estimates_picture import picture
from fpgacomp.engines.hls4ml.estimate import coefficients as hls4ml
from fpgacomp.engines.judging_rtl import instances_left_out, judged_instances
from fpgacomp.engines.stream.estimate import coefficients as stream
from fpgacomp.flows.bench_estimates import EstimateBench, LeaveOut
from fpgacomp.report.estimate_bench import markdown
from tests.support.depth import deep_only
from tests.support.paths import REPOSITORY, SYNTHESIS

PAGE = REPOSITORY / "docs" / "estimates.md"
TABLES = sorted(path for path in SYNTHESIS.glob("*.csv") if path.name != "peer_estimators.csv")
needs_tables = pytest.mark.skipif(
    not TABLES, reason="the published synthesis results are not beside the repository"
)
again = (
    "python -m tests.docs.test_estimates writes the page's tables, that of our RTL: "
    "python -m examples.benchmark_estimates --write"
)


def bench(leave_out: LeaveOut) -> EstimateBench:
    return fpgacomp.bench_estimates(TABLES, leave_out=leave_out)


def shipped_table(found: EstimateBench) -> str:
    return markdown([entry for entry in found.judged if entry.table != "all"])


def left_out_table(found: EstimateBench) -> str:
    return markdown([entry for entry in found.judged if entry.table == "all"])


def stated(name: str) -> str:
    text = PAGE.read_text(encoding="utf-8")
    found = re.search(rf"<!-- {name} -->\n(.*?)\n<!-- /{name} -->", text, re.DOTALL)
    assert found, name
    return found[1]


def figures(table: str) -> dict[tuple[str, ...], list[float]]:
    """The first four cells of each row -> its figures."""
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()]
    return {
        tuple(row[:4]): [
            float(number) for cell in row[4:] for number in re.findall(r"-?[\d.]+", cell)
        ]
        for row in rows[2:]
    }


def assert_alike(one: str, other: str) -> None:
    """Equal up to the last digits, which may differ by processor."""
    mine, theirs = figures(one), figures(other)
    assert set(mine) == set(theirs), again
    for key, values in mine.items():
        assert values == pytest.approx(theirs[key], rel=0.02, abs=0.2), (key, again)


@pytest.mark.slow
@needs_tables
def test_the_shipped_coefficients_give_the_errors_that_are_stated() -> None:
    assert_alike(shipped_table(bench("nothing")), stated("shipped"))


@needs_tables
@pytest.mark.slow
def test_repositories_left_out_give_the_errors_that_are_stated() -> None:
    found = bench("repository")
    assert_alike(left_out_table(found), stated("left out"))
    late = {
        e.quantity: e for e in found.judged if (e.table, e.stage, e.kind) == ("all", "late", "all")
    }
    for quantity, most in (("lut", 25), ("ff", 30), ("dsp", 5), ("bram18", 25)):
        assert late[quantity].median_ape <= most, quantity
    assert 85 <= late["resources"].coverage <= 95


@needs_tables
@pytest.mark.slow
def test_the_shipped_coefficients_are_what_the_tables_give() -> None:
    import json

    from fpgacomp.engines.published import EngineName, fitted
    from fpgacomp.engines.refit import published

    found = published(SYNTHESIS)
    engines: tuple[tuple[EngineName, Path], ...] = (
        ("hls4ml", hls4ml.PATH),
        ("stream", stream.PATH),
    )
    for engine, path in engines:
        shipped = json.loads(path.read_text(encoding="utf-8"))
        again = fitted(engine, found.of(engine))
        assert again["rows"] == shipped["rows"] and again["sources"] == shipped["sources"]
        for stage, parts in shipped["stages"].items():
            for resource, cost in parts["cost"].items():
                assert again["stages"][stage]["cost"][resource] == pytest.approx(cost, rel=1e-2)


@deep_only  # it fits the estimator anew for every part that is left out
@pytest.mark.slow
def test_instances_left_out_give_the_errors_that_are_stated() -> None:
    some = list(instances_left_out())
    assert_alike(table_of_page(judged_instances(some)), stated("our rtl"))
    dots = picture(some).count("h0")
    assert PICTURE.read_text(encoding="utf-8").count("h0") == dots > len(some)


def test_the_page_says_that_the_goals_hold_where_they_do() -> None:
    table = figures(stated("left out"))
    late = {key[3]: values for key, values in table.items() if key[1:3] == ("late", "all")}
    # The columns after `of`: n, repositories, APE, rank, held, ...
    assert [late[q][2] <= most for q, most in (("lut", 25), ("ff", 30), ("dsp", 5))] == [True] * 3
    assert 85 <= late["resources"][2] <= 95


def main() -> None:
    """Write both tables into the page."""
    text = PAGE.read_text(encoding="utf-8")
    for name, table in (("shipped", shipped_table(bench("nothing"))),
                        ("left out", left_out_table(bench("repository")))):  # fmt: skip
        text = text.replace(stated(name), table)
    PAGE.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
