"""Reads a Quant, BipolarQuant, Trunc or MultiThreshold node into a `LevelQuantizer`."""

from __future__ import annotations

import numpy as np
import onnx

from fpgacomp.ir.types import FloatArray
from fpgacomp.lower.builder import NetworkIndex, unsupported
from fpgacomp.lower.quantizers import (
    ROUNDING_MODES,
    LevelQuantizer,
    bipolar,
    multi_threshold,
    truncation,
    uniform,
)
from fpgacomp.lower.value import Value
from fpgacomp.network.attributes import attribute, float_attribute, int_attribute

MAX_BITS = 32


def read_quantizer(
    source: NetworkIndex, node: onnx.NodeProto, value: Value | None
) -> LevelQuantizer:
    """Return the node's quantizer with its parameters in the channel order of `value`'s source.

    Args:
        source: where the node's constants are.
        node: the quantizer node.
        value: what it quantizes; None for a constant, whose parameters broadcast as they are.
    """
    match node.op_type:
        case "Quant":
            return _quant(source, node, value)
        case "BipolarQuant":
            scale = _parameter(source, node, value, 1, "scale")
            _check_scale(node, scale)
            return bipolar(scale=scale, threshold=np.zeros(1))
        case "Trunc":
            return _trunc(source, node, value)
        case "MultiThreshold":
            return _multi_threshold(source, node, value)
        case _:
            raise ValueError(f"{node.op_type} is no quantizer")


def _parameter(
    source: NetworkIndex, node: onnx.NodeProto, value: Value | None, index: int, what: str
) -> FloatArray:
    constant = source.constant(node.input[index])
    if constant is None:
        raise unsupported(node, f"has a {what} that is not constant.", f"use a constant {what}.")
    if value is None:
        return constant if constant.size > 1 else constant.reshape(1)
    found = value.per_channel(constant)
    if found is None:
        raise unsupported(
            node,
            f"has a {what} of shape {constant.shape} that differs from position to position.",
            f"use one {what} per tensor or per channel.",
        )
    return found


def _check_scale(node: onnx.NodeProto, scale: FloatArray) -> None:
    if not np.all(np.isfinite(scale)) or np.any(scale <= 0):
        raise unsupported(node, f"has a scale of {scale.min():g}.", "scales must be positive.")


def _bits(source: NetworkIndex, node: onnx.NodeProto, index: int) -> int:
    constant = source.constant(node.input[index])
    if constant is None or constant.size != 1 or constant.item() != round(constant.item()):
        raise unsupported(node, "has a bit width that is no constant integer.",
                          "give every tensor one constant bit width.")  # fmt: skip
    bits = int(constant.item())
    if not 1 <= bits <= MAX_BITS:
        raise unsupported(node, f"has a bit width of {bits}.", f"use 1 to {MAX_BITS} bits.")
    return bits


def _rounding(node: onnx.NodeProto, default: str) -> str:
    mode = str(attribute(node, "rounding_mode", default)).upper()
    if mode not in ROUNDING_MODES:
        raise unsupported(node, f"has the rounding mode {mode!r}.",
                          f"use one of {', '.join(ROUNDING_MODES)}.")  # fmt: skip
    return mode


def _quant(source: NetworkIndex, node: onnx.NodeProto, value: Value | None) -> LevelQuantizer:
    scale = _parameter(source, node, value, 1, "scale")
    _check_scale(node, scale)
    return uniform(
        scale=scale,
        zero_point=_parameter(source, node, value, 2, "zero point"),
        bits=_bits(source, node, 3),
        signed=bool(int_attribute(node, "signed", 1)),
        narrow=bool(int_attribute(node, "narrow", 0)),
        rounding=_rounding(node, "ROUND"),
    )


def _trunc(source: NetworkIndex, node: onnx.NodeProto, value: Value | None) -> LevelQuantizer:
    """Read Trunc: version 1 (5 inputs) keeps the scale and clamps nothing, version
    2 (6) does both.
    """
    scale = _parameter(source, node, value, 1, "scale")
    _check_scale(node, scale)
    zero_point = _parameter(source, node, value, 2, "zero point")
    in_bits = _bits(source, node, 3)
    rounding = _rounding(node, "FLOOR")
    if len(node.input) == 5:
        out_bits = _bits(source, node, 4)
        shift = in_bits - out_bits
        bound = 1 << MAX_BITS
        bounds, out_scale, out_zero = (-bound, bound), scale, zero_point
    else:
        out_scale = _parameter(source, node, value, 4, "output scale")
        out_bits = _bits(source, node, 5)
        shifts = np.round(np.log2(out_scale / scale))
        if np.any(shifts != shifts.flat[0]):
            raise unsupported(node, "truncates channels by different amounts.", "use one scale.")
        shift = int(shifts.flat[0])
        signed = bool(int_attribute(node, "signed", 1))
        narrow = bool(int_attribute(node, "narrow", 0))
        lo = -(1 << (out_bits - 1)) + narrow if signed else 0
        hi = (1 << (out_bits - 1)) - 1 if signed else (1 << out_bits) - 1 - narrow
        bounds, out_zero = (lo, hi), zero_point / 2.0**shift
    return truncation(
        scale=scale, zero_point=zero_point, shift=shift, rounding=rounding,
        bounds=bounds, out_scale=out_scale, out_zero_point=out_zero,
    )  # fmt: skip


def _multi_threshold(
    source: NetworkIndex, node: onnx.NodeProto, value: Value | None
) -> LevelQuantizer:
    table = source.constant(node.input[1])
    if table is None or table.ndim != 2 or value is None:
        raise unsupported(node, "has thresholds that are no constant [C, n] table.",
                          "give constant thresholds.")  # fmt: skip
    scale, bias = float_attribute(node, "out_scale", 1.0), float_attribute(node, "out_bias", 0.0)
    if scale <= 0:
        raise unsupported(node, f"has out_scale {scale:g}.", "use a positive out_scale.")
    if len(table) > 1:
        table = _in_channel_order(node, table, value)
    return multi_threshold(thresholds=table, scale=scale, bias=bias)


def _in_channel_order(node: onnx.NodeProto, table: FloatArray, value: Value) -> FloatArray:
    """Return the rows of the table for each channel of the integer tensor."""
    layout = str(attribute(node, "data_layout", ""))
    axis = value.order.ndim - 1 if layout.endswith("C") else 1
    shape = [1] * value.order.ndim
    shape[axis] = len(table)
    if value.order.shape[axis] != len(table):
        raise unsupported(
            node,
            f"has {len(table)} rows of thresholds for shape {value.order.shape}.",
            "give one row per channel.",
        )
    rows = value.per_channel(np.arange(len(table), dtype=np.float64).reshape(shape))
    if rows is None:
        raise unsupported(node, "has thresholds that differ from position to position.",
                          "give one row per channel.")  # fmt: skip
    return table[rows.astype(np.int64)]
