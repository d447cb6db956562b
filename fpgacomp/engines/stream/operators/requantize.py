"""The Requantize form of Activate: a product, a sum, a rounding shift and a clip."""

from __future__ import annotations

import numpy as np

from fpgacomp.engines.shared.terms import Terms, unit_terms
from fpgacomp.engines.stream.emit.calls import Call, call_with_tables
from fpgacomp.engines.stream.emit.tables import per_channel
from fpgacomp.engines.stream.estimate.memory import added, rom_terms
from fpgacomp.engines.stream.estimate.terms import scaling_terms, word_terms
from fpgacomp.engines.stream.streams import Stream, element_bits
from fpgacomp.ir.layers import Requantize, Rounding
from fpgacomp.ir.types import IntType

_CPP_ROUNDING = {
    Rounding.FLOOR: "RoundFloor",
    Rounding.ROUND: "RoundEven",
    Rounding.HALF_UP: "RoundHalfUp",
    Rounding.HALF_DOWN: "RoundHalfDown",
    Rounding.UP: "RoundUp",
    Rounding.DOWN: "RoundDown",
}


def requantize_terms(layer: Requantize, source: Stream, output: Stream) -> Terms:
    """What it is made of between two streams."""
    lanes, channels = source.lanes, layer.output.channels
    in_bits = element_bits(source.type)
    scale = scaling_terms(layer.multiplier, lanes, channels, in_bits)
    factor = int(np.abs(layer.multiplier.array).max()).bit_length()
    offset = max(int(np.abs(layer.offset.array).max()).bit_length() + 1, 1)
    wide = max(in_bits + factor, offset)
    rows = layer.offset.array.size
    table = rom_terms(lanes * offset, channels // lanes if rows > 1 else 1, "lutram")
    adder = 0.0 if not layer.offset.array.any() else float(lanes * wide)
    # Saturation: a comparison of the bits above the output at either end, and a selector.
    clip = lanes * max(wide - layer.shift, 0) / 2 + output.bits
    return added(word_terms(source.bits, adder=adder + clip), scale, table,
                 unit_terms({}, {"register": lanes * wide}))  # fmt: skip


def requantize_call(layer: Requantize, lanes: int, streams: tuple[str, ...], name: str) -> Call:
    """Its call in C++, with a table of multipliers and one of offsets."""
    tables = (
        per_channel(f"{name}_multiplier", f"Multiplier of {layer.name}.", layer.multiplier, lanes),
        per_channel(f"{name}_offset", f"Offset of {layer.name}.", layer.offset, lanes),
    )
    parameters = (
        layer.input.channels, layer.input.pixels, _working_bits(layer), layer.shift,
        _CPP_ROUNDING[layer.rounding], layer.lo, layer.hi, layer.zero_point,
    )  # fmt: skip
    return call_with_tables("requantize", parameters, streams, *tables)


def _working_bits(layer: Requantize) -> int:
    """Bits of every intermediate: product, offset, rounding addend, bounds less zero point."""
    widest = layer.input.type.magnitude * int(abs(layer.multiplier.array).max())
    widest += int(abs(layer.offset.array).max()) + (1 << layer.shift)
    widest = max(widest, abs(layer.lo), abs(layer.hi)) + abs(layer.zero_point)
    return max(IntType(-widest, widest).bits, layer.shift + 2)
