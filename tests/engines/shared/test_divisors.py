"""Divisors, ascending, beside the definition."""

from __future__ import annotations

from fpgacomp.engines.shared.divisors import divisors


def test_divisors() -> None:
    assert divisors(36) == (1, 2, 3, 4, 6, 9, 12, 18, 36)
    for n in range(1, 200):
        assert divisors(n) == tuple(d for d in range(1, n + 1) if n % d == 0)
