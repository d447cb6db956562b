"""Bits of each layer by a search, against the same bits for all: accuracy over LUTs."""

from __future__ import annotations

import numpy as np

from examples.compression.digits import images
from examples.compression.figures import BOARD, FLOAT_CNN, Promise, judge, luts, row
from fpgacomp.compress.quantize import MixedOptions, QuantizeOptions
from fpgacomp.compress.recipe import Recipe
from fpgacomp.data.labelled import load_data
from fpgacomp.flows import compress as compression
from fpgacomp.flows.options import Options
from fpgacomp.results.target import Target

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
    # Between one and two bits, where every uniform network is binary; and just below three.
    for budget in (0.4 * uniform[0][1] + 0.6 * uniform[1][1], 0.99 * uniform[2][1]):
        search = MixedOptions(
            budget=budget, measure="lut", weight_choices=(1, 2, 3, 4),
            activation_choices=(1, 2, 3, 4), trial_epochs=3,
        )  # fmt: skip
        result = compression.quantize(
            FLOAT_CNN, data, options=search, recipe=recipe(0), hardware=HARDWARE
        )
        weights, activations = (
            {k: v for k, v in result.details[name].items() if k != "input"}
            for name in ("weight_bits", "activation_bits")
        )
        options = QuantizeOptions(
            weight_bits=weights,
            activation_bits=activations,
            first_last_bits=None,
            input_bits=result.details["input_bits"],
        )
        mixed.append(trained(data, options))
        name = "-".join(map(str, weights.values())), "-".join(map(str, activations.values()))
        row(f"W{name[0]} A{name[1]} in {options.input_bits}", mixed[-1][0], lut=mixed[-1][1])
    ahead = [
        (accuracy, lut)
        for accuracy, lut in mixed
        if all(accuracy > other or lut < cost for other, cost in uniform)
    ]
    beaten = [
        f"{accuracy:.2%} at {lut:,.0f} LUTs beat W{bits}A{bits}"
        for accuracy, lut in ahead
        for bits, (other, cost) in enumerate(uniform, start=1)
        if accuracy >= other and lut < cost
    ]
    judge(Promise("mixed bits are as accurate for fewer LUTs: " + "; ".join(beaten), bool(beaten)))


if __name__ == "__main__":
    main()
