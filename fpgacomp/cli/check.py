"""`fpgacomp check`: what is in a network, and what of it is not supported."""

from __future__ import annotations

import sys

import typer

from fpgacomp.cli.console import result_console
from fpgacomp.cli.design import design_options
from fpgacomp.cli.options.arguments import ModelArgument
from fpgacomp.cli.options.build import ArgmaxOption
from fpgacomp.cli.options.output import JsonOption
from fpgacomp.cli.options.quantization import (
    CalibrationOption,
    InputTypeOption,
    PtqActivationBitsOption,
    PtqWeightBitsOption,
    RangesOption,
    ScaleOption,
)


def check(
    model: ModelArgument,
    argmax: ArgmaxOption = False,
    calibration: CalibrationOption = None,
    input_bits: InputTypeOption = None,
    weight_bits: PtqWeightBitsOption = 8,
    activation_bits: PtqActivationBitsOption = 8,
    scale: ScaleOption = "power-of-two",
    ranges: RangesOption = "mse",
    as_json: JsonOption = False,
) -> None:
    """List the nodes of a network, which of them are supported, and every problem at once.

    What is accepted here compiles with the same options, unless it is too large for the board.
    The exit code is 0 where the whole network is supported, and 1 where it is not. --json lists
    each node by its name, which the options of other verbs take for a layer ('/fc1/Gemm=4').

    Example: `fpgacomp check model.onnx`
    """
    from fpgacomp.flows.check import check as run
    from fpgacomp.report import checked

    options = design_options(
        argmax=argmax, calibration=calibration, input_bits=input_bits, weight_bits=weight_bits,
        activation_bits=activation_bits, scale=scale, ranges=ranges,
    )  # fmt: skip
    findings = run(model, options=options)
    if as_json:
        sys.stdout.write(checked.to_json(findings))
    else:
        checked.render(findings, result_console())
    if not findings.ok:
        raise typer.Exit(1)
