"""What a user asks of pruning: how much, where, how gradually."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from fpgacomp.errors import FpgacompError, UsageError, raise_all

PruneScope = Literal["global", "layer"]
PruneUnits = Literal["auto", "channels", "weights"]
PrunedResource = Literal["lut", "dsp", "ff", "bram18"]
RAMP = 0.6  # of the training; the rest recovers with the final mask


@dataclass(frozen=True, kw_only=True)
class MagnitudeOptions:
    """How many weights become zero, and in which layers.

    Args:
        sparsity: share of the weights that are zero in the end, 0 (with) to 1 (without): of
            all prunable layers, or by layer name (layers not named are left alone).
        scope: "global": the smallest weights of all layers together go, so that layers get
            sparsities of their own; "layer": every layer gets the same.
        leave: names of layers that are left alone.
        ramp: share of the training within which the mask shrinks.
    """

    sparsity: float | Mapping[str, float] = 0.75
    scope: PruneScope = "global"
    leave: tuple[str, ...] = ()
    ramp: float = RAMP

    def __post_init__(self) -> None:
        problems = _check_ramp(self.ramp)
        if isinstance(self.sparsity, Mapping):
            for name, share in self.sparsity.items():
                problems += _check_sparsity(f"sparsity of {name}", share)
        else:
            problems += _check_sparsity("sparsity", self.sparsity)
        if self.scope not in ("global", "layer"):
            problems.append(UsageError("scope", f"is {self.scope!r}.", "use global or layer."))
        raise_all(problems)


@dataclass(frozen=True, kw_only=True)
class NOfMOptions:
    """N weights of every group of M stay.

    Args:
        n: weights of a group that may be other than zero, 1 to m - 1.
        m: weights of a group, 2 or more.
        leave: names of layers that are left alone.
        ramp: share of the training within which the mask shrinks; 0: one shot, then tuning.
    """

    n: int = 2
    m: int = 4
    leave: tuple[str, ...] = ()
    ramp: float = RAMP

    def __post_init__(self) -> None:
        problems = _check_ramp(self.ramp)
        if self.m < 2:
            problems.append(UsageError("M of N:M", f"is {self.m}.", "use 2 or more."))
        elif not 1 <= self.n < self.m:
            problems.append(UsageError("N of N:M", f"is {self.n}.", f"use 1 to {self.m - 1}."))
        raise_all(problems)


@dataclass(frozen=True, kw_only=True)
class HardwareOptions:
    """How much of a resource zeros and fewer digits must save, by the board's estimate.

    Args:
        saving: share of the estimate of the network as given, over 0 and under 1.
        resource: which one.
        units: what goes. "channels": channels and neurons, which every folding skips;
            "weights": weights and signed digits, which only unrolled layers skip; "auto":
            that by which the board saves more.
        digits: whether integer weights may lose signed digits, too (quantized networks only).
        leave: names of layers that are left alone.
        ramp: share of the training within which weights and digits go.
    """

    saving: float = 0.5
    resource: PrunedResource = "lut"
    units: PruneUnits = "auto"
    digits: bool = True
    leave: tuple[str, ...] = ()
    ramp: float = RAMP

    def __post_init__(self) -> None:
        problems = _check_ramp(self.ramp)
        if not 0 < self.saving < 1:
            problems.append(
                UsageError(
                    "saving", f"is {self.saving:g}.", "use over 0 and under 1 (0.5: half of it)."
                )
            )
        known = ("lut", "dsp", "ff", "bram18")
        if self.resource not in known:
            problems.append(
                UsageError("resource", f"is {self.resource!r}.", f"use {', '.join(known)}.")
            )
        if self.units not in ("auto", "channels", "weights"):
            problems.append(
                UsageError("units", f"is {self.units!r}.", "use auto, channels or weights.")
            )
        raise_all(problems)


def _check_sparsity(where: str, share: float) -> list[FpgacompError]:
    if 0 <= share < 1:
        return []
    return [
        UsageError(
            where, f"is {share:g}.", "use 0 up to, but not 1 (0.75: three of four weights go)."
        )
    ]


def _check_ramp(ramp: float) -> list[FpgacompError]:
    if 0 <= ramp <= 1:
        return []
    return [UsageError("ramp", f"is {ramp:g}.", "use 0 (at once) to 1 (until the end).")]
