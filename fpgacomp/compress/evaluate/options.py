"""What the networks of a comparison are disturbed with."""

from __future__ import annotations

import math
from dataclasses import dataclass

from fpgacomp.errors import FpgacompError, UsageError, raise_all

AUTO = "auto"


@dataclass(frozen=True, kw_only=True)
class EvaluateOptions:
    """Strengths, as shares of the range of the training samples; see `DisturbedScore`.

    Args:
        noise: standard deviations of the Gaussian noise, above 0.
        brightness: what is added to every value, -1..1, not 0.
        epsilons: largest change of a value by the one-step gradient attack (FGSM, Goodfellow et
            al. 2015), above 0.
        transfer_from: name of the network whose attacked samples all networks are given;
            "auto": the most accurate float one that has a gradient; None: no such attack.
        seed: of the noise.
    """

    noise: tuple[float, ...] = (0.1, 0.2)
    brightness: tuple[float, ...] = (-0.2, 0.2)
    epsilons: tuple[float, ...] = (0.05,)
    transfer_from: str | None = AUTO
    seed: int = 0

    def __post_init__(self) -> None:
        problems: list[FpgacompError] = []
        for where, values in (("noise", self.noise), ("epsilons", self.epsilons)):
            problems += [
                UsageError(where, f"{value!r} is no strength.", "give numbers above 0, like 0.1.")
                for value in values
                if not (math.isfinite(value) and value > 0)
            ]
        problems += [
            UsageError("brightness", f"{value!r} is no shift.", "give numbers in -1..1, not 0.")
            for value in self.brightness
            if not (math.isfinite(value) and 0 < abs(value) <= 1)
        ]
        if self.seed < 0:
            problems.append(UsageError("seed", f"{self.seed} is negative.", "give 0 or more."))
        raise_all(problems)
