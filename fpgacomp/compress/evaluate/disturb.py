"""Disturbed copies of test samples: Gaussian noise and brightness, the same for every network."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fpgacomp.compress.evaluate.options import EvaluateOptions
from fpgacomp.data.labelled import LabelledData
from fpgacomp.results.comparison import Attack

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class ValueRange:
    """Lowest and highest value of the training samples; disturbed samples stay inside."""

    low: float
    high: float

    @staticmethod
    def of(data: LabelledData) -> ValueRange:
        return ValueRange(float(data.train.x.min()), float(data.train.x.max()))

    @property
    def width(self) -> float:
        return self.high - self.low

    def clip(self, x: Floats) -> Floats:
        """The nearest samples inside the range."""
        return np.clip(x, np.float32(self.low), np.float32(self.high))


def disturbances(
    x: Floats, options: EvaluateOptions, inside: ValueRange
) -> Iterator[tuple[Attack, float, Floats]]:
    """(attack, strength, disturbed samples [N, *shape]) for each that needs no gradient.

    Noise of every strength is the same draw, scaled: figures differ by the strength alone.
    """
    noise = np.random.default_rng(options.seed).standard_normal(x.shape)
    for sigma in options.noise:
        yield "noise", sigma, inside.clip((x + sigma * inside.width * noise).astype(np.float32))
    for shift in options.brightness:
        yield "brightness", shift, inside.clip(x + np.float32(shift * inside.width))
