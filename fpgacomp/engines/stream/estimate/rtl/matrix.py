"""What matrix-vector and vector-vector units are made of."""

from __future__ import annotations

import sys
from math import ceil

import numpy as np

from fpgacomp.engines.shared.digits import signed_digits
from fpgacomp.engines.stream.estimate.rtl.reading import (
    BitMatrix,
    Reading,
    bits_used,
    signed,
)
from fpgacomp.engines.stream.estimate.rtl.tally import Tally, sparse_tree, tree_of
from fpgacomp.engines.stream.operators.matrix_vector import tree_stages

SIX = 6  # bits that fpgacomp_count counts together
_COUNT_LUTS = (0, 0, 2, 2, 3, 3, 3)  # by the bits of a group: a LUT for each bit of their number
TABLE_BITS = 6  # a product of so many bits of both operands is a table in LUTs


def matvec(x: Reading, count: Tally) -> None:
    """A matrix-vector unit: PE sums of SIMD products a cycle."""
    simd, pe, reads, rows = x["SIMD"], x["PE"], x["READS"], x["ROWS"]
    bits, out, fold = x["IN_BITS"], x["OUT_BITS"], reads * rows
    xnor = x["IN_KIND"] == 2 == x["WEIGHT_KIND"]
    ternary = bool(x["TERNARY"])
    terms = ceil(simd / SIX) if xnor and ternary else simd
    stages = 2 + (x["PACKED"] > 1) + tree_stages(terms, ternary=ternary)
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
    if xnor:
        count.luts(xnor=pe * simd)
        count.ffs(product=pe * simd)
        _equal_signs(count, simd, pe, out, ternary=ternary)
        return
    _products(x, count, pe * simd, x["TERM_BITS"])
    tree = tree_of(simd, min(x["TERM_BITS"], out), out, ternary=ternary)
    count.luts(tree=pe * tree.pairs, threes=pe * tree.threes)
    count.ffs(tree=pe * tree.kept)


def _equal_signs(count: Tally, simd: int, pe: int, out: int, *, ternary: bool) -> None:
    """How many of SIMD bits are set, PE times: in groups of six where a LUT has six inputs."""
    tree = tree_of(simd, 1, out, ternary=False)
    if ternary:
        groups = np.diff(np.append(np.arange(0, simd, SIX), simd))  # bits of each
        count.luts(sixes=pe * float(np.array(_COUNT_LUTS)[groups].sum()))
        widths = np.array([int(group).bit_length() for group in groups])
        tree = sparse_tree(widths, out, ternary=True)
    count.luts(popcount=pe * tree.pairs, threes=pe * tree.threes)
    count.ffs(tree=pe * tree.kept)


def value_bits(x: Reading, side: str) -> int:
    """Bits of a signed number that holds an element."""
    kind, bits = x[f"{side}_KIND"], x[f"{side}_BITS"]
    return 2 if kind == 2 else bits + (kind == 0)


def _products(x: Reading, count: Tally, number: int, term: int) -> None:
    """Products of two variables each, of so many bits, and their registers."""
    bits = x["WEIGHT_BITS"]
    count.ffs(product=number * term)
    if x["DSP"]:
        _in_blocks(x, count, number, term)
        return
    if 2 in (x["WEIGHT_KIND"], x["IN_KIND"]):
        count.luts(signs=number * (max(x["IN_BITS"], bits) + 2))
        return
    count_products(x, "IN", x.table()[:, : number * bits], bits, count, term)


def count_products(
    x: Reading, side: str, table: BitMatrix, bits: int, count: Tally, most: int = sys.maxsize
) -> None:
    """Products of an input and the numbers of a table, of so many bits each.

    Args:
        side: prefix of the input's parameters.
        most: bits of a product.
    """
    own, term = x[f"{side}_BITS"], min(value_bits(x, side) + bits, most)
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
            joined = factor - x["SHIFT"] if lanes > 1 else 0
            count.luts(packed=simd * joined, unpacked=simd * lanes * term)


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
        count.ffs(product=2 * simd)
        _equal_signs(count, simd, pe, out, ternary=bool(x["TERNARY"]))
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
        tree = sparse_tree(row, out, ternary=bool(x["TERNARY"]))
        count.luts(constant_tree=tree.pairs, constant_threes=tree.threes)
        count.ffs(tree=tree.kept)


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
