"""Float network -> network of Brevitas layers, whose scales are fitted to the training data."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, fx, nn

from fpgacomp.compress.quantize.options import BitWidth, QuantizeOptions, ScaleKind
from fpgacomp.compress.quantize.torch.levels import IntegerLevels, levels_of_weights
from fpgacomp.compress.quantize.torch.quantizers import activation_quantizer, quantize_layer, tie
from fpgacomp.compress.quantize.torch.ranges import best_steps, binary_scales, error_of
from fpgacomp.compress.quantize.torch.sites import (
    TorchSite,
    TorchSites,
    TorchTie,
    check,
    find_sites,
    module_of,
)
from fpgacomp.compress.threads import one_thread
from fpgacomp.compress.trainable import weight_layers
from fpgacomp.data.labelled import LabelledData
from fpgacomp.errors import FpgacompError, UnsupportedLayer, raise_all

CALIBRATION_SAMPLES = 512  # number of samples, evenly taken from the training split
KEPT_VALUES = 1 << 14  # number of values of an activation that its scale is fitted to
MOST_OCTAVES = 8  # largest exponent of two between the scales of the two sides of an addition


@dataclass(frozen=True)
class QuantizedNetwork:
    """A network of Brevitas layers, and its bits.

    Args:
        network: the network, in the mode (training or evaluation) of the float one.
        weights: bits of the weights, by layer name.
        activations: bits of the activations, by the name of their site.
    """

    network: fx.GraphModule
    weights: Mapping[str, BitWidth]
    activations: Mapping[str, int]


def quantize(
    network: fx.GraphModule, data: LabelledData, options: QuantizeOptions
) -> QuantizedNetwork:
    """Put Brevitas layers in the place of float ones, with the scales that err least.

    Every tensor that a dense or convolution layer, an average pooling, an addition or a
    concatenation reads gets a quantizer. The scales of tensors that are added differ by powers of
    two, and those of concatenated ones are equal, so that the compiler can work on integers
    there. BatchNormalization stays, since the compiler folds it exactly. Nothing is trained.

    Args:
        network: a float network of known modules; it is not changed.
        data: scales are fitted to the training split.
        options: bits and scales.

    Raises:
        UnsupportedLayer: layers have no quantized form; all of them are named.
        UsageError: the options name layers that are not there.
    """
    check(network)
    copied = copy.deepcopy(network)
    samples = calibration_samples(data)
    places = find_sites(copied, bool(samples.min() < 0))
    sites = places.sites
    weights = options.weights_of(weight_layers(copied))
    activations = _activation_bits(sites, options)
    _check_zeros(copied, weights)
    with one_thread():
        values = observe(copied, [site.node for site in sites], samples)
        steps = _Steps(places, activations, values, options.scale)
    _replace_weights(copied, weights, options)
    _insert(copied, sites, activations, steps, options.scale)
    return QuantizedNetwork(copied, weights, activations)


def calibration_samples(data: LabelledData) -> Tensor:
    """Take samples evenly from the training split, float32 [N, *input shape]."""
    return torch.from_numpy(data.train.evenly(CALIBRATION_SAMPLES).x)


def observe(
    network: fx.GraphModule, nodes: list[fx.Node], samples: Tensor
) -> dict[fx.Node, Tensor]:
    """Execute a network in evaluation mode and keep the values of some nodes.

    Args:
        network: any network; its mode is left as it was.
        nodes: the nodes whose values are kept.
        samples: float32 [N, *input shape].

    Returns:
        By node, its values as a vector. Of very many values a random part is kept, with the
        smallest and the largest.
    """
    kept: dict[fx.Node, Tensor] = {}

    class Recorder(fx.Interpreter):
        def run_node(self, node: fx.Node) -> Any:
            result = super().run_node(node)
            if node in nodes:
                kept[node] = _thinned(result.detach().flatten())
            return result

    training = network.training
    network.eval()
    with torch.no_grad():
        Recorder(network).run(samples)
    network.train(training)
    return kept


def _thinned(values: Tensor) -> Tensor:
    """Draw a part of the values at random, always the same, and add the smallest and largest."""
    if len(values) <= KEPT_VALUES:
        return values.clone()
    generator = torch.Generator().manual_seed(0)
    drawn = values[torch.randint(len(values), (KEPT_VALUES,), generator=generator)]
    return torch.cat([drawn, values.min()[None], values.max()[None]])


def _activation_bits(sites: Sequence[TorchSite], options: QuantizeOptions) -> dict[str, int]:
    inner = {site.name: site.names for site in sites if not site.is_input}
    bits = options.activations_of(inner)
    return {site.name: bits.get(site.name, options.input_bits) for site in sites}


def _check_zeros(network: fx.GraphModule, weights: Mapping[str, BitWidth]) -> None:
    problems: list[FpgacompError] = [
        UnsupportedLayer(
            name,
            "has weights that are kept zero, and binary weights have no zero.",
            'give it "ternary" or 2 bits, or quantize it before pruning.',
        )
        for name, layer in weight_layers(network).items()
        if weights[name] == 1 and getattr(layer, "kept", None) is not None
    ]
    raise_all(problems)


def _replace_weights(
    network: fx.GraphModule, weights: Mapping[str, BitWidth], options: QuantizeOptions
) -> None:
    for name, layer in weight_layers(network).items():
        levels = levels_of_weights(weights[name], options.narrow)
        new = quantize_layer(layer, levels, options.scale, options.granularity)
        network.set_submodule(name, new)


class _Steps:
    """Chooses the first step of each site's quantizer, and whose scale it follows."""

    def __init__(
        self,
        places: TorchSites,
        bits: Mapping[str, int],
        values: Mapping[fx.Node, Tensor],
        scale: ScaleKind,
    ) -> None:
        sites = places.sites
        self.levels = {site: IntegerLevels(bits[site.name], site.signed) for site in sites}
        self.values = {site: values[site.node][None] for site in sites}
        self.scale = scale
        self.step = {site: self._best(site) for site in sites}
        self.leader: dict[TorchSite, TorchSite] = {}
        self.exponent: dict[TorchSite, int] = {}
        for tied in places.ties:
            self._tie(tied)

    def _best(self, site: TorchSite) -> float:
        levels, values = self.levels[site], self.values[site]
        if levels.bipolar:
            return float(binary_scales(values))
        power = self.scale == "power-of-two"
        return float(best_steps(values, levels.lowest, levels.highest, power_of_two=power))

    def _tie(self, tied: TorchTie) -> None:
        # Training does not move the input's scale, so that the others have to follow it.
        leader, *rest = sorted(tied.sites, key=lambda site: not site.is_input)
        if tied.one_scale and not leader.is_input:
            self.step[leader] = self._common(tied.sites)
        for site in rest:
            ratio = np.log2(self.step[site] / self.step[leader])
            octaves = (
                0 if tied.one_scale else int(np.clip(round(ratio), -MOST_OCTAVES, MOST_OCTAVES))
            )
            self.leader[site], self.exponent[site] = leader, octaves
            self.step[site] = self.step[leader] * 2.0**octaves

    def _common(self, sites: tuple[TorchSite, ...]) -> float:
        """The step, among those of the sites and some between, with the least error over all."""
        own = [self.step[site] for site in sites]
        power = self.scale == "power-of-two"
        exponents = np.linspace(np.log2(min(own)), np.log2(max(own)), 17)
        tried = {2.0 ** (np.round(e) if power else e) for e in exponents}
        errors = {step: sum(self._error(site, step) for site in sites) for step in sorted(tried)}
        return float(min(errors, key=lambda step: errors[step]))

    def _error(self, site: TorchSite, step: float) -> float:
        levels, values = self.levels[site], self.values[site]
        error = error_of(values, torch.tensor([[step]]), levels.lowest, levels.highest)
        return float(error / values.square().mean().clamp(min=1e-12))


def _insert(
    network: fx.GraphModule,
    sites: Sequence[TorchSite],
    bits: Mapping[str, int],
    steps: _Steps,
    scale: ScaleKind,
) -> None:
    """Put the quantizers of the activations into the graph."""
    made: dict[TorchSite, nn.Module] = {}
    for site in sites:
        relu = type(module_of(network, site.node)) is nn.ReLU
        quantizer = activation_quantizer(
            steps.levels[site], scale, steps.step[site], relu=relu, learned=not site.is_input
        ).train(network.training)
        made[site] = quantizer
        if relu:
            name = _free_name(network, str(site.node.target), site.node)
            network.add_submodule(name, quantizer)
            site.node.target = name
        else:
            name = _free_name(network, f"{site.name}_quant", None)
            network.add_submodule(name, quantizer)
            with network.graph.inserting_after(site.node):
                node = network.graph.call_module(name, (site.node,))
            for reader in site.readers:
                reader.replace_input_with(site.node, node)
    for site, leader in steps.leader.items():
        tie(made[site], made[leader], steps.exponent[site])
    network.delete_all_unused_submodules()
    network.graph.lint()
    network.recompile()


def _free_name(network: fx.GraphModule, wish: str, own: fx.Node | None) -> str:
    """A name for a module: the one wished for, with a number where it is taken."""
    others = {str(node.target) for node in network.graph.nodes if node is not own}
    name, number = wish, 1
    while name in others or (own is None and hasattr(network, name)):
        number += 1
        name = f"{wish}_{number}"
    return name
