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
    """Lowest and highest value of the training samples. Disturbed samples stay between them."""

    low: float
    high: float

    @staticmethod
    def of(data: LabelledData) -> ValueRange:
        """The range of the training split."""
        return ValueRange(float(data.train.x.min()), float(data.train.x.max()))

    @property
    def width(self) -> float:
        """Difference of the highest and the lowest value."""
        return self.high - self.low

    def clip(self, x: Floats) -> Floats:
        """Move each value to the nearest one in the range."""
        return np.clip(x, np.float32(self.low), np.float32(self.high))


def disturbances(
    x: Floats, options: EvaluateOptions, inside: ValueRange
) -> Iterator[tuple[Attack, float, Floats]]:
    """Disturb samples in every way that needs no gradient.

    Noise of every strength is the same draw, scaled, so that figures differ by the strength alone.

    Args:
        x: float32 [N, *shape].
        options: kinds and strengths, and the seed of the noise.
        inside: the range that strengths are shares of, and that disturbed values stay in.

    Yields:
        The kind, its strength, and the disturbed samples, float32 [N, *shape].
    """
    noise = np.random.default_rng(options.seed).standard_normal(x.shape)
    for sigma in options.noise:
        yield "noise", sigma, inside.clip((x + sigma * inside.width * noise).astype(np.float32))
    for shift in options.brightness:
        yield "brightness", shift, inside.clip(x + np.float32(shift * inside.width))
