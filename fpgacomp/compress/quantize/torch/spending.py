"""What bits per layer cost: measured, and as the sum of shares that a linear program takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from torch import fx

from fpgacomp.compress.quantize.options import BitWidth, MixedOptions, whole_bits
from fpgacomp.compress.quantize.torch.assign import ChoiceFigures, JointCost, least_cost
from fpgacomp.compress.quantize.torch.operations import multiplications
from fpgacomp.compress.quantize.torch.sensitivity import (
    Assignment,
    places_of,
    quantize_as,
    uniform,
    weight_choices,
)
from fpgacomp.compress.quantize.torch.sites import TorchSites
from fpgacomp.compress.trainable import weight_layers
from fpgacomp.compress.types import CostFunction
from fpgacomp.data.labelled import LabelledData
from fpgacomp.errors import UsageError

WEIGHT, ACTIVATION = "weight ", "activation "  # prefixes of the names of groups
INPUT = "input"  # the name of the group of the network's input


@dataclass(frozen=True)
class CostModel:
    """A model of the cost of choices: a constant, a share of each, and shares of pairs.

    Args:
        constant: what is not the share of a choice.
        alone: the share of each choice of each group.
        products: shares that two choices have together.
    """

    constant: float
    alone: ChoiceFigures
    products: tuple[JointCost, ...] = ()

    @property
    def least(self) -> float:
        """The cost of the cheapest choices."""
        return self.constant + least_cost(self.alone, self.products)


class Spending:
    """What bits cost, in one measure.

    Bits and operations on bits are counted exactly. A figure of the cost function is measured for
    whole networks; in between it is modelled as a sum of shares, each measured by changing one
    choice.

    Attributes:
        choices: the bits that each group (a layer's weights, an activation, the input) may have.
        calls: number of calls of the cost function so far.
        input_bits: the most bits that the input may have.
    """

    def __init__(
        self,
        network: fx.GraphModule,
        data: LabelledData,
        options: MixedOptions,
        cost: CostFunction | None,
    ) -> None:
        self._network, self._data, self._options, self._cost = network, data, options, cost
        self._places = places_of(network, data)
        self._products = multiplications(network)
        self._known: dict[str, float] = {}
        self.calls = 0
        self.input_bits = options.input_widths[-1]
        weights = weight_choices(network, options)
        inner = [site.name for site in self._places.sites if not site.is_input]
        self.choices: dict[str, tuple[BitWidth, ...]] = {
            **{WEIGHT + name: bits for name, bits in weights.items()},
            **{ACTIVATION + name: options.activation_choices for name in inner},
        }
        if len(inner) < len(self._places.sites):
            self.choices[INPUT] = options.input_widths

    def uniforms(self) -> list[Assignment]:
        """Assignments of the same bits to all weights, and of the nearest to all activations.

        Each comes with the nearest bits for the input, too, and with the most for it. They come in
        the order of rising bits.
        """
        weights = [set(bits) for group, bits in self.choices.items() if group.startswith(WEIGHT)]
        inputs = self._options.input_widths
        return [
            uniform(self._network, self._places, bits, activation, input_bits)
            for bits in sorted(set.intersection(*weights), key=whole_bits)
            for activation in [_nearest(whole_bits(bits), self._options.activation_choices)]
            for input_bits in sorted({_nearest(whole_bits(bits), inputs), inputs[-1]})
        ]

    def measured(self, assignment: Assignment) -> float:
        """Count or measure what these bits cost.

        Raises:
            UsageError: the measure needs a cost function and there is none, or its figures do not
                hold the measure.
        """
        match self._options.measure:
            case "bits":
                layers = weight_layers(self._network)
                return float(sum(
                    layers[name].weight.numel() * whole_bits(bits)
                    for name, bits in assignment.weights.items()
                ))  # fmt: skip
            case "bops":
                return bit_operations(self._places, self._products, assignment)
            case _:
                if assignment.key not in self._known:
                    untrained = quantize_as(self._network, self._data, self._options, assignment)
                    self._known[assignment.key] = self._called(untrained)
                return self._known[assignment.key]

    def trained(self, assignment: Assignment, network: fx.GraphModule) -> float:
        """Count or measure what a network that was trained with these bits costs.

        Training moves weights and scales, by which accumulators, constants and thresholds get
        other widths: the cost function's figures differ from those of the untrained network.
        """
        if self._options.measure in ("bits", "bops"):
            return self.measured(assignment)
        return self._called(network)

    def whole(self) -> CostModel:
        """Model the cost of all choices, measured around the uniform network nearest the budget."""
        middle = min(
            self.uniforms(), key=lambda a: abs(self.measured(a) - self._options.budget)
        )  # fmt: skip
        return self.around(middle, self.choices)

    def around(self, middle: Assignment, choices: Mapping[str, tuple[BitWidth, ...]]) -> CostModel:
        """Model the cost of these choices, by what each of them alone changes in an assignment."""
        match self._options.measure:
            case "bits":
                layers = weight_layers(self._network)
                sizes = {WEIGHT + name: layer.weight.numel() for name, layer in layers.items()}
                alone = {
                    group: {bits: float(sizes.get(group, 0) * whole_bits(bits)) for bits in allowed}
                    for group, allowed in choices.items()
                }
                return CostModel(0.0, alone)
            case "bops":
                return self._bit_operations(choices)
            case _:
                constant = self.measured(middle)
                alone = {
                    group: {
                        bits: self.measured(replace_bits(middle, group, bits)) - constant
                        for bits in allowed
                    }
                    for group, allowed in choices.items()
                }
                return CostModel(constant, alone)

    def _bit_operations(self, choices: Mapping[str, tuple[BitWidth, ...]]) -> CostModel:
        products = []
        alone: ChoiceFigures = {group: dict.fromkeys(choices[group], 0.0) for group in choices}
        for layer, sites in self._places.sources.items():
            group = WEIGHT + layer
            for site in sites:
                share = self._products[layer] / len(sites)
                read = INPUT if site.is_input else ACTIVATION + site.name
                joint = {
                    w: {a: share * whole_bits(w) * whole_bits(a) for a in choices[read]}
                    for w in choices[group]
                }
                products.append(JointCost(group, read, joint))
        return CostModel(0.0, alone, tuple(products))

    def _called(self, network: fx.GraphModule) -> float:
        measure = self._options.measure
        if self._cost is None:
            raise UsageError(
                f"measure {measure}", "needs a cost function.", "name a board, or use bits or bops."
            )
        figures = self._cost(network)
        if measure not in figures:
            raise UsageError(
                f"measure {measure}",
                "is none of the cost function's figures.",
                f"use bits, bops, {', '.join(sorted(figures))}.",
            )
        self.calls += 1
        return float(figures[measure])


def bit_operations(
    places: TorchSites, products: Mapping[str, int], assignment: Assignment
) -> float:
    """Add up products per sample times weight bits times activation bits over all layers.

    A layer that reads several concatenated tensors counts the mean of their bits.

    Args:
        places: the quantized tensors.
        products: products per sample, by layer.
        assignment: the bits.
    """
    most = assignment.input_bits
    bits = {s.name: assignment.activations.get(s.name, most) for s in places.sites}
    return sum(
        products[layer] * whole_bits(assignment.weights[layer]) * bits[site.name] / len(sites)
        for layer, sites in places.sources.items()
        for site in sites
    )


def replace_bits(assignment: Assignment, group: str, bits: BitWidth) -> Assignment:
    """The assignment with other bits for one group: a layer's weights, an activation, the input."""
    if group == INPUT:
        return assignment.with_input(whole_bits(bits))
    if group.startswith(WEIGHT):
        return assignment.with_weight(group.removeprefix(WEIGHT), bits)
    return assignment.with_activation(group.removeprefix(ACTIVATION), whole_bits(bits))


def bits_of(assignment: Assignment, group: str) -> BitWidth:
    """The bits of one group."""
    if group == INPUT:
        return assignment.input_bits
    if group.startswith(WEIGHT):
        return assignment.weights[group.removeprefix(WEIGHT)]
    return assignment.activations[group.removeprefix(ACTIVATION)]


def _nearest(bits: int, allowed: Sequence[int]) -> int:
    """Of the bits that are allowed the nearest ones, of two as near the fewer."""
    return min(allowed, key=lambda other: (abs(other - bits), other))
