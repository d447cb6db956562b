"""VectorVector: the products of a depthwise convolution."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from fpgacomp.engines.shared.terms import Terms, unit_terms
from fpgacomp.engines.stream.design import Arithmetic, Memory
from fpgacomp.engines.stream.emit.calls import Call, call_with_tables
from fpgacomp.engines.stream.emit.tables import Table, rom
from fpgacomp.engines.stream.estimate.memory import added, rom_terms
from fpgacomp.engines.stream.estimate.terms import product_array
from fpgacomp.engines.stream.operators.operator import CostKind, OneToOne
from fpgacomp.engines.stream.rtl.instance import Instance, element, rows, style
from fpgacomp.engines.stream.streams import element_bits
from fpgacomp.engines.stream.timing.steps import Steps, gathering, repeated_steps
from fpgacomp.ir.types import IntArray, Ints


@dataclass(frozen=True, kw_only=True)
class VectorVector(OneToOne):
    """y[c] = sum over taps k of x[k, c] * weight[k, c]; a tap of PE channels a cycle.

    Args:
        weight: [taps, C].
        vectors: windows of a frame.
        memory: where the weights lie.
        arithmetic: what multiplies.
    """

    cost_kind: ClassVar[CostKind] = "matrix"
    narrow: ClassVar[bool] = False

    weight: Ints
    vectors: int
    pe: int
    memory: Memory
    arithmetic: Arithmetic

    @property
    def fold(self) -> int:
        """Cycles per window: also the rows of the weight memory."""
        taps, channels = self.weight.shape
        return taps * (channels // self.pe)

    @property
    def cycles(self) -> int:
        return self.vectors * self.fold

    def steps(self, limit: int) -> Steps:
        return repeated_steps(gathering(self.weight.shape[0]), self.output.words, limit)

    def terms(self, port_bits: int) -> Terms:
        weight, kind = self.weight.stored_type, self.input.type
        bipolar = weight.bipolar and kind.bipolar
        bits = element_bits(weight)
        dsp = self.pe if self.arithmetic == "dsp" and not bipolar else 0
        products = product_array(self.pe, bits, element_bits(kind), dsp=dsp, bipolar=bipolar)
        acc = self.pe * self.output.type.bits
        unit = unit_terms({"process": 1, "wire": self.input.bits, "adder": acc},
                          {"process": 1, "wire": self.input.bits, "register": 2 * acc})  # fmt: skip
        return added(unit, products, rom_terms(self.pe * bits, self.fold, self.memory))

    def call(self, streams: tuple[str, ...], tables: str, port_bits: int) -> Call:
        taps, channels = self.weight.shape
        style = "MulDsp" if self.arithmetic == "dsp" else "MulLut"
        parameters = (channels, taps, self.vectors, style)
        return call_with_tables("vvau", parameters, streams, self._weights(tables))

    def stages(self, port_bits: int) -> int:
        return 3

    def instance(self, tables: str, port_bits: int) -> Instance:
        taps, channels = self.weight.shape
        table = rows("", f"{tables}.mem", self._rows, self.weight.stored_type)
        return Instance(
            "fpgacomp_vecvec",
            {
                "PE": self.pe, "TAPS": taps, "GROUPS": channels // self.pe,
                **element("IN", self.input.type), **element("WEIGHT", self.weight.stored_type),
                "OUT_BITS": element_bits(self.output.type), "DSP": int(self.arithmetic == "dsp"),
                "STYLE": style(self.memory), **table.parameters,
            },
            table.files,
        )  # fmt: skip

    def _weights(self, name: str) -> Table:
        """Row f * taps + k, lane i is weight[k, f * PE + i]."""
        taps, channels = self.weight.shape
        title = f"Weights of {self.layer}: {taps} taps of {channels} channels, {self.pe} PE a row."
        return rom(name, title, self._rows, self.weight.stored_type, self.memory)

    @property
    def _rows(self) -> IntArray:
        """[fold, PE]: the weights of each cycle of a window."""
        taps, channels = self.weight.shape
        rows = self.weight.array.reshape(taps, channels // self.pe, self.pe).transpose(1, 0, 2)
        return rows.reshape(-1, self.pe)
