"""Puts quantizers at network inputs that have none, in front of an otherwise quantized network."""

from __future__ import annotations

import numpy as np
import onnx

from fpgacomp.data.arrays import check_inputs
from fpgacomp.data.percents import part_text
from fpgacomp.errors import FpgacompError, InputDataError, UsageError, raise_all
from fpgacomp.frontend.calibrate.insert import quantize_tensor
from fpgacomp.frontend.calibrate.placement import data_inputs
from fpgacomp.frontend.calibrate.ranges import QuantizerFormat, choose_scale
from fpgacomp.ir.types import AnyArray, NamedArrays
from fpgacomp.network.canonical import input_shapes
from fpgacomp.network.editable import EditableGraph
from fpgacomp.network.infer import infer_missing
from fpgacomp.network.operators import QUANTIZERS


def unquantized_inputs(model: onnx.ModelProto) -> tuple[str, ...]:
    """Return the network inputs whose float values reach an integer operator
    without a quantizer.
    """
    graph = EditableGraph.from_model(model)
    return tuple(name for name in graph.inputs if _reaches_integers(graph, name))


def quantize_input(
    model: onnx.ModelProto,
    *,
    bits: int,
    integer_bits: int | None = None,
    calibration: NamedArrays | None = None,
    signed: bool | None = None,
) -> tuple[onnx.ModelProto, tuple[str, ...]]:
    """Put a Quant with a power-of-two scale at every input that needs one.

    Args:
        model: canonical; inputs that are quantized already stay as they are.
        bits: 1 to 32 (2 at least where signed).
        integer_bits: bits before the binary point, the sign included, as in ap_fixed.
        calibration: samples by input name; they decide the range where integer_bits is
            not given, and the sign where `signed` is not.
        signed: whether values below zero occur; without calibration data the default is yes.

    Returns:
        The network, and one sentence per input on what was assumed.

    Raises:
        InputDataError: neither integer_bits nor calibration data, or data that does not fit.
        UsageError: impossible bits.
    """
    if not 1 <= bits <= 32:
        raise UsageError("--input-bits", f"{bits} bits.", "choose 1 to 32.")
    names = unquantized_inputs(model)
    if integer_bits is None and calibration is None:
        raise_all([_unknown_range(name) for name in names])
    data = (
        check_inputs(calibration, input_shapes(model), where="calibration data")
        if calibration
        else {}
    )
    graph = EditableGraph.from_model(model)
    infer_missing(graph)
    warnings = []
    for name in names:
        values = data.get(name)
        is_signed = _is_signed(values) if signed is None else signed
        form = QuantizerFormat(bits, signed=is_signed)
        if is_signed and bits < 2:
            raise UsageError("--input-bits", "one signed bit is no number.", "choose 2 or more.")
        scale = _scale(values, form, integer_bits)
        quantize_tensor(graph, name, graph.consumers(name), scale, form)
        warnings.append(_assumption(name, form, scale, values, integer_bits))
    return graph.to_model(), tuple(warnings)


def _reaches_integers(graph: EditableGraph, start: str) -> bool:
    """Return whether the tensor, through anything but quantizers, gets to MatMul, Conv, Add, ..."""
    waiting, seen = [start], {start}
    while waiting:
        tensor = waiting.pop()
        for reader in graph.consumers(tensor):
            if reader.op in QUANTIZERS and reader.inputs[0] == tensor:
                continue
            # MaxPool and Resize only pass values on: what follows them decides.
            if tensor in data_inputs(graph, reader) and reader.op not in ("MaxPool", "Resize"):
                return True
            for output in reader.outputs:
                if output not in seen:
                    seen.add(output)
                    waiting.append(output)
    return False


def _unknown_range(name: str) -> FpgacompError:
    return InputDataError(
        f"input {name}",
        "the network does not quantize it, and nothing tells the range of its values.",
        "give --calibration X.npy with typical inputs, or --input-bits TOTAL,INTEGER.",
    )


def _is_signed(values: AnyArray | None) -> bool:
    return values is None or bool(values.min() < 0)


def _scale(values: AnyArray | None, form: QuantizerFormat, integer_bits: int | None) -> float:
    if integer_bits is not None:
        return float(2.0 ** (integer_bits - form.bits))
    if values is None:
        raise ValueError("a range needs integer_bits or values")
    return choose_scale(
        values.ravel(),
        float(values.min()),
        float(values.max()),
        form,
        kind="power-of-two",
        method="mse",
        percentile=100.0,
    )


def _assumption(
    name: str,
    form: QuantizerFormat,
    scale: float,
    values: AnyArray | None,
    integer_bits: int | None,
) -> str:
    low, high = (end * scale for end in form.range)
    kind = "signed" if form.signed else "unsigned"
    text = (
        f"input {name}: taken as {form.bits} bits {kind}, steps of 2^{round(np.log2(scale))}"
        f" ({low:g} to {high:g}), from "
    )
    text += "the calibration data" if integer_bits is None else "the bits given"
    if values is None:
        return f"{text}."
    half = scale / 2
    outside = np.count_nonzero((values < low - half) | (values > high + half))
    if not outside:
        return f"{text}."
    return f"{text}; {part_text(outside / values.size)} of the calibration values saturate."
