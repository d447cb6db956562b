from __future__ import annotations

import numpy as np

from fpgacomp.compress.evaluate.disturb import ValueRange, disturbances
from fpgacomp.compress.evaluate.options import EvaluateOptions
from tests.support.evaluate_networks import corners

OPTIONS = EvaluateOptions(noise=(0.01, 0.02), brightness=(-0.25, 0.5), seed=3)


def test_strengths_are_shares_of_the_training_range() -> None:
    x = np.full((200, 50), 20.0, np.float32)
    inside = ValueRange(10.0, 30.0)
    found = {(kind, strength): y for kind, strength, y in disturbances(x, OPTIONS, inside)}
    assert list(found) == [
        ("noise", 0.01), ("noise", 0.02), ("brightness", -0.25), ("brightness", 0.5),
    ]  # fmt: skip
    assert np.all(found["brightness", -0.25] == 15.0)
    assert np.all(found["brightness", 0.5] == 30.0)
    assert 0.19 < np.std(found["noise", 0.01]) < 0.21
    assert all(y.dtype == np.float32 for y in found.values())
    twice = 2 * (found["noise", 0.01] - 20.0)
    assert np.abs(found["noise", 0.02] - 20.0 - twice).max() < 1e-5


def test_the_seed_decides_and_the_range_holds() -> None:
    data = corners()
    inside = ValueRange.of(data)
    assert (inside.low, inside.high) == (data.train.x.min(), data.train.x.max())
    wild = EvaluateOptions(noise=(3.0,), brightness=())
    draws = [
        next(disturbances(data.test.x, options, inside))[2]
        for options in (wild, wild, EvaluateOptions(noise=(3.0,), brightness=(), seed=1))
    ]
    assert np.array_equal(draws[0], draws[1]) and not np.array_equal(draws[0], draws[2])
    assert draws[0].min() == np.float32(inside.low) and draws[0].max() == np.float32(inside.high)
