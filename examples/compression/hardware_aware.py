"""What the board saves by goes: hardware-aware against magnitude pruning, both in W4A4."""

from __future__ import annotations

from examples.compression.digits import images
from examples.compression.figures import BOARD, FLOAT_CNN, Promise, judge, luts, row
from fpgacomp.compress.prune.options import HardwareOptions, MagnitudeOptions
from fpgacomp.compress.quantize import QuantizeOptions
from fpgacomp.compress.recipe import Recipe
from fpgacomp.flows import compress as compression
from fpgacomp.flows.options import Options
from fpgacomp.results.target import Target

RECIPE = Recipe(epochs=40, learning_rate=5e-3)
W4A4 = QuantizeOptions(weight_bits=4, activation_bits=4)
FPS = 100_000
HARDWARE = compression.Hardware(
    board=BOARD, options=Options(target=Target("area", FPS), backend="hls4ml"), quantization=W4A4
)


def main() -> None:
    plain, aware = [], []
    for sparsity in (0.5, 0.75, 0.9):
        result = compression.prune(
            FLOAT_CNN, images, options=MagnitudeOptions(sparsity=sparsity), recipe=RECIPE,
            quantization=W4A4,
        )  # fmt: skip
        plain.append((result.after, luts(result.model, FPS)))
        row(f"magnitude, {sparsity:.0%} zeros", plain[-1][0], lut=plain[-1][1])
    for saving in (0.2, 0.45):
        result = compression.prune(
            FLOAT_CNN, images, options=HardwareOptions(saving=saving), recipe=RECIPE,
            hardware=HARDWARE,
        )  # fmt: skip
        aware.append((result.after, luts(result.model, FPS)))
        units = result.details["units"]
        row(f"hardware-aware ({units}), {saving:.0%}", aware[-1][0], lut=aware[-1][1])
    # At every accuracy that magnitude pruning reaches: the fewest LUTs that reach it, too.
    beaten = [
        min((lut for other, lut in aware if other >= accuracy), default=float("inf")) < lut
        for accuracy, lut in plain
    ]
    judge(
        Promise(
            f"hardware-aware pruning has fewer LUTs at an accuracy no lower, in "
            f"{sum(beaten)} of {len(beaten)} comparisons",
            any(beaten),
        )
    )


if __name__ == "__main__":
    main()
