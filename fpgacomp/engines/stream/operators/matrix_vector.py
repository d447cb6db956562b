"""MatrixVector: the product of vectors with a matrix of constants."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import reduce
from math import ceil
from operator import and_, or_
from typing import ClassVar

from fpgacomp.engines.shared.terms import Amounts, Terms, unit_terms
from fpgacomp.engines.shared.weight_stats import WeightStats, cached_weight_stats
from fpgacomp.engines.stream.design import Arithmetic, Memory
from fpgacomp.engines.stream.emit.calls import Call, call_with_tables
from fpgacomp.engines.stream.emit.tables import Table, rom
from fpgacomp.engines.stream.estimate.memory import added, buffer_terms, rom_terms
from fpgacomp.engines.stream.estimate.terms import constant_array, product_array
from fpgacomp.engines.stream.operators.operator import CostKind, OneToOne
from fpgacomp.engines.stream.rtl.instance import Instance, element, rows, style
from fpgacomp.engines.stream.streams import element_bits
from fpgacomp.engines.stream.timing.steps import Pattern, Steps, gathering, repeated_steps
from fpgacomp.ir.types import IntArray, Ints, IntType

# A DSP block's narrower multiplier port (UG479, UG579).
_NARROW_PORT_BITS = 18
MATRIX_MODULE = "fpgacomp_matvec"
_SIGNS = 2  # the kind of elements that are -1 or +1
_NARROW_PRODUCT = 2  # bits
_MANY_PRODUCTS = 1000
_VARYING = 0.99  # share of the bits of the weights that are not the same in every row
STREAMER_BRAM_DEPTH = 4  # least rows of a streamer's table that the tools put into block RAM


@dataclass(frozen=True, kw_only=True)
class MatrixVector(OneToOne):
    """y = x @ weight for `vectors` rows x; PE outputs and SIMD inputs a cycle.

    Args:
        weight: [MW, MH]: MW inputs, MH outputs.
        memory: where the weights lie.
        arithmetic: what multiplies.
        ternary: whether a row of LUTs adds three numbers, in SystemVerilog.
    """

    cost_kind: ClassVar[CostKind] = "matrix"
    narrow: ClassVar[bool] = False

    weight: Ints
    vectors: int
    pe: int
    simd: int
    memory: Memory
    arithmetic: Arithmetic
    ternary: bool = False

    @property
    def reads(self) -> int:
        """Input words of a vector."""
        return self.weight.shape[0] // self.simd

    @property
    def rows(self) -> int:
        """Output words of a vector."""
        return self.weight.shape[1] // self.pe

    @property
    def fold(self) -> int:
        """Cycles per vector: also the rows of the weight memory."""
        return self.reads * self.rows

    @property
    def cycles(self) -> int:
        return self.vectors * self.fold

    @property
    def bipolar(self) -> bool:
        """Weights and inputs are both of {-1, +1}: products are XNOR gates."""
        return self.weight.stored_type.bipolar and self.input.type.bipolar

    def packing(self, port_bits: int) -> tuple[int, int]:
        """`dsp_packing` of these weights, this input and this PE."""
        return dsp_packing(self.weight.stored_type, self.input.type, self.pe, port_bits)

    @property
    def term_bits(self) -> int:
        """Bits of a signed number that holds every product, or every count of equal signs."""
        if self.bipolar:
            return 4 if self.ternary else 2
        x, weight = self.input.type, self.weight.type
        ends = [a * b for a in (x.lo, x.hi) for b in (weight.lo, weight.hi)]
        return _signed_bits(IntType.of_values(ends))

    def steps(self, limit: int) -> Steps:
        """The input is read along with the first row block and kept for the others."""
        vector = gathering(self.reads)
        if self.rows > 1:
            others = [1] * (self.rows - 1)
            vector = vector.then(Pattern.of([[0] * len(others)], [others], self.reads))
        return repeated_steps(vector, self.vectors, limit)

    def terms(self, port_bits: int) -> Terms:
        dsp = 0
        if self.arithmetic == "dsp" and not self.bipolar:
            lanes, _ = self.packing(port_bits)
            dsp = ceil(self.pe / lanes) * self.simd
        return matrix_terms(
            pe=self.pe, simd=self.simd, weight_bits=element_bits(self.weight.stored_type),
            input_bits=element_bits(self.input.type), acc_bits=self.output.type.bits,
            reads=self.reads, rows=self.rows, dsp=dsp, bipolar=self.bipolar, memory=self.memory,
            stats=cached_weight_stats(self.weight) if self.fold == 1 else None,
        )  # fmt: skip

    def call(self, streams: tuple[str, ...], tables: str, port_bits: int) -> Call:
        style = "MulLut"
        if self.arithmetic == "dsp":
            lanes, shift = self.packing(port_bits)
            style = f"MulDspPacked<{lanes}, {shift}>" if lanes > 1 else "MulDsp"
        parameters = (*self.weight.shape, self.vectors, style)
        return call_with_tables("mvau", parameters, streams, self._weights(tables))

    def stages(self, port_bits: int) -> int:
        """Word and weights, products, levels of the tree of adders, accumulators."""
        packed = self.arithmetic == "dsp" and self.packing(port_bits)[0] > 1
        terms = ceil(self.simd / 6) if self.bipolar and self.ternary else self.simd
        return 3 + packed + tree_stages(terms, ternary=self.ternary)

    def instance(self, tables: str, port_bits: int) -> Instance:
        lanes, shift = self.packing(port_bits) if self.arithmetic == "dsp" else (1, 1)
        table = rows("", f"{tables}.mem", self._tiles, self.weight.stored_type)
        return Instance(
            MATRIX_MODULE,
            {
                "SIMD": self.simd, "PE": self.pe, "READS": self.reads, "ROWS": self.rows,
                **element("IN", self.input.type), **element("WEIGHT", self.weight.stored_type),
                "TERM_BITS": self.term_bits, "OUT_BITS": element_bits(self.output.type),
                "TERNARY": int(self.ternary), "PACKED": lanes, "SHIFT": max(shift, 1),
                "DSP": int(self.arithmetic == "dsp"), "STYLE": style(self.memory),
                **table.parameters,
            },
            table.files,
        )  # fmt: skip

    def _weights(self, name: str) -> Table:
        """Row nf * SF + sf, lane pe * SIMD + s is weight[sf * SIMD + s, nf * PE + pe]."""
        (mw, mh), pe, simd = self.weight.shape, self.pe, self.simd
        title = f"Weights of {self.layer}: {mw} x {mh}, {pe} PE of {simd} SIMD a row."
        return rom(name, title, self._tiles, self.weight.stored_type, self.memory)

    @property
    def _tiles(self) -> IntArray:
        """[fold, PE * SIMD]: the weights of each cycle of a vector."""
        shape = (self.reads, self.simd, self.rows, self.pe)
        tiles = self.weight.array.reshape(shape).transpose(2, 0, 3, 1)
        return tiles.reshape(-1, self.pe * self.simd)


def equal_dots(
    parameters: Mapping[str, str], tables: Mapping[str, bytes]
) -> tuple[str, str] | None:
    """`HardwareUnit.alike` of an instance: its outputs, where there are many narrow products.

    What Yosys makes of an output depends a little on what it maps beside it: of products of two
    bits it makes up to 2.4 % more or less (12 shapes, four families; 0.03 % for 64 outputs of 28
    products), of 4 by 4 bits 6 %, of others up to 25 %. So only the former are alike, and only
    where mapping each takes a minute. Weights that are the same in every row are constants, with
    which no two outputs are alike.

    Args:
        parameters: of the instance, as it is emitted.
        tables: path below rtl/ -> rows in hexadecimal, a line each.
    """
    value = {name: int(text) for name, text in parameters.items() if text.isdecimal()}
    if value["PE"] * value["SIMD"] < _MANY_PRODUCTS:
        return None
    joined = value["PACKED"] > 1 or value["IN_KIND"] == value["WEIGHT_KIND"] == _SIGNS
    if joined or value["DSP"] or value["TERM_BITS"] > _NARROW_PRODUCT:
        return None
    if value["READS"] * value["ROWS"] == 1:
        return None
    words = [int(row, 16) for row in tables[parameters["FILE"].strip('"')].split()]
    varying = (reduce(or_, words) & ~reduce(and_, words)).bit_count()
    if varying < _VARYING * value["PE"] * value["SIMD"] * value["WEIGHT_BITS"]:
        return None
    return "fpgacomp_dot", "gen_products.gen_pe[0].u_dot"


def tree_stages(terms: int, *, ternary: bool) -> int:
    """Registers in a row in fpgacomp_sum: behind two adders of two, or one of three numbers."""
    if not ternary:
        return ceil((terms - 1).bit_length() / 2)
    stages = 0
    while terms > 1:
        terms, stages = ceil(terms / 3), stages + 1
    return stages


def dsp_packing(weight: IntType, x: IntType, pe: int, port_bits: int) -> tuple[int, int]:
    """(weights multiplied in one DSP block, bits between them); (1, 0) where only one.

    Weights with one input share a multiplier if they, each as far apart as a product is wide,
    fit its wider port.

    Args:
        pe: weights that one input is multiplied by at once.
        port_bits: width of that port: 25 on DSP48E1, 27 on DSP48E2.
    """
    if element_bits(weight) == 1 or (x.signed and x.bits == 1):
        return 1, 0  # gates, not multipliers
    if _signed_bits(x) > _NARROW_PORT_BITS:
        return 1, 0
    ends = [a * b for a in (x.lo, x.hi) for b in (weight.lo, weight.hi)]
    shift = _signed_bits(IntType.of_values(ends))
    wide = _signed_bits(weight)
    room = port_bits - wide - (weight.lo == -(1 << (wide - 1)))
    lanes = min(pe, 1 + max(0, room // shift))
    return (lanes, shift) if lanes > 1 else (1, 0)


def matrix_terms(
    *, pe: int, simd: int, weight_bits: int, input_bits: int, acc_bits: int, reads: int,
    rows: int, dsp: float = 0, bipolar: bool = False, memory: Memory = "auto",
    stats: WeightStats | None = None, streamed_weights: bool = False,
) -> Terms:  # fmt: skip
    """What a matrix-vector unit is made of; the fit builds the same from measured nodes.

    Args:
        reads: input words a vector (MW / SIMD); more than one takes accumulators.
        rows: output words a vector (MH / PE); more than one takes an input buffer.
        dsp: DSP blocks that multiply; 0 where LUTs do.
        bipolar: weights and inputs are both of {-1, +1}.
        stats: of the weights, where each has a product of its own (reads and rows are 1).
        streamed_weights: the weights come from a streamer beside the unit (FINN's
            internal_decoupled), not from a table inside it.
    """
    if stats is not None and not dsp and not bipolar:
        products = constant_array(stats, pe, simd, input_bits, acc_bits)
    else:
        products = product_array(pe * simd, weight_bits, input_bits, dsp=dsp, bipolar=bipolar)
    word = simd * input_bits
    lut: Amounts = {"matrix": 1, "input": word}
    if reads > 1:
        lut["adder"] = pe * acc_bits
    unit = unit_terms(lut, {"matrix": 1, "input": word, "register": 2 * pe * acc_bits})
    bits = pe * simd * weight_bits
    kept = buffer_terms(word, reads) if rows > 1 else unit_terms({})
    if not streamed_weights:
        return added(unit, products, rom_terms(bits, reads * rows, memory), kept)
    table = streamer_terms(bits, reads * rows, memory)
    return added(unit, products, table, kept)


def streamer_terms(bits: int, depth: int, memory: Memory) -> Terms:
    """FINN's weight streamer: a table with an output register, a FIFO and a register slice.

    Its tables have registered outputs, so that the tools put even shallow ones into block RAM
    (finn_nodes.csv: from 4 rows on).
    """
    shallow = memory == "lutram" or (memory == "auto" and depth < STREAMER_BRAM_DEPTH)
    table = rom_terms(bits, depth, "lutram" if shallow else "bram")
    return added(table, unit_terms({"weight_stream": bits}, {"weight_stream": bits}))


def _signed_bits(kind: IntType) -> int:
    """Bits of an element on a signed multiplier port."""
    return max(kind.bits, 2) if kind.signed else kind.bits + 1
