"""Sums of products as terms: constant products and their adder trees, or shared multipliers."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, log2

from fpgacomp.engines.shared.terms import (
    DSP_MIN_CONSTANT_PRODUCT,
    DSP_MIN_OPERAND,
    DSP_MIN_PRODUCT,
    ROM_BITS,
    Amounts,
    Strategy,
    Terms,
    binds_dsp,
    dsp_per_product,
    memory_bram18,
)
from fpgacomp.engines.shared.weight_stats import WeightStats


@dataclass(frozen=True)
class ConstantSums:
    """Sums of products by constants, every one of which has hardware of its own.

    A cell is one bit of one two-input adder.

    Args:
        adder_cells: cells of the shifts and adds that multiply by distinct constants.
        tree_cells: cells of the trees that sum up products made in fabric.
        dsp_tree_cells: cells of those that sum up products of DSP blocks.
        products_in_dsp: distinct constants that DSP blocks multiply by.
        dsp: DSP blocks.
    """

    adder_cells: float
    tree_cells: float
    dsp_tree_cells: float
    products_in_dsp: float
    dsp: float


def constant_sums(
    stats: WeightStats,
    *,
    in_bits: int,
    acc_bits: int,
    n_out: int,
    least: int = DSP_MIN_CONSTANT_PRODUCT,
) -> ConstantSums:
    """What sums of products by these constants are made of.

    Args:
        n_out: sums; each has one adder less than products.
        least: bits of input and constant together from which a DSP block multiplies.
    """
    bound = {
        own: kind
        for own, kind in stats.wide.items()
        if in_bits >= DSP_MIN_OPERAND and in_bits + own >= least
    }
    in_fabric = [kind for own, kind in stats.wide.items() if own not in bound]
    adders = stats.adders + sum(kind.adders for kind in in_fabric)
    cells = float(stats.nonzero * (in_bits + 1) + stats.magnitude_bits)
    cells = min(cells, float(stats.nonzero * acc_bits))
    of_dsp = sum(kind.weights * min(in_bits + own, acc_bits) for own, kind in bound.items())
    of_dsp = min(of_dsp, cells)
    kept = max(1.0 - n_out / stats.nonzero, 0.0) if stats.nonzero else 0.0
    return ConstantSums(
        adder_cells=adders * (in_bits + 2),
        tree_cells=(cells - of_dsp) * kept,
        dsp_tree_cells=of_dsp * kept,
        products_in_dsp=sum(kind.count for kind in bound.values()),
        dsp=sum(kind.count * dsp_per_product(in_bits, own) for own, kind in bound.items()),
    )


@dataclass(frozen=True, kw_only=True)
class Product:
    """A sum-of-products unit: `at_once` output positions of an n_in x n_out matrix.

    Args:
        n_in: products that are summed up to one output.
        n_out: outputs of one position.
        products: multiplications per position (n_in * n_out, or those of a depthwise layer).
        stats: of the weights of one position.
        least_constant_product: bits of input and constant together from which the tool puts a
            product by a constant into a DSP block.
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
    def sums(self) -> ConstantSums:
        """The unit as sums of products by constants."""
        return constant_sums(
            self.stats, in_bits=self.in_bits, acc_bits=self.acc_bits, n_out=self.n_out,
            least=self.least_constant_product,
        )  # fmt: skip

    @property
    def binds_dsp(self) -> bool:
        """Whether the tool puts products into DSP blocks."""
        if self.constant_weights:
            return self.sums.dsp > 0
        return binds_dsp(self.in_bits, self.weight_bits, DSP_MIN_PRODUCT)

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
        if self.reuse_factor == 1:
            return 0
        shared = self.sums.products_in_dsp
        return ceil(self.reuse_factor * shared / max(self.stats.nonzero, 1))

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


def product_terms(unit: Product) -> Terms:
    """LUT, FF, DSP and BRAM18 terms of a sum of products."""
    return _latency_terms(unit) if unit.constant_weights else _resource_terms(unit)


def _latency_terms(unit: Product) -> Terms:
    """nnet_dense_latency.h: every distinct weight its own constant product, one tree each output.

    Under a reuse factor above 1 the products in DSP blocks share multipliers, whose operands
    multiplexers select.
    """
    sums, copies = unit.sums, unit.at_once
    shared = unit.reuse_factor > 1 and sums.dsp > 0
    dsp = sums.dsp / unit.reuse_factor
    cells = (sums.tree_cells + sums.dsp_tree_cells) * copies
    outputs = unit.n_out * unit.acc_bits * copies
    lut: Amounts = {
        "latency_shift_add": sums.adder_cells * copies,
        "latency_tree": sums.tree_cells * copies,
        "latency_dsp_tree": sums.dsp_tree_cells * copies,
        "latency_output": outputs,
    }
    ff: Amounts = {
        "latency_input": unit.n_in * unit.in_bits,
        "latency_pipeline": cells * unit.registered_share,
        "latency_output": outputs,
    }
    if unit.reuse_factor > 1:  # sums that are formed over several cycles wait in registers
        ff["latency_share"] = cells
    if shared:
        lut["latency_share"] = sums.products_in_dsp * copies * unit.in_bits
    return {"lut": lut, "ff": ff, "dsp": {"latency": ceil(dsp) * copies}, "bram18": {}}


def _resource_terms(unit: Product) -> Terms:
    """nnet_dense_resource.h: `multipliers` products per cycle, weights in ROM, selected inputs."""
    count, rf = unit.multipliers, unit.reuse_factor
    # Past one output per multiplier, accumulators are selected by a running index.
    output = "resource_output_select" if rf > unit.n_in else "resource_output"
    outputs = unit.n_out * unit.acc_bits * unit.at_once
    in_dsp = unit.binds_dsp
    lut: Amounts = {"resource_adder": count * unit.acc_bits, output: outputs}
    if not in_dsp:
        lut["resource_multiplier"] = count * unit.in_bits * unit.weight_bits
    # Up to one output per multiplier each input has few readers; past that, one reads them all.
    read = "resource_input_mux" if rf > unit.n_in else "resource_input_select"
    lut[read] = unit.n_in * unit.in_bits * unit.at_once
    ff: Amounts = {}
    if rf > unit.n_in:  # index tables and the loop around them
        lut["resource_control"] = ff["resource_control"] = 1.0
    if rf > 2 * unit.n_in:
        # acc[out_index] with a running index: each multiplier reaches every accumulator.
        lut["resource_accumulator_mux"] = count * unit.n_out * unit.acc_bits
    ff |= {
        output: outputs,
        "resource_input": unit.n_in * unit.in_bits * unit.at_once,
        "resource_multiplier": count * (unit.in_bits + unit.weight_bits),
    }
    each = dsp_per_product(unit.in_bits, unit.weight_bits)
    return {
        "lut": lut,
        "ff": ff,
        "dsp": {"resource": count * each if in_dsp else 0},
        "bram18": {"weight_rom": weight_rom_bram18(unit), "index_rom": index_rom_bram18(unit)},
        ROM_BITS: {"weight_rom": weight_rom_bits(unit)},
    }


def weight_rom_bram18(unit: Product) -> int:
    """18-kbit blocks of the weight ROM: a word of one block of weights, RF words deep."""
    if unit.constant_weights:
        return 0
    width = ceil(unit.products / unit.reuse_factor) * unit.weight_bits
    return memory_bram18(width, unit.reuse_factor)


def weight_rom_bits(unit: Product) -> float:
    """Bits that a weight ROM cannot do without: which weights are zero, and those that are not.

    Logic synthesis may leave out what is alike, so that a ROM of many zeros holds less than its
    words. Weights that are constants of their multipliers are in no ROM.
    """
    if unit.constant_weights:
        return 0.0
    zero = 1.0 - min(unit.stats.nonzero / unit.products, 1.0)
    which = -sum(share * log2(share) for share in (zero, 1.0 - zero) if share > 0.0)
    return unit.products * min((1.0 - zero) * unit.weight_bits + which, unit.weight_bits)


def index_rom_bram18(unit: Product) -> int:
    """18-kbit blocks of the table of output indices, past two outputs per multiplier."""
    if unit.constant_weights or unit.reuse_factor <= 2 * unit.n_in:
        return 0
    return memory_bram18(max(unit.n_out - 1, 1).bit_length(), unit.reuse_factor)
