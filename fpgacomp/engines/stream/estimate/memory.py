"""Memories of streaming operators as term tables: constants, buffers and FIFOs."""

from __future__ import annotations

from math import ceil

from fpgacomp.engines.shared.terms import MEMORIES, Terms, fifo_terms, memory_bram18, unit_terms
from fpgacomp.engines.stream.design import Memory
from fpgacomp.engines.stream.storage import RAM_DEPTH, buffer_storage, table_storage

UNTOLD = "_untold"  # ends the kind of a table whose memory the SystemVerilog leaves to the tool
ROM_DEPTH = 64  # bits that a LUT6 holds


def added(*tables: Terms) -> Terms:
    """The sum of term tables."""
    total: Terms = {"lut": {}, "ff": {}, "dsp": {}, "bram18": {}}
    for table in tables:
        for resource, amounts in table.items():
            sums = total.setdefault(resource, {})
            for term, amount in amounts.items():
                sums[term] = sums.get(term, 0.0) + amount
    return total


def rom_terms(width: int, depth: int, memory: Memory, *, told: bool = True) -> Terms:
    """A constant table of which a row is read each cycle; a single row costs nothing.

    UltraRAM cannot be initialized, so a table that asks for it is counted in block RAM.

    Args:
        width: bits of a row.
        depth: rows.
        told: whether the SystemVerilog states the memory, too, or leaves it to the tool.
    """
    if depth <= 1 or not width:
        return unit_terms({})
    shape: Terms = {
        MEMORIES: {memory_key(f"rom_{memory}{'' if told else UNTOLD}", width, depth): 1}
    }
    if table_storage(memory, depth) == "lutram":
        return shape | unit_terms({"rom": width * ceil(depth / ROM_DEPTH)}, {"register": width})
    return shape | unit_terms({}, {}, {"rom": memory_bram18(width, depth)})


def buffer_terms(width: int, depth: int) -> Terms:
    """A memory that is written and read every cycle, of the kind that `buffer_storage` chooses."""
    shape: Terms = {MEMORIES: {memory_key("ram", width, depth): 1}}
    match buffer_storage(width, depth):
        case "registers":
            return shape | unit_terms({"wire": width}, {"register": width * depth})
        case "lutram":
            cells = width * ceil(depth / RAM_DEPTH) * 2 / 3
            return shape | unit_terms({"ram": cells}, {"register": width})
        case "bram":
            return shape | unit_terms({}, {}, {"buffer": memory_bram18(width, depth)})


def memory_key(kind: str, width: int, depth: int) -> str:
    """How a memory of this kind and shape is named among the terms."""
    return f"{kind} {width}x{depth}"


def fifo_words_terms(bits: int, depth: int) -> Terms:
    """A FIFO: two registers per bit up to 2 words, else shift registers or block RAM."""
    if depth <= 2:
        return unit_terms({"fifo_process": 1, "fifo_wire": bits},
                          {"fifo_process": 1, "fifo_wire": 2 * bits})  # fmt: skip
    handshake = unit_terms({"fifo_process": 1, "fifo_wire": bits}, {"fifo_process": 1})
    return added(fifo_terms(bits, depth), handshake)
