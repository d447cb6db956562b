"""The few operators that calibration executes, on integers in float32, so that sums are exact."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Codes = npt.NDArray[np.floating[Any]]
Pads = tuple[tuple[int, int], ...]

EXACT = 1 << 24  # float32 holds every integer below this


def same_pads(sizes: tuple[int, ...], kernel: tuple[int, ...], stride: int) -> Pads:
    """(before, after) per axis of TensorFlow's SAME: the odd element of padding comes last."""
    pads = []
    for size, width in zip(sizes, kernel):
        total = max((-(-size // stride) - 1) * stride + width - size, 0)
        pads.append((total // 2, total - total // 2))
    return tuple(pads)


def dense(x: Codes, weights: Codes) -> Codes:
    """[N, K] @ [K, O]."""
    _check_exact(x, abs(weights).sum(axis=0))
    product: Codes = x.astype(np.float32) @ weights.astype(np.float32)
    return product


def convolve(x: Codes, weights: Codes, stride: int, pads: Pads) -> Codes:
    """[N, C, *S] with [O, C, *k], or depthwise with [C, 1, *k]: one product per kernel tap."""
    _check_exact(x, abs(weights).sum(axis=tuple(range(1, weights.ndim))))
    # Channels, then samples: each tap is one large product instead of one per sample.
    turned = x.astype(np.float32).swapaxes(0, 1)
    padded = np.pad(turned, ((0, 0), (0, 0), *pads))
    kernel = weights.shape[2:]
    sizes = [(n - k) // stride + 1 for n, k in zip(padded.shape[2:], kernel)]
    depthwise = weights.shape[1] == 1 and x.shape[1] > 1
    total = np.zeros((len(weights), len(x) * int(np.prod(sizes))), dtype=np.float32)
    for tap in np.ndindex(*kernel):
        window = (slice(t, t + stride * (n - 1) + 1, stride) for t, n in zip(tap, sizes))
        part = padded[(slice(None), slice(None), *window)].reshape(x.shape[1], -1)
        factor = weights[(slice(None), slice(None), *tap)].astype(np.float32)
        total += factor * part if depthwise else factor @ part
    sums: Codes = total.reshape(len(weights), len(x), *sizes).swapaxes(0, 1)
    return np.ascontiguousarray(sums)


def max_pool(x: Codes, size: int) -> Codes:
    """[N, C, *S] over windows of `size` that do not overlap; S is a multiple of it."""
    split = [part for n in x.shape[2:] for part in (n // size, size)]
    blocks: Codes = x.reshape(*x.shape[:2], *split)
    largest: Codes = blocks.max(axis=tuple(range(3, blocks.ndim, 2)))
    return largest


def upsample(x: Codes, factor: int) -> Codes:
    """Nearest neighbour: output i is input i // factor."""
    for axis in range(2, x.ndim):
        x = np.repeat(x, factor, axis=axis)
    return x


def whole(x: Codes) -> npt.NDArray[np.int64]:
    """Whole-numbered codes as integers; what has not been quantized is refused."""
    integers = x.astype(np.int64)
    assert np.array_equal(integers, x), "only quantized values can be summed exactly"
    return integers


def _check_exact(x: Codes, weight_sums: Codes) -> None:
    largest = int(abs(whole(x)).max()) * float(weight_sums.max())
    assert largest < EXACT, f"sums up to {largest:g} are not exact in float32"
