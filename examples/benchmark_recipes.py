"""What the recipes cost in accuracy: five seeds on two data sets, mean and worst.

    make bench            or: python -m examples.benchmark_recipes [DATA...]

Each seed trains a float network of its own. It is made smaller as the verbs do without further
options: `prune --method channels` removes half of the channels, `factorize` half of the rank. The
figures are points of accuracy on the test split, which nothing is fitted to or chosen by. Other
processors round otherwise, and training carries that on: figures move by some tenths of a point.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch
from rich.console import Console
from rich.table import Table
from sklearn.datasets import load_breast_cancer
from torch import nn

from examples.compression.digits import images
from examples.compression.train_float import build
from fpgacomp.compress.recipe import Recipe
from fpgacomp.compress.trainable import from_module
from fpgacomp.compress.training import train
from fpgacomp.data.labelled import load_data
from fpgacomp.flows import compress as compression

SEEDS = range(5)
FLOAT = Recipe(epochs=30, learning_rate=5e-3)
PROMISED = 1.0  # points that a recipe may cost on average


def tumours() -> tuple[np.ndarray, np.ndarray]:
    """569 tumours as 30 standardized measures each [N, 30], and whether they are benign."""
    cancer = load_breast_cancer()
    x = (cancer.data - cancer.data.mean(axis=0)) / cancer.data.std(axis=0)
    return x.astype(np.float32), cancer.target


def build_mlp() -> nn.Sequential:
    """30 -> 64 -> 16 -> 2 classes: 2,976 weights."""
    return nn.Sequential(
        nn.Linear(30, 64), nn.ReLU(), nn.Linear(64, 16), nn.ReLU(), nn.Linear(16, 2)
    )


NETWORKS: dict[str, tuple[Callable, Callable[[], nn.Sequential]]] = {
    "digits": (images, build),
    "breast_cancer": (tumours, build_mlp),
}
RECIPES: dict[str, Callable] = {
    "half the channels": lambda *given, recipe: compression.prune(
        *given, options=compression.ChannelOptions(), recipe=recipe
    ),
    "half the rank": compression.factorize,
}


@dataclass(frozen=True)
class Loss:
    """What a recipe cost on one data set.

    Args:
        before: accuracies of the float networks in per cent, [seeds].
        after: those of the smaller networks, [seeds].
        weights: share of the weights that is left, 0..1.
        samples: number of test samples.
    """

    before: np.ndarray
    after: np.ndarray
    weights: float
    samples: int

    @property
    def points(self) -> np.ndarray:
        return self.after - self.before


def measure(name: str, recipe: str) -> Loss:
    """Train a float network for each seed, and make it smaller."""
    source, make = NETWORKS[name]
    data = load_data(source)
    results = []
    for seed in SEEDS:
        torch.manual_seed(seed)
        network = from_module(make(), torch.from_numpy(data.train.x[:1]))
        train(network, data, replace(FLOAT, seed=seed))
        tuned = replace(compression.FINE_TUNING, seed=seed)
        results.append(RECIPES[recipe](network, data, recipe=tuned))
    before, after = ([100 * getattr(r, when) for r in results] for when in ("before", "after"))
    left = results[0].details["weights"] / results[0].details["weights_before"]
    return Loss(np.array(before), np.array(after), left, len(data.test))


def main(arguments: list[str]) -> None:
    unknown = [name for name in arguments if name not in NETWORKS]
    if unknown:
        sys.exit(f"unknown data {unknown}; known: {list(NETWORKS)}")
    table = Table(title="points of test accuracy, seeds 0 to 4")
    for column in ("data", "recipe", "weights", "before", *map(str, SEEDS), "mean", "worst"):
        table.add_column(column, justify="left" if column in ("data", "recipe") else "right")
    broken = []
    for name in arguments or NETWORKS:
        for recipe in RECIPES:
            loss = measure(name, recipe)
            figures = (*loss.points, loss.points.mean(), loss.points.min())
            table.add_row(
                f"{name} ({loss.samples} test samples)", recipe, f"{loss.weights:.0%}",
                f"{loss.before.mean():.2f} %", *(f"{points:+.2f}" for points in figures),
            )  # fmt: skip
            if loss.points.mean() < -PROMISED:
                broken.append(f"{recipe} on {name}")
    Console(width=130).print(table)
    if broken:
        sys.exit(f"more than {PROMISED:g} point on average: {', '.join(broken)}")


if __name__ == "__main__":
    main(sys.argv[1:])
