"""Spatial shapes of streaming operators: every tensor is (H, W, C) here."""

from __future__ import annotations

Shape = tuple[int, int, int]  # (rows, columns, channels)
Pair = tuple[int, int]  # (down, across), or (before, after) of a border


def plane(shape: tuple[int, ...]) -> Shape:
    """A tensor's shape as (H, W, C): a 1-D tensor has H = 1, a vector H = W = 1."""
    h, w, c = (1,) * (3 - len(shape)) + shape
    return h, w, c


def pair(values: tuple[int, ...], missing: int) -> Pair:
    """One value per spatial axis as (down, across), with `missing` for an axis that is absent."""
    down, across = (missing,) * (2 - len(values)) + values
    return down, across
