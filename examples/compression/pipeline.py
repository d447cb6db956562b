"""Float CNN -> half the channels -> distilled into W3A3 -> PYNQ-Z2, exact, before and after."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

import fpgacomp
from examples.compression.digits import images
from examples.compression.figures import BOARD, FLOAT_CNN, Promise, judge
from fpgacomp.compress.prune.options import ChannelOptions
from fpgacomp.compress.quantize import QuantizeOptions
from fpgacomp.compress.recipe import Recipe
from fpgacomp.data.labelled import load_data
from fpgacomp.flows import compress as compression
from fpgacomp.results.report import Report
from fpgacomp.results.target import Target

RECIPE = Recipe(epochs=40, learning_rate=5e-3)
W3A3 = QuantizeOptions(weight_bits=3, activation_bits=3)
FPS = 100_000


def compiled(model: object, x: np.ndarray, y: np.ndarray) -> Report:
    """The smallest design of this rate, written, C-simulated and compared on the test split."""
    with TemporaryDirectory() as folder:
        options = fpgacomp.Options(inputs=x, labels=y, target=Target("area", FPS))
        return fpgacomp.compile(model, BOARD, out=Path(folder) / "build", options=options)


def main() -> None:
    data = load_data(images)
    x, y = data.test.x, data.test.y
    plain = compression.quantize(FLOAT_CNN, data, method="ptq")
    pruned = compression.prune(FLOAT_CNN, data, options=ChannelOptions(share=0.5), recipe=RECIPE)
    student = compression.distill(FLOAT_CNN, pruned.network, data, recipe=RECIPE, quantization=W3A3)
    before, after = (compiled(result.model, x, y) for result in (plain, student))
    figures = ["lut", "ff", "dsp", "bram18"]
    print(f"{'':24}" + "".join(f"{n:>10}" for n in ("accuracy", *figures, "us", "mismatch")))
    for name, report in (("float, then 8 bits", before), ("pruned, distilled, W3A3", after)):
        estimate, exact = report.estimate, report.exactness
        values = [getattr(estimate, figure).value for figure in figures]
        print(f"{name:24}{report.accuracy['top1']:>10.2%}"
              + "".join(f"{value:>10,.0f}" for value in values)
              + f"{estimate.latency_us:>10.1f}{exact.csim_mismatches:>10}")  # fmt: skip
    saved = 1 - after.estimate.lut.value / before.estimate.lut.value
    judge(
        Promise("both designs fit", before.verdict.fits and after.verdict.fits),
        Promise(
            "every integer of every layer is exact",
            after.exactness.csim_mismatches == 0 == after.exactness.network_mismatches,
        ),
        Promise(
            "within 2 points of the float network",
            after.accuracy["top1"] >= plain.before - 0.02,
        ),
        Promise(f"fewer LUTs ({saved:.0%})", saved > 0),
    )


if __name__ == "__main__":
    main()
