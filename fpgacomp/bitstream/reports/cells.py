"""What a cell of a netlist, or a kind of site on a device, counts as."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

# Pattern of a cell's name -> what one of it takes. The first that fits counts. LUTs of a carry
# chain and of memory are those of the slices they sit in, as the estimates count them.
_CELLS: tuple[tuple[str, dict[str, float]], ...] = (
    # Lattice ECP5
    (r"TRELLIS_FF", {"ff": 1}),
    (r"TRELLIS_COMB|LUT4", {"lut": 1}),
    (r"CCU2C", {"lut": 2}),
    (r"TRELLIS_DPR16X4", {"lut": 6}),
    (r"TRELLIS_RAMW", {"lut": 2}),  # the slice that writes; nextpnr counts the words as COMB
    (r"DP16KD|PDPW16KD", {"bram18": 1}),
    (r"MULT18X18D|MULT9X9D", {"dsp": 1}),
    # Lattice iCE40: board files count its blocks of 4 kbit as bram18
    (r"SB_LUT4|ICESTORM_LC", {"lut": 1}),
    (r"SB_DFF\w*", {"ff": 1}),
    (r"SB_RAM40_4K\w*|ICESTORM_RAM", {"bram18": 1}),
    (r"SB_MAC16|ICESTORM_DSP", {"dsp": 1}),
    # Xilinx
    (r"LUT[1-6]|LUT6_2", {"lut": 1}),
    (r"FD[RSCP]E(_1)?", {"ff": 1}),
    (r"SRL16E|SRLC32E|SRLC16E", {"lut": 1}),
    # LUTs of six inputs in a memory: UG474, table 2-3; UG574, distributed RAM.
    (r"RAM(16|32|64)X1S(_1)?", {"lut": 1}),
    (r"RAM(16|32|64)X1D(_1)?|RAM128X1S(_1)?", {"lut": 2}),
    (r"RAM32M|RAM64M|RAM128X1D|RAM256X1S", {"lut": 4}),
    (r"RAM32M16|RAM64M8|RAM256X1D|RAM512X1S|RAM32X16DR8|RAM64X8SW", {"lut": 8}),
    (r"RAMB36E[12]", {"bram18": 2}),
    (r"RAMB18E[12]", {"bram18": 1}),
    (r"DSP48E[12]|DSP58", {"dsp": 1}),
    (r"URAM288\w*", {"uram": 1}),
    # Gowin
    (r"ALU", {"lut": 1}),
    (r"DFF\w*", {"ff": 1}),
    (r"RAM16SDP4", {"lut": 6}),
    (r"BSRAM|SDPB|SDPX9B|DPB|DPX9B|SPX?9?|pROMX?9?", {"bram18": 1}),
    (r"MULT(9X9|18X18|36X36)|MULTALU\w+|MULTADDALU\w+", {"dsp": 1}),
)  # fmt: skip
# Cells that sit in what is counted already, or are no logic of the design.
_FREE = re.compile(
    r"PFUMX|L6MUX21|SB_CARRY|SB_IO\w*|SB_GB\w*|SB_PLL\w*|CARRY[48]|MUXF[78]|MUXCY|XORCY|[IO]BUF\w*"
    r"|BUFG\w*|INV|GND|VCC|GSR|MUX2_LUT\d|EHXPLLL|DCCA|TRELLIS_IO|IOB\w*|rPLL|OSC\w*|\$scopeinfo"
)

# Pattern of names that cells of one vendor's silicon alone have -> what they are.
_SILICON: tuple[tuple[str, str], ...] = (
    (r"TRELLIS_\w+|CCU2C|DP16KD|PDPW16KD|MULT18X18D|L6MUX21|PFUMX|DCCA", "ecp5"),
    (r"SB_\w+|ICESTORM_\w+", "ice40"),
    (r"FD[RSCP]E(_1)?|LUT[56]|LUT6_2|CARRY[48]|MUXF[78]|RAMB(18|36)E\d|DSP48E\d|SRL\w+", "xilinx"),
    (r"DFF\w*|ALU|MUX2_LUT\d|BSRAM|SDPX?9?B|DPX9B|pROM\w*|RAM16SDP4|rPLL", "gowin"),
)

# Cells of LUTs that hold words: memories and shift registers.
_LUT_RAM = re.compile(r"SRL\w+|RAM(16|32|64|128|256|512)\w*|TRELLIS_DPR16X4|TRELLIS_RAMW")


def lut_ram(cell: str) -> bool:
    """Whether the LUTs that `counted` says of a cell are memory."""
    return _LUT_RAM.fullmatch(cell) is not None


def amounts_of(cells: Mapping[str, float]) -> tuple[dict[str, float], list[str]]:
    """What cells take together, and `COUNT NAME` of those that are not known."""
    found = {"lut": 0.0, "ff": 0.0, "dsp": 0.0, "bram18": 0.0}
    unknown = []
    for cell, number in cells.items():
        takes = counted(cell)
        if takes is None:
            unknown.append(f"{number:g} {cell}")
            continue
        for name, amount in takes.items():
            found[name] = found.get(name, 0.0) + amount * number
    return found, unknown


def silicon_of(cells: Iterable[str]) -> str:
    """The silicon that a netlist's cells are of; "" where none of them tells."""
    for cell in cells:
        for pattern, silicon in _SILICON:
            if re.fullmatch(pattern, cell):
                return silicon
    return ""


def counted(cell: str) -> dict[str, float] | None:
    """What one of these takes; None where it is no cell that is known."""
    for pattern, amounts in _CELLS:
        if re.fullmatch(pattern, cell):
            return amounts
    return {} if _FREE.fullmatch(cell) else None
