"""Activate: the integer activations, element by element.

What differs between the three forms lies in requantize.py, thresholds.py and lookup.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, assert_never

from fpgacomp.engines.shared.terms import Terms
from fpgacomp.engines.stream.design import Memory
from fpgacomp.engines.stream.emit.calls import Call
from fpgacomp.engines.stream.operators.lookup import (
    LOOKUP_STAGES,
    lookup_call,
    lookup_instance,
    lookup_terms,
)
from fpgacomp.engines.stream.operators.operator import CostKind, OneToOne
from fpgacomp.engines.stream.operators.requantize import (
    REQUANTIZE_STAGES,
    requantize_call,
    requantize_instance,
    requantize_terms,
)
from fpgacomp.engines.stream.operators.thresholds import (
    search_levels,
    thresholds_call,
    thresholds_instance,
    thresholds_stages,
    thresholds_terms,
)
from fpgacomp.engines.stream.rtl.instance import Instance
from fpgacomp.engines.stream.streams import element_bits
from fpgacomp.engines.stream.timing.steps import Steps, word_steps
from fpgacomp.ir.layers import Activation, Lookup, Requantize, Thresholds


@dataclass(frozen=True, kw_only=True)
class Activate(OneToOne):
    """Applies a Requantize, Thresholds or Lookup to `input.lanes` channels a cycle.

    Args:
        function: the layer.
        memory: where thresholds or table lie; the constants of a Requantize lie anywhere.
    """

    narrow: ClassVar[bool] = True

    function: Activation
    memory: Memory

    @property
    def search_levels(self) -> int:
        """Steps of a binary search for Thresholds; 0 where each threshold has a comparator."""
        return search_levels(self.function) if isinstance(self.function, Thresholds) else 0

    @property
    def cycles(self) -> int:
        return self.output.words

    @property
    def cost_kind(self) -> CostKind:
        return "thresholds" if isinstance(self.function, Thresholds) else "process"

    def steps(self, limit: int) -> Steps:
        return word_steps(1, 1, self.output.words, limit)

    def terms(self, port_bits: int) -> Terms:
        layer = self.function
        match layer:
            case Requantize():
                return requantize_terms(layer, self.input, self.output)
            case Thresholds():
                rows, count = layer.thresholds.shape
                return thresholds_terms(
                    lanes=self.input.lanes, channels=layer.output.channels, rows=rows, count=count,
                    in_bits=element_bits(self.input.type), levels=search_levels(layer),
                    memory=self.memory,
                )  # fmt: skip
            case Lookup():
                return lookup_terms(layer, self.input, self.output, self.memory)
            case _:
                assert_never(layer)

    def call(self, streams: tuple[str, ...], tables: str, port_bits: int) -> Call:
        layer, lanes = self.function, self.input.lanes
        match layer:
            case Requantize():
                return requantize_call(layer, lanes, streams, tables)
            case Thresholds():
                return thresholds_call(layer, lanes, streams, tables, self.memory)
            case Lookup():
                return lookup_call(layer, self.output, streams, tables, self.memory)
            case _:
                assert_never(layer)

    def stages(self, port_bits: int) -> int:
        layer = self.function
        match layer:
            case Requantize():
                return REQUANTIZE_STAGES
            case Thresholds():
                return thresholds_stages(layer)
            case Lookup():
                return LOOKUP_STAGES
            case _:
                assert_never(layer)

    def instance(self, tables: str, port_bits: int) -> Instance:
        layer = self.function
        match layer:
            case Requantize():
                return requantize_instance(layer, self.input, self.output, tables)
            case Thresholds():
                return thresholds_instance(layer, self.input, self.output, tables, self.memory)
            case Lookup():
                return lookup_instance(layer, self.input, self.output)
            case _:
                assert_never(layer)
