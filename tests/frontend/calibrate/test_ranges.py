"""How observed values become a scale."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from fpgacomp.frontend.calibrate.ranges import (
    QuantizerFormat,
    bipolar_scales,
    choose_scale,
    choose_weight_scales,
    quantize,
)

values = arrays.arrays(
    np.float32, st.integers(1, 40), elements=st.floats(-50, 50, width=32, allow_subnormal=False)
)
formats = st.builds(QuantizerFormat, st.integers(2, 12), signed=st.booleans(), narrow=st.booleans())
kinds = st.sampled_from(["power-of-two", "free"])


def scale_of(
    x: np.ndarray, form: QuantizerFormat, kind: Any, method: Any, percentile: float = 99
) -> float:
    lo, hi = float(x.min()), float(x.max())
    return choose_scale(x, lo, hi, form, kind=kind, method=method, percentile=percentile)


def squared_error(x: np.ndarray, scale: float, form: QuantizerFormat) -> float:
    return float(np.mean((quantize(x.astype(np.float64), np.asarray(scale), form) - x) ** 2))


@pytest.mark.slow
@settings(deadline=None, max_examples=80)
@given(x=values, form=formats, kind=kinds)
def test_min_max_never_saturates(x: np.ndarray, form: QuantizerFormat, kind: str) -> None:
    if not form.signed:
        x = np.abs(x)
    scale = scale_of(x, form, kind, "min-max")
    low, high = form.range
    # a scale just above a power of two counts as that one
    assert x.max() <= high * scale * (1 + 1e-5)
    assert x.min() >= low * scale * (1 + 1e-5)


@pytest.mark.slow
@settings(deadline=None, max_examples=80)
@given(x=values, form=formats, kind=kinds)
def test_least_squares_is_never_worse_than_min_max(
    x: np.ndarray, form: QuantizerFormat, kind: str
) -> None:
    best, full = (scale_of(x, form, kind, method) for method in ("mse", "min-max"))
    assert best <= full
    assert squared_error(x, best, form) <= squared_error(x, full, form)


@pytest.mark.slow
@settings(deadline=None, max_examples=40)
@given(x=values, form=formats, method=st.sampled_from(["min-max", "percentile", "mse"]))
def test_powers_of_two(x: np.ndarray, form: QuantizerFormat, method: str) -> None:
    assert np.frexp(scale_of(x, form, "power-of-two", method))[0] == 0.5


def test_percentile_leaves_the_tail_out() -> None:
    x = np.concatenate([np.linspace(0, 1, 9990), np.full(10, 100.0)]).astype(np.float32)
    form = QuantizerFormat(8, signed=False)
    assert scale_of(x, form, "free", "min-max") == pytest.approx(100 / 255)
    assert scale_of(x, form, "free", "percentile", 99.0) == pytest.approx(0.99 / 255, rel=0.01)
    assert scale_of(x, form, "free", "percentile", 99.99) == pytest.approx(100 / 255)


def test_percentile_of_nearly_all_zeros_keeps_the_extremes() -> None:
    x = np.zeros(10_000, dtype=np.float32)
    x[3] = 2.0
    assert scale_of(x, QuantizerFormat(8, signed=False), "free", "percentile") == pytest.approx(
        2 / 255
    )


def test_integers_that_fit_are_kept_as_they_are() -> None:
    x = np.arange(256, dtype=np.float32)
    assert scale_of(x, QuantizerFormat(8, signed=False), "power-of-two", "mse") == 1.0


def test_weights_row_by_row() -> None:
    rows = np.array([[1.0, -0.5, 0.25], [100.0, 50.0, -25.0], [0.0, 0.0, 0.0]])
    form = QuantizerFormat(8, signed=True, narrow=True)
    scales = choose_weight_scales(rows, form, kind="free", method="min-max")
    assert scales[0] == pytest.approx(1 / 127)
    assert scales[1] == pytest.approx(100 / 127)
    assert 0 < scales[2] < 1


def test_bipolar_scale_is_the_mean_magnitude() -> None:
    rows = np.array([[1.0, -3.0], [0.5, 0.5]])
    assert np.array_equal(bipolar_scales(rows, kind="free"), [2.0, 0.5])
