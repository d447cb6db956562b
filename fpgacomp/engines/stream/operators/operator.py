"""What every streaming operator must state: streams, cycles, steps, C++ call and cost."""

from __future__ import annotations

from dataclasses import Field, dataclass
from typing import Any, ClassVar, Literal, Protocol

from fpgacomp.engines.shared.terms import Terms
from fpgacomp.engines.stream.emit.calls import Call
from fpgacomp.engines.stream.rtl.instance import Instance
from fpgacomp.engines.stream.streams import Stream
from fpgacomp.engines.stream.timing.steps import Steps

# The kinds of measured nodes that `estimate.fit` has error ranges for.
CostKind = Literal["converter", "matrix", "process", "thresholds", "window"]


class Operator(Protocol):
    """One process of a streaming design, which can fire once a cycle.

    A class that keeps this protocol is a frozen dataclass in a file of its own beside this one.
    If it lacks a member, mypy names both where the class is given to `Plumbing.add`.
    """

    # What makes it a dataclass for mypy: `fpgacomp show` prints its fields.
    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]

    @property
    def name(self) -> str:
        """Unique in the design, a C identifier."""
        ...

    @property
    def layer(self) -> str:
        """Name of the layer of the integer graph that it works for; "" for plumbing."""
        ...

    @property
    def inputs(self) -> tuple[Stream, ...]:
        """The streams that it reads."""
        ...

    @property
    def outputs(self) -> tuple[Stream, ...]:
        """The streams that it writes."""
        ...

    @property
    def cycles(self) -> int:
        """Cycles per frame at one firing a cycle (the formulas of hls_templates/stream)."""
        ...

    @property
    def cost_kind(self) -> CostKind:
        """The kind of measured node that the range of its estimate comes from."""
        ...

    @property
    def narrow(self) -> bool:
        """Whether deep FIFOs behind it are tried first when depths are sized.

        False where its words are accumulators, repeat elements or are wider than its input's,
        so that the same wait costs fewer bits elsewhere.
        """
        ...

    def steps(self, limit: int) -> Steps:
        """What it reads and writes over one frame, as if nothing ever made it wait.

        The cycles of all steps sum up to `cycles`.

        Args:
            limit: most steps, beyond which consecutive ones are merged.
        """
        ...

    def terms(self, port_bits: int) -> Terms:
        """What it is made of, without the FIFOs of its streams.

        Args:
            port_bits: width of a DSP block's wider multiplier port.
        """
        ...

    def call(self, streams: tuple[str, ...], tables: str, port_bits: int) -> Call:
        """Its call in C++.

        Args:
            streams: C++ names of its inputs, then of its outputs. A Source has its AXI port
                in place of inputs, a Sink in place of outputs.
            tables: C++ name of its constant table; the beginning of the names of several.
            port_bits: width of a DSP block's wider multiplier port.
        """
        ...

    def stages(self, port_bits: int) -> int:
        """Cycles from a firing to its word at the output of its module in SystemVerilog.

        The module's localparam `Latency` says the same.

        Args:
            port_bits: width of a DSP block's wider multiplier port.
        """
        ...

    def instance(self, tables: str, port_bits: int) -> Instance:
        """Its instance in SystemVerilog.

        Args:
            tables: beginning of the names of its tables' files.
            port_bits: width of a DSP block's wider multiplier port.
        """
        ...


@dataclass(frozen=True, kw_only=True)
class Named:
    """The fields of every operator: its unique name and the layer that it works for."""

    name: str
    layer: str


@dataclass(frozen=True, kw_only=True)
class OneToOne(Named):
    """Base of the operators that read one stream and write one."""

    input: Stream
    output: Stream

    @property
    def inputs(self) -> tuple[Stream, ...]:
        return (self.input,)

    @property
    def outputs(self) -> tuple[Stream, ...]:
        return (self.output,)
