"""Split a network's layers where that saves weights, and let the network recover."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from dataclasses import replace
from math import prod
from typing import Any

from torch import fx, nn

from fpgacomp.compress.constraints import KEPT, SHARED
from fpgacomp.compress.data import Data
from fpgacomp.compress.distill import DistillOptions, distillation_loss
from fpgacomp.compress.factorize.low_rank import Spectrum, spectrum, split
from fpgacomp.compress.factorize.options import FactorizeOptions
from fpgacomp.compress.factorize.separable import grouped, split_separable
from fpgacomp.compress.network import weight_layers
from fpgacomp.compress.outcome import Outcome
from fpgacomp.compress.recipe import Recipe, TrainingObserver, silent
from fpgacomp.compress.training import accuracy, train
from fpgacomp.errors import ModelError, UsageError

DEFAULT_RANK = 0.5
BISECTIONS = 8  # of the energy that keeps the accuracy


def factorize(
    network: fx.GraphModule,
    data: Data,
    options: FactorizeOptions,
    recipe: Recipe,
    *,
    distillation: DistillOptions | None = None,
    observer: TrainingObserver = silent,
) -> Outcome:
    """Split layers, then train the network on its former self's answers.

    Layers that would not get smaller, that the kind does not treat, or whose weights are
    bound (pruned, shared) are left alone and counted.

    Args:
        distillation: how much the former network guides; see `DistillOptions`.

    Returns:
        An outcome whose details hold `layers` (rank, weights before and after of each that
        was split), `weights_before` and `weights`.

    Raises:
        ModelError: no layer can be split with a saving.
        UsageError: layers that are not there.
    """
    _check_names(network, options)
    if options.within is not None:
        options = replace(options, within=None, energy=_energy_within(network, data, options))
    smaller, figures, left = _split(network, options)
    if not figures:
        reasons = "; ".join(f"{name}: {why}" for name, why in left.items())
        raise ModelError("factorize", f"no layer gets smaller ({reasons}).", "keep a lower rank.")
    loss = distillation_loss(network, distillation or DistillOptions())
    history = train(smaller, data, recipe, loss=loss, observer=observer, what="factorize")
    details = {
        "layers": figures,
        "weights_before": _weights(network),
        "weights": _weights(smaller),
    }
    return Outcome(smaller, history, _notes(left), details)


def _split(
    network: fx.GraphModule, options: FactorizeOptions
) -> tuple[fx.GraphModule, dict[str, dict[str, Any]], dict[str, str]]:
    """(the network with its layers split, figures of those, why others were left alone)."""
    smaller = copy.deepcopy(network)
    figures: dict[str, dict[str, Any]] = {}
    left: dict[str, str] = {}
    for name, layer in weight_layers(smaller).items():
        reason = _untreated(name, layer, options)
        if reason is None:
            reason = _RULES[options.kind](smaller, name, layer, options, figures)
        if reason is not None:
            left[name] = reason
    smaller.graph.lint()
    smaller.recompile()
    return smaller, figures, left


def _untreated(name: str, layer: nn.Module, options: FactorizeOptions) -> str | None:
    if name in options.leave or (isinstance(options.rank, Mapping) and name not in options.rank):
        return "left out"
    if type(layer).__module__.startswith("brevitas"):
        return "is quantized"
    if getattr(layer, KEPT, None) is not None or getattr(layer, SHARED, None) is not None:
        return "has pruned or shared weights"
    if getattr(layer, "groups", 1) > 1:
        return "has groups"
    return None


def _low_rank(
    network: fx.GraphModule,
    name: str,
    layer: Any,
    options: FactorizeOptions,
    figures: dict[str, dict[str, Any]],
) -> str | None:
    found = spectrum(layer)
    rank = _rank(name, found, options)
    if found.weights(rank) >= layer.weight.numel():
        return "would not get smaller"
    _replace(network, name, ("reduce", "expand"), split(layer, rank))
    figures[name] = _figures(layer, found.weights(rank), rank=rank, full_rank=found.full_rank)
    return None


def _rank(name: str, found: Spectrum, options: FactorizeOptions) -> int:
    if options.energy is not None:
        return found.of_energy(options.energy)
    rank = options.rank[name] if isinstance(options.rank, Mapping) else options.rank
    return found.of_share(DEFAULT_RANK if rank is None else rank)


def _separable(
    network: fx.GraphModule,
    name: str,
    layer: Any,
    options: FactorizeOptions,
    figures: dict[str, dict[str, Any]],
) -> str | None:
    if not _is_window(layer):
        return "is no k x k convolution"
    if layer.in_channels == 1:
        return "has one input channel: all its kernels would become alike"
    pair = split_separable(layer)
    count = _weights(nn.ModuleList(pair))
    if count >= layer.weight.numel():
        return "would not get smaller"
    _replace(network, name, ("depth", "point"), pair)
    figures[name] = _figures(layer, count)
    return None


def _grouped(
    network: fx.GraphModule,
    name: str,
    layer: Any,
    options: FactorizeOptions,
    figures: dict[str, dict[str, Any]],
) -> str | None:
    if not _is_window(layer):
        return "is no k x k convolution"
    if layer.in_channels % options.groups or layer.out_channels % options.groups:
        return f"{options.groups} groups do not divide its channels"
    smaller = grouped(layer, options.groups)
    network.set_submodule(name, smaller)
    figures[name] = _figures(layer, _weights(smaller), groups=options.groups)
    return None


_Rule = Callable[
    [fx.GraphModule, str, Any, FactorizeOptions, dict[str, dict[str, Any]]], str | None
]
_RULES: dict[str, _Rule] = {"svd": _low_rank, "separable": _separable, "grouped": _grouped}


def _replace(
    network: fx.GraphModule, name: str, parts: tuple[str, str], pair: tuple[nn.Module, nn.Module]
) -> None:
    """Two layers in a row in the place of one."""
    first, second = (f"{name}_{part}" for part in parts)
    for part, module in zip((first, second), pair):
        network.add_submodule(part, module.train(network.training))
    nodes = [n for n in network.graph.nodes if n.op == "call_module" and n.target == name]
    for node in nodes:
        with network.graph.inserting_before(node):
            reduced = network.graph.call_module(first, args=node.args)
            node.replace_all_uses_with(network.graph.call_module(second, args=(reduced,)))
        network.graph.erase_node(node)
    network.delete_submodule(name)


def _energy_within(network: fx.GraphModule, data: Data, options: FactorizeOptions) -> float:
    """The lowest energy, to 1/256, whose untrained split keeps the validation accuracy."""
    assert options.within is not None
    floor = accuracy(network, data.validation) - options.within / 100
    least, most = 0.0, 1.0
    for _ in range(BISECTIONS):
        middle = (least + most) / 2
        tried = _split(network, replace(options, within=None, energy=middle))[0]
        good = accuracy(tried, data.validation) >= floor
        least, most = (least, middle) if good else (middle, most)
    return most


def _is_window(layer: Any) -> bool:
    return isinstance(layer, nn.Conv1d | nn.Conv2d) and prod(layer.kernel_size) > 1


def _figures(layer: Any, weights: int, **others: int) -> dict[str, Any]:
    return {**others, "weights_before": layer.weight.numel(), "weights": weights}


def _check_names(network: fx.GraphModule, options: FactorizeOptions) -> None:
    layers = weight_layers(network)
    named = [*options.leave, *(options.rank if isinstance(options.rank, Mapping) else ())]
    unknown = sorted(set(named) - set(layers))
    if unknown:
        raise UsageError(
            "factorize",
            f"the network has no layer {', '.join(unknown)}.",
            f"name some of {', '.join(layers)}.",
        )


def _notes(left: Mapping[str, str]) -> tuple[str, ...]:
    by_reason: dict[str, list[str]] = {}
    for name, reason in left.items():
        by_reason.setdefault(reason, []).append(name)
    return tuple(
        f"{len(names)} layers left alone ({reason}): {', '.join(names)}"
        for reason, names in by_reason.items()
    )


def _weights(network: nn.Module) -> int:
    kinds: Any = (nn.Linear, nn.Conv1d, nn.Conv2d)
    return sum(m.weight.numel() for m in network.modules() if isinstance(m, kinds))
