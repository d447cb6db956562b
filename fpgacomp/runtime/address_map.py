"""Where the parts of an AXI system lie: the same in block designs, drivers and emulation."""

from __future__ import annotations

from typing import NamedTuple


class AddressMap(NamedTuple):
    """Physical addresses, in bytes.

    Args:
        control: of the accelerator's registers, 4 KiB or as many as it has ports for.
        dma: of the registers of AXI DMA 0.
        stride: from one DMA's registers to the next one's.
    """

    control: int
    dma: int
    stride: int


# Device family -> the map of its block designs. DMA k carries input k and output k.
MAPS = {
    "zynq-7000": AddressMap(control=0x43C00000, dma=0x40400000, stride=0x10000),
    "zynq-ultrascale+": AddressMap(control=0xA0000000, dma=0xA0010000, stride=0x10000),
}
# Width of a DMA's length register; a transfer has fewer bytes than 2 to this.
LENGTH_BITS = 26
