"""The oracle against a second, naive implementation in plain Python loops."""

from __future__ import annotations

import itertools
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fpgacomp.errors import InputDataError
from fpgacomp.ir.graph import Graph
from fpgacomp.ir.infer import channel_range, round_shift, unknown_output, with_output
from fpgacomp.ir.interpreter import execute, run
from fpgacomp.ir.layers import (
    Add,
    Concat,
    Conv,
    Dense,
    Input,
    Lookup,
    MaxPool,
    Requantize,
    Reshape,
    Rounding,
    SumPool,
    Tensor,
    Thresholds,
    Upsample,
)
from fpgacomp.ir.types import BIPOLAR, Ints, IntType
from fpgacomp.ir.verify import verify

SEEDS = st.integers(0, 2**32 - 1)
UNKNOWN = unknown_output("y")


def tensor(shape: tuple[int, ...], lo: int = -8, hi: int = 7, name: str = "x") -> Tensor:
    return Tensor(name, shape, IntType(lo, hi))


def draw(rng: np.random.Generator, t: Tensor, count: int = 3) -> np.ndarray:
    return rng.integers(t.type.lo, t.type.hi + 1, (count, *t.shape))


@st.composite
def convolutions(draw_: st.DrawFn) -> tuple[Conv, int]:
    rank = draw_(st.sampled_from([1, 2]))
    kernel = tuple(draw_(st.integers(1, 3)) for _ in range(rank))
    groups = draw_(st.sampled_from([1, 1, 2, 3]))
    per_group = draw_(st.integers(1, 2))
    out = groups * draw_(st.integers(1, 2))
    dilations = tuple(draw_(st.integers(1, 2)) for _ in range(rank))
    pads = tuple((draw_(st.integers(0, 2)), draw_(st.integers(0, 2))) for _ in range(rank))
    spatial = tuple(
        d * (k - 1) + 1 + draw_(st.integers(0, 3)) for k, d in zip(kernel, dilations, strict=True)
    )
    seed = draw_(SEEDS)
    rng = np.random.default_rng(seed)
    lo = draw_(st.sampled_from([-8, 0, -1]))
    x = tensor((*spatial, per_group * groups), lo, 7)
    layer = Conv(
        name="y", output=UNKNOWN, input=x,
        weight=Ints(rng.integers(-4, 5, (*kernel, per_group, out))),
        strides=tuple(draw_(st.integers(1, 2)) for _ in range(rank)),
        dilations=dilations, pads=pads, groups=groups,
    )  # fmt: skip
    return with_output(layer), seed


def naive_conv(layer: Conv, x: np.ndarray) -> np.ndarray:
    out = np.zeros(layer.output.shape, dtype=np.int64)
    channels, groups = layer.input.channels, layer.groups
    for place in np.ndindex(*layer.output.shape):
        *position, o = place
        group = o // (layer.output.channels // groups)
        for tap in np.ndindex(*layer.kernel):
            at = tuple(
                p * s + k * d - before
                for p, s, k, d, (before, _) in zip(
                    position, layer.strides, tap, layer.dilations, layer.pads, strict=True
                )
            )
            if all(0 <= a < n for a, n in zip(at, x.shape[:-1], strict=True)):
                for c in range(channels // groups):
                    value = x[(*at, group * (channels // groups) + c)]
                    out[place] += value * layer.weight.array[(*tap, c, o)]
    return out


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(convolutions())
def test_conv_equals_its_definition(case: tuple[Conv, int]) -> None:
    layer, seed = case
    x = draw(np.random.default_rng(seed), layer.input)
    expected = np.stack([naive_conv(layer, sample) for sample in x])
    assert np.array_equal(execute(layer, [x]), expected)
    lo, hi = channel_range(layer)
    assert np.all(expected >= lo) and np.all(expected <= hi)


def test_accumulator_range_is_attained() -> None:
    """Not one bit wider than the weights need: both ends occur."""
    rng = np.random.default_rng(0)
    layer = with_output(
        Dense(name="y", output=UNKNOWN, input=tensor((6,), -3, 5),
              weight=Ints(rng.integers(-7, 8, (6, 4))))
    )  # fmt: skip
    lo, hi = channel_range(layer)
    for channel, weights in enumerate(layer.weight.array.T):
        top = np.where(weights > 0, 5, -3)[None]
        bottom = np.where(weights > 0, -3, 5)[None]
        assert execute(layer, [top])[0, channel] == hi[channel]
        assert execute(layer, [bottom])[0, channel] == lo[channel]


@pytest.mark.parametrize("magnitude", [1 << 20, 1 << 40])
def test_wide_sums_are_exact(magnitude: int) -> None:
    """Beyond float32 and float64 the integers are still exact."""
    rng = np.random.default_rng(1)
    x = Tensor("x", (5,), IntType(-magnitude, magnitude))
    weight = rng.integers(-(1 << 16), 1 << 16, (5, 3))
    layer = with_output(Dense(name="y", output=UNKNOWN, input=x, weight=Ints(weight)))
    values = rng.integers(-magnitude, magnitude + 1, (20, 5))
    expected = [
        [sum(int(a) * int(b) for a, b in zip(row, column, strict=True)) for column in weight.T]
        for row in values
    ]
    assert execute(layer, [values]).tolist() == expected


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(seed=SEEDS, padded=st.booleans(), rank=st.sampled_from([1, 2]))
def test_pools_equal_their_definition(seed: int, padded: bool, rank: int) -> None:
    rng = np.random.default_rng(seed)
    kernel = tuple(int(k) for k in rng.integers(2, 4, rank))
    pads = tuple((int(rng.integers(0, 2)), int(rng.integers(0, 2))) if padded else (0, 0)
                 for _ in range(rank))  # fmt: skip
    shape = (*(int(n) for n in rng.integers(3, 7, rank)), 2)
    common = {
        "name": "y", "output": UNKNOWN, "input": tensor(shape, -9, -2), "kernel": kernel,
        "strides": tuple(int(s) for s in rng.integers(1, 3, rank)), "pads": pads,
    }  # fmt: skip
    largest, total = with_output(MaxPool(**common)), with_output(SumPool(**common))
    x = draw(rng, largest.input)
    for layer, reduce in ((largest, max), (total, sum)):
        got = execute(layer, [x])
        for sample, position in itertools.product(range(len(x)), np.ndindex(*got.shape[1:-1])):
            window = []
            for tap in np.ndindex(*kernel):
                at = [p * s + k - b for p, s, k, (b, _) in
                      zip(position, layer.strides, tap, pads, strict=True)]  # fmt: skip
                if all(0 <= a < n for a, n in zip(at, shape[:-1], strict=True)):
                    window.append(x[(sample, *at)])
            for channel in range(2):
                expected = reduce(int(v[channel]) for v in window)
                assert got[(sample, *position, channel)] == expected


def exact_rounding(value: Fraction, mode: Rounding) -> int:
    floor = value.numerator // value.denominator
    rest = value - floor
    away = floor + 1 if value > 0 else floor
    toward = floor if value > 0 else floor + (rest > 0)
    half = Fraction(1, 2)
    match mode:
        case Rounding.FLOOR:
            return floor
        case Rounding.UP:
            return away if rest else floor
        case Rounding.DOWN:
            return toward
        case Rounding.ROUND:
            return round(value)
        case Rounding.HALF_UP:
            nearest = floor + (rest > half)
            return (away if rest == half else nearest) if rest else floor
        case Rounding.HALF_DOWN:
            nearest = floor + (rest > half)
            return (toward if rest == half else nearest) if rest else floor


@pytest.mark.parametrize("mode", list(Rounding))
@pytest.mark.parametrize("shift", [0, 1, 2, 5])
def test_round_shift_equals_exact_fractions(mode: Rounding, shift: int) -> None:
    values = np.arange(-200, 201)
    expected = [exact_rounding(Fraction(int(v), 1 << shift), mode) for v in values]
    assert round_shift(values, shift, mode).tolist() == expected


def test_activations_state_what_they_say() -> None:
    x = tensor((2,), -4, 4)
    values = np.array([[v, v] for v in range(-4, 5)])
    rising_falling = with_output(
        Thresholds(name="y", output=UNKNOWN, input=x, thresholds=Ints([[-1, 2], [0, 5]]),
                   base=Ints([0, 3]), step=Ints([1, -1]))
    )  # fmt: skip
    got = execute(rising_falling, [values])
    assert got[:, 0].tolist() == [0, 0, 0, 1, 1, 1, 2, 2, 2]
    assert got[:, 1].tolist() == [3, 3, 3, 3, 2, 2, 2, 2, 2]
    assert (rising_falling.output.type.lo, rising_falling.output.type.hi) == (0, 3)
    table = Ints(np.arange(9)[None] ** 2)
    lookup = with_output(Lookup(name="y", output=UNKNOWN, input=x, table=table))
    assert execute(lookup, [values])[:, 1].tolist() == [v**2 for v in range(9)]
    requantize = with_output(
        Requantize(name="y", output=UNKNOWN, input=x, multiplier=Ints([3]), offset=Ints([1]),
                   shift=1, lo=-2, hi=5, zero_point=1)
    )  # fmt: skip
    expected = [max(-2, min(5, (3 * v + 1) >> 1)) - 1 for v in range(-4, 5)]
    assert execute(requantize, [values])[:, 0].tolist() == expected


def test_moving_layers() -> None:
    x = np.arange(8).reshape(1, 2, 2, 2)
    shape = tensor((2, 2, 2), 0, 7)
    up = with_output(Upsample(name="y", output=UNKNOWN, input=shape, factors=(2, 1)))
    assert execute(up, [x])[0, :, 0, 0].tolist() == [0, 0, 4, 4]
    flat = with_output(Reshape(name="y", output=unknown_output("y", (8,)), input=shape))
    assert execute(flat, [x]).tolist() == [list(range(8))]
    both = with_output(Concat(name="y", output=UNKNOWN, parts=(shape, shape)))
    assert execute(both, [x, x])[0, 0, 0].tolist() == [0, 1, 0, 1]
    add = with_output(
        Add(name="y", output=UNKNOWN, a=shape, b=shape,
            multiplier_a=Ints([3]), multiplier_b=Ints([-1, 2]))
    )  # fmt: skip
    assert execute(add, [x, x])[0, 0, 0].tolist() == [0, 5]
    assert (add.output.type.lo, add.output.type.hi) == (-7, 35)


def test_bipolar_stays_bipolar_only_where_nothing_else_can_occur() -> None:
    sign = with_output(
        Thresholds(name="y", output=UNKNOWN, input=tensor((2,)), thresholds=Ints([[0]]),
                   base=Ints([-1]), step=Ints([2]))
    )  # fmt: skip
    assert sign.output.type == BIPOLAR
    summed = with_output(
        Add(name="z", output=unknown_output("z"), a=sign.output, b=sign.output,
            multiplier_a=Ints([1]), multiplier_b=Ints([1]))
    )  # fmt: skip
    assert summed.output.type == IntType(-2, 2)


def one_input() -> Graph:
    source = Input(name="x", output=tensor((3,), 0, 7))
    dense = with_output(
        Dense(name="y", output=UNKNOWN, input=source.output, weight=Ints(np.eye(3, dtype=int)))
    )
    return verify(Graph("g", (source, dense), (dense.output,)))


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ({}, "no integers were given"),
        ({"x": np.zeros((1, 3))}, "got float64 values"),
        ({"x": np.zeros((1, 4), dtype=int)}, "got shape"),
        ({"x": np.full((1, 3), 8)}, "values 8..8 leave uint3"),
    ],
)
def test_bad_inputs_are_named(inputs: dict[str, np.ndarray], message: str) -> None:
    with pytest.raises(InputDataError, match=message):
        run(one_input(), inputs)
