"""Float CNN without 75 % of its weights, 2:4 sparse, and in 4 bits with its zeros kept."""

from __future__ import annotations

from examples.compression.digits import images
from examples.compression.figures import FLOAT_CNN, Promise, judge, row
from fpgacomp.compress.prune.options import MagnitudeOptions, NOfMOptions
from fpgacomp.compress.quantize import QuantizeOptions
from fpgacomp.compress.recipe import Recipe
from fpgacomp.flows import compress as compression

RECIPE = Recipe(epochs=40, learning_rate=5e-3)
W4A4 = QuantizeOptions(weight_bits=4, activation_bits=4)
RUNS = {
    "50 %": (MagnitudeOptions(sparsity=0.5), None),
    "75 %": (MagnitudeOptions(sparsity=0.75), None),
    "75 %, then W4A4": (MagnitudeOptions(sparsity=0.75), W4A4),
    "90 %": (MagnitudeOptions(sparsity=0.9), None),
    "2:4": (NOfMOptions(n=2, m=4), None),
    "1:4": (NOfMOptions(n=1, m=4), None),
}


def main() -> None:
    found = {}
    for name, (options, quantization) in RUNS.items():
        result = compression.prune(
            FLOAT_CNN, images, options=options, recipe=RECIPE, quantization=quantization
        )
        if not found:
            row("float", result.before)
        found[name] = result
        row(name, result.after, zeros=result.details["zeros"])
    before = result.before
    judge(
        Promise("75 % sparsity is 75 %", abs(found["75 %"].details["sparsity"] - 0.75) < 1e-4),
        Promise("75 % sparsity within 1 point", found["75 %"].after >= before - 0.01),
    )


if __name__ == "__main__":
    main()
