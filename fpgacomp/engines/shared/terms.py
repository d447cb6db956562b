"""What a layer is made of, in countable terms: adder bits, mux bits, multipliers, ROM bits.

A term is a quantity that follows from the layer and its folding alone. What one unit
of a term costs at a stage of the tool flow is a coefficient (coefficients.json). Both
the estimator (from the integer graph) and the fit (from published reports) build the
same terms, which is what makes the fit carry over.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from math import ceil, log2
from typing import Literal

import numpy as np

from fpgacomp.engines.shared.digits import signed_digits
from fpgacomp.ir.types import IntArray, Ints

# latency: every product has its own multiplier; resource: a multiplier serves several.
Strategy = Literal["latency", "resource"]

RESOURCES = ("lut", "ff", "dsp", "bram18")
Amounts = dict[str, float]
Terms = dict[str, Amounts]  # resource -> term -> amount

# Vitis binds a product to a DSP only where neither operand is tiny and the product is wide:
# of two variables, 16x6 and 8x8 bits are, 7x7 and 16x4 are not; by a constant, 16x8 is and
# (since Vitis 2022) 8x8 is not, nor any constant of fewer than three signed digits, which
# becomes shifts and adds (hls4ml_csynth_layers.csv, hls4ml_dense_csynth.csv).
DSP_MIN_OPERAND = 5
DSP_MIN_PRODUCT = 15
DSP_MIN_CONSTANT_PRODUCT = 17
DSP_MIN_DIGITS = 3

# Width x depth of one 18-kbit block (AMD UG473/UG573); deeper memories take narrower ports.
_BRAM18_PORTS = ((512, 36), (1024, 18), (2048, 9), (4096, 4), (8192, 2), (16384, 1))


@dataclass(frozen=True)
class WeightStats:
    """What of the weight values matters: counts over one output position's products.

    Args:
        nonzero: weights that are not zero.
        adders_lut: sum of (digits - 1) over those with fewer than DSP_MIN_DIGITS digits.
        adders_wide: the same over those with at least DSP_MIN_DIGITS digits.
        wide: how many have at least DSP_MIN_DIGITS digits.
    """

    nonzero: int
    adders_lut: int
    adders_wide: int
    wide: int


def weight_stats(weights: IntArray) -> WeightStats:
    """Count over integer weights of any shape."""
    digits = signed_digits(weights)
    wide = digits >= DSP_MIN_DIGITS
    extra = np.maximum(digits - 1, 0)
    return WeightStats(
        int(np.count_nonzero(digits)), int(extra[~wide].sum()), int(extra[wide].sum()),
        int(np.count_nonzero(wide)),
    )  # fmt: skip


@lru_cache(maxsize=128)
def cached_weight_stats(weights: Ints) -> WeightStats:
    """`weight_stats`, remembered: a folding search asks for the same weights many times."""
    return weight_stats(weights.array)


def binds_dsp(one_bits: int, other_bits: int, least: int) -> bool:
    """Whether Vitis binds a product of these widths to a DSP."""
    return min(one_bits, other_bits) >= DSP_MIN_OPERAND and one_bits + other_bits >= least


def dsp_per_product(one_bits: int, other_bits: int) -> int:
    """DSP48 slices of one product: 26 x 17 bits each without the signs."""
    narrow, wide = sorted((one_bits, other_bits))
    return ceil((narrow - 1) / 17) * ceil((wide - 1) / 26)


@dataclass(frozen=True, kw_only=True)
class Product:
    """A sum-of-products unit: `at_once` output positions of an n_in x n_out matrix.

    Args:
        products: multiplications per position (n_in * n_out, or n_in for depthwise).
    """

    n_in: int
    n_out: int
    products: int
    stats: WeightStats
    in_bits: int
    weight_bits: int
    acc_bits: int
    strategy: Strategy
    reuse_factor: int
    at_once: int = 1
    clock_ns: float = 5.0
    level_ns: float = 1.2
    least_constant_product: int = DSP_MIN_CONSTANT_PRODUCT

    @property
    def multipliers(self) -> int:
        """Multipliers that work in the same cycle."""
        return ceil(self.products / self.reuse_factor) * self.at_once

    @property
    def constant_weights(self) -> bool:
        """Whether each multiplier has one weight: Latency, or Resource with reuse factor 1."""
        return self.strategy == "latency" or self.reuse_factor == 1

    @property
    def binds_dsp(self) -> bool:
        """Whether Vitis binds the products to DSP blocks."""
        least = self.least_constant_product if self.constant_weights else DSP_MIN_PRODUCT
        return binds_dsp(self.in_bits, self.weight_bits, least)

    @property
    def dsp_per_product(self) -> int:
        """DSP blocks that one product takes."""
        return dsp_per_product(self.in_bits, self.weight_bits)

    @property
    def multiply_levels(self) -> int:
        """Adder levels whose delay one multiplication has."""
        return 2 if self.binds_dsp else 1

    @property
    def levels(self) -> float:
        """Adder levels from input to output: the product, then the tree."""
        return self.multiply_levels + log2(max(self.n_in, 2))

    @property
    def depth(self) -> int:
        """Register stages between input and output."""
        return max(0, ceil(self.levels * self.level_ns / self.clock_ns) - 1)

    @property
    def shared_cycles(self) -> int:
        """Cycles that products wait for a shared multiplier under Latency with RF > 1.

        The multiplier limit counts every nonzero product (nnet_dense_latency.h), but only
        those bound to DSPs compete for it; shifts and adds do not.
        """
        if self.reuse_factor == 1 or not self.binds_dsp or not self.stats.wide:
            return 0
        return ceil(self.reuse_factor * self.stats.wide / max(self.stats.nonzero, 1))

    @property
    def tree_bits(self) -> int:
        """Mean width of the adders of the tree: half of them add two products."""
        return min(self.acc_bits, self.in_bits + self.weight_bits)

    @property
    def registered_share(self) -> float:
        """Bits held by the pipeline registers, per bit of the products before the tree.

        Registers are spread evenly over the levels; past the product the tree halves
        what is left at each level.
        """
        step = self.levels / (self.depth + 1)
        return sum(
            min(1.0, float(2.0 ** (self.multiply_levels - stage * step)))
            for stage in range(1, self.depth + 1)
        )


def level_ns(part: str) -> float:
    """Delay of one adder level as the HLS schedulers of these parts count it.

    7-series (and slower) against UltraScale and newer: 3.0 ns explains the latencies of
    xc7z007s and xc7z020 rows of hls4ml_csynth_layers.csv, 1.2 ns those of xcu50 and xcu250.
    """
    return 1.2 if part.lower().startswith(("xcu", "xck", "xcv", "xczu")) else 3.0


def merge(parts: Iterable[Mapping[str, Mapping[str, float]]]) -> Terms:
    """The sum of several term tables."""
    total: Terms = {resource: defaultdict(float) for resource in RESOURCES}
    for part in parts:
        for resource, amounts in part.items():
            for term, amount in amounts.items():
                total[resource][term] += amount
    return {resource: dict(amounts) for resource, amounts in total.items()}


def product_terms(unit: Product) -> Terms:
    """LUT, FF, DSP and BRAM18 terms of a sum of products."""
    return _latency_terms(unit) if unit.constant_weights else _resource_terms(unit)


def _latency_terms(unit: Product) -> Terms:
    """nnet_dense_latency.h: every nonzero weight its own constant product, one adder tree each."""
    stats, copies = unit.stats, unit.at_once
    adders = stats.adders_lut if unit.binds_dsp else stats.adders_lut + stats.adders_wide
    shared = ceil(stats.wide / unit.reuse_factor) * copies
    dsp = shared * unit.dsp_per_product if unit.binds_dsp else 0
    per_operand = (unit.in_bits + unit.weight_bits) * copies
    tree = stats.nonzero * unit.tree_bits * copies
    lut: Amounts = {
        "latency_shift_add": adders * per_operand,
        "latency_tree": tree,
        "latency_output": unit.n_out * unit.acc_bits * copies,
    }
    if unit.reuse_factor > 1:
        # Shared multipliers: their operands are selected by multiplexers.
        lut["latency_share"] = stats.wide * copies * unit.in_bits if unit.binds_dsp else 0.0
    ff: Amounts = {
        "latency_input": unit.n_in * unit.in_bits,
        "latency_pipeline": tree * unit.registered_share,
        "latency_output": unit.n_out * unit.acc_bits * copies,
    }
    if unit.reuse_factor > 1:
        ff["latency_share"] = tree
    return {"lut": lut, "ff": ff, "dsp": {"latency": dsp}, "bram18": {}}


def _resource_terms(unit: Product) -> Terms:
    """nnet_dense_resource.h: `multipliers` products per cycle, weights in ROM, selected inputs."""
    count, rf = unit.multipliers, unit.reuse_factor
    # Past one output per multiplier, accumulators are selected by a running index.
    output = "resource_output_select" if rf > unit.n_in else "resource_output"
    outputs = unit.n_out * unit.acc_bits * unit.at_once
    lut: Amounts = {"resource_adder": count * unit.acc_bits, output: outputs}
    if not unit.binds_dsp:
        lut["resource_multiplier"] = count * unit.in_bits * unit.weight_bits
    lut["resource_input_mux"] = unit.n_in * unit.in_bits * unit.at_once
    if rf > 2 * unit.n_in:
        # acc[out_index] with a running index: each multiplier reaches every accumulator.
        lut["resource_accumulator_mux"] = (
            (count / unit.at_once) * unit.n_out * unit.acc_bits * unit.at_once
        )
    ff: Amounts = {
        output: outputs,
        "resource_input": unit.n_in * unit.in_bits * unit.at_once,
        "resource_multiplier": count * (unit.in_bits + unit.weight_bits),
    }
    return {
        "lut": lut,
        "ff": ff,
        "dsp": {"resource": count * unit.dsp_per_product if unit.binds_dsp else 0},
        "bram18": {"weight_rom": weight_rom_bram18(unit)},
    }


def weight_rom_bram18(unit: Product) -> int:
    """18-kbit blocks of the weight ROM: a word of one block of weights, RF words deep."""
    if unit.strategy == "latency" or unit.reuse_factor <= 1:
        return 0
    blocks = memory_bram18(
        ceil(unit.products / unit.reuse_factor) * unit.weight_bits, unit.reuse_factor
    )
    # Past two outputs per multiplier the output index is a table of its own.
    return blocks + (1 if unit.reuse_factor > 2 * unit.n_in else 0)


def memory_bram18(width: int, depth: int) -> int:
    """18-kbit blocks of a memory of this width in bits and depth in words."""
    for words, port in _BRAM18_PORTS:
        if depth <= words:
            return ceil(width / port)
    return width * ceil(depth / _BRAM18_PORTS[-1][0])


def unit_terms(lut: Amounts, ff: Amounts | None = None, bram18: Amounts | None = None) -> Terms:
    """A term table of a unit without DSPs."""
    return {"lut": lut, "ff": ff or {}, "dsp": {}, "bram18": bram18 or {}}


def constant_products(by: Ints, lanes: int, bits: int) -> Terms:
    """Products by constants as shifts and adds: `lanes` of them, per channel or all alike."""
    adders = float(np.maximum(signed_digits(by.array) - 1, 0).mean()) * lanes
    width = bits + int(abs(by.array).max()).bit_length()
    return unit_terms({"adder": adders * width})


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
