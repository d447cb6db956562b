"""Integers that are in the same order as the classes' real numbers, all classes together."""

from __future__ import annotations

from fractions import Fraction
from math import gcd

import numpy as np
import onnx

from fpgacomp.ir.infer import unknown_output
from fpgacomp.ir.layers import Requantize, Tensor
from fpgacomp.ir.types import FloatArray, IntArray, Ints
from fpgacomp.lower.builder import Builder, unsupported
from fpgacomp.lower.scalar import Affine, Chain, Function
from fpgacomp.lower.value import Value

MAX_RATIO = 1 << 10  # largest integer ratio of two classes' scales
MAX_BITS = 30  # of the integers that are compared
MAX_CHECKED = 1 << 22  # values on which a function is checked to rise
_FLOAT_BITS = 50  # of a float64 quotient that count: the last ones are rounding
_WITHOUT = "leave --argmax out: the host then computes the label"


def comparable(builder: Builder, node: onnx.NodeProto, value: Value) -> Tensor:
    """The value's integers, or a Requantize of them, in the order of the real numbers.

    A number is unit * (m[c] * x + b[c]) with integers x and m. A bias b is rarely whole; but
    among whole numbers plus fractions only the fractions' rank decides between equal whole
    parts, so that 2**k * (m * x + floor(b)) + rank(fraction) has exactly the same order.

    Raises:
        UnsupportedLayer: scales without small integer ratios, or a function behind them
            that does not rise strictly over every integer that can occur.
    """
    assert isinstance(value.source, Tensor)
    multiplier, offset = _integers(node, value.chain.affine, value.channels)
    if value.chain.steps:
        _check_rising(node, value.chain, multiplier, offset, *builder.range_of(value.source))
    if np.all(multiplier == 1) and np.all(offset == 0):
        return value.source
    kind = value.source.type
    ends = np.stack([multiplier * end + offset for end in (kind.lo, kind.hi)])
    lo, hi = int(ends.min()), int(ends.max())
    if max(-lo, hi).bit_length() > MAX_BITS:
        raise unsupported(
            node, f"compares classes of so different scales or biases that their integers take "
            f"more than {MAX_BITS} bits.",
            f"give all classes one scale, or {_WITHOUT}.",
        )  # fmt: skip
    name = f"{value.source.name}_ordered"
    return builder.add(
        Requantize(name=name, output=unknown_output(name), input=value.source,
                   multiplier=_shared(multiplier), offset=_shared(offset), shift=0, lo=lo, hi=hi)
    )  # fmt: skip


def _shared(values: IntArray) -> Ints:
    return Ints(values[:1] if np.all(values == values[0]) else values)


def _integers(node: onnx.NodeProto, affine: Affine, channels: int) -> tuple[IntArray, IntArray]:
    """(multiplier, offset), [C] each, whose sums are in the order of the affine map's."""
    scale = np.broadcast_to(affine.scale.array, (channels,))
    unit, multiplier = _common(scale)
    if unit == 0 or max(map(abs, multiplier)) > MAX_RATIO:
        raise unsupported(
            node, "chooses between classes of different scales, so that the largest integer is "
            "not the largest output.",
            "quantize the last layer's weights per tensor (or with scales of whole ratios up to "
            f"{MAX_RATIO}), or {_WITHOUT}.",
        )  # fmt: skip
    bias: FloatArray = np.broadcast_to(affine.offset.array, (channels,)) / float(unit)
    bias = bias - bias.min()
    grid = 2.0 ** (_FLOAT_BITS - max(0, int(bias.max()).bit_length()))
    bias = np.round(bias * grid) / grid
    whole = np.floor(bias)
    fractions, rank = np.unique(bias - whole, return_inverse=True)
    bits = (len(fractions) - 1).bit_length()
    largest = 1 << (62 - bits - MAX_RATIO.bit_length())
    offset = (np.minimum(whole, largest).astype(np.int64) << bits) + rank
    return np.array(multiplier, dtype=np.int64) << bits, offset


def _common(scale: FloatArray) -> tuple[Fraction, list[int]]:
    """The largest unit that all scales are whole multiples of, and those; (0, []) for a zero."""
    exact = [Fraction(float(s)) for s in scale]
    if not all(exact):
        return Fraction(0), []
    below = max(s.denominator for s in exact)  # all are powers of two
    unit = Fraction(gcd(*(int(s * below) for s in exact)), below)
    return unit, [int(s / unit) for s in exact]


def _check_rising(
    node: onnx.NodeProto, chain: Chain, multiplier: IntArray, offset: IntArray,
    low: IntArray, high: IntArray,
) -> None:  # fmt: skip
    """Refuse a chain that does not rise strictly with m * x + o, over all classes and integers."""
    names = " and ".join(dict.fromkeys(s.op for s in chain.steps if isinstance(s, Function)))
    count = int(high.max() - low.min()) + 1
    if count * len(multiplier) > MAX_CHECKED:
        raise unsupported(node, f"stands behind {names} of more than {MAX_CHECKED} numbers, too "
                          "many to check that it keeps their order.",
                          f"end the network in front of it, or {_WITHOUT}.")  # fmt: skip
    x = np.arange(int(low.min()), int(high.max()) + 1)[:, None]
    occurs = (x >= low) & (x <= high)
    ours = (x * multiplier + offset)[occurs]
    real = np.broadcast_to(chain(x.astype(np.float64)), occurs.shape)[occurs]
    at = np.argsort(ours, kind="stable")
    ours, real = ours[at], real[at]
    steps = np.flatnonzero(np.diff(ours))
    before = np.maximum.accumulate(real)[steps]
    behind = np.minimum.accumulate(real[::-1])[::-1][steps + 1]
    if not np.all(before < behind):
        raise unsupported(
            node, f"stands behind {names}, which does not rise strictly over all integers in "
            "front of it: different integers give equal or falling outputs.",
            f"end the network in front of {names}, or {_WITHOUT}.",
        )  # fmt: skip
