"""What the networks of a comparison are disturbed with."""

from __future__ import annotations

import math
from dataclasses import dataclass

from fpgacomp.errors import FpgacompError, UsageError, raise_all

AUTO = "auto"


@dataclass(frozen=True, kw_only=True)
class EvaluateOptions:
    """How strongly the test samples are disturbed.

    All strengths are shares of the range of the training samples, the difference of their highest
    and lowest value.

    Args:
        noise: standard deviations of the Gaussian noise, above 0.
        brightness: shifts that are added to every value, -1..1, but not 0.
        epsilons: largest changes of a value by the one-step gradient attack (FGSM, Goodfellow et
            al. 2015), above 0.
        transfer_from: name of the network whose attacked samples all networks are given. "auto"
            takes the most accurate float network that has a gradient; None makes no such attack.
        seed: decides the noise, 0 or more.
        floor: score that a network must reach to be named the best of a table, 1 being perfect;
            None takes `max_drop`.
        max_drop: how far below the best score a network may be to be named the best of a table by
            its costs, 0 or more, where there is no `floor`.

    Raises:
        UsageError: a value is out of its range; several such values are told at once.
    """

    noise: tuple[float, ...] = (0.1, 0.2)
    brightness: tuple[float, ...] = (-0.2, 0.2)
    epsilons: tuple[float, ...] = (0.05,)
    transfer_from: str | None = AUTO
    seed: int = 0
    floor: float | None = None
    max_drop: float = 0.05

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
        if not (math.isfinite(self.max_drop) and self.max_drop >= 0):
            why = f"{self.max_drop!r} is no difference of scores."
            problems.append(UsageError("max drop", why, "give 0 or more."))
        if self.floor is not None and not (math.isfinite(self.floor) and self.floor <= 1):
            why = f"{self.floor!r} is no score."
            problems.append(UsageError("accuracy floor", why, "give 1 (100 %) or less."))
        if self.seed < 0:
            problems.append(UsageError("seed", f"{self.seed} is negative.", "give 0 or more."))
        raise_all(problems)
