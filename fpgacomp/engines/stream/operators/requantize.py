"""The Requantize form of Activate: a product, a sum, a rounding shift and a clip."""

from __future__ import annotations

import numpy as np

from fpgacomp.engines.shared.terms import Terms, unit_terms
from fpgacomp.engines.stream.emit.calls import Call, call_with_tables
from fpgacomp.engines.stream.emit.tables import per_channel
from fpgacomp.engines.stream.estimate.memory import added, rom_terms
from fpgacomp.engines.stream.estimate.terms import scaling_terms, word_terms
from fpgacomp.engines.stream.rtl.instance import Bits, Instance, Parameter, element, rows
from fpgacomp.engines.stream.rtl.instance import per_channel as channel_rows
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
# The ROUNDING parameter of hls_templates/rtl/lib/fpgacomp_requantize.sv.
_RTL_ROUNDING = {
    Rounding.FLOOR: 0,
    Rounding.ROUND: 1,
    Rounding.HALF_UP: 2,
    Rounding.HALF_DOWN: 3,
    Rounding.UP: 4,
    Rounding.DOWN: 5,
}
# Cycles through fpgacomp_requantize: factors, product, sum, rounding shift, clip.
REQUANTIZE_STAGES = 5


def requantize_terms(layer: Requantize, source: Stream, output: Stream) -> Terms:
    """What it is made of between two streams."""
    lanes, channels = source.lanes, layer.output.channels
    in_bits = element_bits(source.type)
    scale = scaling_terms(layer.multiplier, lanes, channels, in_bits)
    factor = int(np.abs(layer.multiplier.array).max()).bit_length()
    offset = max(int(np.abs(layer.offset.array).max()).bit_length() + 1, 1)
    wide = max(in_bits + factor, offset)
    rows = layer.offset.array.size
    table = rom_terms(lanes * offset, channels // lanes if rows > 1 else 1, "lutram",
                      told=False)  # fmt: skip
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


def requantize_instance(layer: Requantize, source: Stream, output: Stream, name: str) -> Instance:
    """Its instance in SystemVerilog, with a table of multipliers and one of offsets."""
    lanes, wide = source.lanes, _working_bits(layer)
    parameters: dict[str, Parameter] = {
        "LANES": lanes, "GROUPS": layer.input.channels // lanes,
        **element("IN", source.type), **element("OUT", output.type), "WIDE": wide,
        "SHIFT": layer.shift, "ROUNDING": _RTL_ROUNDING[layer.rounding],
        "LOW": Bits(wide, layer.lo), "HIGH": Bits(wide, layer.hi),
        "ZERO": Bits(wide, layer.zero_point),
    }  # fmt: skip
    files: dict[str, bytes] = {}
    for prefix, values in (("FACTOR", layer.multiplier), ("OFFSET", layer.offset)):
        kind = IntType.of_values(values.array)
        file = f"{name}_{prefix.lower()}.mem"
        table = rows(f"{prefix}_", file, channel_rows(values, lanes), kind)
        parameters |= {**element(prefix, kind), f"{prefix}_ROWS": table.count, **table.parameters}
        files |= table.files
    return Instance("fpgacomp_requantize", parameters, files)
