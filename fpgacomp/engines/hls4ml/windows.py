"""Windows that slide over an image: its extent, and what a stream buffers for them."""

from __future__ import annotations

from math import prod

from fpgacomp.engines.shared.terms import Terms, window_terms
from fpgacomp.ir.layers import Conv, MaxPool, SumPool, Tensor

Pads = tuple[tuple[int, int], ...]  # (before, after) per spatial axis


def plane(sizes: tuple[int, ...]) -> tuple[int, int]:
    """(height, width) of the sizes of one or two spatial axes; 1-D data is one row."""
    return (1, sizes[0]) if len(sizes) == 1 else (sizes[0], sizes[1])


def padded_extent(layer: Conv | MaxPool | SumPool) -> tuple[int, ...]:
    """Positions of the padded input along each spatial axis."""
    return tuple(
        n + before + after for n, (before, after) in zip(layer.input.shape[:-1], layer.pads)
    )


def words_to_fill(extent: tuple[int, ...], kernel: tuple[int, ...]) -> int:
    """Words of the padded input that are read before the first window is complete."""
    return (kernel[0] - 1) * extent[-1] + kernel[-1] if len(kernel) == 2 else kernel[0]


def line_buffer(tensor: Tensor, kernel: tuple[int, ...], pads: Pads) -> Terms:
    """Terms of the line buffer and window registers that a stream needs for this kernel."""
    width = tensor.shape[-2] + sum(pads[-1])
    rows = kernel[0] - 1 if len(kernel) == 2 else 0
    window = prod(kernel) * tensor.channels
    return window_terms(window, tensor.type.bits, rows, tensor.channels, width)
