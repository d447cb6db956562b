"""Float CNN to 8, 4, 2 and 1 bits: after training, and aware of quantization while training."""

from __future__ import annotations

from examples.compression.digits import images
from examples.compression.figures import FLOAT_CNN, Promise, judge, row
from fpgacomp.compress.quantize import QuantizeOptions
from fpgacomp.compress.recipe import Recipe
from fpgacomp.flows import compress as compression

RECIPE = Recipe(epochs=40, learning_rate=3e-3)
# name: method, weight bits, activation bits, bits of the first and last layer's weights
RUNS = {
    "ptq W8A8": ("ptq", 8, 8, 8),
    "brevitas-ptq W8A8": ("brevitas-ptq", 8, 8, 8),
    "brevitas-ptq W4A4": ("brevitas-ptq", 4, 4, 8),
    "qat W4A4": ("qat", 4, 4, None),
    "qat W2A2": ("qat", 2, 2, None),
    "qat W2A2, 8-bit ends": ("qat", 2, 2, 8),
    "qat ternary A2": ("qat", "ternary", 2, 8),
    "qat W1A2": ("qat", 1, 2, None),
}


def main() -> None:
    found = {}
    for name, (method, weights, activations, ends) in RUNS.items():
        options = QuantizeOptions(
            weight_bits=weights, activation_bits=activations, first_last_bits=ends
        )
        result = compression.quantize(
            FLOAT_CNN, images, method=method, options=options, recipe=RECIPE
        )
        if not found:
            row("float", result.before)
        found[name] = result.after
        row(name, result.after)
    before = result.before
    judge(
        Promise("float CNN at least 98 %", before >= 0.98),
        Promise("W8A8 after training within 0.5 points", found["ptq W8A8"] >= before - 0.005),
        Promise("W4A4 within 1 point", found["qat W4A4"] >= before - 0.01),
        Promise("W2A2 within 2.5 points", found["qat W2A2"] >= before - 0.025),
        Promise("binary weights, 2-bit activations at least 93 %", found["qat W1A2"] >= 0.93),
    )


if __name__ == "__main__":
    main()
