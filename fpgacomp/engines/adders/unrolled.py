"""Unrolled: a whole network as one operator of a dataflow, which takes a frame a cycle."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from fpgacomp.engines.shared.circuit.cpp import header
from fpgacomp.engines.shared.circuit.nodes import Circuit
from fpgacomp.engines.shared.circuit.schedule import Schedule
from fpgacomp.engines.shared.circuit.verilog import Tap, module
from fpgacomp.engines.shared.terms import Terms, unit_terms
from fpgacomp.engines.stream.emit.calls import Call, Header
from fpgacomp.engines.stream.operators.operator import CostKind, OneToOne
from fpgacomp.engines.stream.rtl.instance import Instance
from fpgacomp.engines.stream.rtl.interface import RtlStream
from fpgacomp.engines.stream.streams import element_bits
from fpgacomp.engines.stream.timing.steps import Steps, word_steps
from fpgacomp.ir.types import IntType


@dataclass(frozen=True, kw_only=True)
class Unrolled(OneToOne):
    """One word that holds a frame becomes one word that holds its answer.

    Args:
        network: what the graph is called.
        circuit: of all layers; its taps are what C-simulation keeps beside what streams carry.
        plan: the pipeline stage of each wire.
        kinds: range of each tapped tensor.
    """

    cost_kind: ClassVar[CostKind] = "process"
    narrow: ClassVar[bool] = False

    network: str
    # Not compared: a run in time asks for equal dataflows, and only `stages` counts there.
    circuit: Circuit = field(compare=False)
    plan: Schedule = field(compare=False)
    kinds: Mapping[str, IntType] = field(compare=False)

    @property
    def cycles(self) -> int:
        return 1

    def steps(self, limit: int) -> Steps:
        return word_steps(1, 1, 1, limit)

    def terms(self, port_bits: int) -> Terms:
        """Nothing: the circuit is counted wire by wire (`estimate`)."""
        return unit_terms({}, {})

    def call(self, streams: tuple[str, ...], tables: str, port_bits: int) -> Call:
        text = header(tables, self._title, self.circuit)
        own = Header(tables, text, tuple(self.circuit.taps))
        return Call("circuit", (tables, 1), streams, headers=(own,))

    def stages(self, port_bits: int) -> int:
        return self.plan.stages

    def instance(self, tables: str, port_bits: int) -> Instance:
        """Every tensor is written down in simulation, though most of its wires are gone by then."""
        taps = [
            Tap(f"tap_{tables}_{number}.txt", wires, self.kinds[tensor])
            for number, (tensor, wires) in enumerate(self.circuit.taps.items())
        ]
        lanes = self.input.type, self.output.type
        source = module(tables, self._title, self.circuit, self.plan, lanes, taps)
        seen = [
            RtlStream(
                name=f"{tables}_{number}", stream=tensor, lanes=len(wires), words=1,
                bits=element_bits(kind), signed=kind.signed, bipolar=kind.bipolar, depth=0,
                tensor=tensor,
            )
            for number, (tensor, wires) in enumerate(self.circuit.taps.items())
            if (kind := self.kinds[tensor])
        ]  # fmt: skip
        return Instance(tables, {}, modules={tables: source.encode()}, taps=tuple(seen))

    @property
    def _title(self) -> str:
        return f"Network {self.network}, unrolled: {len(self.circuit.nodes)} wires."
