"""Percents that people read: scores are rounded, agreement is never rounded up to all."""

from __future__ import annotations

import pytest

from fpgacomp.data.metrics import METRICS
from fpgacomp.data.percents import agreement_text, part_text, share_text
from fpgacomp.report.wording import score_text


@pytest.mark.parametrize(
    ("share", "text"), [(1.0, "100 %"), (0.99999, "99.99 %"), (0.97226, "97.22 %"), (0, "0.00 %")]
)
def test_agreement_says_100_only_where_it_is(share: float, text: str) -> None:
    assert agreement_text(share) == text


def test_agreement_of_whole_hundredths_is_not_cut() -> None:
    assert [agreement_text(n / 10_000) for n in range(10_000)] == [
        f"{n // 100}.{n % 100:02} %" for n in range(10_000)
    ]
    assert agreement_text(1 - 1e-12) == "99.99 %"


def test_one_accuracy_is_one_figure_whoever_prints_it() -> None:
    share = 448 / 450
    assert share_text(share) == METRICS["accuracy"].text(share) == "99.56 %"
    assert score_text("top1", share) == score_text("accuracy", share) == "99.56 %"
    assert score_text("samples", 450) == "450" and score_text("mae", 0.5) == "0.5"


@pytest.mark.parametrize(
    ("differ", "of", "text"),
    [
        (0, 9, "0 %"), (1, 100_000, "<0.01 %"), (12, 10_000, "0.12 %"), (1, 30, "3.3 %"),
        (999, 10_000, "10 %"), (65, 144, "45 %"), (111, 112, "99 %"), (9_999, 10_000, ">99 %"),
        (112, 112, "100 %"),
    ],
)  # fmt: skip
def test_a_part_is_all_or_none_only_where_it_is(differ: int, of: int, text: str) -> None:
    assert part_text(differ / of) == text
