"""Requantize and Thresholds found by lowering equal their function on every single input."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fpgacomp.errors import FpgacompError
from fpgacomp.frontend import read_network
from fpgacomp.ir.infer import round_shift
from fpgacomp.ir.layers import Rounding
from fpgacomp.lower import lower
from fpgacomp.lower.activation import comparators, find_multiplier, native_multiplier
from fpgacomp.lower.staircase import TooManySteps, build
from tests.support import frontend_runs
from tests.support.frontend_runs import node, quant

SCALES = st.floats(1e-3, 4.0).map(lambda x: float(np.float32(x)))


@pytest.mark.slow
@settings(max_examples=150, deadline=None)
@given(
    slopes=st.lists(SCALES, min_size=1, max_size=3),
    offset=st.floats(-20, 20),
    bits=st.integers(1, 8),
    span=st.integers(1, 3000),
    falling=st.booleans(),
    mode=st.sampled_from([np.round, np.floor, np.ceil]),
)
def test_multiplier_and_comparators_equal_a_rounded_line(
    slopes: list[float], offset: float, bits: int, span: int, falling: bool, mode: object
) -> None:
    slope = np.array(slopes) * (-1 if falling else 1)
    lo, hi = np.full(len(slopes), -span), np.full(len(slopes), 2 * span)

    def levels(x: np.ndarray) -> np.ndarray:
        return np.clip(mode(x * slope + offset), 0, 2**bits - 1).astype(np.int64)  # type: ignore[operator]

    stairs = build(levels, lo, hi, None)
    assert stairs is not None
    x = np.arange(-span, 2 * span + 1)[:, None] + np.zeros(len(slopes), dtype=np.int64)
    table = comparators(stairs)
    count = (x[..., None] >= table.thresholds).sum(axis=-1)
    assert np.array_equal(table.base + table.step * count, levels(x))
    found = find_multiplier(stairs, slope)
    if found is not None:
        product = x * found.multiplier + found.offset
        got = np.clip(product >> found.shift, found.lo, found.hi)
        assert np.array_equal(got, levels(x))


@pytest.mark.slow
def test_a_line_without_ties_always_has_a_multiplier() -> None:
    for seed in range(40):
        rng = np.random.default_rng(seed)
        slope = rng.uniform(0.001, 0.9, 4)

        def levels(x: np.ndarray, slope: np.ndarray = slope) -> np.ndarray:
            return np.clip(np.round(x * slope + 0.123), -128, 127).astype(np.int64)

        stairs = build(levels, np.full(4, -5000), np.full(4, 7000), None)
        assert stairs is not None and find_multiplier(stairs, slope) is not None


def test_ties_to_even_need_the_native_rounding() -> None:
    """x / 4 with ties to even is no floor of a line: 2 -> 0 but 6 -> 2."""

    def levels(x: np.ndarray) -> np.ndarray:
        return np.round(x / 4).astype(np.int64)

    stairs = build(levels, np.array([-100]), np.array([100]), None)
    assert stairs is not None
    assert find_multiplier(stairs, np.array([0.25])) is None
    found = native_multiplier(stairs, np.array([0.25]), np.array([0.0]), Rounding.ROUND)
    assert found is not None
    x = np.arange(-100, 101)
    product = x * found.multiplier + found.offset
    assert np.array_equal(round_shift(product, found.shift, found.rounding), levels(x))


def test_the_multiplier_is_narrow_where_few_levels_leave_room() -> None:
    """Four levels of a slope like 0.3 do not need its float32 digits."""
    slope = np.array([float(np.float32(0.3))])

    def levels(x: np.ndarray) -> np.ndarray:
        return np.clip(np.round(x * slope), 0, 3).astype(np.int64)

    stairs = build(levels, np.array([-50]), np.array([50]), None)
    assert stairs is not None
    found = find_multiplier(stairs, slope)
    assert found is not None and int(found.multiplier[0]).bit_length() <= 4


def test_a_turning_function_is_no_staircase() -> None:
    lo, hi = np.array([-9]), np.array([9])
    assert build(lambda x: x * x, lo, hi, None) is None


def test_large_ranges_are_bisected_and_exact_at_the_borders() -> None:
    slope = np.array([3e-5, 7e-6])

    def levels(x: np.ndarray) -> np.ndarray:
        return np.clip(np.round(x * slope), -8, 7).astype(np.int64)

    lo, hi = np.array([-(10**7)] * 2), np.array([10**7] * 2)
    stairs = build(levels, lo, hi, np.array([1, 1]))
    assert stairs is not None
    for reach, short in ((stairs.reach, stairs.below),):
        real = (reach < 10**9) & (abs(short) < 10**9)
        at = np.where(real, reach, 0).T
        before = np.where(real, short, 0).T
        assert np.all((levels(at) >= stairs.levels[:, None]) | ~real.T)
        assert np.all((levels(before) < stairs.levels[:, None]) | ~real.T)


def test_too_many_steps_are_refused_before_memory_is_taken() -> None:
    """A 32-bit output of a 40-bit accumulator has 2**32 steps: 32 GB of 64-bit integers."""
    with pytest.raises(TooManySteps) as caught:
        build(lambda x: x // 256, np.array([0]), np.array([2**40]), np.array([1]))
    assert caught.value.steps == 2**32


def test_a_quantizer_of_too_many_levels_is_told() -> None:
    weight = np.full((64, 1), 2.0**31 - 1)
    nodes = [
        quant(["x", "s", "z", "b"], "q"), quant(["w", "s", "z", "b32"], "wq"),
        node("MatMul", ["q", "wq"], "m"), quant(["m", "s", "z", "b32"], "y"),
    ]  # fmt: skip
    constants = {"w": weight, "s": 1.0, "z": 0.0, "b": 8.0, "b32": 32.0}
    network = read_network(frontend_runs.build(nodes, [1, 64], constants))
    with pytest.raises(FpgacompError, match="steps, too many to be proved"):
        lower(network)
