"""How much the loss rises when one layer alone gets fewer bits."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import torch
from torch import fx

from fpgacomp.compress.constraints import KEPT
from fpgacomp.compress.losses import Loss, loss_of
from fpgacomp.compress.quantize.options import (
    MOST_BITS,
    BitWidth,
    MixedOptions,
    QuantizeOptions,
    whole_bits,
)
from fpgacomp.compress.quantize.torch.sites import TorchSites, find_sites
from fpgacomp.compress.quantize.torch.transform import quantize
from fpgacomp.compress.recipe import Recipe
from fpgacomp.compress.threads import one_thread
from fpgacomp.compress.trainable import weight_layers
from fpgacomp.compress.training import train, with_task
from fpgacomp.data.labelled import LabelledData
from fpgacomp.errors import UnsupportedLayer

JUDGED_SAMPLES = 2048  # of the training split, evenly taken
BATCH = 256

SensitivityTable = dict[str, dict[BitWidth, float]]


@dataclass(frozen=True)
class Assignment:
    """The bits of a whole network.

    Args:
        weights: bits of the weights, by layer.
        activations: bits of the activations, by the name of their site. The network's input is
            not among them.
        input_bits: bits of the network's input.
    """

    weights: Mapping[str, BitWidth]
    activations: Mapping[str, int]
    input_bits: int

    @property
    def key(self) -> str:
        """A text that two assignments have in common where their bits are equal."""
        bits = (sorted(self.weights.items()), sorted(self.activations.items()), self.input_bits)
        return repr(bits)

    def with_weight(self, name: str, bits: BitWidth) -> Assignment:
        """The assignment with other bits for the weights of one layer."""
        return replace(self, weights={**self.weights, name: bits})

    def with_activation(self, name: str, bits: int) -> Assignment:
        """The assignment with other bits for one activation."""
        return replace(self, activations={**self.activations, name: bits})

    def with_input(self, bits: int) -> Assignment:
        """The assignment with other bits for the network's input."""
        return replace(self, input_bits=bits)

    def options(self, base: QuantizeOptions) -> QuantizeOptions:
        """The options that quantize a network with these bits; all else is that of `base`."""
        return replace(
            base,
            weight_bits=dict(self.weights),
            activation_bits=dict(self.activations) or MOST_BITS,
            input_bits=self.input_bits,
            first_last_bits=None,
        )


def uniform(
    network: fx.GraphModule, places: TorchSites, weight: BitWidth, activation: int, input_bits: int
) -> Assignment:
    """The assignment of the same bits to all weights, and of the same to all activations."""
    names = [site.name for site in places.sites if not site.is_input]
    weights = dict.fromkeys(weight_layers(network), weight)
    return Assignment(weights, dict.fromkeys(names, activation), input_bits)


def places_of(network: fx.GraphModule, data: LabelledData) -> TorchSites:
    """Find the tensors of a float network that are quantized; the network is not changed."""
    return find_sites(copy.deepcopy(network), bool(data.train.x.min() < 0))


def quantize_as(
    network: fx.GraphModule, data: LabelledData, options: MixedOptions, assignment: Assignment
) -> fx.GraphModule:
    """Quantize a copy of the network with these bits, without training."""
    return quantize(network, data, assignment.options(options.base)).network


class Judge:
    """A function from bits to the loss, on the training split, of the network with these bits.

    What was measured once is not measured again.

    Args:
        network: the trained float network; it is not changed.
        data: its training split.
        options: `trial_epochs` of training come before each measurement.
        recipe: how that training goes, its number of epochs aside.
        loss: (network, x, y) -> mean loss of a batch; None takes the recipe's, or that of the
            task.
    """

    def __init__(
        self,
        network: fx.GraphModule,
        data: LabelledData,
        options: MixedOptions,
        recipe: Recipe,
        loss: Loss | None,
    ) -> None:
        self.network, self.options = network, options
        self.data = with_task(network, data)
        self.loss = loss or loss_of(self.data, recipe)
        self._recipe = replace(recipe, epochs=options.trial_epochs, checkpoint=None)
        self._known: dict[str, float] = {}

    def __call__(self, assignment: Assignment) -> float:
        if assignment.key not in self._known:
            candidate = quantize_as(self.network, self.data, self.options, assignment)
            train(candidate, self.data, self._recipe, loss=self.loss, what="sensitivity")
            self._known[assignment.key] = mean_loss(candidate, self.data, self.loss)
        return self._known[assignment.key]


@dataclass(frozen=True)
class Sensitivities:
    """Rises of the loss where one layer, one activation or the input alone has fewer bits.

    Args:
        weights: by layer and bits of its weights.
        activations: by name of the activation and its bits.
        input: by bits of the network's input.
    """

    weights: SensitivityTable
    activations: SensitivityTable
    input: Mapping[BitWidth, float]


def sensitivities(judge: Judge) -> Sensitivities:
    """Measure the loss of a network where one layer or one activation alone has fewer bits.

    Returns:
        The rises of the loss on the training split over that with 8 bits everywhere, and the most
        input bits. They are never negative, and never larger for more bits.
    """
    network, options = judge.network, judge.options
    places = places_of(network, judge.data)
    widest = uniform(network, places, MOST_BITS, MOST_BITS, options.input_widths[-1])
    least = judge(widest)

    def row(
        allowed: tuple[BitWidth, ...], change: Callable[..., Assignment], *name: str
    ) -> dict[BitWidth, float]:
        return _falling({bits: judge(change(*name, bits)) - least for bits in allowed})

    weights = weight_choices(network, options)
    return Sensitivities(
        {name: row(bits, widest.with_weight, name) for name, bits in weights.items()},
        {
            name: row(options.activation_choices, widest.with_activation, name)
            for name in widest.activations
        },
        row(options.input_widths, widest.with_input),
    )


def weight_choices(
    network: fx.GraphModule, options: MixedOptions
) -> dict[str, tuple[BitWidth, ...]]:
    """Tell the bits that each layer may choose from.

    A layer whose weights are kept at zero cannot be binary, since binary weights are -1 or 1.

    Raises:
        UnsupportedLayer: a layer has no choice left.
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
    """Raise each loss to that of any wider choice, which is only by chance larger."""
    found: dict[BitWidth, float] = {}
    worst = 0.0
    for bits in sorted(rises, key=whole_bits, reverse=True):
        worst = max(worst, rises[bits])
        found[bits] = worst
    return {bits: found[bits] for bits in rises}


def mean_loss(network: fx.GraphModule, data: LabelledData, loss: Loss) -> float:
    """Mean loss over evenly taken samples of the training split, in evaluation mode."""
    samples, total = data.train.evenly(JUDGED_SAMPLES), 0.0
    network.eval()
    with one_thread(), torch.no_grad():
        for start in range(0, len(samples), BATCH):
            x = torch.from_numpy(samples.x[start : start + BATCH])
            y = torch.from_numpy(samples.y[start : start + BATCH])
            total += float(loss(network, x, y)) * len(x)
    return total / len(samples)
