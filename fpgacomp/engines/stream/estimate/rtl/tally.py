"""A tally of what an instance is made of: terms of LUTs, terms of registers, memories."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from math import ceil, inf
from typing import NamedTuple

import numpy as np

from fpgacomp.devices.device import Device
from fpgacomp.engines.stream.estimate.open_tools import LUT_RAM_LUTS
from fpgacomp.engines.stream.estimate.rtl.reading import BitMatrix, columns_of, width_of

DEEP = 128  # rows above which Yosys finds less to share
SELECTED = 16  # rows among which a few LUTs of six inputs select
WIDE_LUTS = 4  # LUTs of a slice that are one table without logic behind them
LOGIC_ROWS = 16  # rows up to which lut_tables.memlib leaves a table to be logic
_LUT_ROWS, _PART_ROWS = 64, 256  # of a LUT of six inputs, and of WIDE_LUTS of them


@dataclass(frozen=True)
class Tally:
    """What an instance takes.

    Args:
        device: whose memories hold its tables and buffers.
        lut, ff: term -> amount; what one unit of a term costs is fitted.
        whole: `dsp`, `bram18` -> blocks, which are known.
    """

    device: Device
    lut: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    ff: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    whole: dict[str, float] = field(default_factory=lambda: defaultdict(float))

    @property
    def threes(self) -> float:
        """Bits of the adders of three numbers, each of which one LUT adds up."""
        return self.lut.get("threes", 0.0) + self.lut.get("constant_threes", 0.0)

    def luts(self, **amounts: float) -> None:
        _add(self.lut, amounts)

    def ffs(self, **amounts: float) -> None:
        _add(self.ff, amounts)

    def shell(self, valid: int, word: int) -> None:
        """Handshake, `valid` flags before that of the output, and the word at the output."""
        self.luts(shell=1)
        self.ffs(control=valid + 1, word=word)

    def counter(self, *counts: int) -> None:
        """Counters of so many steps each."""
        for count in counts:
            self.luts(counter=width_of(count))
            self.ffs(control=width_of(count))

    def rom(self, table: BitMatrix, style: int = 0) -> None:
        """A table that is read a row a cycle, into a register."""
        depth = len(table)
        if depth < 2:
            return
        varying = int(np.count_nonzero(table.min(axis=0) != table.max(axis=0)))
        blocks = rom_blocks(varying, depth, style, self.device)
        if blocks:
            self.whole["bram18"] += blocks
            return
        columns = columns_of(table)
        rows = 1 << self.device.lut_inputs
        luts = columns * ceil(depth / rows)
        if style == _DISTRIBUTED and depth > LOGIC_ROWS:
            each, selected = column_of(depth)
            self.luts(rom=columns * each, rom_boxes=columns * selected)
        elif style:  # told to be logic: a tree of multiplexers
            select = columns * depth / SELECTED
            self.luts(rom=columns, rom_select=select, rom_deep=select * (depth > DEEP))
        else:
            self.luts(rom=luts, rom_deep=luts if depth > WIDE_LUTS * rows else 0)
        self.ffs(rom=columns)

    def ram(
        self, width: int, depth: int, *, output: bool = True, one_address: bool = False
    ) -> None:
        """A memory that is written and read every cycle.

        Args:
            output: whether its words are read into a register of their own.
            one_address: whether they are read where they are written.
        """
        found = ram_of(width, depth, self.device, block=output, one_address=one_address)
        self._placed(found)
        if output and not found.blocks:
            self.ffs(word=width)

    def fifo_words(self, width: int, depth: int) -> None:
        """The words of a FIFO, whose last register takes words that come past them, too.

        Yosys gives blocks to them on devices of AMD alone, with registers of their own beside.
        """
        found = ram_of(width, depth, self.device, block=self.device.toolchain == "vivado")
        self._placed(found)
        if found.blocks:
            self.luts(word=width)
            self.ffs(word=width)

    def _placed(self, found: Ram) -> None:
        self.whole["bram18"] += found.blocks
        self.luts(ram=found.luts, ram_select=found.select)
        self.ffs(ram=found.registers)
        self.luts(ram_registers=found.registers)


def _add(into: dict[str, float], amounts: Mapping[str, float]) -> None:
    for term, amount in amounts.items():
        into[term] += amount


@dataclass(frozen=True)
class Ram:
    """What holds the words of a memory: blocks, LUTs with multiplexer bits, or registers."""

    blocks: int = 0
    luts: int = 0
    select: int = 0
    registers: int = 0


@dataclass(frozen=True)
class _Costs:
    """Yosys' own costs of memories (`memory_libmap` and share/*/brams*.txt, lutrams*.txt).

    Args:
        block: of a block, in the same units.
        rom_bit: of a bit of a table in logic.
        ram: of a memory of LUTs.
        shapes: (words, bits) of one of them.
        luts: that one of them takes.
    """

    block: float
    rom_bit: float
    ram: float = inf
    shapes: tuple[tuple[int, int], ...] = ((16, 4),)
    luts: int = 0


SEVEN_SERIES = _Costs(129, 1 / 64, 8, ((32, 6), (64, 3)), 4)
# By the name of the memory block. One of Gowin's costs less than it says: see `open_tools`.
_COSTS = {
    "RAMB18": SEVEN_SERIES,
    "DP16KD": _Costs(128, 1 / 16, 4, luts=LUT_RAM_LUTS),
    "SB_RAM40_4K": _Costs(64, 1 / 16),
    "BSRAM": _Costs(123, 1 / 16, 4, luts=LUT_RAM_LUTS),
}
_ULTRASCALE = _Costs(129, 1 / 64, 16, ((32, 14), (64, 7)), 8)
_DISTRIBUTED = 1  # STYLE of a table that the emitted scripts map to LUTs themselves
_IN_LOGIC = (_DISTRIBUTED, 3)  # STYLE of a table in LUTs
_IN_BLOCK = 2


def _costs_on(device: Device) -> _Costs:
    ultrascale = device.block_ram.block == "RAMB18" and device.yosys_multipliers == "xcu"
    return _ULTRASCALE if ultrascale else _COSTS[device.block_ram.block]


def column_of(depth: int) -> tuple[int, float]:
    """LUTs that hold a column of a table, and those that select among its parts.

    hls_templates/rtl/deliver/lut_tables.memlib cuts it into parts of 64, 128 or 256 rows, whose
    multiplexers are behind the LUTs. Four parts are selected by a LUT of six inputs.
    """
    parts = ceil(depth / _PART_ROWS)
    last = ceil((depth - _PART_ROWS * (parts - 1)) / _LUT_ROWS)
    return WIDE_LUTS * (parts - 1) + (last if last < 3 else WIDE_LUTS), (parts - 1) / 3


def rom_blocks(width: int, depth: int, style: int, device: Device) -> int:
    """Blocks that hold a table; 0 where it is logic."""
    costs = _costs_on(device)
    if style in _IN_LOGIC:
        return 0
    blocks = min(ceil(width * ceil(depth / w) / b) for w, b in device.block_ram.shapes)
    cheap = costs.block * blocks < width * depth * costs.rom_bit
    return blocks if style == _IN_BLOCK or cheap else 0


def ram_of(
    width: int, depth: int, device: Device, *, block: bool, one_address: bool = False
) -> Ram:
    """Where Yosys puts a memory of one write and one read port.

    Args:
        block: whether a block RAM may hold it: its words are read into a register of their own.
        one_address: whether one port does both.
    """
    if depth == 1:
        return Ram(registers=width)
    costs = _costs_on(device)
    units, banks = min(
        (ceil(width / bits) * ceil(depth / words), ceil(depth / words))
        for words, bits in costs.shapes
    )
    blocks = min(ceil(width / b) * ceil(depth / w) for w, b in device.block_ram.shapes)
    select = width * (banks - 1)
    in_luts = costs.ram * units + select / 4 if device.lut_ram else inf
    if block and costs.block * blocks < min(in_luts, width * depth):
        return Ram(blocks=blocks)
    if one_address and costs.luts == SEVEN_SERIES.luts and depth > costs.shapes[0][0]:
        return Ram(luts=width * banks, select=select)  # RAM64X1S
    if in_luts <= width * depth:
        return Ram(luts=costs.luts * units, select=select)
    return Ram(select=width * (depth - 1), registers=width * depth)


class Tree(NamedTuple):
    """What an instance of fpgacomp_sum is made of.

    Args:
        pairs: bits of the adders of two numbers.
        threes: of those of three.
        kept: bits of its registers.
    """

    pairs: float
    threes: float
    kept: float


def tree_of(terms: int, bits: int, most: int, *, ternary: bool) -> Tree:
    """fpgacomp_sum of so many terms of so many bits.

    Args:
        most: bits of its result, beyond which nothing is kept.
    """
    return sparse_tree(np.full(terms, bits), most, ternary=ternary)


def sparse_tree(widths: np.ndarray, most: int, *, ternary: bool) -> Tree:
    """The same for terms of which some are zero: their bits, 0 where they are."""
    radix = 3 if ternary else 2
    level, pairs, threes, kept = 0, 0.0, 0.0, 0.0
    while len(widths) > 1:
        level += 1
        groups = np.pad(widths, (0, -len(widths) % radix)).reshape(-1, radix)
        numbers = np.count_nonzero(groups, axis=1)
        # Three numbers of n bits come to n + 2; of nine the sum has n + 4, of 27 it has n + 5.
        more = width_of(3**level) - width_of(3 ** (level - 1)) if ternary else 1
        grown = np.minimum(groups.max(axis=1) + np.where(numbers > 1, more, 0), most)
        pairs += float(grown[numbers == 2].sum())
        threes += float(grown[numbers == 3].sum())
        widths = np.where(numbers > 0, grown, 0)
        if ternary or level % 2 == 0 or len(widths) == 1:
            kept += float(widths.sum())
    return Tree(pairs, threes, kept)
