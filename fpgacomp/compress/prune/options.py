"""What a user asks of pruning: how much goes, from which layers, and how gradually."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal, get_args

from fpgacomp.errors import FpgacompError, UsageError, raise_all

PruneScope = Literal["global", "layer"]
ChannelScope = Literal["layer", "global", "board"]
SaliencyKind = Literal["taylor", "magnitude", "sum", "gamma"]
PruneUnits = Literal["auto", "channels", "weights"]
PrunedResource = Literal["lut", "dsp", "ff", "bram18"]
RAMP = 0.6  # share of the training within which masks shrink; the rest recovers accuracy


@dataclass(frozen=True, kw_only=True)
class MagnitudeOptions:
    """How many weights become zero, and in which layers.

    Args:
        sparsity: share of the weights that are zero in the end, from 0 up to, but not including,
            1. One number is for all prunable layers together; a mapping gives it by layer name,
            and layers that it does not name are left alone.
        scope: "global" zeroes the smallest weights of all layers together, so that each layer
            gets a sparsity of its own; "layer" gives every layer the same sparsity.
        leave: names of layers that are not pruned.
        ramp: share of the training within which the mask shrinks, 0 to 1.

    Raises:
        UsageError: a value is out of its range; several such values are told at once.
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
            problems += _check_sparsity("sparsity (--share)", self.sparsity)
        if self.scope not in ("global", "layer"):
            problems.append(UsageError("scope", f"is {self.scope!r}.", "use global or layer."))
        raise_all(problems)


@dataclass(frozen=True, kw_only=True)
class NOfMOptions:
    """How many weights of every group of neighbours stay.

    Args:
        n: number of weights of a group that may differ from zero, 1 to m - 1.
        m: number of weights in a group, 2 or more.
        leave: names of layers that are not pruned.
        ramp: share of the training within which the groups get their zeros, 0 to 1. With 0 they
            get them before the first step.

    Raises:
        UsageError: a value is out of its range; several such values are told at once.
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
class ChannelOptions:
    """How many channels and neurons are removed, and which.

    Args:
        share: share of the channels that go, from 0 up to, but not including, 1. One number is
            for every layer; a mapping gives it by layer name, and layers that it does not name
            keep all channels. Where an addition ties layers together, the largest share counts.
        scope: "layer" takes the same share from every layer; "global" takes the least important
            channels of all layers together, of which each keeps at least `least`; "board" does
            likewise, and counts a channel as less important the more of `resource` it takes.
        least: share of its channels that every layer keeps, with the scopes global and board.
        saliency: how the importance of a channel is measured; see `prune.saliency`.
        rounds: number of rounds of pruning and training. Each takes the same part of what is left.
        saving: share of `resource` that must be saved by the board's estimate, instead of
            `share`; it needs a board.
        resource: what the board's estimate counts: "lut", "dsp", "ff" or "bram18".
        leave: names of layers that keep all channels.

    Raises:
        UsageError: a value is out of its range, or a share by layer comes with another scope
            than "layer".
    """

    share: float | Mapping[str, float] = 0.5
    scope: ChannelScope = "layer"
    least: float = 1 / 8
    saliency: SaliencyKind = "taylor"
    rounds: int = 3
    saving: float | None = None
    resource: PrunedResource = "lut"
    leave: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        by_layer = self.share.items() if isinstance(self.share, Mapping) else [("", self.share)]
        shares = [(f"share {name}".strip(), share) for name, share in by_layer]
        for where, value in [*shares, ("saving", self.saving), ("least", self.least)]:
            if value is not None and not 0 <= value < 1:
                raise UsageError(where, f"is {value:g}.", "use 0 up to, but not 1.")
        if isinstance(self.share, Mapping) and self.scope != "layer":
            raise UsageError(
                "share", f"is by layer, with the scope {self.scope}.", "use the scope layer."
            )
        _check_word("scope", self.scope, get_args(ChannelScope))
        _check_word("saliency", self.saliency, get_args(SaliencyKind))
        _check_word("resource", self.resource, get_args(PrunedResource))
        if self.rounds < 1:
            raise UsageError("rounds", f"is {self.rounds}.", "use 1 or more.")


@dataclass(frozen=True, kw_only=True)
class HardwareOptions:
    """How much of a resource zeros and fewer digits must save, by the board's estimate.

    Args:
        saving: share of what the estimate says the network takes now, over 0 and under 1.
        resource: what the estimate counts: "lut", "dsp", "ff" or "bram18".
        units: what is removed. "channels" are channels and neurons, which every design saves;
            "weights" are single weights and signed digits, which only layers save whose products
            are unrolled; "auto" takes that by which the board saves more.
        digits: whether an integer weight may lose some of its signed digits. Otherwise a weight
            becomes zero or keeps all of them. Float networks have no digits to lose.
        leave: names of layers that are not pruned.
        ramp: share of the training within which weights and digits go, 0 to 1.

    Raises:
        UsageError: a value is out of its range; several such values are told at once.
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
        known = get_args(PrunedResource)
        if self.resource not in known:
            problems.append(
                UsageError("resource", f"is {self.resource!r}.", f"use {', '.join(known)}.")
            )
        if self.units not in get_args(PruneUnits):
            problems.append(
                UsageError("units", f"is {self.units!r}.", "use auto, channels or weights.")
            )
        raise_all(problems)


# What a user may ask of `prune`; the type of the options is the method.
PruneOptions = MagnitudeOptions | NOfMOptions | ChannelOptions | HardwareOptions


def _check_word(where: str, value: str, known: Iterable[str]) -> None:
    if value not in known:
        raise UsageError(where, f"is {value!r}.", f"use {', '.join(known)}.")


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
