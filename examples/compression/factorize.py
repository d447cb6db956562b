"""Float CNN with half the rank, with depthwise separable and with grouped convolutions."""

from __future__ import annotations

from examples.compression.digits import images
from examples.compression.figures import FLOAT_CNN, Promise, judge, row
from fpgacomp.compress.factorize.options import FactorizeOptions
from fpgacomp.compress.recipe import Recipe
from fpgacomp.flows import compress as compression

RECIPE = Recipe(epochs=30, learning_rate=5e-3)
RUNS = {
    "half the rank": FactorizeOptions(rank=0.5),
    "80 % of the energy": FactorizeOptions(energy=0.8),
    "within 5 points before training": FactorizeOptions(within=5.0),
    "depthwise separable": FactorizeOptions(kind="separable"),
    "2 groups": FactorizeOptions(kind="grouped"),
}


def main() -> None:
    found = {}
    for name, options in RUNS.items():
        result = compression.factorize(FLOAT_CNN, images, options=options, recipe=RECIPE)
        if not found:
            row("float", result.before, weights=result.details["weights_before"])
        found[name] = result.after
        row(name, result.after, weights=result.details["weights"])
    judge(Promise("half the rank within 1 point", found["half the rank"] >= result.before - 0.01))


if __name__ == "__main__":
    main()
