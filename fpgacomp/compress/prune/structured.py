"""Structured pruning: channels and neurons are cut out of the network, whose layers shrink."""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import fx, nn

from fpgacomp.compress.distill import DistillOptions, distillation_loss
from fpgacomp.compress.outcome import TechniqueOutcome
from fpgacomp.compress.prune.groups import Channels, Unit, channels_of, remove_channels
from fpgacomp.compress.prune.options import ChannelOptions
from fpgacomp.compress.prune.saliency import saliency_of, without_gamma
from fpgacomp.compress.recipe import History, Recipe, TrainingObserver, silent
from fpgacomp.compress.recovery import RECOVERY, CalmEpochs, note_on_fall
from fpgacomp.compress.trainable import weight_layers
from fpgacomp.compress.training import train
from fpgacomp.compress.types import CostFunction
from fpgacomp.data.labelled import LabelledData
from fpgacomp.errors import DoesNotFit, ModelError, UsageError

BISECTIONS = 6  # halvings of the range of shares, which find it to a sixty-fourth


def prune_channels(
    network: fx.GraphModule,
    data: LabelledData,
    options: ChannelOptions,
    recipe: Recipe,
    *,
    distillation: DistillOptions | None = None,
    observer: TrainingObserver = silent,
    cost: CostFunction | None = None,
) -> TechniqueOutcome:
    """Remove the least important channels and train what is left, in rounds.

    The smaller network learns from the labels and from the answers of the network as it was.
    Channels that an addition or a depthwise convolution ties together are removed together. The
    network's inputs and outputs stay. Every layer keeps at least one channel.

    Args:
        network: a trained network of known modules; it is not changed.
        data: the smaller network is fitted to the training split.
        options: how many channels go, and which.
        recipe: how the network is trained after every round.
        distillation: how much the former network guides; None takes `recovery.RECOVERY`.
        observer: is told every epoch.
        cost: estimates a network, for `options.saving` and the scope "board".

    Returns:
        An outcome whose details hold `layers` (channels before and after, by layer),
        `weights_before` and `weights`, and with a saving `saved`, the share that was reached.

    Raises:
        ModelError: no channel can be removed, or none of a layer that a share is named for.
        UsageError: the options name layers that are not there, or a saving or the scope "board"
            comes without a cost function.
        DoesNotFit: no share of the channels saves as much as was asked for.
    """
    _check_names(network, options)
    channels = channels_of(network)
    _check_free(channels, options)
    sizes = _sizes(channels, options.leave)
    prices = _prices(network, channels, options, cost) if options.scope == "board" else {}
    goal = _goal(network, options, cost)
    if goal is not None:
        start = _RoundPlan(network, channels, replace(options, rounds=1), sizes, prices, 1)
        options = replace(options, share=goal.share(start, data))
    smaller = copy.deepcopy(network)
    history = History()
    guidance = distillation or RECOVERY
    loss = distillation_loss(network, guidance, data, recipe)
    for round_ in range(1, options.rounds + 1):
        plan = _RoundPlan(smaller, channels, options, sizes, prices, round_)
        if goal is not None and 1 < round_ == options.rounds:
            # Ranked anew after training, the same share takes other channels, of other prices.
            plan = replace(plan, options=replace(options, share=goal.share(plan, data)))
        smaller, channels = plan.pruned(data)
        history = train(
            smaller, data, _of_round(recipe, round_),
            loss=loss, constraints=[CalmEpochs()], decided_by=[guidance, network],
            observer=observer, what="prune",
        )  # fmt: skip
        if history.interrupted:
            break
    if _widths(smaller) == _widths(network):
        raise ModelError(
            "prune",
            " ".join(["no channel can go.", *(f"{note}." for note in channels.reasons.values())]),
            "ask for a larger share.",
        )
    details = _details(network, smaller)
    notes = _notes(network, channels, options)
    if goal is not None:
        details["saved"] = goal.saved(smaller)
        notes = (*goal.note(details["saved"]), *notes)
    outcome = TechniqueOutcome(smaller, history, notes, details)
    remedy = "remove fewer channels, or train longer (--epochs)"
    return outcome.with_notes(note_on_fall(network, data, outcome, remedy))


def _details(network: fx.GraphModule, smaller: fx.GraphModule) -> dict[str, Any]:
    before, after = _widths(network), _widths(smaller)
    return {
        "layers": {
            name: {"channels_before": before[name], "channels": after[name]} for name in before
        },
        "weights_before": _weights(network),
        "weights": _weights(smaller),
    }


def narrow_copy(network: fx.GraphModule, width: float, *, seed: int = 0) -> fx.GraphModule:
    """Make an untrained network like this one, with a share of its channels.

    Args:
        network: a network of known modules; it is not changed.
        width: share of the channels that each layer gets, over 0 and up to 1. Every layer gets at
            least one.
        seed: decides the initial weights.

    Raises:
        UsageError: the width is out of its range.
    """
    if not 0 < width <= 1:
        raise UsageError("student width", f"is {width:g}.", "use over 0 and up to 1.")
    channels = channels_of(network)
    gone = [
        unit.number
        for bundle in _bundles(channels, ())
        for unit in bundle[_kept(len(bundle), 1 - width) :]
    ]
    smaller = remove_channels(network, gone, channels)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        for module in smaller.modules():
            if hasattr(module, "reset_parameters"):
                module.reset_parameters()
    return smaller


@dataclass(frozen=True)
class _RoundPlan:
    """What one round removes.

    Args:
        network: the network as the rounds before left it.
        channels: its channels.
        options: how many channels go in all rounds together, and which.
        before: number of units before the first round, by the layers that compute them.
        prices: what one unit saves of the resource, by the same layers; with the scope "board".
        round: number of this round, 1 to `options.rounds`.
    """

    network: fx.GraphModule
    channels: Channels
    options: ChannelOptions
    before: Mapping[tuple[str, ...], int]
    prices: Mapping[tuple[str, ...], float]
    round: int

    def pruned(self, data: LabelledData) -> tuple[fx.GraphModule, Channels]:
        """Make the smaller network, and tell what is left of the channels."""
        bundles = _bundles(self.channels, self.options.leave)
        saliency = saliency_of(self.network, self.channels, data, self.options.saliency)
        ranked = [sorted(bundle, key=lambda u: -saliency[u.number]) for bundle in bundles]
        if self.options.scope != "layer" and not isinstance(self.options.share, Mapping):
            gone = self._globally(ranked, saliency, self.options.share)
        else:
            gone = [unit for bundle in ranked for unit in bundle[self._left(bundle) :]]
        numbers = [unit.number for unit in gone]
        return remove_channels(self.network, numbers, self.channels), self.channels.left(numbers)

    def _left(self, bundle: Sequence[Unit]) -> int:
        """How many units of these layers stay after this round."""
        layers, share = bundle[0].layers, self.options.share
        asked = max(share.get(n, 0.0) for n in layers) if isinstance(share, Mapping) else share
        return _kept(self.before[layers], self._by_now(asked))

    def _by_now(self, share: float) -> float:
        """The share that is gone after this round; rounds take equal parts of what is left."""
        return float(1 - (1 - share) ** (self.round / self.options.rounds))

    def _globally(
        self, ranked: list[list[Unit]], saliency: Mapping[int, float], share: float
    ) -> list[Unit]:
        left = _kept(sum(self.before.values()), self._by_now(share))
        spare = [
            unit
            for bundle in ranked
            for unit in bundle[max(1, int(self.before[bundle[0].layers] * self.options.least)) :]
        ]
        now = sum(len(bundle) for bundle in ranked)
        spare.sort(key=lambda unit: self._worth(unit, saliency[unit.number]))
        return spare[: max(0, now - left)]

    def _worth(self, unit: Unit, saliency: float) -> float:
        """How late a unit goes: by its importance, with the scope board divided by its price."""
        if self.options.scope != "board":
            return saliency
        price = self.prices[unit.layers]
        return saliency / price if price > 0 else math.inf


def _bundles(channels: Channels, leave: Sequence[str]) -> list[list[Unit]]:
    """Group the units by the layers that compute them, each group in the order of numbers."""
    bundles: dict[tuple[str, ...], list[Unit]] = {}
    for unit in channels.units():
        if not set(unit.layers) & set(leave):
            bundles.setdefault(unit.layers, []).append(unit)
    return list(bundles.values())


def _sizes(channels: Channels, leave: Sequence[str]) -> dict[tuple[str, ...], int]:
    return {bundle[0].layers: len(bundle) for bundle in _bundles(channels, leave)}


def _kept(count: int, gone: float) -> int:
    return max(1, count - math.floor(count * gone + 0.5))


def _prices(
    network: fx.GraphModule, channels: Channels, options: ChannelOptions, cost: CostFunction | None
) -> dict[tuple[str, ...], float]:
    """What a unit saves of the resource, by layers; the mean over half of their units."""
    if cost is None:
        raise UsageError("scope", "board has no board to judge by.", "name one (--board pynq-z2).")
    whole = cost(network)[options.resource]
    prices: dict[tuple[str, ...], float] = {}
    for bundle in _bundles(channels, options.leave):
        gone = [unit.number for unit in bundle[: len(bundle) // 2]]
        smaller = remove_channels(network, gone, channels)
        saved = whole - cost(smaller)[options.resource] if gone else 0.0
        prices[bundle[0].layers] = saved / max(1, len(gone))
    return prices


@dataclass(frozen=True)
class _Goal:
    """A saving of a resource.

    Args:
        cost: estimates a network.
        resource: what its estimate is looked up by.
        saving: share of the resource to save.
        whole: what the network takes of it before anything is removed.
    """

    cost: CostFunction
    resource: str
    saving: float
    whole: float

    def saved(self, network: fx.GraphModule) -> float:
        """Share of the resource that this smaller network saves."""
        return float(1 - self.cost(network)[self.resource] / self.whole)

    def share(self, plan: _RoundPlan, data: LabelledData) -> float:
        """The smallest share, to a sixty-fourth, with which this round reaches the saving."""

        def enough(share: float) -> bool:
            tried = replace(plan, options=replace(plan.options, share=share))
            return self.saved(tried.pruned(data)[0]) >= self.saving

        least, most = 0.0, 1 - 1 / 64
        if not enough(most):
            raise DoesNotFit(
                self.resource,
                f"no share of the channels saves {self.saving:.0%} of it.",
                "ask for less, or use fewer bits.",
            )
        for _ in range(BISECTIONS):
            middle = (least + most) / 2
            least, most = (least, middle) if enough(middle) else (middle, most)
        return most

    def note(self, saved: float) -> tuple[str, ...]:
        """Tell where training left the network dearer than it was when the goal was reached."""
        if saved >= self.saving:
            return ()
        return (
            f"the trained network saves {saved:.1%} of {self.resource}, "
            f"less than the {self.saving:.1%} that it saved before its last training",
        )


def _goal(
    network: fx.GraphModule, options: ChannelOptions, cost: CostFunction | None
) -> _Goal | None:
    if options.saving is None:
        return None
    if cost is None:
        raise UsageError("saving", "has no board to judge by.", "name one (--board pynq-z2).")
    whole = cost(network)[options.resource]
    if whole <= 0:
        raise DoesNotFit(options.resource, "the network takes none of it.", "name another one.")
    return _Goal(cost, options.resource, options.saving, whole)


def _of_round(recipe: Recipe, round_: int) -> Recipe:
    """Give each round a checkpoint of its own, since the networks differ in size."""
    if recipe.checkpoint is None:
        return recipe
    path = recipe.checkpoint
    return replace(recipe, checkpoint=path.with_name(f"{path.name}.round{round_}"))


def _check_names(network: fx.GraphModule, options: ChannelOptions) -> None:
    layers = weight_layers(network)
    named = [*options.leave, *(options.share if isinstance(options.share, Mapping) else ())]
    unknown = sorted(set(named) - set(layers))
    if unknown:
        raise UsageError(
            "channels",
            f"the network has no layer {', '.join(unknown)}.",
            f"name some of {', '.join(layers)}.",
        )


def _check_free(channels: Channels, options: ChannelOptions) -> None:
    """Refuse a share for a layer whose channels all have to stay."""
    if not isinstance(options.share, Mapping):
        return
    free = {layer for unit in channels.units() for layer in unit.layers}
    stuck = [name for name, share in options.share.items() if share and name not in free]
    if stuck:
        why = "all channels stay: they are the network's outputs, or tied to what is not followed."
        raise ModelError(", ".join(stuck), why, "name no share for it.")


def _notes(network: fx.GraphModule, channels: Channels, options: ChannelOptions) -> tuple[str, ...]:
    plain = without_gamma(network, channels_of(network)) if options.saliency == "gamma" else []
    return (
        *channels.reasons.values(),
        *(f"judged by its magnitude, without a batch normalization: {name}" for name in plain),
    )


def _widths(network: fx.GraphModule) -> dict[str, int]:
    return {name: len(layer.weight) for name, layer in weight_layers(network).items()}


def _weights(network: nn.Module) -> int:
    kinds: Any = (nn.Linear, nn.Conv1d, nn.Conv2d)
    return sum(m.weight.numel() for m in network.modules() if isinstance(m, kinds))
