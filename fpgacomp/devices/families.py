"""The device families that fpgacomp knows: one table, each figure with the document it is from."""

from __future__ import annotations

import re
from collections.abc import Mapping

from fpgacomp.devices.device import Device, DspMultiplier, MemoryBlock

DSP48E1 = DspMultiplier("DSP48E1", 25, 18, "UG479 (7 Series DSP48E1 Slice): 25 x 18 bit multiplier")
DSP48E2 = DspMultiplier("DSP48E2", 27, 18, "UG579 (UltraScale DSP Slice): 27 x 18 bit multiplier")
MULT18X18D = DspMultiplier(
    "MULT18X18D",
    18,
    18,
    "FPGA-TN-02205 (ECP5 sysDSP Usage Guide): 18 x 18 bit multiplier",
    least_product_bits=9,  # DSP_Y_MINWIDTH of Yosys' synth_lattice
)
MULT18X18 = DspMultiplier(
    "MULT18X18",
    18,
    18,
    "UG287 (Gowin DSP User Guide): 18 x 18 bit multiplier",
    least_product_bits=64,  # none: Yosys is told -nodsp, and products are logic
)
SB_MAC16 = DspMultiplier(
    "SB_MAC16",
    16,
    16,
    "FPGA-TN-02007 (DSP Function Usage Guide for iCE40): 16 x 16 bit multiplier",
    least_product_bits=6,  # what the emitted script maps has two bits on either side, or more
)

_SHAPES_18K = ((512, 36), (1024, 18), (2048, 9), (4096, 4), (8192, 2), (16384, 1))
RAMB18 = MemoryBlock(
    "RAMB18", _SHAPES_18K, "UG473 (7 Series Memory Resources), UG573 (UltraScale Memory Resources)"
)
URAM288 = MemoryBlock("URAM288", ((4096, 72),), "UG573 (UltraScale Memory Resources), UltraRAM")
ECP5_EBR = MemoryBlock("DP16KD", _SHAPES_18K, "FPGA-TN-02204 (ECP5 Memory Usage Guide)")
ICE40_EBR = MemoryBlock(
    "SB_RAM40_4K",
    ((256, 16), (512, 8), (1024, 4), (2048, 2)),
    "FPGA-TN-02002 (Memory Usage Guide for iCE40 Devices)",
)
GOWIN_BSRAM = MemoryBlock("BSRAM", _SHAPES_18K, "UG285 (Gowin BSRAM & SSRAM User Guide)")

# Delay of one adder level, fitted to the latencies of published Vitis HLS reports
# (hls4ml_csynth_layers.csv): 3.0 ns explains those of xc7z007s, xc7z020, xc7z030 and xc7a200t,
# 1.2 ns those of xcu50, xcu250, xcvu9p and xczu. Lattice's and Gowin's have no such reports.
_LEVEL_7_SERIES = "level_ns: published Vitis HLS reports of 7-series parts"
_LEVEL_ULTRASCALE = "level_ns: published Vitis HLS reports of UltraScale+ parts"
_LEVEL_LATTICE = "level_ns: not measured; taken as that of the slowest family that was"

# What nextpnr 0.11 calls the devices of a family, by its own --help: each is an option of its own
# for Lattice's, the name of a chip database for Gowin's, of which those of GW5A have another PLL.
_ROUTED_ECP5 = (
    "12k", "25k", "45k", "85k", "um-25k", "um-45k", "um-85k", "um5g-25k", "um5g-45k", "um5g-85k",
)  # fmt: skip
_ROUTED_ICE40 = ("lp384", "lp1k", "lp4k", "lp8k", "hx1k", "hx4k", "hx8k")
_ROUTED_ULTRAPLUS = ("up3k", "up5k")
_ROUTED_GOWIN = (
    "GW1N-1", "GW1N-4", "GW1N-9", "GW1N-9C", "GW1NS-4", "GW1NZ-1", "GW2A-18", "GW2A-18C",
)  # fmt: skip

# Yosys' netlist is simulated and counted for devices of AMD, too, though Vivado builds them. The
# design is a part of a larger one: it has no pads and no clock buffer of its own.
_PART = "-noiopad -noclkbuf -nodsp"
_SEVEN_SERIES = Device(
    multiplier=DSP48E1,
    lut_inputs=6,
    block_ram=RAMB18,
    ultra_ram=None,
    level_ns=3.0,
    toolchain="vivado",
    yosys=f"synth_xilinx -family xc7 {_PART}",
    yosys_multipliers="xc7",
    sources=("UG474 (7 Series CLB): 6-input LUT", _LEVEL_7_SERIES),
)
_ULTRASCALE = Device(
    multiplier=DSP48E2,
    lut_inputs=6,
    block_ram=RAMB18,
    ultra_ram=None,
    level_ns=1.2,
    toolchain="vivado",
    yosys=f"synth_xilinx -family xcu {_PART}",
    yosys_multipliers="xcu",
    sources=("UG574 (UltraScale CLB): 6-input LUT", _LEVEL_ULTRASCALE),
)
_ULTRASCALE_PLUS = Device(
    multiplier=DSP48E2,
    lut_inputs=6,
    block_ram=RAMB18,
    ultra_ram=URAM288,
    level_ns=1.2,
    toolchain="vivado",
    yosys=f"synth_xilinx -family xcup {_PART}",
    yosys_multipliers="xcu",
    sources=("UG574 (UltraScale CLB): 6-input LUT", _LEVEL_ULTRASCALE),
)
# -nowidelut: with the multiplexers behind the LUTs of ECP5 Yosys takes LUTs by twos and fours where
# one does; digits is 28 % smaller without. -nodsp: the emitted script gives the products that the
# design plans in DSP blocks theirs, and no others.
_ECP5 = Device(
    multiplier=MULT18X18D,
    lut_inputs=4,
    block_ram=ECP5_EBR,
    ultra_ram=None,
    level_ns=3.0,
    toolchain="open",
    yosys="synth_ecp5 -nowidelut -nodsp",
    yosys_multipliers="lattice",
    routed=_ROUTED_ECP5,
    sources=("FPGA-DS-02012 (ECP5 Data Sheet): 4-input LUT", _LEVEL_LATTICE),
)
_ICE40 = Device(
    multiplier=None,
    lut_inputs=4,
    block_ram=ICE40_EBR,
    ultra_ram=None,
    level_ns=3.0,
    toolchain="open",
    yosys="synth_ice40 -device hx",
    lut_ram=False,
    routed=_ROUTED_ICE40,
    sources=("FPGA-DS-02029 (iCE40 LP/HX Data Sheet): 4-input LUT, no DSP block", _LEVEL_LATTICE),
)
_ICE40_ULTRAPLUS = Device(
    multiplier=SB_MAC16,
    lut_inputs=4,
    block_ram=ICE40_EBR,
    ultra_ram=None,
    level_ns=3.0,
    toolchain="open",
    yosys="synth_ice40 -device u",
    yosys_multipliers="ice40",
    lut_ram=False,
    routed=_ROUTED_ULTRAPLUS,
    sources=("FPGA-DS-02008 (iCE40 UltraPlus Data Sheet): 4-input LUT", _LEVEL_LATTICE),
)
_GOWIN = Device(
    multiplier=MULT18X18,
    lut_inputs=4,
    block_ram=GOWIN_BSRAM,
    ultra_ram=None,
    level_ns=3.0,
    toolchain="open",
    yosys="synth_gowin -nowidelut -nodsp",
    routed=_ROUTED_GOWIN,
    sources=("DS100 (GW1N Data Sheet), UG288 (Gowin CFU): 4-input LUT", _LEVEL_LATTICE),
)

FAMILIES: Mapping[str, Device] = {
    "spartan-7": _SEVEN_SERIES,
    "artix-7": _SEVEN_SERIES,
    "kintex-7": _SEVEN_SERIES,
    "virtex-7": _SEVEN_SERIES,
    "zynq-7000": _SEVEN_SERIES,
    "kintex-ultrascale": _ULTRASCALE,
    "virtex-ultrascale": _ULTRASCALE,
    "artix-ultrascale+": _ULTRASCALE_PLUS,
    "kintex-ultrascale+": _ULTRASCALE_PLUS,
    "virtex-ultrascale+": _ULTRASCALE_PLUS,
    "zynq-ultrascale+": _ULTRASCALE_PLUS,
    "ecp5": _ECP5,
    "ice40": _ICE40,  # LP and HX
    "ice40-ultraplus": _ICE40_ULTRAPLUS,  # UP3K and UP5K
    "gowin": _GOWIN,  # GW1N and GW1NR, LittleBee
}

# How part numbers of a family begin (x[caq]: commercial, automotive, defense grade). The first
# that matches holds: xcku15p is UltraScale+, xcku115 is not.
_PARTS = (
    ("spartan-7", r"x[caq]7s"),
    ("artix-7", r"x[caq]7a"),
    ("kintex-7", r"x[caq]7k"),
    ("virtex-7", r"x[caq]7v"),
    ("zynq-7000", r"x[caq]7z"),
    ("kintex-ultrascale+", r"x[caq]ku\d+p"),
    ("kintex-ultrascale", r"x[caq]ku\d"),
    ("virtex-ultrascale+", r"x[caq](vu\d+p|u\d)"),  # xcu: the Alveo cards
    ("virtex-ultrascale", r"x[caq]vu\d"),
    ("artix-ultrascale+", r"x[caq]au\d"),
    ("zynq-ultrascale+", r"x[caq](zu\d|k\d)"),  # xck: the Kria modules
    ("ecp5", r"lfe5u"),
    ("ice40-ultraplus", r"ice40up"),
    ("ice40", r"ice40(hx|lp)"),
    ("gowin", r"gw1nr?-"),
)


def family_of(part: str) -> str | None:
    """The family that a part number belongs to, in any case; None where it is not known."""
    return next((family for family, start in _PARTS if re.match(start, part, re.IGNORECASE)), None)
