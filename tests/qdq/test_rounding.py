"""Activation layers as TFLite requantizes a sum: every integer of the range, in every kernel."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from fpgacomp.ir.interpreter import execute
from fpgacomp.ir.layers import Activation, Requantize, Rounding, Tensor, Thresholds
from fpgacomp.ir.types import Ints, IntType
from fpgacomp.qdq.rounding import (
    KERNELS,
    MOST_WEIGHT,
    KernelStep,
    kernel_steps,
    multiplier_of,
    rounded_in_float32,
    rounded_once,
    rounded_twice,
)
from tests.qdq.test_line import every_integer, random_requantize


def assert_exact(layer: Activation, steps: list[KernelStep | None]) -> None:
    x = every_integer(layer)
    lo, hi = layer.output.type.lo, layer.output.type.hi
    wanted = execute(layer, [x])
    for channel, step in enumerate(steps):
        assert step is not None
        assert np.float32(step.factor) == step.factor > 0
        sums = step.gain * x[:, channel] + step.bias
        for kernel in KERNELS:
            found = np.clip(kernel(sums, step.factor), 0, hi - lo) + lo
            np.testing.assert_array_equal(found, wanted[:, channel], err_msg=kernel.__name__)


def shifted(bits: int, rounding: Rounding, falling: bool = False) -> Requantize:
    """Sums of -700..900, divided by 16 to so many bits."""
    x = Tensor("x", (3,), IntType(-700, 900))
    kind = IntType.of_bits(bits, signed=False)
    sign = -1 if falling else 1
    return Requantize(
        name="r", input=x, output=Tensor("y", (3,), kind), shift=4, lo=kind.lo, hi=kind.hi,
        multiplier=Ints([sign]), offset=Ints([0, 5, -40]), rounding=rounding,
    )  # fmt: skip


@pytest.mark.parametrize("falling", [False, True])
@pytest.mark.parametrize("bits", [1, 2, 4, 5])
def test_shifts_are_exact_where_the_weights_leave_a_gain_of_two(bits: int, falling: bool) -> None:
    layer = shifted(bits, Rounding.FLOOR, falling)
    for largest in (7, 31, 63):
        steps = kernel_steps(layer, [largest] * 3)
        assert_exact(layer, steps)
        gains = [step.gain for step in steps if step is not None]
        assert all(gain * (-1 if falling else 1) > 0 for gain in gains)
        assert max(map(abs, gains)) * largest <= MOST_WEIGHT


def test_ties_to_even_are_none() -> None:
    """The kernels with integers round them away from zero, and XNNPACK to even."""
    assert kernel_steps(shifted(5, Rounding.ROUND), [7] * 3)[0] is None


def test_weights_of_eight_bits_leave_a_shift_its_ties() -> None:
    """With a gain of 1 the borders lie on sums, of which the kernels make different integers."""
    assert kernel_steps(shifted(5, Rounding.FLOOR), [127] * 3)[0] is None
    assert kernel_steps(shifted(5, Rounding.FLOOR), [128] * 3) == [None] * 3


@pytest.mark.slow
@pytest.mark.parametrize("rounding", [Rounding.FLOOR, Rounding.HALF_UP, Rounding.HALF_DOWN])
def test_whatever_is_found_is_exact(rounding: Rounding) -> None:
    rng = np.random.default_rng(11)
    found = 0
    for _ in range(40):
        layer = random_requantize(rng, rounding)
        if layer.output.type.count > 256:
            continue
        steps = kernel_steps(layer, rng.integers(0, 20, size=layer.input.channels).tolist())
        if None not in steps:
            assert_exact(layer, steps)
            found += 1
    assert found >= 10


def test_a_sign_and_constants_are_exact_and_uneven_thresholds_are_none() -> None:
    x, y = Tensor("x", (2,), IntType(-9, 9)), Tensor("y", (2,), IntType(-1, 1, bipolar=True))
    sign = Thresholds(
        name="t", input=x, output=y, thresholds=Ints([[3], [10]]), base=Ints([-1]), step=Ints([2])
    )
    assert_exact(sign, kernel_steps(sign, [7, 7]))
    uneven = replace(
        sign, thresholds=Ints([[-8, 0, 1], [-5, 0, 5]]), base=Ints([0]), step=Ints([1]),
        output=Tensor("y", (2,), IntType(0, 3)),
    )  # fmt: skip
    first, second = kernel_steps(uneven, [7, 7])
    assert first is None and second is not None


def test_kernels_round_as_tflite_does() -> None:
    """The comments of its sources: rounding twice moves 7/16 to 1, and ties go three ways."""
    assert multiplier_of(1 / 16) == (1 << 30, -3)
    assert multiplier_of(1 - 2.0**-33) == (1 << 30, 1)
    sums = np.array([7, 8, 24, -8, -24, -7])
    assert rounded_twice(sums, 1 / 16).tolist() == [1, 1, 2, -1, -2, 0]
    assert rounded_once(sums, 1 / 16).tolist() == [0, 1, 2, 0, -1, 0]
    assert rounded_in_float32(sums, 1 / 16).tolist() == [0, 0, 2, 0, -2, 0]
    assert rounded_twice(np.array([3, -3]), 8.0).tolist() == [24, -24]
