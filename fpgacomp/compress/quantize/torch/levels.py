"""Which integers a quantizer can produce, by its number of bits."""

from __future__ import annotations

from dataclasses import dataclass

from fpgacomp.compress.quantize.options import TERNARY_BITS, BitWidth


@dataclass(frozen=True)
class IntegerLevels:
    """The integers that a quantizer can produce.

    Args:
        bits: number of bits. One signed bit means -1 and 1.
        signed: whether there are negative integers.
        narrow: whether the integers lie symmetrically around zero.
    """

    bits: int
    signed: bool
    narrow: bool = False

    @property
    def bipolar(self) -> bool:
        """Whether the integers are -1 and 1 alone."""
        return self.signed and self.bits == 1

    @property
    def magnitude_bits(self) -> int:
        """Number of bits without the sign."""
        return self.bits - int(self.signed)

    @property
    def highest(self) -> int:
        """The largest integer."""
        return 1 if self.bipolar else (1 << self.magnitude_bits) - 1

    @property
    def lowest(self) -> int:
        """The smallest integer."""
        if not self.signed:
            return 0
        return -self.highest if self.narrow or self.bipolar else -self.highest - 1


def levels_of_weights(bits: BitWidth, narrow: bool) -> IntegerLevels:
    """The integers of weights with so many bits; see `QuantizeOptions` for `narrow`."""
    if bits == "ternary":
        return IntegerLevels(TERNARY_BITS, True, True)
    return IntegerLevels(int(bits), True, narrow)
