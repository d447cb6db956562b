"""Turns a quantizer behind a chain of scalar functions into one integer
activation, proved equal.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
import onnx

from fpgacomp.errors import UnsupportedLayer
from fpgacomp.ir.infer import unknown_output
from fpgacomp.ir.layers import Add, Lookup, Requantize, Tensor, Thresholds
from fpgacomp.ir.types import FloatArray, IntArray, Ints
from fpgacomp.lower import choose
from fpgacomp.lower.activation import (
    Comparators,
    Multiplier,
    comparators,
    find_multiplier,
    native_multiplier,
)
from fpgacomp.lower.builder import GraphBuilder, unsupported
from fpgacomp.lower.quantizers import NATIVE, TIE_MARGIN, LevelQuantizer
from fpgacomp.lower.scalar import Chain, Function
from fpgacomp.lower.staircase import (
    Staircase,
    TooManySteps,
    build,
    evaluate_all,
    is_small,
    loosened,
)
from fpgacomp.lower.value import Value

MAX_TABLE = 1 << 12  # largest number of entries of a Lookup, per row


def activate(
    builder: GraphBuilder,
    node: onnx.NodeProto,
    value: Value,
    quantizer: LevelQuantizer,
    name: str,
    *,
    loosely: bool = False,
) -> Value:
    """Append the integer activation that equals quantizer(chain(x)) over the source's whole range.

    Args:
        builder: the graph that grows.
        node: the quantizer, for messages.
        value: an integer tensor and the function of it that is quantized.
        quantizer: the node's rounding and clamping.
        name: of the new layer.
        loosely: the integers stand for real numbers that they only come close to, so that a
            multiplier need not hold the borders more exactly than the contract's ties.

    Returns:
        The quantized tensor; the source itself where the function is the identity.

    Raises:
        UnsupportedLayer: no exact form is small enough to build.
    """
    assert isinstance(value.source, Tensor)
    lo, hi = builder.range_of(value.source)
    function = _level_function(node, value.chain, quantizer)
    if _is_shared(value.chain, quantizer):
        lo, hi = np.array([lo.min()]), np.array([hi.max()])
    chain = Chain.of(quantizer.scale, quantizer.offset)
    if _is_identity(function, quantizer, lo, hi):
        return Value(value.source, value.source_shape, value.order, chain)
    direction = value.chain.direction()
    known = None if direction is None else np.broadcast_to(direction, lo.shape).astype(np.int64)
    try:
        stairs = build(function, lo, hi, known)
    except TooManySteps as error:
        output_bits = max(quantizer.hi - quantizer.lo, 1).bit_length()
        raise unsupported(
            node,
            f"its {output_bits}-bit output has {error.steps:,} steps, too many to be proved.",
            "lower its output to 16 bits or fewer.",
        ) from error
    if stairs is not None:
        table = _Table(function, len(lo))
        tensor = _monotone(builder, node, value, quantizer, stairs, table, name, loosely=loosely)
    elif is_small(lo, hi):
        tensor = _turning(builder, node, value.source, quantizer, function, (lo, hi), name)
    else:
        raise unsupported(
            node,
            f"its function of a {value.source.type.bits}-bit accumulator is not monotone.",
            "put a quantizer of at most 12 bits in front of the activation function.",
        )
    return Value(tensor, tensor.shape, value.order, chain)


@dataclass(frozen=True)
class _Table:
    """A quantizer's levels for every integer of a small range.

    Args:
        function: [n, rows] integers -> their levels.
        rows: 1, or the number of channels where they differ.
    """

    function: Callable[[IntArray], IntArray]
    rows: int

    def emit(
        self, builder: GraphBuilder, source: Tensor, quantizer: LevelQuantizer, name: str
    ) -> Tensor:
        """Append the Lookup of all integers of the source."""
        whole = np.arange(source.type.lo, source.type.hi + 1)[:, None]
        levels = self.function(np.broadcast_to(whole, (len(whole), self.rows)))
        table = (levels * quantizer.level_step + quantizer.level_base).T
        return builder.add(
            Lookup(name=name, output=unknown_output(name), input=source, table=Ints(table))
        )


def _level_function(
    node: onnx.NodeProto, chain: Chain, quantizer: LevelQuantizer
) -> Callable[[IntArray], IntArray]:
    def function(x: IntArray) -> IntArray:
        real = chain(x.astype(np.float64))
        if np.isnan(real).any():
            ops = ", ".join(step.op for step in chain.steps if isinstance(step, Function))
            raise unsupported(
                node, f"quantizes {ops} of numbers for which it is not defined.",
                "keep its input in range, for instance by a Clip in front of it.",
            )  # fmt: skip
        return quantizer.levels(real)

    return function


def _is_shared(chain: Chain, quantizer: LevelQuantizer) -> bool:
    """Return whether all channels have the same function."""
    probe = quantizer.levels(chain(np.zeros((1, 1))))
    sizes = [quantizer.scale.size, quantizer.offset.size, quantizer.level_base.size]
    return probe.shape == (1, 1) and max(sizes) == 1


def _is_identity(
    function: Callable[[IntArray], IntArray], quantizer: LevelQuantizer, lo: IntArray, hi: IntArray
) -> bool:
    if not is_small(lo, hi) or (hi - lo).max() > quantizer.hi - quantizer.lo + 1:
        return False
    x, levels = evaluate_all(function, lo, hi)
    return bool(np.all(levels * quantizer.level_step + quantizer.level_base == x))


def _monotone(
    builder: GraphBuilder,
    node: onnx.NodeProto,
    value: Value,
    quantizer: LevelQuantizer,
    stairs: Staircase,
    whole: _Table,
    name: str,
    *,
    loosely: bool,
) -> Tensor:
    assert isinstance(value.source, Tensor)
    table = comparators(stairs)
    multiplier = _as_multiplier(value.chain, quantizer, stairs)
    if multiplier is None and loosely:
        multiplier = _multiplier_within_ties(value.chain, quantizer, stairs)
    input_bits = value.source.type.bits
    output_bits = max(quantizer.hi - quantizer.lo, 1).bit_length()
    if multiplier and choose.prefer_multiplier(multiplier, table, input_bits, output_bits):
        return emit_requantize(builder, value.source, multiplier, quantizer, name)
    if table.thresholds.shape[1] > choose.MAX_THRESHOLDS:
        multiplier = multiplier or _multiplier_within_ties(value.chain, quantizer, stairs)
        if multiplier is None and value.source.type.count <= MAX_TABLE:
            return whole.emit(builder, value.source, quantizer, name)
        if multiplier is None:
            raise _too_many_levels(node, value.chain, output_bits, table.thresholds.shape[1])
        return emit_requantize(builder, value.source, multiplier, quantizer, name)
    return emit_thresholds(builder, value.source, table, quantizer, name)


def emit_staircase(
    builder: GraphBuilder,
    total: Tensor,
    stairs: Staircase,
    chain: Chain,
    gain: FloatArray,
    quantizer: LevelQuantizer,
    name: str,
) -> Tensor | None:
    """Append the cheaper form of known levels of a sum: a Requantize or Thresholds.

    None where no multiplier equals them, and there are too many for Thresholds.

    Args:
        builder: the graph that grows.
        total: the integer sum.
        stairs: the level of each integer of the sum.
        chain: the function between the real sum and the quantizer.
        gain: [1] or [C], what one step of the integer sum means in the real sum.
        quantizer: what the levels are of.
        name: of the new layer.
    """
    table = comparators(stairs)
    multiplier = None
    if quantizer.linear is not None and quantizer.level_base.size == 1:
        multiplier = find_multiplier(stairs, chain.slope() / quantizer.linear.scale * gain)
    bits = max(quantizer.hi - quantizer.lo, 1).bit_length()
    if multiplier and choose.prefer_multiplier(multiplier, table, total.type.bits, bits):
        return emit_requantize(builder, total, multiplier, quantizer, name)
    if table.thresholds.shape[1] > choose.MAX_THRESHOLDS:
        return None
    return emit_thresholds(builder, total, table, quantizer, name)


def _too_many_levels(
    node: onnx.NodeProto, chain: Chain, bits: int, thresholds: int
) -> UnsupportedLayer:
    curved = [s.op for s in chain.steps if isinstance(s, Function) and not s.clips]
    form = f"{curved[0]} is no linear function" if curved else "no multiplier equals its scale"
    table_bits = MAX_TABLE.bit_length() - 1
    other = f"quantize to {table_bits} bits or fewer in front of it, where a table is exact"
    other = other if curved else "use scales that are powers of two"
    return unsupported(
        node,
        f"its {bits}-bit output needs {thresholds} thresholds per channel: {form}.",
        f"lower its output to {choose.MAX_THRESHOLDS.bit_length() - 1} bits or fewer, or {other}.",
    )


def _as_multiplier(chain: Chain, quantizer: LevelQuantizer, stairs: Staircase) -> Multiplier | None:
    linear = quantizer.linear
    if linear is None or quantizer.level_base.size > 1:
        return None
    slope = chain.slope() / linear.scale
    found = find_multiplier(stairs, slope)
    if found is None and linear.rounding in NATIVE:
        intercept = chain.intercept() / linear.scale + linear.zero_point
        found = native_multiplier(stairs, slope, intercept, NATIVE[linear.rounding])
    return found


def _multiplier_within_ties(
    chain: Chain, quantizer: LevelQuantizer, stairs: Staircase
) -> Multiplier | None:
    """Return a multiplier that may go either way where float arithmetic cannot say which is right.

    At 16 bits, exact borders would need products of more than 62 bits. The contract calls a
    value within 2**-20 (relative) of a border a tie; half of that is allowed here.
    """
    linear = quantizer.linear
    if linear is None or quantizer.level_base.size > 1:
        return None

    def moved(x: IntArray, ties: float) -> IntArray:
        real = chain(x.astype(np.float64))
        position = abs(real / linear.scale + linear.zero_point)
        return quantizer.levels(real + ties * TIE_MARGIN * linear.scale * np.maximum(position, 1.0))

    surely, maybe = partial(moved, ties=-1.0), partial(moved, ties=1.0)
    return find_multiplier(loosened(stairs, surely, maybe), chain.slope() / linear.scale)


def emit_requantize(
    builder: GraphBuilder, source: Tensor, found: Multiplier, quantizer: LevelQuantizer, name: str
) -> Tensor:
    """Append the Requantize that computes the quantizer's integers from its levels."""
    return builder.add(
        Requantize(
            name=name,
            output=unknown_output(name),
            input=source,
            multiplier=Ints(_collapsed(found.multiplier)),
            offset=Ints(_collapsed(found.offset)),
            shift=found.shift,
            lo=found.lo,
            hi=found.hi,
            zero_point=-int(quantizer.level_base[0]),
            rounding=found.rounding,
        )
    )


def emit_thresholds(
    builder: GraphBuilder, source: Tensor, found: Comparators, quantizer: LevelQuantizer, name: str
) -> Tensor:
    """Append the Thresholds that compute the quantizer's integers from its levels."""
    base = found.base * quantizer.level_step + quantizer.level_base
    return builder.add(
        Thresholds(
            name=name,
            output=unknown_output(name),
            input=source,
            thresholds=Ints(_collapsed(found.thresholds)),
            base=Ints(_collapsed(base)),
            step=Ints(_collapsed(found.step * quantizer.level_step)),
        )
    )


def _collapsed(values: IntArray) -> IntArray:
    """Return one entry where all channels agree."""
    return values[:1] if np.all(values == values[:1]) else values


def _turning(
    builder: GraphBuilder,
    node: onnx.NodeProto,
    source: Tensor,
    quantizer: LevelQuantizer,
    function: Callable[[IntArray], IntArray],
    span: tuple[IntArray, IntArray],
    name: str,
) -> Tensor:
    """Append a function that rises and falls: a table, or what rises plus what falls."""
    if source.type.count <= MAX_TABLE:
        return _Table(function, len(span[0])).emit(builder, source, quantizer, name)
    x, levels = evaluate_all(function, *span)
    start = levels[0]
    up, down = (_edges(x, np.diff(levels, axis=0) * sign) for sign in (1, -1))
    for edges in (up, down):
        if edges.shape[1] > choose.MAX_THRESHOLDS:
            raise unsupported(
                node,
                f"rises and falls in more than {choose.MAX_THRESHOLDS} steps "
                f"over a {source.type.bits}-bit accumulator.",
                "lower its output bits, or quantize to 12 bits before the function.",
            )
    rising = Comparators(up, start, np.ones_like(start))
    falling = Comparators(down, np.zeros_like(start), -np.ones_like(start))
    parts = [
        emit_thresholds(builder, source, rising, quantizer, f"{name}_rise"),
        emit_thresholds(builder, source, falling, _without_base(quantizer), f"{name}_fall"),
    ]
    one = Ints([1])
    return builder.add(
        Add(name=name, output=unknown_output(name), a=parts[0], b=parts[1],
            multiplier_a=one, multiplier_b=one)
    )  # fmt: skip


def _edges(x: IntArray, steps: IntArray) -> IntArray:
    """Return [C, n] where a function steps up, once per level; the rest is hi + 1."""
    counts = np.maximum(steps, 0)
    longest = int(counts.sum(axis=0).max(initial=0))
    table = np.repeat((x[-1] + 1)[:, None], longest, axis=1)
    for channel in range(x.shape[1]):
        edges = np.repeat(x[1:, channel], counts[:, channel])
        table[channel, : len(edges)] = edges
    return table


def _without_base(quantizer: LevelQuantizer) -> LevelQuantizer:
    """Return the falling half, which adds only its steps: the base is in the rising half."""
    zero = np.zeros(1, dtype=np.int64)
    return LevelQuantizer(
        quantizer.levels, quantizer.lo, quantizer.hi, quantizer.scale, quantizer.offset,
        zero, quantizer.level_step,
    )  # fmt: skip


def exact_integers(chain: Chain, lo: IntArray, hi: IntArray) -> LevelQuantizer | None:
    """Return the chain's values as integers of its first scale, or None.

    ReLU and Clip of an integer tensor are integers of the same scale; None where a
    value of the range is not.
    """
    if not is_small(lo, hi):
        return None
    scale: FloatArray = chain.scale

    def exact(x: IntArray) -> FloatArray:
        return chain(x.astype(np.float64)) / scale

    _, sampled = evaluate_all(lambda x: np.round(exact(x)).astype(np.int64), lo, hi)
    x, _ = evaluate_all(lambda x: x, lo, hi)
    if not np.array_equal(exact(x), sampled) or abs(scale).min() == 0:
        return None

    def levels(real: FloatArray) -> IntArray:
        return np.round(real / scale).astype(np.int64)

    return LevelQuantizer(
        levels, int(sampled.min()), int(sampled.max()), scale,
        np.zeros(1), np.zeros(1, dtype=np.int64),
    )  # fmt: skip
