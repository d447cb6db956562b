"""Float CNN whose layers share 16, 8, 4 and 3 values."""

from __future__ import annotations

from examples.compression.digits import images
from examples.compression.figures import FLOAT_CNN, Promise, judge, row
from fpgacomp.compress.quantize import QuantizeOptions
from fpgacomp.compress.share import ShareOptions
from fpgacomp.flows import compress as compression


def main() -> None:
    found = {}
    for values in (16, 8, 4, 3):
        result = compression.share(FLOAT_CNN, images, options=ShareOptions(values=values))
        if not found:
            row("float", result.before, bytes=4 * 13584)
        found[values] = result.after
        size = sum(layer["bytes"] for layer in result.details["layers"].values())
        row(f"{values} values", result.after, bytes=size)
        options = QuantizeOptions(weight_bits=8, activation_bits=8, granularity="tensor")
        quantized = compression.quantize(
            result.model, images, method="brevitas-ptq", options=options, steps=()
        )
        row(f"{values} values, then W8A8", quantized.after)
    judge(Promise("16 values within 1 point", found[16] >= result.before - 0.01))


if __name__ == "__main__":
    main()
