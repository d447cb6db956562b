"""Weight sharing: every weight of a layer is one of a few values, kept as a codebook."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil, log2
from typing import Any

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
from fpgacomp.data.labelled import LabelledData
from fpgacomp.errors import ModelError, UsageError

FLOAT_BITS = 32
KMEANS_ROUNDS = 50


@dataclass(frozen=True, kw_only=True)
class ShareOptions:
    """How many values each layer keeps.

    Args:
        values: for all layers, or by layer name (layers not named are left alone); 2 to 256.
    """

    values: int | Mapping[str, int] = 16

    def __post_init__(self) -> None:
        given = self.values.items() if isinstance(self.values, Mapping) else [("", self.values)]
        for name, count in given:
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
    """Cluster each layer's weights to a few values (k-means), then train the values.

    Values start evenly spread over the layer's range, which keeps the few large weights
    apart (Han et al., Deep Compression, ICLR 2016, section 3). Pruned weights keep a zero
    of their own, which is one of the values. Which weight has which value stays fixed in
    training. A layer with no more distinct weights than values is left alone and counted.

    Returns:
        An outcome whose details hold, per layer, `values`, `weights` and `bytes` (indices
        packed at their width, and the codebook in float32).

    Raises:
        ModelError: no layer has more distinct weights than values.
        UsageError: a layer of `options.values` that the network does not have.
    """
    network = copy.deepcopy(network)
    layers = weight_layers(network)
    wanted = _wanted(options, layers)
    shared: dict[str, Any] = {}
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


def _clusters(layer: Any, count: int) -> torch.Tensor | None:
    """Index of each weight's value; None where the layer has no more values than asked for."""
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
    """Cluster of each value, numbered 0.. without gaps in rising order of their means."""
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
