"""The integers that a quantizer of so many bits has."""

from __future__ import annotations

from dataclasses import dataclass

from fpgacomp.compress.quantize.options import TERNARY_BITS, BitWidth


@dataclass(frozen=True)
class IntegerLevels:
    """The integers of a quantizer; bits 1 and signed: -1 and 1."""

    bits: int
    signed: bool
    narrow: bool = False

    @property
    def bipolar(self) -> bool:
        return self.signed and self.bits == 1

    @property
    def magnitude_bits(self) -> int:
        return self.bits - int(self.signed)

    @property
    def highest(self) -> int:
        return 1 if self.bipolar else (1 << self.magnitude_bits) - 1

    @property
    def lowest(self) -> int:
        if not self.signed:
            return 0
        return -self.highest if self.narrow or self.bipolar else -self.highest - 1


def levels_of_weights(bits: BitWidth, narrow: bool) -> IntegerLevels:
    """The integers of weights of so many bits."""
    if bits == "ternary":
        return IntegerLevels(TERNARY_BITS, True, True)
    return IntegerLevels(int(bits), True, narrow)
