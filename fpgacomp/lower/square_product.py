"""Lowers a product of two integer tensors to additions and tables of squares.

a * b = floor((a + b)**2 / 4) - floor((a - b)**2 / 4) holds for all integers, because a + b and
a - b are both even or both odd. So two small tables and three additions multiply exactly.
"""

from __future__ import annotations

import numpy as np
import onnx

from fpgacomp.ir.infer import unknown_output
from fpgacomp.ir.layers import Add, Lookup, Tensor
from fpgacomp.ir.types import Ints
from fpgacomp.lower.activate import MAX_TABLE
from fpgacomp.lower.builder import GraphBuilder, unsupported
from fpgacomp.lower.products import integer_value, over_positions
from fpgacomp.lower.residual import in_order_of
from fpgacomp.lower.scalar import Chain
from fpgacomp.lower.value import Value


def lower_square_product(
    builder: GraphBuilder, node: onnx.NodeProto, a: Value, b: Value, name: str
) -> Value:
    """Append the layers whose result is a * b, element by element.

    Raises:
        UnsupportedLayer: a shape that does not broadcast over positions, a zero that is no
            integer, or a table of more entries than a Lookup has.
    """
    a, b = integer_value(builder, node, a), integer_value(builder, node, b)
    a, b = over_positions(builder, node, a, b, name), over_positions(builder, node, b, a, name)
    if a.order.ndim == 2 and b.order.ndim == 2:
        a, b = builder.flat(a), builder.flat(b)
    b = in_order_of(builder, node, a, b)
    assert isinstance(a.source, Tensor) and isinstance(b.source, Tensor)
    if np.any(a.chain.offset) or np.any(b.chain.offset):
        raise unsupported(node, "multiplies tensors whose zero is no integer.",
                          "use integer zero points in the quantizers before it.")  # fmt: skip
    if a.source.type.count + b.source.type.count > MAX_TABLE:
        raise unsupported(
            node, f"multiplies {a.source.type.bits}- and {b.source.type.bits}-bit integers.",
            "quantize both sides to 11 bits or fewer.",
        )  # fmt: skip
    squares = [_quarter_square(builder, a.source, b.source, sign, name) for sign in (1, -1)]
    product = _added(builder, squares[0], squares[1], -1, name)
    return Value(product, product.shape, a.order, Chain.of(a.chain.scale * b.chain.scale))


def _added(builder: GraphBuilder, a: Tensor, b: Tensor, sign: int, name: str) -> Tensor:
    return builder.add(
        Add(name=name, output=unknown_output(name), a=a, b=b, multiplier_a=Ints([1]),
            multiplier_b=Ints([sign]))
    )  # fmt: skip


def _quarter_square(builder: GraphBuilder, a: Tensor, b: Tensor, sign: int, name: str) -> Tensor:
    """Append floor((a + sign * b)**2 / 4)."""
    word = "sum" if sign > 0 else "difference"
    total = _added(builder, a, b, sign, f"{name}_{word}")
    table = np.arange(total.type.lo, total.type.hi + 1) ** 2 // 4
    square = f"{name}_{word}_squared"
    return builder.add(
        Lookup(name=square, output=unknown_output(square), input=total, table=Ints(table[None]))
    )
