"""Bits of each layer by a search, against the same bits for all: accuracy over LUTs."""

from __future__ import annotations

import numpy as np

from examples.compression.digits import images
from examples.compression.figures import BOARD, FLOAT_CNN, Promise, judge, luts, row
from fpgacomp import compression
from fpgacomp.compress.data import load_data
from fpgacomp.compress.quantize import MixedOptions, QuantizeOptions
from fpgacomp.compress.recipe import Recipe
from fpgacomp.ir.design import Target
from fpgacomp.options import Options

SEEDS = (0, 1, 2)
FPS = 100_000
HARDWARE = compression.Hardware(
    board=BOARD, options=Options(target=Target("area", FPS), backend="hls4ml")
)


def recipe(seed: int) -> Recipe:
    """The same training for every network."""
    return Recipe(epochs=30, learning_rate=5e-3, seed=seed)


def trained(data: object, options: QuantizeOptions) -> tuple[float, float]:
    """(mean test accuracy over the seeds, mean LUTs)."""
    runs = [
        compression.quantize(FLOAT_CNN, data, options=options, recipe=recipe(seed))
        for seed in SEEDS
    ]
    found = [(run.after, luts(run.model, FPS)) for run in runs]
    accuracy, lut = np.mean(found, axis=0)
    return float(accuracy), float(lut)


def main() -> None:
    data = load_data(images)
    uniform = []
    for bits in (1, 2, 3, 4):
        options = QuantizeOptions(
            weight_bits=bits, activation_bits=bits, first_last_bits=None, granularity="channel"
        )
        uniform.append(trained(data, options))
        row(f"W{bits}A{bits} everywhere", uniform[-1][0], lut=uniform[-1][1])
    mixed = []
    for share in (0.3, 0.6):
        # Between the LUTs of one bit and of two bits, where every uniform network is binary.
        budget = (1 - share) * uniform[0][1] + share * uniform[1][1]
        search = MixedOptions(
            budget=budget, measure="lut", weight_choices=(1, 2, 3), activation_choices=(1, 2, 3),
            trial_epochs=2,
        )  # fmt: skip
        result = compression.quantize(
            FLOAT_CNN, data, options=search, recipe=recipe(0), hardware=HARDWARE
        )
        weights, activations = (
            {k: v for k, v in result.details[name].items() if k != "input"}
            for name in ("weight_bits", "activation_bits")
        )
        options = QuantizeOptions(
            weight_bits=weights, activation_bits=activations, first_last_bits=None
        )
        mixed.append(trained(data, options))
        name = "-".join(map(str, weights.values())), "-".join(map(str, activations.values()))
        row(f"W{name[0]} A{name[1]}", mixed[-1][0], lut=mixed[-1][1])
    beyond = [
        f"{accuracy:.2%} at {lut:,.0f} LUTs"
        for accuracy, lut in mixed
        if all(accuracy > other for other, cost in uniform if cost <= lut)
    ]
    judge(
        Promise(
            "mixed bits beat every uniform width that costs no more: " + ", ".join(beyond),
            bool(beyond),
        )
    )


if __name__ == "__main__":
    main()
