"""What circuits take: LUTs of their nodes as Yosys maps them, flip-flops of their registers.

Measured on single nodes for devices with a LUT and a carry bit per adder bit (Xilinx 7 series): a
bit of which only one operand is not constant passes through the carry chain without a LUT, the bit
that a carry alone makes takes none, and the copies of a sign share theirs. Where a LUT has four
inputs (ECP5, iCE40, Gowin) the carry lies behind the LUT, so that every bit of a sum takes one.
"""

from __future__ import annotations

from functools import lru_cache
from math import ceil
from typing import assert_never

from fpgacomp.engines.shared.circuit.nodes import (
    Addition,
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
    ReadElement,
    Right,
    TableLookup,
    TernaryAddition,
    bits_of,
    signed,
)

# LUTs of so many inputs lie in front of a carry chain that a bit can pass without one.
_PASSING = 6
# A table of more than so many inputs takes this many LUTs for each of 2**inputs, and selectors.
_SELECT = 1.35


def sum_cells(
    a: Range, b: Range, total: Range, zeros: tuple[int, int], *, subtract: bool, inputs: int = 6
) -> int:  # fmt: skip
    """LUTs of a sum.

    Args:
        a, b: ranges of the operands.
        total: range of the result.
        zeros: bits at the low end of each operand that are always 0.
        inputs: of a LUT.
    """
    low = max(zeros) if not subtract or zeros[1] >= zeros[0] else zeros[1]
    if a == (0, 0):
        return bits_of(b) - low if subtract else 0
    if inputs < _PASSING:
        return max(bits_of(total) - low, 0)
    width, wide = bits_of(total), max(bits_of(a), bits_of(b))
    ends = [wide if signed(span) else bits_of(span) for span in (a, b)]
    overlap = min(*ends, width) - low
    return max(overlap, 0) + (1 if subtract and overlap > 0 else 0)


@lru_cache(maxsize=1 << 15)  # the sums of a matrix are alike, and a search asks for them again
def ternary_cells(terms: tuple[tuple[Range, int, bool], ...], width: int) -> int:
    """LUTs of a sum of three, as hls_templates/rtl/deliver/ternary_add.v maps it.

    Args:
        terms: range of each operand, bits at its low end that are always 0, whether it is
            subtracted.
        width: bits of the result.
    """
    starts = sorted(zeros for _, zeros, _ in terms)
    least = min((zeros for _, zeros, minus in terms if minus), default=width)
    chain = starts[0] if least == starts[0] else starts[1]
    # One 1 of a two's complement enters the chain, another is the first carry-save bit.
    saved = sorted(zeros for _, zeros, minus in terms if minus)
    if saved and saved[0] == chain:
        saved = saved[1:]
    save = saved[0] if saved else starts[2]
    held = bool(saved)  # whether the carry-save bit may be 1
    ends = [(zeros, width if signed(span) else bits_of(span), minus)
            for span, zeros, minus in terms]  # fmt: skip
    found = 0
    for bit in range(chain, width):
        varying, ones, inverted = 0, 0, False
        for zeros, end, minus in ends:
            if zeros <= bit < end:
                varying += 1
                inverted = inverted or minus
            elif minus and zeros <= bit:
                ones += 1
        if bit < save:
            found += varying > 1 or inverted or ones > 0
            continue
        found += (
            varying > 1
            or (varying == 1 and (held or inverted or ones > 0))
            or (varying == 0 and held and ones % 2 == 1)
        )
        held = varying > 1 or ones > 1 or (varying == 1 and ones == 1)
    return found


def luts(circuit: Circuit, inputs: int = 6, *, rows: int = 1) -> tuple[float, ...]:
    """LUTs of each node.

    Args:
        inputs: of a LUT.
        rows: of LUTs that a sum of three takes: one, or two where a tool makes two adders of it.
    """
    return tuple(
        _node_luts(circuit, node, wire, inputs) * (rows if isinstance(node, TernaryAddition) else 1)
        for wire, node in enumerate(circuit.nodes)
    )


def _node_luts(circuit: Circuit, node: Node, wire: int, lut: int) -> float:
    ranges, width = circuit.ranges, bits_of(circuit.ranges[wire])
    match node:
        case ReadElement() | Constant() | Left() | Right() | Low():
            return 0.0
        case Addition():
            zeros = (zeros_of(circuit, node.a), zeros_of(circuit, node.b))
            return float(sum_cells(ranges[node.a], ranges[node.b], ranges[wire], zeros,
                                   subtract=node.subtract, inputs=lut))  # fmt: skip
        case TernaryAddition():
            signs = (False, node.minus_b, node.minus_c)
            terms = tuple((ranges[of], zeros_of(circuit, of), minus)
                          for of, minus in zip((node.a, node.b, node.c), signs))  # fmt: skip
            return float(ternary_cells(terms, width))
        case AtLeast():
            return comparator_luts(ranges[node.a], node.threshold, lut)
        case Compare():
            return float(max(bits_of(ranges[node.a]), bits_of(ranges[node.b])))
        case Choose():
            return float(width)
        case Clip():
            lo, hi = ranges[node.a]
            low = comparator_luts(ranges[node.a], node.lo, lut) if lo < node.lo else 0.0
            high = comparator_luts(ranges[node.a], node.hi + 1, lut) if hi > node.hi else 0.0
            return low + high + width
        case Count():
            found = sum(comparator_luts(ranges[node.a], each, lut) for each in node.thresholds)
            levels = len(node.thresholds)
            return found + (levels - 1) * 2 / (lut - 1)
        case TableLookup():
            inputs = bits_of(ranges[node.a])
            each = 1.0 if inputs <= lut else _SELECT * 2 ** (inputs - lut)
            return width * each
        case _:
            assert_never(node)


def comparator_luts(span: Range, threshold: int, inputs: int = 6) -> float:
    """LUTs that compare a wire with a constant: a tree over the bits from its lowest 1 on."""
    width = bits_of(span)
    code = threshold + (1 << (width - 1) if signed(span) else 0)
    if code <= 0 or code >= 1 << width:
        return 0.0
    compared = width - ((code & -code).bit_length() - 1)
    if compared <= 1:
        return 0.0
    return float(ceil((compared - 1) / (inputs - 1)))


def zeros_of(circuit: Circuit, wire: int) -> int:
    """Bits at the low end of a wire that are always 0."""
    node = circuit.nodes[wire]
    if isinstance(node, Left):
        return node.bits + zeros_of(circuit, node.a)
    if isinstance(node, Constant) and node.value:
        return (node.value & -node.value).bit_length() - 1
    return 0
