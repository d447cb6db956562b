"""What a matrix takes at least is known before it is solved, and no solution takes less."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest

from fpgacomp.engines.shared.circuit.bound import least_luts
from fpgacomp.engines.shared.circuit.solve import INSTALL, installed, solve
from fpgacomp.engines.shared.circuit.sums import luts_of, of_three, of_two


def drawn(seed: int) -> tuple[np.ndarray, list[tuple[int, int]]]:
    """Weights of 1 to 8 bits, dense or sparse, tall or wide, with inputs of 1 to 8 bits."""
    rng = np.random.default_rng(seed)
    n_in, n_out = (int(2 ** rng.uniform(0, top)) for top in (7.5, 5))
    bits, reach = int(rng.integers(1, 9)), 1 << int(rng.integers(1, 9))
    lo, hi = (-1, 1) if bits == 1 else (1 - (1 << (bits - 1)), (1 << (bits - 1)) - 1)
    weight = rng.integers(lo, hi + 1, (n_in, n_out))
    weight[weight == 0] = hi if bits == 1 else 0
    weight[rng.random(weight.shape) < rng.choice([0, 0, 0.5, 0.8])] = 0
    span = (0, reach - 1) if rng.random() < 0.5 else (-reach // 2, reach // 2 - 1)
    return weight, [span] * n_in


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(40))
def test_no_solution_takes_less(seed: int) -> None:
    if not installed():
        pytest.skip(f"alkaid is not installed ({INSTALL})")
    weight, ranges = drawn(seed)
    graph = solve(weight, ranges)
    assert least_luts(weight, ranges, ternary=False) <= luts_of(of_two(graph), ranges)
    assert least_luts(weight, ranges, ternary=True) <= luts_of(of_three(graph), ranges)


def test_what_is_there_twice_counts_once() -> None:
    least = partial(least_luts, ternary=True)
    rng = np.random.default_rng(1)
    weight = rng.integers(-100, 101, (24, 6))
    ranges = [(0, 15)] * 24
    alone = least(weight, ranges)
    again = np.concatenate([weight, -weight, 4 * weight], axis=1)
    assert least(again, ranges) == alone > 24 * 4
    # Rows that are equal are added first: their sum takes the place of one.
    tall = np.concatenate([weight, weight])
    assert alone < least(tall, ranges * 2) < 1.5 * alone
    assert least(np.zeros((3, 2), dtype=np.int64), ranges[:3]) == 0
    assert least(np.eye(4, dtype=np.int64), ranges[:4]) == 0
