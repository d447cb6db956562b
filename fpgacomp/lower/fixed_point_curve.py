"""Lowers an activation function that a sum or a mean reads before any quantizer: a fine table."""

from __future__ import annotations

from dataclasses import replace
from math import ceil, log2

import numpy as np
import onnx

from fpgacomp.ir.infer import unknown_output
from fpgacomp.ir.layers import Lookup, Tensor
from fpgacomp.ir.types import Ints
from fpgacomp.lower.activate import MAX_TABLE
from fpgacomp.lower.builder import GraphBuilder, NetworkIndex
from fpgacomp.lower.quantizers import TIE_MARGIN
from fpgacomp.lower.scalar import Chain
from fpgacomp.lower.value import Sum, Value
from fpgacomp.network.operators import QUANTIZERS

# What may stand between the sum or mean and its quantizer.
_PASSED = frozenset(("Reshape", "Transpose", "Mul", "Div", "Add", "Relu", "Clip"))
_FINE = 4.0  # how many times finer the table is than what half a tie asks for
_LARGEST = 2.0**40  # largest entry of a table, which leaves room for the sum behind it


def curve_in_fixed_point(
    builder: GraphBuilder, node: onnx.NodeProto, value: Value, divisor: int = 1
) -> Value | None:
    """Return a function of one narrow integer tensor as integers of a unit far below a tie.

    The unit is a power of two below the step of the quantizer behind the node, times what the
    node divides by, so that the quantizer becomes a mere shift.

    Returns:
        A Sum of one term, which knows how far it is from the real function; None where no
        quantizer follows, or the tensor or the result is too wide.
    """
    source = value.source
    step = _next_step(builder.source, node)
    if not isinstance(source, Tensor) or source.type.count > MAX_TABLE or step is None:
        return None
    inputs = np.arange(source.type.lo, source.type.hi + 1, dtype=np.float64)[:, None]
    real = value.chain(inputs)
    unit = step * divisor * 2.0 ** -ceil(log2(divisor * _FINE / TIE_MARGIN))
    entries = np.rint(real / unit)
    if not np.all(np.isfinite(real)) or abs(entries).max() > _LARGEST:
        return None
    name = f"{source.name}_curve"
    tensor = builder.add(
        Lookup(name=name, output=unknown_output(name), input=source,
               table=Ints(entries.astype(np.int64).T))
    )  # fmt: skip
    term = replace(value, source=tensor, chain=Chain.of(unit))
    return Value(Sum((term,), unit / 2), value.source_shape, value.order, Chain.of(1.0))


def _next_step(source: NetworkIndex, node: onnx.NodeProto) -> float | None:
    """Return what a step of the quantizer behind a node is at the node's output."""
    gain = 1.0
    for _ in range(len(source.nodes)):
        readers = source.consumers.get(node.output[0], [])
        if len(readers) != 1 or node.output[0] in source.outputs:
            return None
        node = readers[0]
        constant = source.constant(node.input[1]) if len(node.input) > 1 else None
        if node.op_type in QUANTIZERS and constant is not None:
            scale = np.ones(1) if node.op_type == "MultiThreshold" else constant
            return float(scale.min()) / gain if gain else None
        if node.op_type not in _PASSED:
            return None
        if node.op_type == "Mul" and constant is not None:
            gain *= float(abs(constant).max())
        if node.op_type == "Div" and constant is not None:
            gain /= float(abs(constant).min())
    return None
