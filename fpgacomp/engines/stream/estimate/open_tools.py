"""What an operator is made of where Yosys builds the SystemVerilog, not Vitis HLS the C++.

Operators state terms of Vitis HLS on devices with six-input LUTs. Here their memories are
counted as Yosys maps them (`memory_libmap`), products that Vitis puts into DSP blocks by itself
are adders, and every term has costs fitted to netlists of the family (examples/measure_yosys.py).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from math import ceil
from pathlib import Path
from typing import Any

from fpgacomp.devices.device import Device, MemoryBlock
from fpgacomp.devices.resources import Resources
from fpgacomp.engines.shared.coefficients import Coefficients, coefficients_of
from fpgacomp.engines.shared.terms import MEMORIES, RESOURCES, SOFT, Terms, unit_terms
from fpgacomp.engines.stream.design import Memory
from fpgacomp.engines.stream.estimate.memory import UNTOLD, added, buffer_terms, rom_terms
from fpgacomp.engines.stream.storage import fifo_in_block
from fpgacomp.results.estimate import RTL_BY_YOSYS, Basis, Figure

PATH = Path(__file__).with_name("yosys.json")
# Yosys' own costs of a memory in logic (a bit of a table, a bit that is written), and in the
# blocks of share/lattice/brams_16kd.txt, share/ice40/brams.txt, share/gowin/brams.txt,
# lutrams_trellis.txt and share/gowin/lutrams.txt.
_ROM_BIT, _RAM_BIT = 1 / 16, 1.0
# Gowin's is 128 as ECP5's, but its ports read what is written without logic beside them: a buffer
# of 392 words of 4 bits goes into a block, whose LUT RAM has a cost of 124.
_BLOCK_COST = {"DP16KD": 128, "SB_RAM40_4K": 64, "BSRAM": 123}
_LUT_RAM_COST = 4
_LUT_RAM_WORDS, _LUT_RAM_BITS = 16, 4  # TRELLIS_DPR16X4, RAM16SDP4
# LUTs of one of these: four hold its words, two are those of the slice that writes them.
LUT_RAM_LUTS = 6
CARRY_LUTS = 2  # of one CCU2C


@lru_cache(maxsize=1)
def _content() -> dict[str, Any]:
    """Name of a memory block -> the content of coefficients of the families that have it."""
    content: dict[str, Any] = json.loads(PATH.read_text(encoding="utf-8"))
    return content


@lru_cache(maxsize=8)
def load(block: str) -> Coefficients:
    """The coefficients of the families whose memory block has this name."""
    return coefficients_of(_content()[block], "logic_synth")


def measured(device: Device) -> bool:
    """Whether Yosys builds for the device, and its netlists of such devices were measured."""
    return (
        bool(device.yosys) and device.toolchain == "open" and device.block_ram.block in _content()
    )


def blocks_of(width: int, depth: int, block: MemoryBlock) -> int:
    """How many of these blocks hold so many words of so many bits."""
    return min(ceil(width / bits) * ceil(depth / words) for words, bits in block.shapes)


def rom_blocks(width: int, depth: int, block: MemoryBlock) -> int:
    """How many of these blocks hold a table: Yosys lays parts of its depth side by side."""
    return min(ceil(width * ceil(depth / words) / bits) for words, bits in block.shapes)


@lru_cache(maxsize=65536)
def as_built(kind: str, width: int, depth: int, device: Device) -> Terms:
    """A memory in Yosys' netlist, less what the terms of Vitis HLS say of it.

    Args:
        kind: `ram`, or `rom_` and the memory that the SystemVerilog states, as `memory_key` has it.
    """
    if kind == "ram":
        stated = buffer_terms(width, depth)
        found = _ram(width, depth, device)
    else:
        memory: Memory = kind.removeprefix("rom_").removesuffix(UNTOLD)  # type: ignore[assignment]
        stated = rom_terms(width, depth, memory)
        found = _rom(width, depth, "auto" if kind.endswith(UNTOLD) else memory, device)
    less = {r: {t: -a for t, a in stated[r].items()} for r in RESOURCES}
    return added(less, found)


def _rom(width: int, depth: int, memory: Memory, device: Device) -> Terms:
    blocks = rom_blocks(width, depth, device.block_ram)
    cheap = _BLOCK_COST[device.block_ram.block] * blocks < width * depth * _ROM_BIT
    if memory in ("bram", "uram") or (memory == "auto" and cheap):
        return unit_terms({}, {}, {"block": blocks})
    return unit_terms({"rom": width * depth / 16}, {"register": width})


def _ram(width: int, depth: int, device: Device, *, output: bool = True) -> Terms:
    """A memory that is written; `output`: whether its words have a register of their own."""
    kept = width if output else 0
    blocks = blocks_of(width, depth, device.block_ram)
    block = _BLOCK_COST[device.block_ram.block] * blocks if output else float("inf")
    units = ceil(width / _LUT_RAM_BITS) * ceil(depth / _LUT_RAM_WORDS)
    select = width * (ceil(depth / _LUT_RAM_WORDS) - 1)
    lut_ram = _LUT_RAM_COST * units + select / 4 if device.lut_ram else float("inf")
    bits = width * depth * _RAM_BIT
    if block < min(lut_ram, bits):
        return unit_terms({"block_port": width}, {"block_port": width}, {"block": blocks})
    if lut_ram <= bits:
        return unit_terms({"ram": LUT_RAM_LUTS * units, "select": select}, {"register": kept})
    return unit_terms({"select": width * depth}, {"register": width * depth + kept})


def fifo_as_built(bits: int, depth: int, device: Device) -> Terms:
    """The module fpgacomp_fifo in Yosys' netlist."""
    shell = unit_terms({"fifo_process": 1, "fifo_wire": bits}, {"fifo_process": 1})
    stored = max(depth - 1, 1)
    if fifo_in_block(bits, depth, device):
        blocks = blocks_of(bits, stored, device.block_ram)
        return added(shell, unit_terms({"fifo_deep": 1}, {"fifo_deep": 1, "register": bits},
                                       {"block": blocks}))  # fmt: skip
    register = unit_terms({}, {"register": bits})
    if stored == 1:
        return added(shell, register, register)
    deep = unit_terms({"fifo_deep": 1}, {"fifo_deep": 1})
    return added(shell, register, deep, _ram(bits, stored, device, output=False))


def operator_as_built(terms: Terms, device: Device) -> Terms:
    """An operator's terms in Yosys' netlist.

    DSP blocks are those that its arithmetic asks for: the script that is emitted gives no other
    product one.
    """
    soft = terms.get(SOFT, {}).get("scale", 0.0)
    own: Terms = {r: dict(terms[r]) for r in RESOURCES}
    own["dsp"].pop("scale", None)
    if soft:
        own["lut"]["scale"] = soft
    parts = [own]
    for key, count in terms.get(MEMORIES, {}).items():
        kind, shape = key.split(" ")
        width, depth = map(int, shape.split("x"))
        one = as_built(kind, width, depth, device)
        parts.append({r: {t: a * count for t, a in one[r].items()} for r in RESOURCES})
    return _without_zeros(added(*parts))


def _without_zeros(terms: Terms) -> Terms:
    return {r: {t: a for t, a in amounts.items() if a > 1e-9} for r, amounts in terms.items()}


@dataclass(frozen=True)
class YosysPrices:
    """Prices of operators and FIFOs of one device family."""

    device: Device

    @property
    def basis(self) -> Basis:
        """Netlists of Yosys, and of how many designs."""
        designs = _content()[self.device.block_ram.block]["designs"]
        return Basis("netlists of Yosys", designs, predicts=RTL_BY_YOSYS)

    def operator(self, terms: Terms, kind: str) -> Resources[Figure]:
        """An operator of these terms of Vitis HLS."""
        return self._priced(operator_as_built(terms, self.device), kind)

    def fifo(self, bits: int, depth: int) -> Resources[Figure]:
        """A FIFO."""
        return self._priced(fifo_as_built(bits, depth, self.device), "fifo")

    def surroundings(self) -> Resources[Figure]:
        """The control registers, which no layer owns."""
        return self._priced(unit_terms({"control": 1}, {"control": 1}), "process")

    def _priced(self, terms: Terms, kind: str) -> Resources[Figure]:
        return load(self.device.block_ram.block).priced(terms, kind)
