"""What of constant weights decides the hardware of a fully unrolled sum of products.

An input that is multiplied by one constant several times is multiplied once: the tools share
the product among the outputs (csynth reports of hls4ml_dense_csynth.csv have 263 DSP blocks
where 338 weights of 272 distinct values per input would each take one). What is summed up
afterwards is every product.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np

from fpgacomp.engines.shared.digits import signed_digits, typical_weights
from fpgacomp.ir.types import IntArray, Ints

# A constant of fewer signed digits is at most one adder, which no tool puts into a DSP block.
DSP_MIN_DIGITS = 3


@dataclass(frozen=True)
class WideConstants:
    """Distinct constants of one width with at least DSP_MIN_DIGITS signed digits.

    Args:
        count: how many, summed over the inputs.
        adders: adders that they take where no DSP block multiplies.
        weights: weights that have these values; at least `count`.
    """

    count: float
    adders: float
    weights: float


@dataclass(frozen=True)
class WeightStats:
    """Counts over the weights of one output position.

    Args:
        nonzero: weights that are not zero.
        magnitude_bits: sum over them of the bits of the absolute value.
        adders: adders of the distinct constants with fewer than DSP_MIN_DIGITS digits.
        wide: bits of a constant as a signed number -> the constants that a DSP block may take.
    """

    nonzero: float
    magnitude_bits: float
    adders: float
    wide: Mapping[int, WideConstants] = field(default_factory=dict)

    @property
    def wide_count(self) -> float:
        """Distinct constants with at least DSP_MIN_DIGITS digits."""
        return sum(kind.count for kind in self.wide.values())


def weight_stats(matrix: IntArray) -> WeightStats:
    """Count over integer weights.

    Args:
        matrix: [inputs, outputs]; the weights of one row share products of equal constants.
    """
    rows = np.sort(matrix.reshape(len(matrix), -1), axis=1)
    first = np.ones(rows.shape, dtype=bool)
    first[:, 1:] = rows[:, 1:] != rows[:, :-1]
    values, of = np.unique(rows.ravel(), return_inverse=True)
    distinct = np.bincount(of[first.ravel()], minlength=len(values))
    weights = np.bincount(of, minlength=len(values))
    digits = signed_digits(values)
    bits = _bit_lengths(values)
    narrow = (digits > 0) & (digits < DSP_MIN_DIGITS)
    wide: dict[int, WideConstants] = {}
    for own in sorted({int(b) + 1 for b in bits[digits >= DSP_MIN_DIGITS]}):
        some = (digits >= DSP_MIN_DIGITS) & (bits + 1 == own)
        adders = int((distinct * (digits - 1))[some].sum())
        wide[own] = WideConstants(int(distinct[some].sum()), adders, int(weights[some].sum()))
    return WeightStats(
        nonzero=int(weights[digits > 0].sum()),
        magnitude_bits=int((weights * bits).sum()),
        adders=int((distinct * (digits - 1))[narrow].sum()),
        wide=wide,
    )


def _bit_lengths(values: IntArray) -> IntArray:
    """Bits of each absolute value; 0 of zero."""
    lengths = [abs(value).bit_length() for value in values.tolist()]
    return np.array(lengths, dtype=np.int64)


@lru_cache(maxsize=128)
def cached_weight_stats(weights: Ints, *, depthwise: bool = False) -> WeightStats:
    """`weight_stats`, remembered: a folding search asks for the same weights many times.

    Args:
        weights: [*window, C_in, C_out], of which the last axis are the outputs.
        depthwise: each weight has an input of its own.
    """
    array = weights.array
    return weight_stats(array.reshape(-1, 1 if depthwise else array.shape[-1]))


@lru_cache(maxsize=4096)
def typical_stats(n_in: int, n_out: int, bits: int, nonzero: int) -> WeightStats:
    """Statistics of typical weights of these bits, of which so many are not zero."""
    return weight_stats(typical_weights(n_in, n_out, bits, nonzero))
