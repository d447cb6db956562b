"""A student of a quarter of the float CNN's width, alone and with its teacher, three seeds."""

from __future__ import annotations

import numpy as np

from examples.compression.digits import images
from examples.compression.figures import FLOAT_CNN, Promise, judge, row
from fpgacomp.compress.distill import DistillOptions
from fpgacomp.compress.quantize import QuantizeOptions
from fpgacomp.compress.recipe import Recipe
from fpgacomp.flows import compress as compression

SEEDS = (0, 1, 2)
# Labels alone: the teacher has no part in the loss.
ALONE = DistillOptions(soft_share=0.0)
HIDDEN = DistillOptions(hidden=(("layer_4", "layer_4"), ("layer_9", "layer_9")))
W3A3 = QuantizeOptions(weight_bits=3, activation_bits=3)


def mean(options: DistillOptions, quantization: QuantizeOptions | None = None) -> float:
    """Mean test accuracy of the student over the seeds."""
    runs = [
        compression.distill(
            FLOAT_CNN, 0.25, images, options=options, quantization=quantization,
            recipe=Recipe(epochs=40, learning_rate=0.01, seed=seed),
        )
        for seed in SEEDS
    ]  # fmt: skip
    return float(np.mean([run.after for run in runs]))


def main() -> None:
    alone, taught = mean(ALONE), mean(DistillOptions())
    row("quarter width, alone", alone)
    row("quarter width, distilled", taught)
    row("quarter width, hidden layers too", mean(HIDDEN))
    row("quarter width, distilled in W3A3", mean(DistillOptions(), W3A3))
    judge(Promise("the distilled student beats the same student alone", taught > alone))


if __name__ == "__main__":
    main()
