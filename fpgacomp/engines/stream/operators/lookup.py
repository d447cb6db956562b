"""The Lookup form of Activate: a table with a port per lane."""

from __future__ import annotations

from fpgacomp.engines.shared.terms import Terms
from fpgacomp.engines.stream.design import Memory
from fpgacomp.engines.stream.emit.calls import Call, call_with_tables
from fpgacomp.engines.stream.emit.tables import banks, lanes_of
from fpgacomp.engines.stream.estimate.memory import added
from fpgacomp.engines.stream.estimate.terms import banks_terms, word_terms
from fpgacomp.engines.stream.rtl.instance import Bits, Instance, content, element
from fpgacomp.engines.stream.streams import Stream, element_bits
from fpgacomp.ir.layers import Lookup

# Cycles through fpgacomp_lookup: address, table, output.
LOOKUP_STAGES = 3


def lookup_terms(layer: Lookup, source: Stream, output: Stream, memory: Memory) -> Terms:
    """What it is made of between two streams."""
    lanes, (rows, entries) = source.lanes, layer.table.shape
    depth = entries * (layer.output.channels // lanes if rows > 1 else 1)
    table = banks_terms(lanes, element_bits(output.type), depth, memory)
    return added(word_terms(source.bits), table)


def lookup_call(
    layer: Lookup, output: Stream, streams: tuple[str, ...], name: str, memory: Memory
) -> Call:
    """Its call in C++, with one bank per lane."""
    lanes, domain = output.lanes, layer.input.type
    entries = lanes_of(layer.table.array, lanes).transpose(1, 0, 2).reshape(lanes, -1)
    table = banks(name, f"Table of {layer.name}.", entries, output.type, memory)
    parameters = (layer.input.channels, layer.input.pixels, domain.lo, domain.count)
    return call_with_tables("lookup", parameters, streams, table)


def lookup_instance(layer: Lookup, source: Stream, output: Stream) -> Instance:
    """Its instance in SystemVerilog, with one table per lane."""
    lanes, domain = output.lanes, layer.input.type
    entries = lanes_of(layer.table.array, lanes).transpose(1, 0, 2).reshape(lanes, -1)
    groups = layer.output.channels // lanes
    return Instance(
        "fpgacomp_lookup",
        {
            "LANES": lanes, "GROUPS": groups, "ROWS": entries.shape[1] // domain.count,
            "COUNT": domain.count, **element("IN", source.type),
            "OUT_BITS": element_bits(output.type),
            "LOW": Bits(element_bits(source.type) + 2, domain.lo),
            "CONTENT": content(entries, output.type),
        },
    )  # fmt: skip
