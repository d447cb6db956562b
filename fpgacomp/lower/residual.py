"""Lowers additions of integer tensors: one common scale, or multipliers proved over all pairs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import partial

import numpy as np
import onnx

from fpgacomp.ir.infer import unknown_output
from fpgacomp.ir.layers import Add, Tensor
from fpgacomp.ir.types import FloatArray, IntArray, Ints
from fpgacomp.lower.activate import emit_staircase
from fpgacomp.lower.builder import GraphBuilder, unsupported
from fpgacomp.lower.fixed_point_sum import quantize_fixed_point
from fpgacomp.lower.quantizers import TIE_MARGIN, LevelQuantizer
from fpgacomp.lower.scalar import Chain
from fpgacomp.lower.staircase import NO_STEP, Staircase
from fpgacomp.lower.value import Sum, Value

MAX_RATIO = 1 << 10  # largest integer of an exact ratio of two scales
MAX_MULTIPLIER = 1 << 14  # largest multiplier tried where the ratio is not exact
MAX_ENUMERATED = 1 << 12  # largest number of integers of the operand that is enumerated
_AT_ONCE = 1 << 18  # borders that are looked for together: more do not fit a cache
MAX_BORDERS = 1 << 22  # largest number of levels times enumerated integers, per channel

_ONE_SCALE_FIX = "quantize both sides with one scale, or with scales whose ratio is 2**n, n <= 10."


def exact_ratio(a: FloatArray, b: FloatArray) -> tuple[IntArray, IntArray] | None:
    """Return integers (p, q) per channel with a / b = p / q exactly; None where
    they are not small.
    """
    a, b = np.broadcast_arrays(a, b)
    pairs = []
    for left, right in zip(a, b):
        if left == 0 or right == 0:
            return None
        ratio = Fraction(float(left)) / Fraction(float(right))
        if max(abs(ratio.numerator), ratio.denominator) > MAX_RATIO:
            return None
        pairs.append((ratio.numerator, ratio.denominator))
    p, q = np.array(pairs, dtype=np.int64).T
    return p, q


def add_values(builder: GraphBuilder, node: onnx.NodeProto, a: Value, b: Value, name: str) -> Value:
    """Return a + b of integer values or sums: Adds where the scales allow it, else a Sum that
    waits for its quantizer.
    """
    terms = _terms(a)
    for term in _terms(b):
        if terms[0].order.ndim == 2 and term.order.ndim == 2:
            terms[0], term = (builder.flat(value) for value in (terms[0], term))
        term = in_order_of(builder, node, terms[0], term)
        if not np.any(term.chain.scale):  # a tensor times 0: its offset is all there is
            terms[0] = terms[0].plus(term.chain.offset)
            continue
        if not np.any(terms[0].chain.scale) and len(terms) == 1:
            terms = [term.plus(terms[0].chain.offset)]
            continue
        place = next(
            (i for i, t in enumerate(terms) if exact_ratio(t.chain.scale, term.chain.scale)), None
        )
        if place is None:
            terms.append(term)
        else:
            terms[place] = _joined(builder, terms[place], term, name)
    error = _error(a) + _error(b)
    if len(terms) == 1 and not error:
        return terms[0]
    return Value(Sum(tuple(terms), error), terms[0].source_shape, terms[0].order, Chain.of(1.0))


def _error(value: Value) -> float:
    if not isinstance(value.source, Sum):
        return 0.0
    return value.source.error * float(abs(value.chain.scale).max())


def _terms(value: Value) -> list[Value]:
    """Return the integer tensors that a value is the sum of, each with its scale and offset."""
    if not isinstance(value.source, Sum):
        return [value]
    first, *others = (term.times(value.chain.scale) for term in value.source.terms)
    return [first.plus(value.chain.offset), *others]


def _joined(builder: GraphBuilder, a: Value, b: Value, name: str) -> Value:
    """Append the Add of two integer tensors whose scales have a small exact ratio."""
    ratio = exact_ratio(a.chain.scale, b.chain.scale)
    assert ratio is not None and isinstance(a.source, Tensor) and isinstance(b.source, Tensor)
    p, q = ratio
    tensor = builder.add(
        Add(name=name, output=unknown_output(name), a=a.source, b=b.source,
            multiplier_a=Ints(p), multiplier_b=Ints(q))
    )  # fmt: skip
    chain = Chain.of(b.chain.scale / q, a.chain.offset + b.chain.offset)
    return Value(tensor, tensor.shape, a.order, chain)


def in_order_of(builder: GraphBuilder, node: onnx.NodeProto, a: Value, b: Value) -> Value:
    """Return b with a's source shape; both must have their elements in the same places."""
    if a.order.shape != b.order.shape:
        raise unsupported(
            node, f"combines shapes {a.order.shape} and {b.order.shape}.",
            "give both sides the same shape; broadcasting between activations is not built.",
        )  # fmt: skip
    if not np.array_equal(a.order, b.order):
        raise unsupported(
            node, "combines tensors whose elements lie in different orders.",
            "reshape or flatten both sides in the same way.",
        )  # fmt: skip
    if a.source_shape == b.source_shape:
        return b
    assert isinstance(b.source, Tensor)
    if len(a.source_shape) != 1 and b.chain.scale.size + b.chain.offset.size > 2:
        raise unsupported(
            node, "combines a per-channel scaled vector with an image.",
            "use one scale for the vector.",
        )  # fmt: skip
    if len(a.source_shape) == 1:
        return builder.flat(b)
    source = builder.reshaped(b.source, a.source_shape)
    return replace(b, source=source, source_shape=a.source_shape)


@dataclass(frozen=True)
class _Borders:
    """Where f(a, b) = level is crossed, per channel, in operands turned so that f rises.

    Args:
        b: [C, m] every value of the enumerated operand.
        first: [C, n, m] the first a that reaches each level beside each b; NO_STEP: none.
        surely, maybe: the same for sums that reach it by more than a tie, or miss it by less.
        low, high: [C] range of a.
        start, end: [C] lowest and highest level.
        levels: [n].
    """

    b: IntArray
    first: IntArray
    surely: IntArray
    maybe: IntArray
    low: IntArray
    high: IntArray
    start: IntArray
    end: IntArray
    levels: IntArray


def quantize_sum(
    builder: GraphBuilder, node: onnx.NodeProto, value: Value, quantizer: LevelQuantizer, name: str
) -> Value:
    """Append an Add and an activation equal to quantizer(chain(a * s_a + b * s_b))
    for all pairs.
    """
    assert isinstance(value.source, Sum)
    direction = value.chain.direction()
    if direction is None or np.any(direction == 0):
        raise unsupported(node, "sums different scales before a function that is not monotone.",
                          _ONE_SCALE_FIX)  # fmt: skip
    found, tensor = _two_terms(builder, value, quantizer, direction, name), None
    if found is not None:
        total, stairs, slope = found
        tensor = emit_staircase(builder, total, stairs, value.chain, slope, quantizer, name)
    if tensor is None:
        tensor = quantize_fixed_point(builder, node, value, quantizer, direction, name)
    chain = Chain.of(quantizer.scale, quantizer.offset)
    return Value(tensor, tensor.shape, value.order, chain)


def _two_terms(
    builder: GraphBuilder,
    value: Value,
    quantizer: LevelQuantizer,
    direction: FloatArray,
    name: str,
) -> tuple[Tensor, Staircase, FloatArray] | None:
    """Return the Add of two terms by small multipliers, its levels and the slope of the sum.

    None where there are more terms, where too many pairs would have to be compared, or where
    no small multipliers are exact.
    """
    assert isinstance(value.source, Sum)
    if len(value.source.terms) != 2 or value.source.error:
        return None
    big, small = value.source.terms
    assert isinstance(big.source, Tensor) and isinstance(small.source, Tensor)
    if big.source.type.count < small.source.type.count:
        big, small = small, big
    assert isinstance(big.source, Tensor) and isinstance(small.source, Tensor)
    levels = quantizer.hi - quantizer.lo
    if small.source.type.count > MAX_ENUMERATED or small.source.type.count * levels > MAX_BORDERS:
        return None
    turn_a, turn_b = (np.sign(v.chain.scale * direction).astype(np.int64) for v in (big, small))
    borders = _borders(value.chain, quantizer, (big, small), (turn_a, turn_b))
    scale_a, scale_b = np.broadcast_arrays(abs(big.chain.scale), abs(small.chain.scale))
    solved = _multipliers(borders, scale_a, scale_b)
    if solved is None:
        return None
    m_a, m_b, stairs = solved
    total = builder.add(
        Add(name=f"{name}_add", output=unknown_output(name), a=big.source, b=small.source,
            multiplier_a=Ints(_spread(m_a * turn_a)), multiplier_b=Ints(_spread(m_b * turn_b)))
    )  # fmt: skip
    return total, stairs, scale_a / np.maximum(m_a, 1)


def _spread(values: IntArray) -> IntArray:
    return values[:1] if np.all(values == values[0]) else values


def _borders(
    chain: Chain,
    quantizer: LevelQuantizer,
    operands: tuple[Value, Value],
    turns: tuple[IntArray, IntArray],
) -> _Borders:
    a, b = operands
    assert isinstance(a.source, Tensor) and isinstance(b.source, Tensor)
    channels = max(
        a.chain.scale.size, a.chain.offset.size, b.chain.scale.size, b.chain.offset.size,
        quantizer.levels(chain(np.zeros((1, 1)))).shape[-1], *(t.size for t in turns),
    )  # fmt: skip
    turn_a, turn_b = (np.broadcast_to(t, (channels,)) for t in turns)

    unit = quantizer.scale if quantizer.unit is None else quantizer.unit

    def level(at: IntArray, bt: IntArray, ties: float = 0.0) -> IntArray:
        """Levels of turned operands [..., C], moved by so many ties."""
        real = a.chain((turn_a * at).astype(np.float64)) + b.chain((turn_b * bt).astype(np.float64))
        return quantizer.levels(chain(real) + ties * TIE_MARGIN * unit)

    low, high = _turned(a.source.type.lo, a.source.type.hi, turn_a)
    b_low, b_high = _turned(b.source.type.lo, b.source.type.hi, turn_b)
    every_b = b_low[:, None] + np.arange(b.source.type.count)
    start, end = level(low[None], b_low[None])[0], level(high[None], b_high[None])[0]
    levels = np.arange(int(start.min()) + 1, int(end.max()) + 1)
    shape = (channels, len(levels), every_b.shape[1])
    step = max(1, _AT_ONCE // every_b.size)
    tables = []
    for ties in (0.0, -1.0, 1.0):
        first = np.empty(shape, dtype=np.int64)
        moved = partial(level, ties=ties)
        for at in range(0, len(levels), step):
            wanted = levels[at : at + step]
            first[:, at : at + step] = _first_reaching(moved, low, high, every_b, wanted)
        tables.append(first)
    first, surely, maybe = tables
    return _Borders(every_b, first, surely, maybe, low, high, start, end, levels)


def _turned(lo: int, hi: int, turn: IntArray) -> tuple[IntArray, IntArray]:
    return np.where(turn >= 0, lo, -hi), np.where(turn >= 0, hi, -lo)


def _first_reaching(
    level: Callable[[IntArray, IntArray], IntArray],
    low: IntArray,
    high: IntArray,
    every_b: IntArray,
    wanted: IntArray,
) -> IntArray:
    """Return [C, L, m] first a with level(a, b) >= wanted [L]; NO_STEP where none reaches it."""
    bt = every_b.T
    shape, wanted = (len(wanted), *bt.shape), wanted[:, None, None]
    left = np.broadcast_to(low - 1, shape).copy()
    right = np.broadcast_to(high, shape).copy()
    while np.any(right - left > 1):
        middle = np.maximum(left + (right - left) // 2, low)
        reached = level(middle, bt) >= wanted
        gap = right - left > 1
        right = np.where(gap & reached, middle, right)
        left = np.where(gap & ~reached, middle, left)
    reaches = level(np.broadcast_to(high, bt.shape), bt) >= wanted
    return np.where(reaches, right, NO_STEP).transpose(2, 0, 1)


def _multipliers(
    borders: _Borders, scale_a: FloatArray, scale_b: FloatArray
) -> tuple[IntArray, IntArray, Staircase] | None:
    """Return the smallest multipliers under which the sum separates all levels, per channel.

    Scales such as 0.3 and 0.2 in float32 miss the ratio 3:2 by 1e-8, which only matters
    for sums that lie on a rounding border as good as exactly: where ties have to go one
    way or the other for small multipliers to do, they may (the contract counts them).
    """
    channels = len(borders.low)
    scale_a, scale_b = (np.broadcast_to(s, (channels,)) for s in (scale_a, scale_b))
    found_a, found_b = np.zeros(channels, dtype=np.int64), np.zeros(channels, dtype=np.int64)
    below = np.empty((channels, len(borders.levels)), dtype=np.int64)
    reach = np.empty_like(below)
    for channel in range(channels):
        for m_a, m_b in _ratios(float(scale_a[channel]), float(scale_b[channel])):
            b, high, low = borders.b[channel], borders.high[channel], borders.low[channel]
            tables = (borders.first, borders.first), (borders.surely, borders.maybe)
            gap = None
            for surely, maybe in tables:
                gap = gap or _gaps(surely[channel], maybe[channel], m_a, m_b * b, (low, high))
            if gap is not None:
                found_a[channel], found_b[channel] = m_a, m_b
                below[channel], reach[channel] = gap
                break
        else:
            return None
    lo = found_a * borders.low + found_b * borders.b[:, 0]
    hi = found_a * borders.high + found_b * borders.b[:, -1]
    ones = np.ones(channels, dtype=np.int64)
    stairs = Staircase(lo, hi, ones, borders.start, borders.end, borders.levels, below, reach)
    return found_a, found_b, stairs


def _ratios(scale_a: float, scale_b: float) -> list[tuple[int, int]]:
    """Yield ever better integer ratios of the two scales, small ones first."""
    if scale_a == 0 or scale_b == 0:  # a channel times 0, as pruning leaves it
        return [(1, 0) if scale_b == 0 else (0, 1)]
    ratios: list[tuple[int, int]] = []
    exact = Fraction(scale_a) / Fraction(scale_b)
    limit = 1
    while limit <= MAX_MULTIPLIER:
        near = (
            exact.limit_denominator(limit)
            if exact >= 1
            else 1 / (1 / exact).limit_denominator(limit)
        )
        pair = (near.numerator, near.denominator)
        if pair not in ratios and max(pair) <= MAX_MULTIPLIER:
            ratios.append(pair)
        limit = limit + 1 if limit < 64 else limit * 2
    return ratios


def _gaps(
    surely: IntArray, maybe: IntArray, m_a: int, scaled_b: IntArray, span: tuple[int, int]
) -> tuple[IntArray, IntArray] | None:
    """Return ([n] last sum short of each level, [n] first that reaches it); None where they
    overlap.
    """
    reached = surely != NO_STEP
    sums = m_a * np.where(reached, surely, 0) + scaled_b
    reach = np.where(reached, sums, NO_STEP).min(axis=1)
    last = np.where(maybe != NO_STEP, maybe - 1, span[1])
    below = np.where(last >= span[0], m_a * last + scaled_b, -NO_STEP).max(axis=1)
    return None if np.any(below >= reach) else (below, reach)
