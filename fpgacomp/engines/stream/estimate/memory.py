"""Memories of streaming operators in countable terms: tables, buffers and FIFOs."""

from __future__ import annotations

from math import ceil

from fpgacomp.engines.shared.terms import Terms, fifo_terms, memory_bram18, unit_terms
from fpgacomp.engines.stream.design import Memory
from fpgacomp.engines.stream.streams import Stream

ROM_DEPTH = 64  # bits that a LUT6 holds
RAM_DEPTH = 32  # of a writable LUT with one write and one read port (RAM32M: 6 bits in 4 LUTs)
SMALL_ROM_DEPTH = 128  # `auto`: two LUTs a bit cost less than a block RAM's share of a board
SMALL_RAM_BITS = 1024  # `auto` buffers up to here stay out of block RAM


def added(*tables: Terms) -> Terms:
    """Sum of term tables."""
    total: Terms = {"lut": {}, "ff": {}, "dsp": {}, "bram18": {}}
    for table in tables:
        for resource, amounts in table.items():
            for term, amount in amounts.items():
                total[resource][term] = total[resource].get(term, 0.0) + amount
    return total


def rom_terms(width: int, depth: int, memory: Memory) -> Terms:
    """A constant table read one row a cycle; a single row is wires.

    URAM cannot be initialized, so that a table asked to lie there is in block RAM.
    """
    if depth <= 1 or not width:
        return unit_terms({})
    in_luts = memory == "lutram" or (memory == "auto" and depth <= SMALL_ROM_DEPTH)
    if in_luts:
        return unit_terms({"rom": width * ceil(depth / ROM_DEPTH)}, {"register": width})
    return unit_terms({}, {}, {"rom": memory_bram18(width, depth)})


def buffer_terms(width: int, depth: int) -> Terms:
    """A memory written and read every cycle, where the tools put it by its size."""
    if depth <= 4:
        return unit_terms({"wire": width}, {"register": width * depth})
    if width * depth <= SMALL_RAM_BITS or depth <= RAM_DEPTH:
        return unit_terms({"ram": width * ceil(depth / RAM_DEPTH) * 2 / 3}, {"register": width})
    return unit_terms({}, {}, {"buffer": memory_bram18(width, depth)})


def stream_terms(stream: Stream) -> Terms:
    """A FIFO: two registers a bit, shift registers, or block RAM."""
    if stream.depth <= 2:
        return unit_terms({"fifo_process": 1, "fifo_wire": stream.bits},
                          {"fifo_process": 1, "fifo_wire": 2 * stream.bits})  # fmt: skip
    deep = fifo_terms(stream.bits, stream.depth)
    return added(deep, unit_terms({"fifo_process": 1, "fifo_wire": stream.bits},
                                  {"fifo_process": 1, "fifo_wire": stream.bits}))  # fmt: skip
