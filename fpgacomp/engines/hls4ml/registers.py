"""How many elements of a tensor the hardware holds at once, and the registers that hold them."""

from __future__ import annotations

from fpgacomp.engines.hls4ml.design import Setting
from fpgacomp.engines.shared.terms import Terms, unit_terms
from fpgacomp.ir.layers import Tensor


def at_once(tensor: Tensor, setting: Setting) -> int:
    """Elements in hardware at the same time: a word's channels in io_stream, or the array."""
    return tensor.channels if setting.stream else tensor.size


def output_registers(tensor: Tensor, setting: Setting) -> Terms:
    """Registers of a layer's output."""
    return unit_terms({}, {"register": at_once(tensor, setting) * tensor.type.bits})
