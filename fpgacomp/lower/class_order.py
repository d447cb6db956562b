"""Makes integers that are in the same order as the classes' real numbers, all together."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import gcd

import numpy as np
import numpy.typing as npt
import onnx

from fpgacomp.errors import UnsupportedLayer
from fpgacomp.ir.infer import unknown_output
from fpgacomp.ir.layers import Requantize, Tensor
from fpgacomp.ir.types import FloatArray, IntArray, Ints
from fpgacomp.lower.builder import GraphBuilder, unsupported
from fpgacomp.lower.scalar import Affine, Chain, Function
from fpgacomp.lower.value import Value

MAX_RATIO = 1 << 10  # largest integer ratio of two classes' scales that is taken as it is
MAX_BITS = 48  # widest integers that are compared
MAX_CHECKED = 1 << 22  # largest number of integers on which an order is checked
_FLOAT_BITS = 50  # bits of a float64 quotient that count: the last ones are rounding
_WITHOUT = "leave --argmax out: the host then computes the label"


@dataclass(frozen=True)
class _Order:
    """Integers multiplier[c] * x + offset[c], [C] each."""

    multiplier: IntArray
    offset: IntArray

    def __call__(self, x: IntArray) -> IntArray:
        return x * self.multiplier + self.offset


def comparable(builder: GraphBuilder, node: onnx.NodeProto, value: Value) -> Tensor:
    """Return the value's integers, or a Requantize of them, in the order of the real numbers.

    Raises:
        UnsupportedLayer: scales so different that their order takes too many bits, or a
            function that does not rise strictly over every integer that can occur.
    """
    tensor, chain = value.source, value.chain
    assert isinstance(tensor, Tensor)
    low, high = builder.range_of(tensor)
    order = _exact(chain.affine, value.channels)
    if order is None:
        order = _searched(node, chain.affine, low, high)
    if chain.steps:
        _check_rising(node, chain, order, low, high)
    if np.all(order.multiplier == 1) and np.all(order.offset == 0):
        return tensor
    ends = np.stack([order(np.array(end)) for end in (tensor.type.lo, tensor.type.hi)])
    lo, hi = int(ends.min()), int(ends.max())
    if max(-lo, hi).bit_length() >= MAX_BITS:
        raise _too_different(node)
    name = f"{tensor.name}_ordered"
    return builder.add(
        Requantize(name=name, output=unknown_output(name), input=tensor, shift=0, lo=lo, hi=hi,
                   multiplier=_shared(order.multiplier), offset=_shared(order.offset))
    )  # fmt: skip


def _too_different(node: onnx.NodeProto) -> UnsupportedLayer:
    return unsupported(
        node, "chooses between classes of so different scales or biases that integers in their "
        f"order take {MAX_BITS} bits or more.",
        f"quantize the last layer's weights per tensor, or {_WITHOUT}.",
    )  # fmt: skip


def _shared(values: IntArray) -> Ints:
    return Ints(values[:1] if np.all(values == values[0]) else values)


def _exact(affine: Affine, channels: int) -> _Order | None:
    """Return the order by construction, where the classes' scales have small integer ratios.

    A number is then unit * (m[c] * x + b[c]) with integers x and m. A bias b is rarely whole;
    but among whole numbers plus fractions only the fractions' rank decides between equal
    whole parts, so that 2**k * (m * x + floor(b)) + rank(fraction) has exactly the same order.
    """
    scale = np.broadcast_to(affine.scale.array, (channels,))
    unit, multiplier = _common(scale)
    if unit == 0 or max(map(abs, multiplier)) > MAX_RATIO:
        return None
    bias: FloatArray = np.broadcast_to(affine.offset.array, (channels,)) / float(unit)
    bias = bias - bias.min()
    grid = 2.0 ** (_FLOAT_BITS - max(0, int(bias.max()).bit_length()))
    bias = np.round(bias * grid) / grid
    whole = np.floor(bias)
    fractions, rank = np.unique(bias - whole, return_inverse=True)
    bits = (len(fractions) - 1).bit_length()
    most = 1 << (61 - bits)  # what is larger is refused for its width all the same
    offset = (np.minimum(whole, most).astype(np.int64) << bits) + rank
    return _Order(np.array(multiplier, dtype=np.int64) << bits, offset)


def _searched(node: onnx.NodeProto, affine: Affine, low: IntArray, high: IntArray) -> _Order:
    """Return the narrowest fixed-point form of the map that keeps the order of all its numbers."""
    x, occurs = _every_integer(node, low, high)
    real = np.broadcast_to(affine(x.astype(np.float64)), occurs.shape)[occurs]
    largest = abs(real).max(initial=0.0)
    if largest == 0:
        raise _too_different(node)
    at = np.argsort(real, kind="stable")
    rises = np.diff(real[at]) > largest * 2.0**-_FLOAT_BITS
    fewest = max(1, int(rises.sum()).bit_length() - 1)  # fewer bits cannot tell all numbers apart
    for bits in range(fewest, MAX_BITS):
        gain = 2.0**bits / largest
        scale, offset = (
            np.broadcast_to(np.round(values.array * gain).astype(np.int64), low.shape)
            for values in (affine.scale, affine.offset)
        )
        order = _Order(scale, offset - offset.min())
        steps = np.diff(order(x)[occurs][at])
        if np.array_equal(steps > 0, rises) and steps.min(initial=0) >= 0:
            return order
    raise _too_different(node)


def _every_integer(
    node: onnx.NodeProto, low: IntArray, high: IntArray
) -> tuple[IntArray, npt.NDArray[np.bool_]]:
    """Return ([n, 1] integers, [n, C] whether a class can have them)."""
    x: IntArray = np.arange(int(low.min()), int(high.max()) + 1)[:, None]
    if len(x) * len(low) > MAX_CHECKED:
        raise unsupported(
            node, f"chooses from {len(x) * len(low)} numbers, too many to check that their order "
            "is that of integers.",
            f"end the network in one scale for all classes and no function, or {_WITHOUT}.",
        )  # fmt: skip
    return x, (x >= low) & (x <= high)


def _common(scale: FloatArray) -> tuple[Fraction, list[int]]:
    """Return the largest unit that all scales are whole multiples of, and these multiples."""
    exact = [Fraction(float(s)) for s in scale]
    if not all(exact):
        return Fraction(0), []
    below = max(s.denominator for s in exact)  # the least common denominator: all are powers of two
    unit = Fraction(gcd(*(int(s * below) for s in exact)), below)
    return unit, [int(s / unit) for s in exact]


def _check_rising(
    node: onnx.NodeProto, chain: Chain, order: _Order, low: IntArray, high: IntArray
) -> None:
    """Refuse a chain that does not rise strictly with the order, over all classes and integers."""
    names = " and ".join(dict.fromkeys(s.op for s in chain.steps if isinstance(s, Function)))
    x, occurs = _every_integer(node, low, high)
    ours = order(x)[occurs]
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
