"""A few of many candidates, evenly spread, so that a folding search stays small."""

from __future__ import annotations

from collections.abc import Sequence


def thinned(values: Sequence[int], most: int) -> list[int]:
    """At most `most` of ascending values, the first and last among them, evenly by rank."""
    if len(values) <= most:
        return list(values)
    step = (len(values) - 1) / (most - 1)
    return [values[round(i * step)] for i in range(most)]
