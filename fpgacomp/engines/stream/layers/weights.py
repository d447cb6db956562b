"""What the layers with weights share: where weights may lie, what may multiply, what they cost."""

from __future__ import annotations

from fpgacomp.devices.device import Device
from fpgacomp.engines.stream.design import Arithmetic, Memory
from fpgacomp.ir.layers import Conv, Dense

# Weight memories of up to SHALLOW words are not worth a block RAM, those from DEEP on no LUTs.
SHALLOW, DEEP = 32, 2048


def weight_memories(depth: int) -> tuple[Memory, ...]:
    """The memories worth pricing for weights of so many words.

    UltraRAM is none of them: it cannot be initialized.
    """
    if depth <= SHALLOW:
        return ("lutram",)
    return ("bram",) if depth >= DEEP else ("lutram", "bram")


def weight_arithmetics(layer: Dense | Conv, device: Device) -> tuple[Arithmetic, ...]:
    """What is worth pricing as its multipliers.

    LUTs alone where an operand has a bit or two, or the device has no DSP multiplier.
    """
    one_bit = layer.weight.type.magnitude <= 1 and layer.input.type.bits <= 2
    gates = one_bit or layer.input.type.bits == 1
    if gates or device.multiplier is None:
        return ("lut",)
    bits = layer.weight.type.bits + layer.input.type.bits
    return ("lut", "dsp") if bits >= device.multiplier.least_product_bits else ("lut",)


def weight_price_key(layer: Dense | Conv, *geometry: object) -> object:
    """Equal for layers of equal price: of the weights only the range counts."""
    tensors = tuple((tensor.shape, tensor.type) for tensor in (layer.input, layer.output))
    return type(layer), tensors, layer.weight.stored_type, geometry
