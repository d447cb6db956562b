"""Which memory holds a table or a buffer where the folding leaves the choice (`auto`).

The choice is made here once: the emitted pragma states it, and the estimate counts it.
"""

from __future__ import annotations

from typing import Literal

from fpgacomp.devices.device import Device
from fpgacomp.engines.stream.design import Memory

# What BIND_STORAGE is told; auto: nothing is bound, because there is no memory.
TableStorage = Literal["auto", "lutram", "bram", "uram"]
BufferStorage = Literal["registers", "lutram", "bram"]

# Words of a LUT memory with one write and one read port (RAM32M: 6 bits in 4 LUTs).
RAM_DEPTH = 32
# Most words of a table in LUTs: two LUTs a bit cost less than a block RAM's share of a board.
SMALL_ROM_DEPTH = 128
SMALL_RAM_BITS = 1024  # most bits of a buffer outside of block RAM
# Most bits of a FIFO outside of block RAM where LUTs cannot be memory, so that they are registers.
SMALL_FIFO_BITS = 256
FEW_WORDS = 4  # most words of a buffer in registers


def table_storage(memory: Memory, depth: int) -> TableStorage:
    """What holds a table of `depth` rows; a single row is wires, not a memory."""
    if depth <= 1:
        return "auto"
    if memory != "auto":
        return memory
    return "lutram" if depth <= SMALL_ROM_DEPTH else "bram"


def buffer_storage(width: int, depth: int) -> BufferStorage:
    """What holds a buffer of `depth` words of `width` bits, written and read every cycle."""
    if depth <= FEW_WORDS:
        return "registers"
    return "lutram" if width * depth <= SMALL_RAM_BITS or depth <= RAM_DEPTH else "bram"


def fifo_in_block(bits: int, depth: int, device: Device) -> bool:
    """Whether the SystemVerilog tells a FIFO's words to lie in block RAM.

    Vivado is told nothing. Yosys puts no FIFO into block RAM that is not told so, because its
    output register takes words that come past the memory, too.
    """
    if device.toolchain == "vivado":
        return False
    return bits * (depth - 1) > (SMALL_RAM_BITS if device.lut_ram else SMALL_FIFO_BITS)
