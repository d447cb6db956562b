"""The FIFOs between streaming operators, and how many bits their elements take."""

from __future__ import annotations

from dataclasses import dataclass

from fpgacomp.ir.types import IntType

_BEAT_BITS = 64  # of an AXI4-Stream port of the top function: what a host's DMA moves at once


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
    """

    name: str
    type: IntType
    lanes: int
    words: int
    tensor: str = ""
    depth: int = 2

    @property
    def bits(self) -> int:
        """Width of a word in bits."""
        return self.lanes * element_bits(self.type)

    @property
    def elements(self) -> int:
        """Elements per frame."""
        return self.words * self.lanes


def element_bits(kind: IntType) -> int:
    """Bits of an element in a stream; an element of {-1, +1} takes a single bit."""
    return 1 if kind.bipolar else kind.bits


def container_bits(kind: IntType) -> int:
    """Bits of an element on an AXI stream and in files: 8, 16, 32 or 64."""
    return next(bits for bits in (8, 16, 32, 64) if kind.bits <= bits)


def beat_lanes(lanes: int, kind: IntType) -> int:
    """The largest divisor of `lanes` whose elements fit one beat of an AXI stream."""
    room = max(1, _BEAT_BITS // container_bits(kind))
    return max(n for n in range(1, min(lanes, room) + 1) if lanes % n == 0)
