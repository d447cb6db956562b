"""What goes from one streaming operator to the next, in words of so many lanes."""

from __future__ import annotations

from dataclasses import dataclass

from fpgacomp.ir.types import IntType


@dataclass(frozen=True, slots=True)
class Stream:
    """A FIFO between two operators.

    Args:
        name: unique in the design, a C identifier.
        type: of one element.
        lanes: elements per word.
        words: words per frame.
        tensor: the integer tensor it carries in full, "" for windows, pads and the like.
        depth: words that the FIFO holds.
    """

    name: str
    type: IntType
    lanes: int
    words: int
    tensor: str = ""
    depth: int = 2

    @property
    def bits(self) -> int:
        """Width of a word."""
        return self.lanes * element_bits(self.type)


def element_bits(kind: IntType) -> int:
    """Bits of an element in a stream; a bipolar one takes a single bit."""
    return 1 if kind.bipolar else kind.bits


def container_bits(kind: IntType) -> int:
    """Bits of an element on an AXI stream and in files: 8, 16, 32 or 64."""
    return next(bits for bits in (8, 16, 32, 64) if kind.bits <= bits)
