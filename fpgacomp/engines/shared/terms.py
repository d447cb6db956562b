"""What a layer is made of, in countable terms: adder bits, mux bits, multipliers, ROM bits.

A term is a quantity that follows from the layer and its folding alone. What one unit
of a term costs at a stage of the tool flow is a coefficient (coefficients.json). Both
the estimator (from the integer graph) and the fit (from published reports) build the
same terms, which is what makes the fit carry over.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from math import ceil
from typing import Literal

from fpgacomp.devices.families import RAMB18
from fpgacomp.engines.shared.digits import signed_digits
from fpgacomp.engines.shared.release import VITIS_2022, Release
from fpgacomp.engines.shared.weight_stats import DSP_MIN_DIGITS
from fpgacomp.ir.types import Ints

# latency: every product has its own multiplier; resource: a multiplier serves several.
Strategy = Literal["latency", "resource"]

RESOURCES = ("lut", "ff", "dsp", "bram18")
Amounts = dict[str, float]
# resource -> term -> amount; under ROM_BITS, the term that counts a ROM's blocks -> bits it holds
Terms = dict[str, Amounts]
ROM_BITS = "rom_bits"
# What an FPGA without Vitis HLS is priced by, beside the resources: memories by kind and shape
# (`memory_key`), and the adder cells of products that lie in DSP blocks elsewhere.
MEMORIES = "memories"
SOFT = "soft"
LUT_BITS = 64  # a LUT of six inputs holds no more bits than this

# Vitis binds a product of two variables to a DSP block only where neither is tiny and the product
# is wide: 16x6 and 8x8 bits are, 7x7 and 16x4 are not. By a constant each product is judged on its
# own: the constant has three or more signed digits, and its own bits (not those of the
# layer's declared type) and the input's are together at least DSP_MIN_CONSTANT_PRODUCT
# (hls4ml_csynth_layers.csv, hls4ml_dense_csynth.csv). Before Vitis 2022 fewer bits sufficed.
DSP_MIN_OPERAND = 5
DSP_MIN_PRODUCT = 15
DSP_MIN_CONSTANT_PRODUCT = 18
DSP_MIN_CONSTANT_PRODUCT_BEFORE_2022 = 15


def binds_dsp(one_bits: int, other_bits: int, least: int) -> bool:
    """Whether Vitis binds a product of these widths to a DSP."""
    return min(one_bits, other_bits) >= DSP_MIN_OPERAND and one_bits + other_bits >= least


def least_constant_product(release: Release) -> int:
    """Bits of input and constant together from which this release takes a DSP block."""
    newer = release >= VITIS_2022
    return DSP_MIN_CONSTANT_PRODUCT if newer else DSP_MIN_CONSTANT_PRODUCT_BEFORE_2022


def dsp_per_product(one_bits: int, other_bits: int) -> int:
    """DSP48 slices of one product: 26 x 17 bits each without the signs."""
    narrow, wide = sorted((one_bits, other_bits))
    return ceil((narrow - 1) / 17) * ceil((wide - 1) / 26)


def merge(parts: Iterable[Mapping[str, Mapping[str, float]]]) -> Terms:
    """The sum of several term tables."""
    kinds = (*RESOURCES, ROM_BITS, MEMORIES, SOFT)
    total: Terms = {resource: defaultdict(float) for resource in kinds}
    for part in parts:
        for resource, amounts in part.items():
            for term, amount in amounts.items():
                total[resource][term] += amount
    return {resource: dict(amounts) for resource, amounts in total.items()}


def dot(cost: Mapping[str, float], amounts: Mapping[str, float]) -> float:
    """What so many units of each term cost together."""
    return sum(cost[term] * amount for term, amount in amounts.items())


def memory_bram18(width: int, depth: int) -> int:
    """18-kbit blocks of a memory of this width in bits and depth in words."""
    for words, port in RAMB18.shapes:
        if depth <= words:
            return ceil(width / port)
    return width * ceil(depth / RAMB18.shapes[-1][0])


def unit_terms(lut: Amounts, ff: Amounts | None = None, bram18: Amounts | None = None) -> Terms:
    """A term table of a unit without DSPs."""
    return {"lut": lut, "ff": ff or {}, "dsp": {}, "bram18": bram18 or {}}


def constant_products(by: Ints, lanes: int, bits: int) -> Terms:
    """Products by constants, one for each of `lanes` lanes, per channel or all alike.

    Those that the tools' rule for a single constant puts into DSP blocks (see
    `DSP_MIN_CONSTANT_PRODUCT`) are counted there, the others as shifts and adds.
    """
    values = by.array.ravel()
    digits = signed_digits(values)
    adders = dsp = soft = 0.0
    for value, count in zip(values.tolist(), digits.tolist()):
        own = abs(value).bit_length() + 1
        if constant_binds_dsp(count, own, bits):
            dsp += dsp_per_product(bits, own)
            soft += (count - 1) * (bits + own - 1)
        else:
            adders += max(count - 1, 0) * (bits + own - 1)
    share = lanes / values.size
    extra: Terms = {"dsp": {"scale": ceil(dsp * share)}}
    if soft:
        extra[SOFT] = {"scale": soft * share}
    return unit_terms({"adder": adders * share}) | extra


def constant_binds_dsp(digits: int, own_bits: int, bits: int) -> bool:
    """Whether a product by one constant goes into a DSP block.

    Args:
        digits: signed digits of the constant.
        own_bits: of the constant as a signed number.
        bits: of the other operand.
    """
    wide = bits + own_bits >= DSP_MIN_CONSTANT_PRODUCT
    return digits >= DSP_MIN_DIGITS and bits >= DSP_MIN_OPERAND and wide


def variable_products(count: int, one_bits: int, other_bits: int) -> Terms:
    """Products of two variables each, as DSPs where Vitis binds them."""
    if binds_dsp(one_bits, other_bits, DSP_MIN_PRODUCT):
        dsp = count * dsp_per_product(one_bits, other_bits)
        return {"lut": {}, "ff": {}, "dsp": {"resource": dsp}, "bram18": {}}
    return unit_terms({"resource_multiplier": count * one_bits * other_bits})


def activation_terms(lanes: int, in_bits: int, out_bits: int) -> Terms:
    """Clip and round of `lanes` values at once."""
    bits = lanes * (in_bits + out_bits)
    return unit_terms({"clip": bits}, {"clip": lanes * out_bits})


def window_terms(window: int, in_bits: int, rows: int, channels: int, width: int) -> Terms:
    """Line buffer of a streaming window: `rows` lines of `width` pixels, and the window registers.

    Args:
        window: elements of the window over all channels.
        rows: kernel height - 1.
    """
    line_bits = rows * channels * in_bits * ceil(width / 32)  # one SRL32 per bit and 32 pixels
    registers = window * in_bits
    return unit_terms(
        {"line_buffer": line_bits, "window": registers}, {"window": registers + 2 * line_bits}
    )


def partial_results(columns: int, bits: int) -> Terms:
    """One word of partial results per column of a row: registers, or LUT memory where many."""
    if columns == 1:
        return unit_terms({}, {"register": bits})
    return unit_terms({"line_buffer": bits * ceil(columns / 32)}, {"register": bits})


def process_terms() -> Terms:
    """State machine, counters and handshakes of one streaming process."""
    return unit_terms({"process": 1.0}, {"process": 1.0})


def unpack_terms(bits: int) -> Terms:
    """A vector collected from several stream words (nnet_dense_stream.h, data_prepare)."""
    return unit_terms({"unpack": bits}, {"unpack": bits})


def fifo_terms(width: int, depth: int) -> Terms:
    """A FIFO: shift registers up to 1,024 bits, block RAM beyond (Vitis' automatic choice)."""
    if depth <= 2 or width * depth <= 1024:
        cells = width * ceil(depth / 32)
        return unit_terms({"fifo": cells + 12}, {"fifo": width + 8})
    return unit_terms({"fifo": 25}, {"fifo": 25}, {"fifo": memory_bram18(width, depth)})
