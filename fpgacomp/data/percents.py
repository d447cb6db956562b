"""Shares as percents for people: every verb prints them by one of these three rules."""

from __future__ import annotations

from math import floor


def share_text(share: float) -> str:
    """Write a score, such as an accuracy: rounded to two decimals, 0.995556 -> 99.56 %."""
    return f"{100 * share:.2f} %"


def agreement_text(share: float) -> str:
    """Write a claim that two sides agree: rounded down, so that 100 % is said only of all.

    0.99999 -> 99.99 %, and 1 -> 100 %.
    """
    if share >= 1:
        return "100 %"
    # 0.29 * 10,000 is 2,899.9999999999995 in floating point and must not lose its last digit.
    return f"{min(floor(share * 10_000 + 1e-6), 9_999) / 100:.2f} %"


def part_text(share: float) -> str:
    """Write a part of a whole with about two digits: 0.12 %, 3.4 %, 45 %.

    0 % and 100 % are said only of none and of all, whatever rounding would give.
    """
    percent = 100 * share
    if 0 < percent < 0.005:
        return "<0.01 %"
    if 99.5 <= percent < 100:
        return ">99 %"
    if percent in (0, 100):
        return f"{percent:.0f} %"
    decimals = 0 if percent >= 9.95 else 1 if percent >= 0.995 else 2
    return f"{percent:.{decimals}f} %"
