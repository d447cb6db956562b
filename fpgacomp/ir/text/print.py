"""Integer graph to text: one aligned line per layer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple, assert_never

import numpy as np

from fpgacomp.ir.graph import Graph
from fpgacomp.ir.layers import (
    Add,
    Concat,
    Conv,
    Dense,
    Input,
    Layer,
    Lookup,
    MaxPool,
    Parameterless,
    Requantize,
    Rounding,
    SumPool,
    Tensor,
    Thresholds,
    Upsample,
    kind,
)
from fpgacomp.ir.text.spell import (
    DIGEST_DIGITS,
    INLINE,
    spell_bits,
    spell_name,
    spell_shape,
    spell_type,
)
from fpgacomp.ir.types import Ints, IntType

# A line that is longer than this pushes its shape to the right alone, not every other's.
_WIDEST_COLUMN = 56

Spelled = int | str | tuple["Spelled", ...]
Value = Ints | Spelled


class GraphText(NamedTuple):
    """A graph in text form: `parse_graph(*print_graph(graph)) == graph`.

    Args:
        text: the lines.
        arrays: the arrays that do not stand in the lines, under their whole SHA-256 digest.
    """

    text: str
    arrays: Mapping[str, Ints]


def print_graph(
    graph: Graph,
    *,
    notes: Sequence[str] = (),
    remarks: Mapping[str, str] = MappingProxyType({}),
) -> GraphText:
    """The graph in text form.

    Args:
        graph: a graph that `verify` accepts.
        notes: comment lines below the first line.
        remarks: layer name -> a comment at the end of its line.

    Returns:
        The text, and the arrays of more than eight elements that it names by digest.
    """
    arrays = _stored_arrays(graph)
    digits = _telling_digits(arrays)
    rows = [_row(layer, digits, remarks.get(layer.name, "")) for layer in graph.layers]
    head = [f"graph {spell_name(graph.name)}", *(f"// {note}".rstrip() for note in notes), ""]
    outputs = " ".join(_spell_tensor(tensor) for tensor in graph.outputs)
    lines = [*head, *_aligned(rows), "", f"return {outputs}".rstrip()]
    return GraphText("\n".join(lines) + "\n", arrays)


class _Row(NamedTuple):
    """The columns of one line."""

    tensor: str
    body: str
    type: str
    remark: str


def _stored_arrays(graph: Graph) -> dict[str, Ints]:
    """The arrays that are too large for their line, by digest."""
    values = (value for layer in graph.layers for _, value in _fields(layer))
    return {v.digest: v for v in values if isinstance(v, Ints) and not _stands_in_line(v)}


def _telling_digits(arrays: Mapping[str, Ints]) -> int:
    """How many digits of a digest tell every array from the others."""
    digits = DIGEST_DIGITS
    while len({digest[:digits] for digest in arrays}) < len(arrays):
        digits += 1
    return digits


def _row(layer: Layer, digits: int, remark: str) -> _Row:
    words = [kind(layer), *(_spell_tensor(tensor) for tensor in layer.inputs)]
    if layer.name != layer.output.name:
        words.append(f"layer={layer.name}")
    words += [f"{name}={_spell(value, digits)}" for name, value in _fields(layer)]
    shape, values = spell_shape(layer.output.shape), spell_type(layer.output.type)
    return _Row(_spell_tensor(layer.output), " ".join(words), f"{shape} {values}", remark)


def _aligned(rows: Sequence[_Row]) -> Iterator[str]:
    names = max((len(row.tensor) for row in rows), default=0)
    bodies = max((len(row.body) for row in rows if len(row.body) <= _WIDEST_COLUMN), default=0)
    types = max((len(row.type) for row in rows), default=0)
    for row in rows:
        line = f"{row.tensor:{names}} = {row.body:{bodies}} : {row.type}"
        width = names + bodies + types + 6
        yield f"{line:{width}} // {row.remark}" if row.remark else line


def _spell_tensor(tensor: Tensor) -> str:
    return f"%{tensor.name}"


def _fields(layer: Layer) -> Iterator[tuple[str, Value]]:
    """The fields that the line states, in reading order: what is usual is left out."""
    match layer:
        case Input() | Concat() | Parameterless():
            return
        case Dense():
            yield "weight", layer.weight
        case Conv():
            rank = len(layer.kernel)
            yield from _steps("strides", layer.strides, rank)
            yield from _steps("dilations", layer.dilations, rank)
            yield from _pads(layer.pads, rank)
            if layer.groups != 1:
                yield "groups", layer.groups
            yield "weight", layer.weight
        case MaxPool():
            yield from _pool(layer)
        case SumPool():
            yield from _pool(layer)
            if layer.multiplier is not None:
                yield "multiplier", layer.multiplier
        case Add():
            yield from _unless("multiplier_a", layer.multiplier_a, 1)
            yield from _unless("multiplier_b", layer.multiplier_b, 1)
        case Upsample():
            yield "factors", _shortest(layer.factors, len(layer.input.shape) - 1)
        case Requantize():
            yield from _requantize(layer)
        case Thresholds():
            yield from _unless("base", layer.base, 0)
            yield from _unless("step", layer.step, 1)
            yield "thresholds", layer.thresholds
        case Lookup():
            yield "table", layer.table
        case _:
            assert_never(layer)


def _requantize(layer: Requantize) -> Iterator[tuple[str, Value]]:
    """In the order in which the layer computes."""
    yield "multiplier", layer.multiplier
    yield "offset", layer.offset
    yield "shift", layer.shift
    if layer.rounding is not Rounding.FLOOR:
        yield "rounding", layer.rounding.value
    yield "clip", f"{layer.lo}..{layer.hi}"
    if layer.zero_point:
        yield "zero_point", layer.zero_point


def _pool(layer: MaxPool | SumPool) -> Iterator[tuple[str, Value]]:
    rank = len(layer.input.shape) - 1
    yield "kernel", _shortest(layer.kernel, rank)
    yield from _steps("strides", layer.strides, rank)
    yield from _pads(layer.pads, rank)


def _steps(name: str, values: tuple[int, ...], rank: int) -> Iterator[tuple[str, Value]]:
    if values != (1,) * rank:
        yield name, _shortest(values, rank)


def _pads(pads: tuple[tuple[int, int], ...], rank: int) -> Iterator[tuple[str, Value]]:
    sides = {side for pad in pads for side in pad}
    if pads == ((0, 0),) * rank:
        return
    yield "pads", sides.pop() if len(sides) == 1 and len(pads) == rank else pads


def _unless(name: str, values: Ints, usual: int) -> Iterator[tuple[str, Value]]:
    if values != Ints([usual]):
        yield name, values


def _shortest(values: tuple[int, ...], rank: int) -> int | tuple[int, ...]:
    """One number where it stands for every spatial axis."""
    return values[0] if len(values) == rank and len(set(values)) == 1 else values


def _spell(value: Value, digits: int) -> str:
    match value:
        case Ints():
            return _spell_array(value, digits)
        case tuple():
            return f"[{', '.join(_spell(item, digits) for item in value)}]"
        case int() | str():
            return str(value)
        case _:
            assert_never(value)


def _spell_array(values: Ints, digits: int) -> str:
    """The numbers themselves, or type, shape and digest."""
    if values.shape == (1,):
        return str(values.array[0])
    if _stands_in_line(values):
        return str(values.array.tolist())
    stored = values.stored_type if values.array.size else IntType(0, 0)
    return f"{spell_bits(stored)}{spell_shape(values.shape)}#{values.digest[:digits]}"


def _stands_in_line(values: Ints) -> bool:
    """Few numbers, from which the shape can be read again."""
    few = values.array.size <= INLINE and max(values.shape, default=INLINE + 1) <= INLINE
    return few and np.shape(values.array.tolist()) == values.shape
