"""Activation layers as a factor and an offset in float32: every integer of the range is tried."""

from __future__ import annotations

import numpy as np
import pytest

from fpgacomp.ir.infer import requantize
from fpgacomp.ir.interpreter import execute
from fpgacomp.ir.layers import Activation, Lookup, Requantize, Rounding, Tensor, Thresholds
from fpgacomp.ir.types import Ints, IntType
from fpgacomp.qdq.line import MOST_LEVELS, RoundedLine, line_of

EXACT_ROUNDINGS = (Rounding.FLOOR, Rounding.ROUND, Rounding.HALF_UP, Rounding.HALF_DOWN)


def every_integer(layer: Activation) -> np.ndarray:
    given = layer.input
    return np.arange(given.type.lo, given.type.hi + 1)[:, None].repeat(given.channels, axis=1)


def in_float32(line: RoundedLine, x: np.ndarray) -> np.ndarray:
    products = x.astype(np.float32) * line.factor + line.offset
    assert products.dtype == np.float32
    return np.clip(np.rint(products), line.lo, line.hi).astype(np.int64)


def random_requantize(rng: np.random.Generator, rounding: Rounding) -> Requantize:
    channels, shift = int(rng.integers(1, 5)), int(rng.integers(0, 20))
    shared = channels if rng.integers(2) else 1
    lo, hi = sorted(int(n) for n in rng.integers(-3000, 3000, size=2))
    x = Tensor("x", (channels,), IntType(lo, hi))
    multiplier = rng.integers(-3 if rng.integers(4) == 0 else 0, 1 << (shift // 2 + 3), size=shared)
    bits = int(rng.integers(1, 10))
    kind = IntType.of_bits(bits, signed=bool(rng.integers(2)) and bits > 1)
    layer = Requantize(
        name="r", input=x, output=x, multiplier=Ints(multiplier),
        offset=Ints(rng.integers(-(1 << shift), (1 << shift) + 1, size=channels)),
        shift=shift, lo=kind.lo, hi=kind.hi, rounding=rounding,
    )  # fmt: skip
    y = requantize(layer, every_integer(layer))
    output = Tensor("y", (channels,), IntType.of_values(y))
    return Requantize(**{**layer.__dict__, "output": output})


@pytest.mark.slow
@pytest.mark.parametrize("rounding", EXACT_ROUNDINGS)
def test_requantize_layers_are_lines(rounding: Rounding) -> None:
    rng = np.random.default_rng(5)
    for _ in range(60):
        layer = random_requantize(rng, rounding)
        x, line = every_integer(layer), line_of(layer)
        assert line is not None, layer
        np.testing.assert_array_equal(in_float32(line, x), execute(layer, [x]))


@pytest.mark.slow
def test_a_line_stays_away_from_the_borders_of_rounding() -> None:
    """An engine that merges factors, or sums in another order, rounds to the same integers."""
    rng = np.random.default_rng(6)
    for _ in range(60):
        layer = random_requantize(rng, Rounding.FLOOR)
        line = line_of(layer)
        assert line is not None and line.distance > 0
        x = every_integer(layer)
        moved = x * line.factor.astype(np.float64) + line.offset
        for sign in (-0.9, 0.9):
            y = np.clip(np.rint(moved + sign * line.distance), line.lo, line.hi)
            np.testing.assert_array_equal(y, execute(layer, [x]))


@pytest.mark.parametrize("rounding", [Rounding.UP, Rounding.DOWN])
def test_steps_that_are_wider_around_zero_are_no_line(rounding: Rounding) -> None:
    x = Tensor("x", (1,), IntType(-40, 40))
    y = Tensor("y", (1,), IntType(-5, 5))
    layer = Requantize(
        name="r", input=x, output=y, multiplier=Ints([1]), offset=Ints([0]), shift=3, lo=-5, hi=5,
        rounding=rounding,
    )  # fmt: skip
    assert line_of(layer) is None


@pytest.mark.parametrize("step", [1, -1])
def test_even_thresholds_are_a_line_and_uneven_ones_are_none(step: int) -> None:
    x, y = Tensor("x", (2,), IntType(-50, 50)), Tensor("y", (2,), IntType(0, 3))
    base = Ints([0]) if step > 0 else Ints([3])
    layers = [
        Thresholds(name="t", input=x, output=y, thresholds=Ints(t), base=base, step=Ints([step]))
        for t in ([[-7, 0, 7], [-20, -19, -18]], [[-7, 0, 7], [-20, 0, 1]])
    ]
    even, uneven = map(line_of, layers)
    assert uneven is None and even is not None
    values = every_integer(layers[0])
    np.testing.assert_array_equal(in_float32(even, values), execute(layers[0], [values]))


def test_a_sign_and_a_constant_channel_are_lines() -> None:
    x, y = Tensor("x", (2,), IntType(-9, 9)), Tensor("y", (2,), IntType(-1, 1, bipolar=True))
    layer = Thresholds(
        name="t", input=x, output=y, thresholds=Ints([[3], [10]]), base=Ints([-1]), step=Ints([2])
    )
    line, values = line_of(layer), every_integer(layer)
    assert line is not None
    np.testing.assert_array_equal(in_float32(line, values), execute(layer, [values]))


def test_a_straight_table_is_a_line_and_a_curve_is_none() -> None:
    x = Tensor("x", (1,), IntType(-4, 4))
    tables = ([max(n, 0) for n in range(-4, 5)], [n * n for n in range(-4, 5)])
    straight, curve = (
        Lookup(name="l", input=x, output=Tensor("y", (1,), IntType.of_values(table)),
               table=Ints([table]))
        for table in tables
    )  # fmt: skip
    line, values = line_of(straight), every_integer(straight)
    assert line is not None and line_of(curve) is None
    np.testing.assert_array_equal(in_float32(line, values), execute(straight, [values]))


@pytest.mark.parametrize("rounding", [Rounding.FLOOR, Rounding.ROUND])
def test_wide_outputs_ask_no_solver(rounding: Rounding, monkeypatch: pytest.MonkeyPatch) -> None:
    """Their tens of thousands of borders would make a program each, and are no int8 anyway."""
    monkeypatch.delattr("fpgacomp.qdq.line.largest_slack")
    x = Tensor("x", (2,), IntType(-60_000, 60_000))
    y = Tensor("y", (2,), IntType(-20_000, 20_000))
    layer = Requantize(
        name="r", input=x, output=y, multiplier=Ints([3, 4]), offset=Ints([1, -2]), shift=3,
        lo=-20_000, hi=20_000, rounding=rounding,
    )  # fmt: skip
    line, values = line_of(layer), every_integer(layer)
    assert line is not None
    np.testing.assert_array_equal(in_float32(line, values), execute(layer, [values]))


def test_more_outputs_than_are_looked_at_are_no_line() -> None:
    x, y = Tensor("x", (1,), IntType(0, 200_000)), Tensor("y", (1,), IntType(0, MOST_LEVELS))
    layer = Requantize(
        name="r", input=x, output=y, multiplier=Ints([1]), offset=Ints([0]), shift=1, lo=0,
        hi=MOST_LEVELS,
    )  # fmt: skip
    assert line_of(layer) is None


def test_channels_are_looked_at_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """All of them at every border of each would take memory by the square of their number."""
    seen = []

    def watched(layer: Activation, operands: list[np.ndarray]) -> np.ndarray:
        seen.append(operands[0].shape[1:])
        return execute(layer, operands)

    monkeypatch.setattr("fpgacomp.qdq.line.execute", watched)
    x, y = Tensor("x", (64,), IntType(-900, 900)), Tensor("y", (64,), IntType(0, 15))
    layer = Requantize(
        name="r", input=x, output=y, multiplier=Ints(np.arange(1, 65)), offset=Ints([0]), shift=8,
        lo=0, hi=15,
    )  # fmt: skip
    assert line_of(layer) is not None and set(seen) == {(1,)}
