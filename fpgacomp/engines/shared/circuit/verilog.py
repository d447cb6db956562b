"""A scheduled circuit as a SystemVerilog module: one wire a node, registers between the stages."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import assert_never

from fpgacomp.engines.shared.circuit.cost import zeros_of
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
    ReadElement,
    Right,
    TableLookup,
    TernaryAddition,
    bits_of,
    reads,
    signed,
)
from fpgacomp.engines.shared.circuit.schedule import Schedule
from fpgacomp.ir.types import IntType

TERNARY = "fpgacomp_ternary_add"  # the module of hls_templates/rtl/lib that adds three numbers


@dataclass(frozen=True)
class Tap:
    """A tensor that a simulation writes down, a word a line.

    Args:
        file: that it is written to.
        wires: its elements, the first in the lowest bits.
        kind: range of an element.
    """

    file: str
    wires: tuple[int, ...]
    kind: IntType


def module(
    name: str, title: str, circuit: Circuit, plan: Schedule, lanes: tuple[IntType, IntType],
    taps: Sequence[Tap] = (),
) -> str:  # fmt: skip
    """The module of a circuit.

    Args:
        name: of the module.
        title: a sentence on what it computes, for the comment above it.
        plan: the stage of each node.
        lanes: range of an element of the word that it reads, and of the one that it writes.
        taps: what it writes down where FPGACOMP_MEASURE is defined.
    """
    return "\n".join(_Writer(circuit, plan, lanes, taps).lines(name, title)) + "\n"


class _Writer:
    def __init__(
        self, circuit: Circuit, plan: Schedule, lanes: tuple[IntType, IntType], taps: Sequence[Tap]
    ) -> None:
        self.circuit, self.plan, self.taps = circuit, plan, taps
        self.out = lanes[1]
        self.lane_bits, self.out_bits = (1 if kind.bipolar else kind.bits for kind in lanes)
        self.width = [max(bits_of(span), 1) for span in circuit.ranges]
        # Stages for which a wire is kept in simulation alone; known once the taps are written.
        self.kept_for_taps: dict[int, range] = {}

    def lines(self, name: str, title: str) -> Iterator[str]:
        circuit, plan = self.circuit, self.plan
        yield f"// {title}"
        yield "//"
        yield "// One word a cycle. Equal partial sums are computed once; every wire is as wide as"
        yield "// its values need. nI is node I; nI_S is its value in the registers of stage S."
        yield f"module {name} ("
        yield "    input logic clk,"
        yield "    input logic rst,"
        yield f"    input logic [{len(circuit.inputs) * self.lane_bits - 1}:0] in_data,"
        yield "    input logic in_valid,"
        yield "    output logic in_ready,"
        yield f"    output logic [{len(circuit.outputs) * self.out_bits - 1}:0] out_data,"
        yield "    output logic out_valid,"
        yield "    input logic out_ready"
        yield ");"
        yield f"  localparam int Latency = {plan.stages};"
        yield "  logic enable;"
        yield "  logic [Latency-1:0] valid;"
        yield "  assign enable = out_ready | ~out_valid;"
        yield "  assign in_ready = enable;"
        yield "  assign out_valid = valid[Latency-1];"
        yield "  always_ff @(posedge clk) begin"
        yield "    if (rst) valid <= '0;"
        shifted = "in_valid" if plan.stages == 1 else "{valid[Latency-2:0], in_valid}"
        yield f"    else if (enable) valid <= {shifted};"
        yield "  end"
        owner = None
        for wire, node in enumerate(circuit.nodes):
            if isinstance(node, Constant):
                continue
            if circuit.owners[wire] != owner:
                owner = circuit.owners[wire]
                yield ""
                yield f"  // {'layer ' + owner if owner else 'the word that is read'}"
            names = ", ".join([f"n{wire}", *self._kept(wire)])
            if isinstance(node, Count):
                yield f"  logic [{len(node.thresholds) - 1}:0] g{wire};  // thresholds reached"
                yield f"  assign g{wire} = {self._reached(node, plan.stage[wire])};"
            yield f"  {self._type(wire)} {names};"
            if isinstance(node, TernaryAddition):
                yield from self._ternary(node, wire)
            else:
                yield f"  assign n{wire} = {self._expression(wire)};"
        yield from self._registers()
        if self.taps:
            yield from self._tapping()
        yield "endmodule"

    def _type(self, wire: int) -> str:
        sign = "signed " if signed(self.circuit.ranges[wire]) else ""
        return f"logic {sign}[{self.width[wire] - 1}:0]"

    def _registers(self) -> Iterator[str]:
        """What is kept from stage to stage, and the word that is written."""
        yield ""
        yield "  always_ff @(posedge clk) begin"
        yield "    if (enable) begin"
        for wire in range(len(self.circuit.nodes)):
            names = self._kept(wire)
            for to, of in zip(names, [f"n{wire}", *names]):
                yield f"      {to} <= {of};"
        for index, wire in enumerate(self.circuit.outputs):
            value = self._element(wire, self.out, self.plan.stages - 1)
            yield f"      out_data[{index * self.out_bits}+:{self.out_bits}] <= {value};"
        yield "    end"
        yield "  end"

    def _kept(self, wire: int) -> list[str]:
        """Its registers; that of the last stage is the word that is written."""
        if isinstance(self.circuit.nodes[wire], Constant):
            return []
        last = min(self.plan.last[wire], self.plan.stages - 1)
        return [f"n{wire}_{stage}" for stage in range(self.plan.stage[wire] + 1, last + 1)]

    def _tapping(self) -> Iterator[str]:
        """What is tapped is kept until its word leaves, and written down then."""
        end = self.plan.stages - 1
        late = [
            wire
            for wire in sorted({wire for tap in self.taps for wire in tap.wires})
            if not isinstance(self.circuit.nodes[wire], Constant)
            and max(self.plan.last[wire], self.plan.stage[wire]) < end
        ]
        self.kept_for_taps = {
            wire: range(max(self.plan.last[wire], self.plan.stage[wire]) + 1, end + 1)
            for wire in late
        }
        yield ""
        yield "`ifdef FPGACOMP_MEASURE"
        for wire, stages in self.kept_for_taps.items():
            names = ", ".join(f"t{wire}_{stage}" for stage in stages)
            yield f"  {self._type(wire)} {names};"
        files = ", ".join(f"file{index}" for index in range(len(self.taps)))
        yield f"  int {files};"
        yield "  initial begin"
        for index, tap in enumerate(self.taps):
            yield f'    file{index} = $fopen("{tap.file}", "w");'
        yield "  end"
        yield "  always @(posedge clk) begin"
        yield "    if (enable) begin"
        for wire, stages in self.kept_for_taps.items():
            before = self._name(wire, stages[0] - 1)
            for stage in stages:
                yield f"      t{wire}_{stage} <= {before};"
                before = f"t{wire}_{stage}"
        yield "    end"
        ready = "in_valid" if end == 0 else f"valid[{end - 1}]"
        yield f"    if (enable & {ready} & ~rst) begin"
        for index, tap in enumerate(self.taps):
            values = [self._element(wire, tap.kind, end) for wire in reversed(tap.wires)]
            yield f'      $fdisplay(file{index}, "%h", {{{", ".join(values)}}});'
        yield "    end"
        yield "  end"
        yield "  final begin"
        for index in range(len(self.taps)):
            yield f"    $fclose(file{index});"
        yield "  end"
        yield "`endif"

    def _element(self, wire: int, kind: IntType, stage: int) -> str:
        """A wire as an element of a word: one bit of {-1, +1}, or a number."""
        if not kind.bipolar:
            return self._sized(wire, kind.bits, stage)
        node = self.circuit.nodes[wire]
        if isinstance(node, Constant):
            return f"1'b{int(node.value > 0)}"
        return f"~{self._name(wire, stage)}[{self.width[wire] - 1}]"

    def _name(self, wire: int, stage: int) -> str:
        """A wire's value in a stage."""
        own = self.plan.stage[wire]
        if stage in self.kept_for_taps.get(wire, ()):
            return f"t{wire}_{stage}"
        return f"n{wire}" if stage <= own else f"n{wire}_{stage}"

    def _sized(self, wire: int, bits: int, stage: int) -> str:
        """A wire's value in so many bits."""
        node = self.circuit.nodes[wire]
        if isinstance(node, Constant):
            return f"{bits}'h{node.value & ((1 << bits) - 1):x}"
        name = self._name(wire, stage)
        return name if self.width[wire] == bits else f"{bits}'({name})"

    def _above(self, wire: int, low: int, bits: int, stage: int) -> str:
        """The bits of a wire from `low` on, as a number of so many bits."""
        span, width = self.circuit.ranges[wire], self.width[wire]
        if low == 0:
            return self._sized(wire, bits, stage)
        if isinstance(node := self.circuit.nodes[wire], Constant):
            return f"{bits}'h{(node.value >> low) & ((1 << bits) - 1):x}"
        name = self._name(wire, stage)
        if low >= width:
            return f"{{{bits}{{{name}[{width - 1}]}}}}" if signed(span) else f"{bits}'d0"
        part = f"{name}[{width - 1}:{low}]"
        if width - low == bits:
            return part
        if width - low > bits:
            return f"{name}[{low + bits - 1}:{low}]"
        return f"{bits}'($signed({part}))" if signed(span) else f"{bits}'({part})"

    def _below(self, wire: int, bits: int, stage: int) -> str:
        """The lowest bits of a wire."""
        if isinstance(node := self.circuit.nodes[wire], Constant):
            return f"{bits}'h{node.value & ((1 << bits) - 1):x}"
        if bits >= self.width[wire]:
            return self._sized(wire, bits, stage)
        return f"{self._name(wire, stage)}[{bits - 1}:0]"

    def _expression(self, wire: int) -> str:
        node, stage, width = self.circuit.nodes[wire], self.plan.stage[wire], self.width[wire]
        match node:
            case Constant() | TernaryAddition():
                raise ValueError("a constant has no wire, and a sum of three is a module")
            case ReadElement():
                return self._source(node)
            case Left():
                inner = self._sized(node.a, width - node.bits, stage)
                return f"{{{inner}, {node.bits}'d0}}"
            case Right():
                return self._above(node.a, node.bits, width, stage)
            case Low():
                return self._below(node.a, width, stage)
            case Addition():
                return self._sum(node, width, stage)
            case AtLeast():
                return self._reaches(node.a, node.threshold, stage)
            case Compare():
                bits = 1 + max(
                    self.width[w] + (not signed(self.circuit.ranges[w])) for w in reads(node)
                )
                a, b = (f"$signed({self._sized(w, bits, stage)})" for w in (node.a, node.b))
                return f"{a} >= {b}"
            case Choose():
                yes, no = (self._sized(w, width, stage) for w in (node.yes, node.no))
                return f"{self._sized(node.condition, 1, stage)} ? {yes} : {no}"
            case Clip():
                return self._clip(node, width, stage)
            case Count():
                return self._count(node, wire, width)
            case TableLookup():
                return self._table(node, width, stage)
            case _:
                assert_never(node)

    def _source(self, node: ReadElement) -> str:
        kind = self.circuit.inputs[node.element]
        low = node.element * self.lane_bits
        if kind.bipolar:
            return f"{{~in_data[{low}], 1'b1}}"
        return f"in_data[{low}+:{max(kind.bits, 1)}]"

    def _sum(self, node: Addition, width: int, stage: int) -> str:
        """The bits below the zeros of one operand are those of the other."""
        a, b, sign = node.a, node.b, "-" if node.subtract else "+"
        zeros = zeros_of(self.circuit, a), zeros_of(self.circuit, b)
        passed, through = max(zeros), a if zeros[0] <= zeros[1] else b
        if not passed or min(zeros) or (node.subtract and through == b):
            return f"{self._sized(a, width, stage)} {sign} {self._sized(b, width, stage)}"
        low = self._below(through, min(passed, width), stage)
        if width <= passed:
            return low
        above_a, above_b = (self._above(w, passed, width - passed, stage) for w in (a, b))
        if not node.subtract and self._is_zero_above(a, passed):
            return f"{{{above_b}, {low}}}"
        if not node.subtract and self._is_zero_above(b, passed):
            return f"{{{above_a}, {low}}}"
        return f"{{{above_a} {sign} {above_b}, {low}}}"

    def _ternary(self, node: TernaryAddition, wire: int) -> Iterator[str]:
        """The instance that adds three wires."""
        stage, width = self.plan.stage[wire], self.width[wire]
        parameters = [f".W({width})"]
        parameters += [".MINUS_B(1)"] if node.minus_b else []
        parameters += [".MINUS_C(1)"] if node.minus_c else []
        a, b, c = (self._sized(of, width, stage) for of in reads(node))
        yield f"  {TERNARY} #({', '.join(parameters)}) u{wire} ("
        yield f"      .a({a}), .b({b}), .c({c}), .sum(n{wire})"
        yield "  );"

    def _is_zero_above(self, wire: int, low: int) -> bool:
        lo, hi = self.circuit.ranges[wire]
        return lo >> low == 0 == hi >> low

    def _reaches(self, wire: int, threshold: int, stage: int) -> str:
        """Whether a wire is at least a constant: gates take fewer LUTs than a carry chain."""
        width, is_signed = self.width[wire], signed(self.circuit.ranges[wire])
        name = self._name(wire, stage)
        code = threshold + (1 << (width - 1) if is_signed else 0)
        if code <= 0:
            return "1'b1"
        if code >= 1 << width:
            return "1'b0"
        bits = [f"{name}[{bit}]" for bit in range(width)]
        if is_signed:
            bits[-1] = f"~{bits[-1]}"
        first = (code & -code).bit_length() - 1
        found = bits[first]
        for bit in range(first + 1, width):
            found = f"({bits[bit]} {'&' if code >> bit & 1 else '|'} {found})"
        return found

    def _clip(self, node: Clip, width: int, stage: int) -> str:
        lo, hi = self.circuit.ranges[node.a]
        found = self._below(node.a, width, stage)
        if lo < node.lo:
            cut = _roundest(node.lo, node.lo + 1)
            found = f"{self._reaches(node.a, cut, stage)} ? {found} : {_literal(node.lo, width)}"
        if hi > node.hi:
            cut = _roundest(node.hi, node.hi + 1)
            reached = self._reaches(node.a, cut, stage)
            found = f"{reached} ? {_literal(node.hi, width)} : ({found})"
        return found

    def _count(self, node: Count, wire: int, width: int) -> str:
        """Each bit changes at some of the thresholds: it is odd how many of these are reached."""
        values = [node.base + node.step * n for n in range(len(node.thresholds) + 1)]
        codes = [value & ((1 << width) - 1) for value in values]
        parts = []
        for bit in range(width - 1, -1, -1):
            flips = sum(
                1 << number
                for number, (before, after) in enumerate(pairwise(codes))
                if (before ^ after) >> bit & 1
            )
            start = codes[0] >> bit & 1
            changed = f"^(g{wire} & {_literal(flips, len(node.thresholds))})"
            parts.append(f"{'~' if start else ''}{changed}" if flips else f"1'b{start}")
        return parts[0] if width == 1 else "{" + ", ".join(parts) + "}"

    def _reached(self, node: Count, stage: int) -> str:
        """A bit for each threshold, the first lowest: whether it is reached."""
        found = [self._reaches(node.a, each, stage) for each in reversed(node.thresholds)]
        return found[0] if len(found) == 1 else "{" + ", ".join(found) + "}"

    def _table(self, node: TableLookup, width: int, stage: int) -> str:
        depth = 1 << self.width[node.a]
        codes = [0] * depth
        for offset, value in enumerate(node.values):
            codes[(node.first + offset) % depth] = value & ((1 << width) - 1)
        packed = sum(code << (index * width) for index, code in enumerate(codes))
        name = self._name(node.a, stage)
        # In braces a wire has no sign: as a number it would be extended by it, and shift too far.
        index = f"32'({{{name}}}) * 32'd{width}"
        return f"{width}'({depth * width}'h{packed:x} >> ({index}))"


def _literal(value: int, bits: int) -> str:
    return f"{bits}'h{value & ((1 << bits) - 1):x}"


def _roundest(a: int, b: int) -> int:
    """The one with more zeros at its low end: fewer bits are compared with it."""
    return max((a, b), key=lambda value: (value & -value) if value else 1 << 62)
