"""What thresholds, scales, tables and additions are made of."""

from __future__ import annotations

import numpy as np

from fpgacomp.engines.shared.digits import signed_digits
from fpgacomp.engines.stream.estimate.rtl.matrix import (
    TABLE_BITS,
    constant_luts,
    count_products,
    product_luts,
)
from fpgacomp.engines.stream.estimate.rtl.reading import (
    Reading,
    columns_of,
    signed,
    width_of,
)
from fpgacomp.engines.stream.estimate.rtl.tally import Tally

ROUND_BY_SIGN = 2  # the first ROUNDING whose addend follows from the sign


def thresholds(x: Reading, count: Tally) -> None:
    """A comparator for each threshold."""
    lanes, number, bits = x["LANES"], x["COUNT"], x["TABLE_BITS"]
    rows, levels = x["TABLE_ROWS"], x["LEVEL_ROWS"]
    counted = number.bit_length()
    count.shell(2, lanes * x["OUT_BITS"])
    count.ffs(word=lanes * x["IN_BITS"], count=lanes * counted)
    if max(rows, levels) > 1:
        count.counter(x["GROUPS"])
    if levels > 1:
        count.ffs(control=width_of(x["GROUPS"]))
    table = x.table("TABLE_")
    count.rom(table, x["STYLE"])
    if rows > 1:
        count.luts(compare=lanes * number * max(bits, x["IN_BITS"]), comparator=lanes * number)
    elif x["IN_BITS"] <= TABLE_BITS:
        count.luts(tables=lanes * counted)
    else:
        count.luts(compare_constant=lanes * number * x["IN_BITS"])
    count.luts(count=lanes * (number - counted))
    _levels(x, count, counted)


def _levels(x: Reading, count: Tally, counted: int) -> None:
    """Base and step: an addition and a choice of sign where they differ from channel to channel."""
    lanes, bits = x["LANES"], x["LEVEL_BITS"]
    table = x.table("LEVEL_")
    if x["LEVEL_ROWS"] > 1:
        count.rom(table)
        count.luts(level=lanes * (x["OUT_BITS"] + counted))
        return
    base, step = signed(table, bits, 1).reshape(2, lanes)
    plain = int(np.count_nonzero((base == 0) & (step == 1)))
    count.luts(level_constant=(lanes - plain) * x["OUT_BITS"])


def thresholds_search(x: Reading, count: Tally) -> None:
    """A comparator and a table for each level of the search."""
    lanes, levels, rows = x["LANES"], x["LEVELS"], x["ROWS"]
    bits, own = x["TABLE_BITS"], x["IN_BITS"]
    count.shell(2 * levels + 1, lanes * x["OUT_BITS"])
    groups = width_of(x["GROUPS"]) if max(rows, x["LEVEL_ROWS"]) > 1 else 0
    count.luts(counter=groups)
    count.ffs(control=groups)
    whole = x.content("CONTENT").ravel()
    at = 0
    for level in range(levels):
        depth = rows << level
        for _ in range(lanes):
            table = whole[at : at + depth * bits].reshape(depth, bits)
            at += depth * bits
            count.rom(table)
            if depth > 1:
                count.luts(compare=max(own, bits))
            else:
                count.luts(compare_constant=own)
        # The element is kept as it comes, beside each table and behind each comparison but one.
        count.ffs(word=2 * lanes * own, count=lanes * (2 * level + 1), control=2 * groups)
    count.ffs(control=-groups)
    count.luts(count=lanes * levels)
    _levels(x, count, levels)


def lookup(x: Reading, count: Tally) -> None:
    """A table for each lane."""
    lanes, rows, entries, bits = x["LANES"], x["ROWS"], x["COUNT"], x["OUT_BITS"]
    count.shell(2, lanes * bits)
    depth = rows * entries
    address = width_of(depth)
    if rows > 1:
        count.counter(x["GROUPS"])
        count.luts(address=lanes * address * (entries & (entries - 1) > 0))
    if x["LOW"] % (1 << (x["IN_BITS"] - 1)):  # else the index is the element, its sign turned
        count.luts(index=lanes * address)
    count.ffs(address=lanes * address)
    tables = x.content("CONTENT").reshape(lanes, depth, bits)
    for table in tables:
        count.rom(table)


def requantize(x: Reading, count: Tally) -> None:
    """Product, sum, rounding shift and clip of each lane."""
    lanes, wide, shift = x["LANES"], x["WIDE"], x["SHIFT"]
    own, out, offset_bits = x["IN_BITS"], x["OUT_BITS"], x["OFFSET_BITS"]
    offsets = x.table("OFFSET_")
    varying = columns_of(offsets)
    count.shell(4, lanes * out)
    if varying or columns_of(x.table("FACTOR_")):
        count.counter(x["GROUPS"])
    count.ffs(word=lanes * own)
    product = _scaled(x, count, "FACTOR_", own, "IN")
    count.rom(offsets)
    if varying:
        count.ffs(offset=varying)
        count.luts(sum=lanes * max(product, offset_bits))
    elif offsets.any():
        count.luts(sum_constant=lanes * max(product, offset_bits))
    total = min(max(product, offset_bits) + 1, wide)
    if shift and x["ROUNDING"]:
        by_sign = x["ROUNDING"] >= ROUND_BY_SIGN and x["IN_KIND"] != 0
        fraction = min(shift, total) if by_sign else 1
        count.luts(round=lanes * max(total - shift, 1), fraction=lanes * fraction)
    kept = max(total - shift, 1)
    if offsets.any() or (shift and x["ROUNDING"]):
        count.ffs(scaled=lanes * total, rounded=lanes * kept)
    else:  # nothing is added: a shift register in LUTs
        count.luts(delay=lanes * kept)
        count.ff.pop("product", None)
    beyond = lanes * max(kept - out, 0)
    count.luts(clip=beyond, clip_select=lanes * out)
    if x["IN_KIND"] != 0 or x["OFFSET_KIND"] != 0:
        count.luts(clip_low=beyond)


def _scaled(x: Reading, count: Tally, prefix: str, bits: int, side: str) -> int:
    """The products of the lanes and a table's factors; how wide one is."""
    lanes, factor, kind = x["LANES"], x[f"{prefix}BITS"], x[f"{prefix}KIND"]
    table = x.table(prefix)
    count.rom(table)
    if columns_of(table):
        count_products(x, side, table[:, : lanes * factor], factor, count)
        count.ffs(product=lanes * (bits + factor))
        return bits + factor
    values = signed(table[:1], factor, kind).ravel()[:lanes]
    digits = signed_digits(np.abs(values))
    sizes = [int(abs(value)).bit_length() for value in values]
    for value, size, digit in zip(values.tolist(), sizes, digits.tolist()):
        if value:
            shifted = (value & -value).bit_length() - 1
            whole = bits + size - shifted - (size - 1 == shifted)
            count.luts(**constant_luts(bits, whole, digit, value))
            count.ffs(product=whole)
    return bits + max([*sizes, 1]) - 1


def scaled_add(x: Reading, count: Tally) -> None:
    """Two products of each lane and their sum."""
    lanes = x["LANES"]
    count.shell(2, lanes * x["OUT_BITS"])
    count.luts(join=1)
    if columns_of(x.table("FACTOR_A_")) or columns_of(x.table("FACTOR_B_")):
        count.counter(x["GROUPS"])
    count.ffs(word=lanes * (x["A_BITS"] + x["B_BITS"]))
    widths = [_scaled(x, count, f"FACTOR_{side}_", x[f"{side}_BITS"], side) for side in "AB"]
    # Beyond the bits of the narrower one only a sign is added, which takes LUTs, or nothing.
    narrower = "A" if widths[0] < widths[1] else "B"
    sign = widths[0] == widths[1] or x[f"{narrower}_KIND"] != 0
    count.luts(sum=lanes * (max(widths) if sign else min(widths)))


def sum_over(x: Reading, count: Tally) -> None:
    """The sum of some words."""
    lanes, out = x["LANES"], x["OUT_BITS"]
    count.shell(1, lanes * out)
    count.counter(x["TAPS"])
    count.ffs(control=1, accumulator=lanes * out)
    count.luts(accumulator=lanes * out)
    if x.get("FACTOR_ROWS", 0):
        count.counter(x["GROUPS"], x["FACTOR_ROWS"])
        count.rom(x.table())
        luts = product_luts(out, x["FACTOR_BITS"], x["FACTOR_BITS"], out)
        count.luts(**{name: lanes * amount for name, amount in luts.items()})


def sum_all(x: Reading, count: Tally) -> None:
    """The sum over a frame."""
    lanes, out, groups = x["LANES"], x["OUT_BITS"], x["GROUPS"]
    count.shell(1, lanes * out)
    count.counter(groups, x["PIXELS"])
    count.ffs(control=3, word=lanes * x["IN_BITS"])
    count.luts(accumulator=lanes * out)
    if groups == 1:
        count.ffs(accumulator=lanes * out)
    else:
        count.ffs(control=width_of(groups))
        count.ram(lanes * out, groups)


def label(x: Reading, count: Tally) -> None:
    """The index of the largest channel."""
    lanes, groups, bits = x["LANES"], x["GROUPS"], x["IN_BITS"]
    index = width_of(lanes * groups)
    count.shell(1, index)
    count.counter(groups)
    several = groups > 1
    count.luts(compare=(lanes - 1 + several) * bits, index=(lanes - 1) * (bits + index))
    # Of one word the indices are kept alone; of several the largest so far as well.
    count.ffs(candidate=index + several * 2 * bits, control=2 * several)


def maximum(x: Reading, count: Tally) -> None:
    """The largest of some words."""
    lanes, bits = x["LANES"], x["BITS"]
    count.shell(0, lanes * bits)
    count.counter(x["TAPS"])
    count.ffs(control=1)
    count.luts(compare=lanes * bits, lane=lanes)
