"""`fpgacomp export`: the network for an engine in software."""

from __future__ import annotations

from typing import Any

import typer

from fpgacomp.cli.console import result_console, write_json
from fpgacomp.cli.design import design_options
from fpgacomp.cli.options.arguments import SourceArgument
from fpgacomp.cli.options.build import ArgmaxOption
from fpgacomp.cli.options.checking import InputsOption, MemoryOption, VectorsOption
from fpgacomp.cli.options.output import ExportFileOption, JsonOption
from fpgacomp.cli.options.quantization import (
    CalibrationOption,
    InputTypeOption,
    PtqActivationBitsOption,
    PtqWeightBitsOption,
    RangesOption,
    ScaleOption,
)
from fpgacomp.cli.options.training import SeedOption
from fpgacomp.cli.progress import progress


def export(
    context: typer.Context,
    source: SourceArgument,
    out: ExportFileOption,
    inputs: InputsOption = None,
    vectors: VectorsOption = 1000,
    seed: SeedOption = 0,
    memory_gb: MemoryOption = 4.0,
    argmax: ArgmaxOption = False,
    calibration: CalibrationOption = None,
    input_bits: InputTypeOption = None,
    weight_bits: PtqWeightBitsOption = 8,
    activation_bits: PtqActivationBitsOption = 8,
    scale: ScaleOption = "power-of-two",
    ranges: RangesOption = "mse",
    as_json: JsonOption = False,
) -> None:
    """Write the network as QDQ ONNX or int8 TFLite, with the hardware's integers.

    An .onnx file takes and gives what the network itself does. It is run in ONNX Runtime before it
    is written, and every integer of its outputs must be that of the integer graph. Its input is
    rounded in float32: values that lie on the border between two integers are counted.

    A .tflite file takes and gives the hardware's integers. It is written only for networks that
    each of TFLite's sets of kernels computes exactly, and run in all of them first.

    Example: `fpgacomp export model.onnx --out model-qdq.onnx`
    """
    from dataclasses import replace

    from fpgacomp.flows.export import export as to_onnx
    from fpgacomp.flows.tflite import SUFFIX, export_tflite
    from fpgacomp.report import exported

    options = design_options(
        argmax=argmax, calibration=calibration, input_bits=input_bits, weight_bits=weight_bits,
        activation_bits=activation_bits, scale=scale, ranges=ranges,
    )  # fmt: skip
    options = replace(options, inputs=inputs, vectors=vectors, seed=seed, memory_gb=memory_gb)
    with progress(context) as observer:
        summary: dict[str, Any]
        if out.suffix == SUFFIX:
            summary = export_tflite(source, out, options=options, observer=observer).summary()
        else:
            summary = to_onnx(source, out, options=options, observer=observer).summary()
    if as_json:
        write_json(summary)
    elif out.suffix == SUFFIX:
        exported.render_tflite(summary, result_console())
    else:
        exported.render(summary, result_console())
