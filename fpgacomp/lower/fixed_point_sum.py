"""Lowers a sum of several scales by one fixed-point unit, proved to round as the real sum does."""

from __future__ import annotations

from functools import reduce
from math import prod

import numpy as np
import onnx

from fpgacomp.ir.infer import unknown_output
from fpgacomp.ir.layers import Add, Tensor
from fpgacomp.ir.types import FloatArray, IntArray, Ints
from fpgacomp.lower.activate import activate, emit_staircase
from fpgacomp.lower.builder import GraphBuilder, unsupported
from fpgacomp.lower.quantizers import TIE_MARGIN, LevelQuantizer
from fpgacomp.lower.scalar import Affine, Chain
from fpgacomp.lower.staircase import NO_STEP, Staircase
from fpgacomp.lower.value import Sum, Value

MAX_COMBINATIONS = 1 << 20  # largest number of tuples of integers, times channels, compared
MAX_FINE_BITS = 40  # finest unit that is tried, in halvings of the quantizer's step


def quantize_fixed_point(
    builder: GraphBuilder,
    node: onnx.NodeProto,
    value: Value,
    quantizer: LevelQuantizer,
    direction: FloatArray,
    name: str,
) -> Tensor:
    """Append Adds in one unit and the activation that equals quantizer(chain(sum)).

    Where all tuples of integers can be compared, the coarsest unit that keeps their levels
    apart is taken. Elsewhere the unit is so fine that rounding every scale to it moves the
    sum by less than the contract's ties.

    Raises:
        UnsupportedLayer: no unit within 62 bits does.
    """
    assert isinstance(value.source, Sum)
    terms = value.source.terms
    step = _step(value.chain, quantizer)
    compared = _compared(value, quantizer, direction, step)
    if compared is not None:
        unit, stairs = compared
        total = _total(builder, terms, unit, name)
        gain = np.array([unit])
        tensor = emit_staircase(builder, total, stairs, value.chain, gain, quantizer, name)
        if tensor is not None:
            return tensor
    unit = _fine_unit(node, value, quantizer, step)
    total = _total(builder, terms, unit, name)
    offset = sum((term.chain.offset for term in terms), np.zeros(1))
    chain = _behind(Chain.of(unit, offset), value.chain)
    summed = Value(total, total.shape, value.order, chain)
    result = activate(builder, node, summed, quantizer, name, loosely=True).source
    assert isinstance(result, Tensor)
    return result


def _step(chain: Chain, quantizer: LevelQuantizer) -> float:
    """Return what one level of the quantizer is in the real sum (the finest of the channels)."""
    slope = abs(chain.slope())
    level = quantizer.scale if quantizer.unit is None else quantizer.unit
    return float((level / slope).min())


def _multipliers(terms: tuple[Value, ...], unit: float) -> list[IntArray]:
    return [np.rint(term.chain.scale / unit).astype(np.int64) for term in terms]


def _total(builder: GraphBuilder, terms: tuple[Value, ...], unit: float, name: str) -> Tensor:
    """Append the Adds of all terms, each times its scale in units."""
    one = Ints([1])
    first, *others = zip(terms, _multipliers(terms, unit))

    def joined(before: tuple[Tensor, Ints], term: tuple[Value, IntArray]) -> tuple[Tensor, Ints]:
        assert isinstance(term[0].source, Tensor)
        layer = Add(name=f"{name}_add", output=unknown_output(name), a=before[0], b=term[0].source,
                    multiplier_a=before[1], multiplier_b=Ints(term[1]))  # fmt: skip
        return builder.add(layer), one

    assert isinstance(first[0].source, Tensor)
    return reduce(joined, others, (first[0].source, Ints(first[1])))[0]


def _behind(first: Chain, then: Chain) -> Chain:
    """Return the chain that computes one after the other."""
    whole = first.times(then.affine.scale.array).plus(then.affine.offset.array)
    for step in then.steps:
        if isinstance(step, Affine):
            whole = whole.times(step.scale.array).plus(step.offset.array)
        else:
            whole = whole.then(step)
    return whole


def _fine_unit(node: onnx.NodeProto, value: Value, quantizer: LevelQuantizer, step: float) -> float:
    """Return the coarsest unit whose rounding moves no value by more than half a tie margin."""
    assert isinstance(value.source, Sum)
    level = quantizer.scale if quantizer.unit is None else quantizer.unit
    steepest = value.chain.steepness()
    largest = 0.0
    alone = value.source.terms[0].chain.scale
    if len(value.source.terms) == alone.size == 1:
        step = float(abs(alone.item()))  # one term is its own unit
    for bits in range(MAX_FINE_BITS + 1):
        unit, moved, largest = step / 2.0**bits, np.full(1, value.source.error), 0.0
        for term, multiplier in zip(value.source.terms, _multipliers(value.source.terms, unit)):
            assert isinstance(term.source, Tensor)
            moved = moved + abs(multiplier * unit - term.chain.scale) * term.source.type.magnitude
            largest += float(abs(multiplier).max()) * term.source.type.magnitude
        if np.all(moved * steepest <= TIE_MARGIN / 2 * level) and largest < 2.0**60:
            return unit
    raise unsupported(
        node, f"sums {len(value.source.terms)} scales whose common unit needs {largest:.3g} steps.",
        "quantize the terms to fewer bits, or with scales whose ratio is 2**n, n <= 10.",
    )  # fmt: skip


def _compared(
    value: Value, quantizer: LevelQuantizer, direction: FloatArray, step: float
) -> tuple[float, Staircase] | None:
    """Return the coarsest unit under which all tuples keep their levels apart, and the levels.

    None where there are too many tuples, or no unit does.
    """
    assert isinstance(value.source, Sum)
    terms = value.source.terms
    if value.source.error:
        return None
    types = [term.source.type for term in terms if isinstance(term.source, Tensor)]
    channels = _channels(value, quantizer)
    if prod(kind.count for kind in types) * channels > MAX_COMBINATIONS:
        return None
    grids = np.meshgrid(*(np.arange(kind.lo, kind.hi + 1) for kind in types), indexing="ij")
    tuples = [grid.reshape(-1, 1) for grid in grids]  # [n, 1] each
    real = sum((term.chain(x.astype(np.float64)) for term, x in zip(terms, tuples)), np.zeros(1))
    level = quantizer.scale if quantizer.unit is None else quantizer.unit
    exact = value.chain(np.broadcast_to(real, (len(tuples[0]), channels)))
    surely, maybe = (quantizer.levels(exact + tie * TIE_MARGIN * level) for tie in (-1.0, 1.0))
    levels = (np.broadcast_to(surely, exact.shape), np.broadcast_to(maybe, exact.shape))
    turn = np.broadcast_to(np.where(direction < 0, -1, 1), (channels,)).astype(np.int64)
    for bits in range(MAX_FINE_BITS // 2):
        unit = step / 2.0**bits
        sums = [x * m for x, m in zip(tuples, _multipliers(terms, unit))]
        total = np.broadcast_to(sum(sums, np.zeros(1, np.int64)), (len(real), channels))
        stairs = _apart(total * turn, turn, levels)
        if stairs is not None:
            return unit, stairs
    return None


def _channels(value: Value, quantizer: LevelQuantizer) -> int:
    """Return 1 where all channels have one function, else their number."""
    assert isinstance(value.source, Sum)
    scales = [t.chain for t in value.source.terms]
    shared = all(chain.scale.size == chain.offset.size == 1 for chain in scales)
    probe = quantizer.levels(value.chain(np.zeros((1, 1))))
    return 1 if shared and probe.size == 1 else value.channels


def _apart(turned: IntArray, turn: IntArray, levels: tuple[IntArray, IntArray]) -> Staircase | None:
    """Return the staircase over turned sums [n, C] whose levels lie between `levels`.

    None where one sum would need two levels.
    """
    surely, maybe = levels
    low, high = turned.min(axis=0), turned.max(axis=0)
    start = np.where(turned == low, maybe, NO_STEP).min(axis=0)
    end = np.where(turned == high, surely, -NO_STEP).max(axis=0)
    wanted = np.arange(int(start.min()) + 1, int(end.max()) + 1)
    reach = np.stack([_first(s, t, wanted) for s, t in zip(surely.T, turned.T)])
    below = np.stack([-_first(-m, -t, 1 - wanted) for m, t in zip(maybe.T, turned.T)])
    if np.any(below >= reach):
        return None
    lo, hi = np.where(turn > 0, low, -high), np.where(turn > 0, high, -low)
    return Staircase(lo, hi, turn, start, end, wanted, below, reach)


def _first(levels: IntArray, sums: IntArray, wanted: IntArray) -> IntArray:
    """Return for each wanted level the smallest sum of those at or above it; NO_STEP: none."""
    order = np.argsort(levels, kind="stable")
    smallest = np.minimum.accumulate(sums[order][::-1])[::-1]
    place = np.searchsorted(levels[order], wanted)
    return np.append(smallest, NO_STEP)[place]
