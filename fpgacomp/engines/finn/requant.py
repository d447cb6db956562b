"""FINN's Requant, where both its float and its fixed-point form equal ours on every input."""

from __future__ import annotations

from typing import Any

import numpy as np

from fpgacomp.engines.finn.levels import levels_of, requant_constants
from fpgacomp.engines.finn.tensors import DOMAIN, Canvas, Wire
from fpgacomp.engines.stream.operators.activate import Activate
from fpgacomp.ir.layers import Requantize
from fpgacomp.ir.types import FloatArray, IntArray

# The multiplier's wider port: a wider accumulator would be cut (requant.sv).
_MOST_INPUT_BITS = 25


def requant_node(
    canvas: Canvas, op: Activate, source: Wire, output: Wire, part: str, lanes: int,
    fifo: dict[str, Any],
) -> bool:  # fmt: skip
    """Add a Requant node if it is exact; False where Thresholding has to do it.

    Scale and bias are float32 and the RTL turns them into fixed point. Ours and both of
    FINN's are step functions that only rise, so equality at every step's two sides (and so
    on the whole range of inputs) is checked, not assumed.
    """
    layer = op.function
    assert isinstance(layer, Requantize)
    numerators = requant_constants(layer)
    bits = int(source.type.lstrip("UINT"))
    if numerators is None or bits > _MOST_INPUT_BITS or source.sign is not None:
        return False
    if layer.input.type.magnitude >= 1 << 24:
        return False
    below = 2.0 ** (layer.shift + 1)
    channels = output.channels
    scale, bias = (np.broadcast_to(n, (channels,)).astype(np.float64) / below for n in numerators)
    if not all(np.array_equal(v.astype(np.float32), v) for v in (scale, bias)):
        return False
    if not _exact(layer, scale, bias, part, source.type, output.type):
        return False
    names = []
    for what, values in (("scale", scale), ("bias", bias)):
        names.append(canvas.real(f"{op.name}_{what}", values))
    canvas.node(
        "Requant", op.name, [source.name, *names], [output], PE=lanes, NumChannels=channels,
        inputDataType=source.type, outputDataType=output.type, numInputVectors=output.vectors,
        narrow=0, preferred_impl_style="rtl", **fifo,
    )  # fmt: skip
    return True


def _exact(
    layer: Requantize, scale: FloatArray, bias: FloatArray, part: str, source: str, output: str
) -> bool:
    levels = levels_of(layer)
    steps = np.broadcast_to(levels.thresholds, (scale.size, levels.thresholds.shape[1])).T
    kind = layer.input.type
    ends = np.tile(np.array([[kind.lo], [kind.hi]]), (1, scale.size))
    points = np.clip(np.concatenate([steps, steps - 1, ends]), kind.lo, kind.hi)
    ours = (points[None] >= steps[:, None]).sum(axis=0) + levels.output.lo
    top = (1 << levels.output.bits) - 1
    product = points.astype(np.float32) * scale.astype(np.float32)
    inexact = np.floor(product + bias.astype(np.float32) + np.float32(0.5))
    if not np.array_equal(np.clip(inexact, 0, top), ours):
        return False
    fixed = _fixed_point(scale, bias, part, source, output)
    if fixed is None:
        return False
    mantissa, added, shift = fixed
    return bool(np.array_equal(np.clip((points * mantissa + added) >> shift, 0, top), ours))


def _fixed_point(
    scale: FloatArray, bias: FloatArray, part: str, source: str, output: str
) -> tuple[IntArray, IntArray, IntArray] | None:
    """FINN's own constants for its RTL: per channel mantissa, addend, shift."""
    from finn.util.basic import get_dsp_block
    from onnx import helper
    from qonnx.custom_op.registry import getCustomOp

    node = helper.make_node(
        "Requant", ["x", "scale", "bias"], ["y"], domain=DOMAIN, backend="fpgadataflow", PE=1,
        NumChannels=scale.size, inputDataType=source, outputDataType=output, narrow=0,
    )  # fmt: skip
    canvas = Canvas()
    canvas.nodes.append(node)
    canvas.real("scale", scale)
    canvas.real("bias", bias)
    generation = {"DSP48E1": 1, "DSP48E2": 2}.get(get_dsp_block(part), 3)
    try:
        parts = getCustomOp(node).decompose_params(canvas.model("probe"), generation)
    except ValueError:  # FINN: out of the datapath's range
        return None
    fields = [np.array(parts[k][0].tolist(), dtype=object) for k in ("scale", "bias", "shift")]
    if any(abs(int(v)) >= 1 << 62 for values in fields for v in values):
        return None
    mantissa, added, shift = (values.astype(np.int64) for values in fields)
    return mantissa, added, shift
