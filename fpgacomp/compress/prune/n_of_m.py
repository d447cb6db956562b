"""N:M pruning: of every M neighbouring inputs of an output, N weights stay."""

from __future__ import annotations

import copy

import torch
from torch import Tensor, fx, nn

from fpgacomp.compress.outcome import TechniqueOutcome
from fpgacomp.compress.prune.gradual import (
    NEVER,
    Gradual,
    count_alive,
    magnitude_of,
    note_on_layers,
    prunable_layers,
    sparsity_figures,
)
from fpgacomp.compress.prune.options import NOfMOptions
from fpgacomp.compress.recipe import Recipe, TrainingObserver, silent
from fpgacomp.compress.training import train
from fpgacomp.data.labelled import LabelledData
from fpgacomp.errors import ModelError


def prune_n_of_m(
    network: fx.GraphModule,
    data: LabelledData,
    options: NOfMOptions,
    recipe: Recipe,
    *,
    observer: TrainingObserver = silent,
) -> TechniqueOutcome:
    """Leave the N largest of every M weights (Mishra et al. 2021: 2:4), then train on.

    A group is M consecutive positions of axis 1 of the weight: inputs of a dense layer
    [out, in], input channels of a convolution [out, in, *kernel] at one place of the kernel.
    At least M - N weights of every group are zero in the end. Within `options.ramp` of
    the training the groups get their zeros one after the other, those with the smallest weights
    to lose first, on the cubic schedule of Zhu and Gupta (2017). A ramp of 0 prunes at once.

    Args:
        network: a trained network of known modules, float or quantized; it is not changed.
        data: the weights that stay are fitted to the training split.
        options: N, M, and which layers are left alone.
        recipe: how the network is trained while and after it is pruned.
        observer: is told every epoch.

    Returns:
        An outcome like that of `prune_magnitude`. Its notes count the layers whose axis 1 is no
        multiple of M, which are left alone.

    Raises:
        ModelError: no layer can be pruned, or all have the pattern.
        UsageError: `leave` names a layer that is not there.
    """
    network = copy.deepcopy(network)
    layers, notes = prunable_layers(network, options.leave)
    odd = [name for name, layer in layers.items() if layer.weight.shape[1] % options.m]
    if odd:
        notes += (note_on_layers(odd, f"left alone: inputs are no multiple of {options.m}"),)
    layers = {name: layer for name, layer in layers.items() if name not in odd}
    pools = [([name], _left(layer, options)) for name, layer in layers.items()]
    if not any(count_alive(layers[names[0]]) > left for names, left in pools):
        raise ModelError(
            f"prune {options.n}:{options.m}",
            "there is nothing to prune" + (f": {'; '.join(notes)}." if notes else "."),
            f"choose an M that divides the inputs of a layer, or {options.n - 1}:{options.m}."
            if options.n > 1
            else "choose an M that divides the inputs of a layer.",
        )
    masks = Gradual(layers, pools, ramp=options.ramp, rating=lambda layer: _surplus(layer, options))
    what = f"prune {options.n}:{options.m}"
    history = train(
        network, data, recipe,
        constraints=[masks], decided_by=[options], observer=observer, what=what,
    )  # fmt: skip
    masks.project(1.0)  # a training without epochs has not done so
    return TechniqueOutcome(network, history, notes, sparsity_figures(network))


def rows_of_groups(weight: Tensor, m: int) -> Tensor:
    """Reorder a weight [out, in, *kernel] as one group per row, [groups, m]; m divides `in`."""
    return weight.movedim(1, -1).reshape(-1, m)


def _left(layer: nn.Module, options: NOfMOptions) -> int:
    """Number of weights that are left when every group has lost its M - N smallest ones."""
    kept = getattr(layer, "kept", None)
    mask = torch.ones_like(layer.weight, dtype=torch.bool) if kept is None else kept
    return int(rows_of_groups(mask, options.m).sum(dim=1).clamp(max=options.n).sum())


def _surplus(layer: nn.Module, options: NOfMOptions) -> Tensor:
    """|w| of the M - N smallest weights of each group, and infinity for the others."""
    magnitude = magnitude_of(layer).to(torch.float64)
    kept = layer.kept
    assert isinstance(kept, Tensor)
    groups = rows_of_groups(magnitude.masked_fill(~kept, -1.0), options.m)
    order = torch.sort(groups, dim=1, stable=True).indices
    rating = torch.full_like(groups, NEVER)
    small = order[:, : options.m - options.n]
    rating.scatter_(1, small, groups.gather(1, small))
    out, _, *kernel = magnitude.shape
    return rating.reshape(out, *kernel, -1).movedim(-1, 1)
