"""What one FPGA's silicon is made of, as far as it decides about a design."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Toolchain = Literal["vivado", "open"]


@dataclass(frozen=True)
class DspMultiplier:
    """The signed multiplier of one DSP block.

    Args:
        block: the vendor's name of the block.
        wide_bits: width of its wider port in bits, sign included.
        narrow_bits: width of its narrower port in bits, sign included.
        source: the document that states both widths.
        least_product_bits: fewest bits of two operands together that the tools put into it.
    """

    block: str
    wide_bits: int
    narrow_bits: int
    source: str
    least_product_bits: int = 0

    def __str__(self) -> str:
        return f"{self.wide_bits}x{self.narrow_bits}"


@dataclass(frozen=True)
class MemoryBlock:
    """One hard memory block and the shapes that it can take.

    Args:
        block: the vendor's name of the block.
        shapes: (words, bits of a word), from the widest word to the deepest memory.
        source: the document that lists the shapes.
    """

    block: str
    shapes: tuple[tuple[int, int], ...]
    source: str

    def __str__(self) -> str:
        return ", ".join(f"{words}x{bits}" for words, bits in self.shapes)


@dataclass(frozen=True)
class Device:
    """Facts of a device family that decide what a design looks like and what it takes.

    Args:
        multiplier: of the DSP blocks; None where the family has no DSP multiplier.
        lut_inputs: inputs of one lookup table.
        block_ram: the memory block that board files count as `bram18`.
        ultra_ram: the memory block that board files count as `uram`; None where there is none.
        level_ns: delay of one level of adders in nanoseconds, as a scheduler counts it.
        toolchain: what turns a design into a bitstream.
        yosys: command of Yosys that synthesizes for the family; "" where none is known.
        yosys_multipliers: how the emitted script for Yosys puts the products that a design plans
            in DSP blocks there; "" where it does not.
        lut_ram: whether LUTs can be memory that is written.
        routed: what nextpnr calls the devices of the family; () where it knows none.
        sources: where `lut_inputs` and `level_ns` are from.
    """

    multiplier: DspMultiplier | None
    lut_inputs: Literal[4, 6]
    block_ram: MemoryBlock
    ultra_ram: MemoryBlock | None
    level_ns: float
    toolchain: Toolchain
    sources: tuple[str, ...]
    lut_ram: bool = True
    yosys: str = ""
    yosys_multipliers: Literal["", "lattice", "ice40", "xc7", "xcu"] = ""
    routed: tuple[str, ...] = ()

    @property
    def ternary_adders(self) -> bool:
        """Whether one row of LUTs adds three numbers: those of six inputs have two outputs."""
        return self.lut_inputs == 6

    @property
    def wide_port_bits(self) -> int:
        """Width of the DSP multiplier's wider port; 0 without one, into which nothing fits."""
        return self.multiplier.wide_bits if self.multiplier else 0
