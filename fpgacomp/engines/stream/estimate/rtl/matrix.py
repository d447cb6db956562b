"""What matrix-vector and vector-vector units are made of."""

from __future__ import annotations

from math import ceil

import numpy as np

from fpgacomp.engines.shared.digits import signed_digits
from fpgacomp.engines.stream.estimate.rtl.reading import (
    BitMatrix,
    Reading,
    bits_used,
    signed,
    width_of,
)
from fpgacomp.engines.stream.estimate.rtl.tally import Tally, sparse_tree, tree_bits

TABLE_BITS = 6  # a product of so many bits of both operands is a table in LUTs


def matvec(x: Reading, count: Tally) -> None:
    """A matrix-vector unit: PE sums of SIMD products a cycle."""
    simd, pe, reads, rows = x["SIMD"], x["PE"], x["READS"], x["ROWS"]
    bits, out, fold = x["IN_BITS"], x["OUT_BITS"], reads * rows
    xnor = x["IN_KIND"] == 2 == x["WEIGHT_KIND"]
    levels = width_of(simd)
    stages = 2 + (x["PACKED"] > 1) + (levels + 1) // 2
    count.shell(stages, pe * out)
    if fold > 1:
        count.counter(reads, fold)
        count.ffs(control=1)
    if reads > 1:
        count.ffs(flags=2 * stages)
        count.luts(accumulator=pe * out)
        # Else the register at the output is the same, and made once.
        count.ffs(accumulator=pe * out * xnor)
    count.ffs(word=simd * bits)
    if rows > 1:
        count.ffs(control=1)
        count.luts(kept=simd * bits)
        count.ram(simd * bits, reads, one_address=True)
    if fold == 1 and not x["DSP"]:
        _constants(x, count, xnor=xnor)
        return
    count.rom(x.table(), x["STYLE"])
    term = 2 if xnor else value_bits(x, "IN") + value_bits(x, "WEIGHT")
    if xnor:
        count.luts(xnor=pe * simd)
        count.ffs(product=pe * simd)
        cells, kept = tree_bits(simd, 1, out)
        count.luts(popcount=pe * cells)
    else:
        _products(x, count, pe * simd, term)
        cells, kept = tree_bits(simd, min(term, out), out)
        count.luts(tree=pe * cells)
    count.ffs(tree=pe * kept)


def value_bits(x: Reading, side: str) -> int:
    """Bits of a signed number that holds an element."""
    kind, bits = x[f"{side}_KIND"], x[f"{side}_BITS"]
    return 2 if kind == 2 else bits + (kind == 0)


def _products(x: Reading, count: Tally, number: int, term: int) -> None:
    """Products of two variables each, and their registers."""
    bits = x["WEIGHT_BITS"]
    count.ffs(product=number * term)
    if x["DSP"]:
        _in_blocks(x, count, number, term)
        return
    if 2 in (x["WEIGHT_KIND"], x["IN_KIND"]):
        count.luts(signs=number * (max(x["IN_BITS"], bits) + 2))
        return
    count_products(x, "IN", x.table()[:, : number * bits], bits, count)


def count_products(x: Reading, side: str, table: BitMatrix, bits: int, count: Tally) -> None:
    """Products of an input and the numbers of a table, of so many bits each.

    Args:
        side: prefix of the input's parameters.
    """
    own, term = x[f"{side}_BITS"], value_bits(x, side) + bits
    used = bits_used(table, bits)
    for (varying, rows), products in zip(*np.unique(used, axis=0, return_counts=True)):
        luts = product_luts(own, int(varying), int(rows), term, has_sign=x[f"{side}_KIND"] != 0)
        count.luts(**{name: amount * int(products) for name, amount in luts.items()})


def _in_blocks(x: Reading, count: Tally, number: int, term: int) -> None:
    """Products in DSP blocks, several of them in one: these are taken apart behind it."""
    packed, pe = x.get("PACKED", 1), x["PE"]
    port, simd = count.device.wide_port_bits, number // pe
    for first in range(0, pe, packed):
        lanes = min(packed, pe - first)
        factor = value_bits(x, "WEIGHT") + ((lanes - 1) * x["SHIFT"] + 1 if packed > 1 else 0)
        count.whole["dsp"] += simd * ceil(factor / port)
        if packed > 1:
            count.ffs(packed=simd * (factor + value_bits(x, "IN")))
            count.luts(packed=simd * (factor - x["SHIFT"]), unpacked=simd * lanes * term)


def product_luts(
    own: int, varying: int, rows: int, term: int, *, has_sign: bool = False
) -> dict[str, float]:
    """One product in LUTs: a table of its bits, or an adder behind rows of carry-save adders.

    Args:
        own: bits of the one operand.
        varying: bits of the other that vary.
        rows: bits of the other that are ever 1.
        term: bits of the product.
        has_sign: whether the one operand has a sign, with which the rows are extended.
    """
    if not rows:
        return {}
    if own + varying <= TABLE_BITS:
        return {"tables": term}
    narrow, wide = sorted((own, rows))
    if narrow == 1:
        return {"gates": wide + 1}
    extended = wide + (narrow if has_sign and own > rows else 0)
    return {"multiplier": narrow + wide, "multiplier_rows": (narrow - 2) * extended}


def _constants(x: Reading, count: Tally, *, xnor: bool) -> None:
    """A product for each weight, all by constants: what is zero takes nothing."""
    pe, simd, out = x["PE"], x["SIMD"], x["OUT_BITS"]
    if xnor:
        cells, kept = tree_bits(simd, 1, out)
        count.ffs(product=2 * simd)
        count.luts(constant_tree=pe * cells)
        count.ffs(tree=pe * kept)
        return
    weights = signed(x.table(), x["WEIGHT_BITS"], x["WEIGHT_KIND"]).reshape(pe, simd)
    own = x["IN_BITS"] if x["IN_KIND"] != 2 else 2
    sizes = np.array([[int(abs(w)).bit_length() for w in row] for row in weights])
    digits = signed_digits(np.abs(weights).ravel()).reshape(weights.shape)
    wide = np.where(weights != 0, sizes + own, 0)
    for column, width, digit in zip(weights.T, wide.T, digits.T):
        made = {int(w): (int(b), int(d)) for w, b, d in zip(column, width, digit) if w}
        if x["IN_BITS"] == 1:
            count.ffs(product=min(len(made), 2))
            continue
        for weight, (bits, adders) in made.items():
            count.luts(**constant_luts(x["IN_BITS"], bits, adders, weight))
            count.ffs(product=bits - ((weight & -weight).bit_length() - 1))
    for row in wide:
        cells, kept = sparse_tree(row, out)
        count.luts(constant_tree=cells)
        count.ffs(tree=kept)


def constant_luts(own: int, bits: int, digits: int, constant: int) -> dict[str, float]:
    """A product by a constant: a table of a narrow input, else an adder for each digit.

    Args:
        own: bits of the input.
        bits: of the product.
        digits: signed digits of the constant.
    """
    if own > TABLE_BITS:
        return {"constant": (digits - 1) * bits, "negated": bits * (constant < 0)}
    # No more functions of so few bits are there.
    return {"constant": min(bits, 1 << own) if digits > 1 or constant < 0 else 0}


def vecvec(x: Reading, count: Tally) -> None:
    """The products of a depthwise convolution."""
    pe, taps, groups, out = x["PE"], x["TAPS"], x["GROUPS"], x["OUT_BITS"]
    count.shell(2, pe * out)
    count.counter(taps, taps * groups)
    count.ffs(flags=4 if taps > 1 else 0, word=pe * x["IN_BITS"])
    count.luts(accumulator=pe * out)
    count.rom(x.table(), x["STYLE"])
    _products(x, count, pe, min(value_bits(x, "IN") + value_bits(x, "WEIGHT"), out))
