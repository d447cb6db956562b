"""Float CNN with half of its channels, both in 4 bits, and what the board says of it."""

from __future__ import annotations

from examples.compression.digits import images
from examples.compression.figures import FLOAT_CNN, Promise, judge, luts, row
from fpgacomp.compress.prune.options import ChannelOptions
from fpgacomp.compress.quantize import QuantizeOptions
from fpgacomp.compress.recipe import Recipe
from fpgacomp.flows import compress as compression

RECIPE = Recipe(epochs=40, learning_rate=5e-3)
W4A4 = QuantizeOptions(weight_bits=4, activation_bits=4)
FPS = 100_000


def main() -> None:
    whole = compression.quantize(FLOAT_CNN, images, options=W4A4, recipe=RECIPE)
    row("float", whole.before)
    costs = {"whole": luts(whole.model, FPS)}
    row("whole, W4A4", whole.after, lut=costs["whole"])
    half = compression.prune(FLOAT_CNN, images, options=ChannelOptions(share=0.5), recipe=RECIPE)
    row("half the channels", half.after, weights=half.details["weights"])
    small = compression.quantize(half.network, images, options=W4A4, recipe=RECIPE)
    costs["half"] = luts(small.model, FPS)
    row("half the channels, W4A4", small.after, lut=costs["half"])
    saved = 1 - costs["half"] / costs["whole"]
    judge(
        Promise("half the channels within 1 point", half.after >= half.before - 0.01),
        Promise(f"at least 40 % of the LUTs saved ({saved:.0%})", saved >= 0.4),
    )


if __name__ == "__main__":
    main()
