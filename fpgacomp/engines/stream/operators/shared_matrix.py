"""SharedMatrix: the product of vectors with a matrix of constants, a vector every cycle."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import ClassVar

from fpgacomp.engines.shared.circuit.build import Builder
from fpgacomp.engines.shared.circuit.cost import luts
from fpgacomp.engines.shared.circuit.cpp import header
from fpgacomp.engines.shared.circuit.linear import place
from fpgacomp.engines.shared.circuit.nodes import Circuit
from fpgacomp.engines.shared.circuit.schedule import Schedule, schedule
from fpgacomp.engines.shared.circuit.solve import solve
from fpgacomp.engines.shared.circuit.sums import sums_of
from fpgacomp.engines.shared.circuit.verilog import module
from fpgacomp.engines.shared.terms import Terms, unit_terms
from fpgacomp.engines.stream.emit.calls import Call, Header
from fpgacomp.engines.stream.operators.operator import CostKind, OneToOne
from fpgacomp.engines.stream.rtl.instance import Instance
from fpgacomp.engines.stream.timing.steps import Steps, word_steps
from fpgacomp.ir.types import Ints, IntType

# Additions in a row between two registers, as in the adder trees of fpgacomp_sum, or one sum of
# three.
_LEVELS = 2


@dataclass(frozen=True, kw_only=True)
class SharedMatrix(OneToOne):
    """y = x @ weight for `vectors` rows x: additions that the outputs share, and no multiplier.

    Args:
        weight: [MW, MH]: MW inputs, all of one word, and MH outputs, likewise.
        ternary: whether one row of LUTs adds three numbers.
    """

    cost_kind: ClassVar[CostKind] = "matrix"
    narrow: ClassVar[bool] = False

    weight: Ints
    vectors: int
    ternary: bool

    @property
    def cycles(self) -> int:
        return self.vectors

    def steps(self, limit: int) -> Steps:
        return word_steps(1, 1, self.vectors, limit)

    def terms(self, port_bits: int) -> Terms:
        """Of the C++, whose sums of three no vendor's tool was seen to put into one row of LUTs."""
        found = self._circuit
        return unit_terms({"adder": found.two_rows}, {"register": found.registers})

    def call(self, streams: tuple[str, ...], tables: str, port_bits: int) -> Call:
        own = Header(tables, header(tables, self._title, self._circuit.circuit))
        return Call("circuit", (tables, self.vectors), streams, headers=(own,))

    def stages(self, port_bits: int) -> int:
        return self._circuit.plan.stages

    def instance(self, tables: str, port_bits: int) -> Instance:
        found = self._circuit
        lanes = self.input.type, self.output.type
        source = module(tables, self._title, found.circuit, found.plan, lanes)
        counted = {"lut": found.one_row, "ff": found.registers,
                   "threes": found.two_rows - found.one_row}  # fmt: skip
        return Instance(tables, {}, modules={tables: source.encode()}, counted=counted)

    @property
    def _circuit(self) -> MatrixCircuit:
        return matrix_circuit(self.weight, self.input.type, self.layer, ternary=self.ternary)

    @property
    def _title(self) -> str:
        rows, columns = self.weight.shape
        return f"Product with the weights of {self.layer}, {rows} x {columns}."


@dataclass(frozen=True)
class MatrixCircuit:
    """The additions of a matrix, and what they take.

    Args:
        circuit: reads a vector and writes its product with the matrix.
        plan: in which stage of the pipeline each of its nodes is.
    """

    circuit: Circuit
    plan: Schedule

    @cached_property
    def one_row(self) -> float:
        """LUTs where a sum of three takes one row of them."""
        return sum(luts(self.circuit))

    @cached_property
    def two_rows(self) -> float:
        """LUTs where it takes two."""
        return sum(luts(self.circuit, rows=2))

    @property
    def registers(self) -> float:
        """Bits of registers; a bit of each stage tells whether it holds a vector."""
        return float(self.plan.registers + self.plan.stages)


@lru_cache(maxsize=64)
def matrix_circuit(weight: Ints, kind: IntType, layer: str, *, ternary: bool) -> MatrixCircuit:
    """The circuit of a matrix whose inputs are all of one range.

    Raises:
        ToolError: alkaid is not installed.
        UnsupportedLayer: the matrix is too large to share its additions.
    """
    count = weight.shape[0]
    builder = Builder([kind] * count)
    with builder.working_for(layer):
        inputs = [builder.source(index) for index in range(count)]
        graph = solve(weight.array, [(kind.lo, kind.hi)] * count)
        outputs = place(sums_of(graph, ternary=ternary), builder, inputs)
    circuit = builder.finish(outputs)
    return MatrixCircuit(circuit, schedule(circuit, _LEVELS))
