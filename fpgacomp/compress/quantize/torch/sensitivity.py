"""How much the loss rises when one layer alone gets fewer bits."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import torch
from torch import fx

from fpgacomp.compress.constraints import KEPT
from fpgacomp.compress.quantize.options import MOST_BITS, BitWidth, MixedOptions, whole_bits
from fpgacomp.compress.quantize.torch.sites import TorchSites, find_sites
from fpgacomp.compress.quantize.torch.transform import quantize
from fpgacomp.compress.recipe import Recipe
from fpgacomp.compress.threads import one_thread
from fpgacomp.compress.trainable import weight_layers
from fpgacomp.compress.training import Loss, train
from fpgacomp.data.labelled import LabelledData
from fpgacomp.errors import UnsupportedLayer

JUDGED_SAMPLES = 2048  # of the training split, evenly taken
BATCH = 256

SensitivityTable = dict[str, dict[BitWidth, float]]


@dataclass(frozen=True)
class Assignment:
    """Bits of a whole network.

    Args:
        weights: by layer.
        activations: by site; the input is not among them.
    """

    weights: Mapping[str, BitWidth]
    activations: Mapping[str, int]

    @property
    def key(self) -> str:
        """Equal for equal bits."""
        return repr((sorted(self.weights.items()), sorted(self.activations.items())))

    def with_weight(self, name: str, bits: BitWidth) -> Assignment:
        return replace(self, weights={**self.weights, name: bits})

    def with_activation(self, name: str, bits: int) -> Assignment:
        return replace(self, activations={**self.activations, name: bits})


def uniform(
    network: fx.GraphModule, places: TorchSites, weight: BitWidth, activation: int
) -> Assignment:
    """The same bits everywhere."""
    names = [site.name for site in places.sites if not site.is_input]
    return Assignment(
        dict.fromkeys(weight_layers(network), weight), dict.fromkeys(names, activation)
    )


def places_of(network: fx.GraphModule, data: LabelledData) -> TorchSites:
    """Where a float network's activations are quantized."""
    return find_sites(copy.deepcopy(network), bool(data.train.x.min() < 0))


def quantize_as(
    network: fx.GraphModule, data: LabelledData, options: MixedOptions, assignment: Assignment
) -> fx.GraphModule:
    """The network with these bits, untrained."""
    wanted = replace(
        options.base,
        weight_bits=dict(assignment.weights),
        activation_bits=dict(assignment.activations) or MOST_BITS,
        first_last_bits=None,
    )
    return quantize(network, data, wanted).network


class Judge:
    """Loss on the training split of the network with some bits, after a short training.

    Args:
        recipe: of that training, but for `options.trial_epochs` only.
    """

    def __init__(
        self,
        network: fx.GraphModule,
        data: LabelledData,
        options: MixedOptions,
        recipe: Recipe,
        loss: Loss,
    ) -> None:
        self.network, self.data, self.options, self.loss = network, data, options, loss
        self._recipe = replace(recipe, epochs=options.trial_epochs, checkpoint=None)
        self._known: dict[str, float] = {}

    def __call__(self, assignment: Assignment) -> float:
        if assignment.key not in self._known:
            candidate = quantize_as(self.network, self.data, self.options, assignment)
            train(candidate, self.data, self._recipe, loss=self.loss, what="sensitivity")
            self._known[assignment.key] = mean_loss(candidate, self.data, self.loss)
        return self._known[assignment.key]


def sensitivities(judge: Judge) -> tuple[SensitivityTable, SensitivityTable]:
    """(of weights by layer, of activations by site): loss on the training split above that of
    8 bits everywhere, never negative and never rising with bits.
    """
    network, options = judge.network, judge.options
    widest = uniform(network, places_of(network, judge.data), MOST_BITS, MOST_BITS)
    least = judge(widest)

    def table(
        choices: Mapping[str, tuple[BitWidth, ...]], change: Callable[..., Assignment]
    ) -> SensitivityTable:
        return {
            name: _falling({bits: judge(change(name, bits)) - least for bits in allowed})
            for name, allowed in choices.items()
        }

    activations = dict.fromkeys(widest.activations, options.activation_choices)
    return (
        table(weight_choices(network, options), widest.with_weight),
        table(activations, widest.with_activation),
    )


def weight_choices(
    network: fx.GraphModule, options: MixedOptions
) -> dict[str, tuple[BitWidth, ...]]:
    """Bits that each layer may choose from: binary weights have no zero to keep.

    Raises:
        UnsupportedLayer: a layer with kept zeros has no choice left.
    """
    choices: dict[str, tuple[BitWidth, ...]] = {}
    for name, layer in weight_layers(network).items():
        bound = getattr(layer, KEPT, None) is not None
        choices[name] = tuple(b for b in options.weight_choices if not (bound and b == 1))
        if not choices[name]:
            raise UnsupportedLayer(
                name,
                "has weights that are kept zero, and binary weights have no zero.",
                'allow "ternary" or more bits.',
            )
    return choices


def _falling(rises: Mapping[BitWidth, float]) -> dict[BitWidth, float]:
    """No choice seems better than a wider one: where it does, chance had it."""
    found: dict[BitWidth, float] = {}
    worst = 0.0
    for bits in sorted(rises, key=whole_bits, reverse=True):
        worst = max(worst, rises[bits])
        found[bits] = worst
    return {bits: found[bits] for bits in rises}


def mean_loss(network: fx.GraphModule, data: LabelledData, loss: Loss) -> float:
    """Over evenly taken samples of the training split, in evaluation mode."""
    samples, total = data.train.evenly(JUDGED_SAMPLES), 0.0
    network.eval()
    with one_thread(), torch.no_grad():
        for start in range(0, len(samples), BATCH):
            x = torch.from_numpy(samples.x[start : start + BATCH])
            y = torch.from_numpy(samples.y[start : start + BATCH])
            total += float(loss(network, x, y)) * len(x)
    return total / len(samples)
