"""Counts over weights that decide what unrolled sums of products take."""

from __future__ import annotations

import numpy as np

from fpgacomp.engines.shared.products import constant_sums
from fpgacomp.engines.shared.terms import constant_products
from fpgacomp.engines.shared.weight_stats import weight_stats
from fpgacomp.ir.types import Ints


def test_equal_constants_of_an_input_are_one_product() -> None:
    stats = weight_stats(np.array([[21, 21, -21, 0], [3, 3, 1, 4]]))
    assert stats.nonzero == 7
    # 21 and -21 have three digits and six bits with the sign; 3 has one adder, 1 and 4 none.
    assert {own: (kind.count, kind.weights) for own, kind in stats.wide.items()} == {6: (2, 3)}
    assert stats.adders == 1
    apart = weight_stats(np.array([[21], [21], [-21]]))
    assert apart.wide[6].count == 3


def test_cells_grow_with_the_values_and_stop_at_the_accumulator() -> None:
    small, large = (
        constant_sums(weight_stats(np.full((16, 4), value)), in_bits=8, acc_bits=bits, n_out=4)
        for value, bits in ((1, 30), (64, 30))
    )
    assert small.tree_cells < large.tree_cells and small.adder_cells == large.adder_cells == 0
    narrow = constant_sums(weight_stats(np.full((16, 4), 64)), in_bits=8, acc_bits=10, n_out=4)
    assert narrow.tree_cells == 16 * 4 * 10 * (1 - 4 / 64)


def test_products_are_in_dsp_blocks_or_in_the_tree_not_in_both() -> None:
    stats = weight_stats(np.random.default_rng(0).integers(-127, 128, (32, 8)))
    fabric = constant_sums(stats, in_bits=16, acc_bits=30, n_out=8, least=1 << 20)
    mixed = constant_sums(stats, in_bits=16, acc_bits=30, n_out=8)
    assert fabric.dsp == 0 < mixed.dsp == mixed.products_in_dsp
    assert fabric.adder_cells > mixed.adder_cells
    assert fabric.tree_cells == mixed.tree_cells + mixed.dsp_tree_cells


def test_requantize_counts_dsp_blocks_by_constant() -> None:
    """Two of four channels have factors of three digits that are wide enough."""
    found = constant_products(Ints([21, 85, 64, 3]), lanes=64, bits=12)
    assert found["dsp"] == {"scale": 32}
    assert constant_products(Ints([21]), lanes=64, bits=8)["dsp"] == {"scale": 0}
