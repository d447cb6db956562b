"""Weight sharing: every weight of a layer is one of a few values, kept as a codebook."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil, log2

import numpy as np
import numpy.typing as npt
import torch
from scipy.cluster.vq import ClusterError, kmeans2
from torch import nn

from fpgacomp.compress.constraints import KEPT, constraints_of, keep_shared
from fpgacomp.compress.outcome import TechniqueOutcome
from fpgacomp.compress.recipe import Recipe, TrainingObserver, silent
from fpgacomp.compress.trainable import weight_layers
from fpgacomp.compress.training import train
from fpgacomp.compress.types import TorchLayer
from fpgacomp.data.labelled import LabelledData
from fpgacomp.errors import ModelError, UsageError

FLOAT_BITS = 32
KMEANS_ROUNDS = 50


@dataclass(frozen=True, kw_only=True)
class ShareOptions:
    """How many different values the weights of a layer keep.

    Args:
        values: number of values, 2 to 256, for every layer; a mapping gives it by layer name, and
            layers that it does not name are left alone.

    Raises:
        UsageError: a number is out of this range.
    """

    values: int | Mapping[str, int] = 16

    def __post_init__(self) -> None:
        by_layer = self.values.items() if isinstance(self.values, Mapping) else [("", self.values)]
        for name, count in by_layer:
            if not 2 <= count <= 256:
                where = f"shared values of {name}" if name else "shared values"
                raise UsageError(where, f"is {count}.", "use 2 to 256.")


def share(
    network: torch.fx.GraphModule,
    data: LabelledData,
    options: ShareOptions,
    recipe: Recipe,
    *,
    observer: TrainingObserver = silent,
) -> TechniqueOutcome:
    """Cluster the weights of each layer to a few values by k-means, then train the values.

    The clusters start evenly spread over the layer's range, which keeps the few large weights
    apart from the many small ones (Han et al., Deep Compression, ICLR 2016, section 3). Where
    weights are pruned, one of the values is zero, and they keep it. Which weight has which value
    does not change in training. A layer with no more distinct weights than values is left alone.

    Args:
        network: a trained network of known modules; it is not changed.
        data: the values are fitted to the training split.
        options: the number of values.
        recipe: how the values are trained.
        observer: is told every epoch.

    Returns:
        An outcome whose details hold, by layer, `values` and `weights` (their numbers) and
        `bytes` (what the indices, packed at their width, and the codebook in float32 take).

    Raises:
        ModelError: no layer has more distinct weights than values.
        UsageError: `options.values` names a layer that the network does not have.
    """
    network = copy.deepcopy(network)
    layers = weight_layers(network)
    wanted = _wanted(options, layers)
    shared: dict[str, dict[str, int]] = {}
    left = []
    for name, count in wanted.items():
        indices = _clusters(layers[name], count)
        if indices is None:
            left.append(name)
            continue
        keep_shared(layers[name], indices)
        shared[name] = _figures(indices)
    if not shared:
        raise ModelError(
            "share", f"no layer has more than {options.values} distinct weights.", "use fewer."
        )
    history = train(network, data, recipe, decided_by=[options], observer=observer, what="share")
    for constraint in constraints_of(network):
        constraint.project(1.0)
    note = f"{len(left)} layers have no more distinct weights than values: {', '.join(left)}"
    return TechniqueOutcome(network, history, (note,) if left else (), {"layers": shared})


def _wanted(options: ShareOptions, layers: Mapping[str, nn.Module]) -> dict[str, int]:
    if not isinstance(options.values, Mapping):
        return dict.fromkeys(layers, options.values)
    unknown = sorted(set(options.values) - set(layers))
    if unknown:
        raise UsageError(
            "shared values",
            f"the network has no layer {', '.join(unknown)}.",
            f"name some of {', '.join(layers)}.",
        )
    return dict(options.values)


def _clusters(layer: TorchLayer, count: int) -> torch.Tensor | None:
    """Index of the value of each weight; None where the layer has no more than `count` values."""
    weight = layer.weight.detach().numpy().astype(np.float64)
    kept = getattr(layer, KEPT, None)
    alive = np.ones(weight.shape, bool) if kept is None else kept.numpy()
    free = weight[alive]
    if len(np.unique(weight)) <= count:
        return None
    indices = np.zeros(weight.shape, np.int64)
    pinned = 0 if alive.all() else 1  # index 0 is the zero of the pruned weights
    indices[alive] = pinned + _kmeans(free, count - pinned)
    return torch.from_numpy(indices)


def _kmeans(values: npt.NDArray[np.float64], count: int) -> npt.NDArray[np.int64]:
    """Cluster of each value. Clusters are numbered from 0, without gaps, by rising means."""
    spread = np.linspace(values.min(), values.max(), count)
    dense = np.quantile(np.unique(values), np.linspace(0, 1, count))
    for start, missing in ((spread, "raise"), (dense, "warn")):
        try:
            centres, found = kmeans2(
                values[:, None], start[:, None], KMEANS_ROUNDS, minit="matrix", missing=missing
            )
            break
        except ClusterError:  # a gap in the weights: start where they lie instead
            continue
    used = sorted(np.unique(found), key=lambda cluster: float(centres[cluster, 0]))
    number = np.zeros(count, np.int64)
    number[used] = np.arange(len(used))
    return np.asarray(number[found])


def _figures(indices: torch.Tensor) -> dict[str, int]:
    values, weights = int(indices.max()) + 1, indices.numel()
    bits = weights * ceil(log2(values)) + values * FLOAT_BITS
    return {"values": values, "weights": weights, "bytes": ceil(bits / 8)}
