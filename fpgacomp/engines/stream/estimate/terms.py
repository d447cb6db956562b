"""Parts that several streaming operators are made of, as term tables (see `shared.terms`).

The operators of a dataflow build their terms from these parts. The fit builds the same terms
from published synthesis reports of FINN's operators.
"""

from __future__ import annotations

import numpy as np

from fpgacomp.engines.shared.digits import signed_digits
from fpgacomp.engines.shared.products import Product
from fpgacomp.engines.shared.terms import (
    DSP_MIN_OPERAND,
    DSP_MIN_PRODUCT,
    SOFT,
    Amounts,
    Terms,
    constant_products,
    dsp_per_product,
    unit_terms,
)
from fpgacomp.engines.shared.weight_stats import WeightStats
from fpgacomp.engines.stream.design import Memory
from fpgacomp.engines.stream.estimate.memory import added, rom_terms
from fpgacomp.ir.types import IntArray, Ints

CLOCK_NS = 5.0  # period for which pipeline stages are counted
# No product is that wide: MulLut of mvau.hpp binds every one of them to LUTs.
IN_FABRIC = 1 << 20


def word_terms(bits: float, *, adder: float = 0.0) -> Terms:
    """A state machine that moves words of so many bits, and `adder` bits of adders behind it."""
    lut: Amounts = {"process": 1, "wire": bits}
    if adder:
        lut["adder"] = adder
    return unit_terms(lut, {"process": 1, "wire": bits})


def lut_product(weight_bits: int, input_bits: int, product_bits: int) -> float:
    """LUTs of one product in fabric and of its share of the adder tree behind it.

    Products of up to five input bits are tables of two outputs a LUT6, those of six bits have
    one output a LUT6, and wider ones are rows of adders with two partial products a LUT and
    bit. A tree of ternary adders takes about half a LUT for each bit of its inputs and two
    more.
    """
    narrow, wide = sorted((weight_bits, input_bits))
    if narrow == 1:
        multiplier = wide / 2
    elif narrow + wide <= 5:
        multiplier = product_bits / 2
    elif narrow + wide == 6:
        multiplier = product_bits
    else:
        multiplier = narrow * (wide + 1)
    return multiplier + (product_bits + 2) / 2


def product_array(
    count: int, weight_bits: int, input_bits: int, *, dsp: float = 0, bipolar: bool = False
) -> Terms:
    """`count` products at once and their adder trees.

    Args:
        dsp: DSP blocks that multiply; 0 where LUTs do.
        bipolar: weights and inputs are both of {-1, +1}, so that products are XNOR gates.
    """
    bits = weight_bits + input_bits - (weight_bits > 1)
    if bipolar:
        return unit_terms({"xnor": count}, {"xnor": count})
    if dsp:
        tree = count * (bits + 2) / 2
        terms = unit_terms({"product": tree}, {"product_register": count * bits})
        return terms | {"dsp": {"product": dsp}}
    luts = count * lut_product(weight_bits, input_bits, bits)
    return unit_terms({"product": luts}, {"product_register": count * bits})


def constant_array(stats: WeightStats, pe: int, simd: int, input_bits: int, acc_bits: int) -> Terms:
    """Products by constants, each with hardware of its own, and their adder trees.

    Registers lie between the stages of the trees, as many as a clock of CLOCK_NS asks for.
    """
    unit = Product(
        n_in=simd, n_out=pe, products=pe * simd, stats=stats, in_bits=input_bits, weight_bits=1,
        acc_bits=acc_bits, strategy="latency", reuse_factor=1, clock_ns=CLOCK_NS,
        least_constant_product=IN_FABRIC,
    )  # fmt: skip
    sums = unit.sums
    cells = sums.tree_cells + sums.dsp_tree_cells
    lut: Amounts = {"constant": sums.adder_cells + cells}
    return unit_terms(lut, {"product_register": cells * unit.registered_share})


def scaling_terms(factors: Ints, lanes: int, channels: int, in_bits: int) -> Terms:
    """`lanes` products a cycle of a value and its channel's factor.

    Where a lane has a single factor, the product is one by a constant. Else the factor comes
    from a table and both operands vary. The tools put products into DSP blocks where they are
    wide enough (see `shared.terms`).
    """
    values: IntArray = np.abs(factors.array.ravel())
    digits = signed_digits(values)
    if not np.any(digits > 1) and (values.size == 1 or np.all(values == values[0])):
        return unit_terms({})  # a shift
    bits = max(int(values.max()).bit_length(), 1)
    if values.size == 1 or lanes == channels:
        return constant_products(Ints(values), lanes, in_bits)
    table = rom_terms(lanes * bits, channels // lanes, "lutram", told=False)
    if min(bits, in_bits) >= DSP_MIN_OPERAND and bits + in_bits >= DSP_MIN_PRODUCT:
        cells = lanes * min(bits, in_bits) * (max(bits, in_bits) + 1)
        scale: Terms = unit_terms({}) | {
            "dsp": {"scale": dsp_per_product(bits, in_bits) * lanes}, SOFT: {"scale": cells},
        }  # fmt: skip
    else:
        narrow, wide_bits = sorted((bits, in_bits))
        scale = unit_terms({"adder": lanes * narrow * (wide_bits + 1)})
    return added(table, scale)


def banks_terms(lanes: int, width: int, depth: int, memory: Memory) -> Terms:
    """A table with a port per lane, which is one copy or one bank for each of them."""
    one = rom_terms(width, depth, memory, told=False)
    return {r: {t: a * lanes for t, a in amounts.items()} for r, amounts in one.items()}
