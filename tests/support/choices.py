"""Where a random network's decisions come from: a seeded generator, or hypothesis.

The first option is always the plainest, so that hypothesis shrinks towards it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypeVar

import numpy as np
from hypothesis import strategies as st

T = TypeVar("T")


class Choices(Protocol):
    def integer(self, low: int, high: int) -> int:
        """low..high, both included; shrinks to low."""
        ...

    @property
    def arrays(self) -> np.random.Generator:
        """For weights and other bulk numbers."""
        ...


class SeededChoices:
    """Every decision from one numpy generator."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.arrays = rng

    def integer(self, low: int, high: int) -> int:
        return int(self.arrays.integers(low, high + 1))


class DrawnChoices:
    """Decisions that hypothesis draws (and shrinks); arrays from a drawn seed."""

    def __init__(self, draw: Callable[[st.SearchStrategy[Any]], Any]) -> None:
        self._draw = draw
        self.arrays = np.random.default_rng(draw(st.integers(0, 2**16)))

    def integer(self, low: int, high: int) -> int:
        return int(self._draw(st.integers(low, high)))


def pick(choices: Choices, options: Sequence[T]) -> T:
    """One of the options, the first being the plainest."""
    return options[choices.integer(0, len(options) - 1)]


def sometimes(choices: Choices, one_in: int = 2) -> bool:
    """True once in `one_in` times; shrinks to False."""
    return choices.integer(1, one_in) == one_in
