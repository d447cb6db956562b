"""Memories of streaming operators as term tables: constants, buffers and FIFOs."""

from __future__ import annotations

from math import ceil

from fpgacomp.engines.shared.terms import Terms, fifo_terms, memory_bram18, unit_terms
from fpgacomp.engines.stream.design import Memory
from fpgacomp.engines.stream.streams import Stream

ROM_DEPTH = 64  # bits that a LUT6 holds
# Words of a LUT memory with one write and one read port (RAM32M: 6 bits in 4 LUTs).
RAM_DEPTH = 32
# Most words of an `auto` ROM in LUTs: two LUTs a bit cost less than a block RAM's share of a board.
SMALL_ROM_DEPTH = 128
SMALL_RAM_BITS = 1024  # most bits of an `auto` buffer outside of block RAM


def added(*tables: Terms) -> Terms:
    """The sum of term tables."""
    total: Terms = {"lut": {}, "ff": {}, "dsp": {}, "bram18": {}}
    for table in tables:
        for resource, amounts in table.items():
            for term, amount in amounts.items():
                total[resource][term] = total[resource].get(term, 0.0) + amount
    return total


def rom_terms(width: int, depth: int, memory: Memory) -> Terms:
    """A constant table of which a row is read each cycle; a single row costs nothing.

    UltraRAM cannot be initialized, so a table that asks for it is counted in block RAM.

    Args:
        width: bits of a row.
        depth: rows.
    """
    if depth <= 1 or not width:
        return unit_terms({})
    in_luts = memory == "lutram" or (memory == "auto" and depth <= SMALL_ROM_DEPTH)
    if in_luts:
        return unit_terms({"rom": width * ceil(depth / ROM_DEPTH)}, {"register": width})
    return unit_terms({}, {}, {"rom": memory_bram18(width, depth)})


def buffer_terms(width: int, depth: int) -> Terms:
    """A memory that is written and read every cycle, of the kind that the tools choose by size."""
    if depth <= 4:
        return unit_terms({"wire": width}, {"register": width * depth})
    if width * depth <= SMALL_RAM_BITS or depth <= RAM_DEPTH:
        return unit_terms({"ram": width * ceil(depth / RAM_DEPTH) * 2 / 3}, {"register": width})
    return unit_terms({}, {}, {"buffer": memory_bram18(width, depth)})


def stream_terms(stream: Stream) -> Terms:
    """A FIFO: two registers per bit up to 2 words, else shift registers or block RAM."""
    if stream.depth <= 2:
        return unit_terms({"fifo_process": 1, "fifo_wire": stream.bits},
                          {"fifo_process": 1, "fifo_wire": 2 * stream.bits})  # fmt: skip
    deep = fifo_terms(stream.bits, stream.depth)
    return added(deep, unit_terms({"fifo_process": 1, "fifo_wire": stream.bits},
                                  {"fifo_process": 1, "fifo_wire": stream.bits}))  # fmt: skip
