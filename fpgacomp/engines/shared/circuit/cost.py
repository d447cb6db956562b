"""What circuits take: LUTs of their nodes as Yosys maps them, flip-flops of their registers.

Measured on single nodes for devices with a LUT and a carry bit per adder bit (Xilinx 7 series): a
bit of which only one operand is not constant passes through the carry chain without a LUT, the bit
that a carry alone makes takes none, and the copies of a sign share theirs.
"""

from __future__ import annotations

from math import ceil
from typing import assert_never

from fpgacomp.engines.shared.circuit.nodes import (
    AtLeast,
    Choose,
    Circuit,
    Clip,
    Compare,
    Constant,
    Count,
    Left,
    Low,
    Node,
    Range,
    Right,
    Source,
    Sum,
    Table,
    bits_of,
    signed,
)

_LUT_INPUTS = 6


def sum_cells(
    a: Range, b: Range, total: Range, zeros: tuple[int, int], *, subtract: bool
) -> int:  # fmt: skip
    """LUTs of a sum.

    Args:
        a, b: ranges of the operands.
        total: range of the result.
        zeros: bits at the low end of each operand that are always 0.
    """
    low = max(zeros) if not subtract or zeros[1] >= zeros[0] else zeros[1]
    if a == (0, 0):
        return bits_of(b) - low if subtract else 0
    width, wide = bits_of(total), max(bits_of(a), bits_of(b))
    ends = [wide if signed(span) else bits_of(span) for span in (a, b)]
    overlap = min(*ends, width) - low
    return max(overlap, 0) + (1 if subtract and overlap > 0 else 0)


def luts(circuit: Circuit) -> tuple[float, ...]:
    """LUTs of each node."""
    return tuple(_node_luts(circuit, node, wire) for wire, node in enumerate(circuit.nodes))


def _node_luts(circuit: Circuit, node: Node, wire: int) -> float:
    ranges, width = circuit.ranges, bits_of(circuit.ranges[wire])
    match node:
        case Source() | Constant() | Left() | Right() | Low():
            return 0.0
        case Sum():
            zeros = (zeros_of(circuit, node.a), zeros_of(circuit, node.b))
            return float(sum_cells(ranges[node.a], ranges[node.b], ranges[wire], zeros,
                                   subtract=node.subtract))  # fmt: skip
        case AtLeast():
            return comparator_luts(ranges[node.a], node.threshold)
        case Compare():
            return float(max(bits_of(ranges[node.a]), bits_of(ranges[node.b])))
        case Choose():
            return float(width)
        case Clip():
            lo, hi = ranges[node.a]
            low = comparator_luts(ranges[node.a], node.lo) if lo < node.lo else 0.0
            high = comparator_luts(ranges[node.a], node.hi + 1) if hi > node.hi else 0.0
            return low + high + width
        case Count():
            found = sum(comparator_luts(ranges[node.a], each) for each in node.thresholds)
            levels = len(node.thresholds)
            return found + (max(levels - 1, 0) * 2 / (_LUT_INPUTS - 1) if levels > 1 else 0.0)
        case Table():
            inputs = bits_of(ranges[node.a])
            each = 1.0 if inputs <= _LUT_INPUTS else 1.35 * 2 ** (inputs - _LUT_INPUTS)
            return width * each
        case _:
            assert_never(node)


def comparator_luts(span: Range, threshold: int) -> float:
    """LUTs that compare a wire with a constant: a tree over the bits from its lowest 1 on."""
    width = bits_of(span)
    code = threshold + (1 << (width - 1) if signed(span) else 0)
    if code <= 0 or code >= 1 << width:
        return 0.0
    compared = width - ((code & -code).bit_length() - 1)
    if compared <= 1:
        return 0.0
    return float(ceil((compared - 1) / (_LUT_INPUTS - 1)))


def zeros_of(circuit: Circuit, wire: int) -> int:
    """Bits at the low end of a wire that are always 0."""
    node = circuit.nodes[wire]
    if isinstance(node, Left):
        return node.bits + zeros_of(circuit, node.a)
    if isinstance(node, Constant) and node.value:
        return (node.value & -node.value).bit_length() - 1
    return 0
