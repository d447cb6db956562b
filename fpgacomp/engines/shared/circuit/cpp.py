"""A circuit as C++: a statement for each wire, and the same wires as a table for C-simulation."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import assert_never

from fpgacomp.engines.shared.circuit.nodes import (
    Addition,
    AtLeast,
    Choose,
    Circuit,
    Clip,
    Compare,
    Constant,
    Count,
    Left,
    Low,
    Node,
    Range,
    ReadElement,
    Right,
    TableLookup,
    TernaryAddition,
    bits_of,
    signed,
)

_PER_LINE = 12


def header(name: str, title: str, circuit: Circuit) -> str:
    """The header of class `name`, whose `compute` is the circuit.

    It needs fpgacomp/circuit.hpp. Outside of synthesis `compute` also keeps the tensors of
    `circuit.taps`.
    """
    return "\n".join(_lines(name, title, circuit)) + "\n"


def _lines(name: str, title: str, circuit: Circuit) -> Iterator[str]:
    yield f"// {title}"
    yield "#pragma once"
    yield ""
    yield '#include "fpgacomp/circuit.hpp"'
    yield ""
    yield "using namespace fpgacomp;"
    yield ""
    yield "#ifdef FPGACOMP_CSIM"
    yield from _table(name, circuit)
    yield ""
    yield f"struct {name} {{"
    yield "  template <class T, int N, class Y, int M>"
    yield "  static void compute(const Vec<T, N>& x, Vec<Y, M>& y) {"
    yield f"    static std::int64_t v[{len(circuit.nodes)}];"
    yield "    std::int64_t element[N];"
    yield "    for (int i = 0; i < N; ++i) element[i] = static_cast<std::int64_t>(value(x[i]));"
    yield f"    evaluate({name}_wires, {len(circuit.nodes)}, {name}_side, element, v);"
    for index, wire in enumerate(circuit.outputs):
        yield f"    y[{index}] = element_of<Y>(v[{wire}]);"
    yield from _taps(circuit, lambda wire: f"v[{wire}]")
    yield "  }"
    yield "  template <class Y> static Y element_of(std::int64_t v) {"
    yield "    return fpgacomp::element<Y>::of(v);"
    yield "  }"
    yield "};"
    yield "#else"
    yield f"struct {name} {{"
    yield "  template <class T, int N, class Y, int M>"
    yield "  static void compute(const Vec<T, N>& x, Vec<Y, M>& y) {"
    yield "#pragma HLS INLINE"
    owner = None
    for wire in range(len(circuit.nodes)):
        if circuit.owners[wire] != owner:
            owner = circuit.owners[wire]
            yield f"    // layer {owner}"
        for line in _statement(circuit, wire):
            yield f"    {line}"
    for index, wire in enumerate(circuit.outputs):
        yield f"    y[{index}] = element<Y>::of(n{wire});"
    yield "#ifndef __SYNTHESIS__"
    yield from _taps(circuit, lambda wire: f"static_cast<std::int64_t>(n{wire})")
    yield "#endif"
    yield "  }"
    yield "};"
    yield "#endif"


def _taps(circuit: Circuit, value: Callable[[int], str]) -> Iterator[str]:
    """Keep what a simulation looks at."""
    for tensor, wires in circuit.taps.items():
        spans = [circuit.ranges[wire] for wire in wires]
        lo, hi = min(span[0] for span in spans), max(span[1] for span in spans)
        bits = bits_of((lo, hi))
        size = next(size for size in (1, 2, 4, 8) if bits <= 8 * size)
        yield f"    {{  // {tensor}"
        yield "      const std::int64_t t[] = {"
        for first in range(0, len(wires), _PER_LINE):
            yield f"          {', '.join(map(value, wires[first : first + _PER_LINE]))},"
        yield "      };"
        is_signed = "true" if lo < 0 else "false"
        yield f'      tap_values("{tensor}", {size}, {is_signed}, t, {len(wires)});'
        yield "    }"


def _table(name: str, circuit: Circuit) -> Iterator[str]:
    """The wires as numbers."""
    side: list[int] = []
    yield f"static const Wire {name}_wires[] = {{"
    for node in circuit.nodes:
        yield f"    {{{_entry(node, side)}}},"
    yield "};"
    yield f"static const std::int64_t {name}_side[] = {{"
    for first in range(0, max(len(side), 1), _PER_LINE):
        yield f"    {', '.join(_number(v) for v in side[first : first + _PER_LINE]) or '0'},"
    yield "};"


def _entry(node: Node, side: list[int]) -> str:
    match node:
        case ReadElement():
            return f"WIRE_SOURCE, {node.element}, 0, 0, 0, 0"
        case Constant():
            return f"WIRE_CONSTANT, 0, 0, 0, {_number(node.value)}, 0"
        case Left():
            return f"WIRE_LEFT, {node.a}, 0, 0, {node.bits}, 0"
        case Right():
            return f"WIRE_RIGHT, {node.a}, 0, 0, {node.bits}, 0"
        case Low():
            return f"WIRE_LOW, {node.a}, 0, 0, {node.bits}, 0"
        case Addition():
            kind = "WIRE_DIFFERENCE" if node.subtract else "WIRE_SUM"
            return f"{kind}, {node.a}, {node.b}, 0, 0, 0"
        case TernaryAddition():
            signs = ", ".join("-1" if minus else "1" for minus in (node.minus_b, node.minus_c))
            return f"WIRE_TERNARY, {node.a}, {node.b}, {node.c}, {signs}"
        case AtLeast():
            return f"WIRE_AT_LEAST, {node.a}, 0, 0, {_number(node.threshold)}, 0"
        case Compare():
            return f"WIRE_COMPARE, {node.a}, {node.b}, 0, 0, 0"
        case Choose():
            return f"WIRE_CHOOSE, {node.condition}, {node.yes}, {node.no}, 0, 0"
        case Clip():
            return f"WIRE_CLIP, {node.a}, 0, 0, {_number(node.lo)}, {_number(node.hi)}"
        case Count():
            at = len(side)
            side.extend(node.thresholds)
            ends = f"{_number(node.base)}, {_number(node.step)}"
            return f"WIRE_COUNT, {node.a}, {len(node.thresholds)}, {at}, {ends}"
        case TableLookup():
            at = len(side)
            side.extend(node.values)
            return f"WIRE_TABLE, {node.a}, 0, {at}, {_number(node.first)}, 0"
        case _:
            assert_never(node)


def _type(span: Range) -> str:
    bits = max(bits_of(span), 1)
    # ap_int<1> is the type of -1 and +1 in these headers.
    return f"ap_int<{max(bits, 2)}>" if signed(span) else f"ap_uint<{bits}>"


def _statement(circuit: Circuit, wire: int) -> Iterator[str]:
    """The declaration of a wire."""
    node, kind = circuit.nodes[wire], _type(circuit.ranges[wire])
    if isinstance(node, TableLookup):
        entries = ", ".join(_number(value) for value in node.values)
        yield f"static const {kind} t{wire}[{len(node.values)}] = {{{entries}}};"
    yield f"const {kind} n{wire} = {_expression(circuit, wire, kind)};"


def _expression(circuit: Circuit, wire: int, kind: str) -> str:
    node = circuit.nodes[wire]
    match node:
        case ReadElement():
            return f"value(x[{node.element}])"
        case Constant():
            return _number(node.value)
        case Left():
            return f"{kind}(n{node.a}) << {node.bits}"
        case Right():
            return f"n{node.a} >> {node.bits}"
        case Low():
            return f"{kind}(n{node.a})"
        case Addition():
            return f"n{node.a} {'-' if node.subtract else '+'} n{node.b}"
        case TernaryAddition():
            b, c = ("-" if minus else "+" for minus in (node.minus_b, node.minus_c))
            return f"n{node.a} {b} n{node.b} {c} n{node.c}"
        case AtLeast():
            return f"n{node.a} >= {_number(node.threshold)}"
        case Compare():
            return f"n{node.a} >= n{node.b}"
        case Choose():
            return f"n{node.condition} != 0 ? {kind}(n{node.yes}) : {kind}(n{node.no})"
        case Clip():
            ends = f"{kind}({_number(node.lo)})", f"{kind}({_number(node.hi)})"
            inner = f"n{node.a} > {_number(node.hi)} ? {ends[1]} : {kind}(n{node.a})"
            return f"n{node.a} < {_number(node.lo)} ? {ends[0]} : {inner}"
        case Count():
            met = " + ".join(f"int(n{node.a} >= {_number(t)})" for t in node.thresholds)
            return f"{_number(node.base)} + {node.step} * ({met})"
        case TableLookup():
            return f"t{wire}[int(n{node.a}) - {_number(node.first)}]"
        case _:
            assert_never(node)


def _number(value: int) -> str:
    """A literal that C++ takes for what it is."""
    return str(value) if abs(value) < 1 << 31 else f"{value}LL"
