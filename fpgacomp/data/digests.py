"""Digests of samples, by which splits are decided and equal samples are found."""

from __future__ import annotations

import hashlib

import numpy as np

from fpgacomp.ir.types import Float32Array


def digests(x: Float32Array, salt: str = "") -> list[str]:
    """Return the SHA-256 of each sample, in hexadecimal digits.

    Samples are equal where a network sees the same numbers: in float32, and 0 is -0.

    Args:
        x: samples [N, ...].
        salt: another one gives other digests.
    """
    # Adding 0 turns -0 into 0 and leaves every other number as it is.
    return [
        hashlib.sha256(salt.encode() + (row + np.float32(0)).tobytes()).hexdigest() for row in x
    ]
