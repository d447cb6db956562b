"""The FIFOs between streaming operators, and how many bits their elements take."""

from __future__ import annotations

from dataclasses import dataclass

from fpgacomp.ir.types import IntType


@dataclass(frozen=True, slots=True)
class Stream:
    """A FIFO between two operators.

    Args:
        name: unique in the design, a C identifier.
        type: range of one element.
        lanes: elements per word.
        words: words per frame.
        tensor: the integer tensor that it carries in full; "" for windows, padded frames and
            copies.
        depth: words that the FIFO holds.
        filling: elements of a frame's last word that are none of the frame's, beside a port.
    """

    name: str
    type: IntType
    lanes: int
    words: int
    tensor: str = ""
    depth: int = 2
    filling: int = 0

    @property
    def bits(self) -> int:
        """Width of a word in bits."""
        return self.lanes * element_bits(self.type)

    @property
    def elements(self) -> int:
        """Elements per frame."""
        return self.words * self.lanes - self.filling


def element_bits(kind: IntType) -> int:
    """Bits of an element in a stream; an element of {-1, +1} takes a single bit."""
    return 1 if kind.bipolar else kind.bits


def container_bits(kind: IntType) -> int:
    """Bits of an element on an AXI stream and in files: 8, 16, 32 or 64."""
    return next(bits for bits in (8, 16, 32, 64) if kind.bits <= bits)
