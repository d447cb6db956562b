"""Unstructured pruning: the smallest weights become zero step by step while the others train."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from math import ceil

from torch import fx, nn

from fpgacomp.compress.outcome import TechniqueOutcome
from fpgacomp.compress.prune.gradual import (
    Gradual,
    check_names,
    count_alive,
    magnitude_of,
    note_on_layers,
    prunable_layers,
    sparsity_figures,
)
from fpgacomp.compress.prune.options import MagnitudeOptions
from fpgacomp.compress.recipe import Recipe, TrainingObserver, silent
from fpgacomp.compress.training import train
from fpgacomp.data.labelled import LabelledData
from fpgacomp.errors import ModelError, UsageError

# A layer keeps at least this part of the weights that an equal sparsity for all layers would
# leave it. Without a floor the global scope could empty a layer, and cut the network in two.
FLOOR = 0.1


def prune_magnitude(
    network: fx.GraphModule,
    data: LabelledData,
    options: MagnitudeOptions,
    recipe: Recipe,
    *,
    observer: TrainingObserver = silent,
) -> TechniqueOutcome:
    """Zero the weights of least magnitude with the cubic schedule of Zhu and Gupta (2017).

    The number of zeros is exact: round(sparsity * weights), counted over all pruned layers
    together, or in each of them with the scope "layer". With the scope "global" every layer keeps
    at least one weight, and a tenth of what an equal sparsity would leave it. Zeros of an earlier
    pruning count. Float and Brevitas layers are treated alike: in the latter the float weights
    behind the integers are held at zero. Biases are not touched.

    Args:
        network: a trained network of known modules, float or quantized; it is not changed.
        data: the weights that stay are fitted to the training split.
        options: how many weights become zero, and where.
        recipe: how the network is trained while and after it is pruned.
        observer: is told every epoch.

    Returns:
        An outcome whose layers carry the masks as constraints, and whose details hold
        `layers` (weights, zeros, sparsity of each), `weights`, `zeros` and `sparsity`; in
        quantized networks weights that are rounded to zero count as zeros, too.

    Raises:
        ModelError: there is nothing to prune.
        UsageError: the options name layers that are not there, or would empty a layer.
    """
    network = copy.deepcopy(network)
    layers, notes = prunable_layers(network, options.leave)
    if isinstance(options.sparsity, Mapping):
        check_names("sparsity", options.sparsity, {**dict.fromkeys(options.leave), **layers})
        others = [name for name in layers if name not in options.sparsity]
        layers = {name: layer for name, layer in layers.items() if name in options.sparsity}
        notes += (note_on_layers(others, "left alone: not named"),) if others else ()
    masks = _masks(layers, options)
    history = train(
        network, data, recipe,
        constraints=[masks], decided_by=[options], observer=observer, what="prune",
    )  # fmt: skip
    masks.project(1.0)  # a training without epochs has not done so
    return TechniqueOutcome(network, history, notes, sparsity_figures(network))


def _masks(layers: Mapping[str, nn.Module], options: MagnitudeOptions) -> Gradual:
    sizes = {name: layer.weight.numel() for name, layer in layers.items()}
    sparsity = options.sparsity
    if isinstance(sparsity, Mapping):
        pools = [([name], _left(sizes[name], sparsity[name])) for name in layers]
    elif options.scope == "layer":
        pools = [([name], _left(size, sparsity)) for name, size in sizes.items()]
    else:
        pools = [(list(layers), _left(sum(sizes.values()), sparsity))]
    _check(layers, pools)
    floors = {
        name: max(1, ceil(FLOOR * count * sizes[name] / sum(sizes[n] for n in names)))
        for names, count in pools
        for name in names
    }
    return Gradual(layers, pools, ramp=options.ramp, rating=magnitude_of, floors=floors)


def _left(size: int, sparsity: float) -> int:
    return size - round(size * sparsity)


def _check(layers: Mapping[str, nn.Module], pools: list[tuple[list[str], int]]) -> None:
    """Refuse to do nothing, and to leave a layer empty."""
    if not any(
        sum(count_alive(layers[n]) for n in names) > count for names, count in pools if names
    ):
        raise ModelError(
            "prune",
            "there is nothing to prune: no layer has fewer zeros than asked for.",
            "ask for a higher sparsity, or leave fewer layers alone.",
        )
    for names, count in pools:
        # Rounding the floors up takes up to one weight more for each layer.
        if count < 2 * len(names) - (len(names) == 1):
            raise UsageError(
                "sparsity",
                f"would leave {count} weights in {', '.join(names)}.",
                f"ask for less: {len(names)} layer{'s need' if len(names) > 1 else ' needs'} "
                f"{2 * len(names) - (len(names) == 1)} weights at least.",
            )
