"""Adders that a constant multiplication costs: nonzero digits of the canonical signed form."""

from __future__ import annotations

import numpy as np

from fpgacomp.ir.types import IntArray


def signed_digits(values: IntArray) -> IntArray:
    """Nonzero digits of each integer's canonical signed digit form (same shape).

    A product by a constant of d digits takes d - 1 adders; 0 has none, a power of two one.
    The digits of x are the bits of 3|x| xor |x| (Reitwiesner 1960); both are halved here, so that
    they fit 64 bits for every int64, -2**63 included, whose absolute value int64 does not hold.
    """
    magnitude = np.abs(values.astype(np.int64)).view(np.uint64)
    half = magnitude >> np.uint64(1)
    digits: IntArray = np.bitwise_count((magnitude + half) ^ half).astype(np.int64)
    return digits


def typical_weights(n_in: int, n_out: int, bits: int, nonzero: int, *, seed: int = 0) -> IntArray:
    """Weights that stand in where a report states only their width and how many are not zero.

    Uniform within half the range of a signed `bits`-bit number: what trained layers and
    the usual initializers leave of a range that covers the largest weight.
    """
    reach = max(1 << max(bits - 2, 0), 1)
    rng = np.random.default_rng(seed)
    weights = rng.integers(1, reach, size=n_in * n_out, endpoint=True)
    weights[rng.permutation(weights.size)[min(nonzero, weights.size) :]] = 0
    return weights.reshape(n_in, n_out)
