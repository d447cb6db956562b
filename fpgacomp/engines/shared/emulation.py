"""The emulated system around a design: its address map and clock, and the C++ that models it."""

from __future__ import annotations

from dataclasses import dataclass

from fpgacomp.host.resources import data_folder
from fpgacomp.host.templates import templates

FOLDER = data_folder("hls_templates") / "emulation"
LIBRARY = "emulator.so"
MAIN = FOLDER / "fcemu.cpp"
# The library shows its C interface and nothing else, so that a process can load several: names that
# GNU makes unique would be one object in all of them.
COMPILE = ("-fPIC", "-fvisibility=hidden", "-fno-gnu-unique")
LINK = ("-shared", "-Wl,-Bsymbolic", "-ldl")


@dataclass(frozen=True, kw_only=True)
class EmulatedSystem:
    """What surrounds an accelerator in an emulation; addresses and sizes in bytes.

    Args:
        control, control_size: of the accelerator's registers.
        dma: of the registers of DMA 0; those of the others follow every `dma_stride` bytes.
        memory, memory_size: of the memory that the DMAs reach.
        clock_hz: of the design.
        latency_cycles: from the last word of a frame to the first word of its answer, for a
            design whose emulation has no clock cycles of its own.
        interval_cycles: between two frames, likewise.
    """

    control: int
    control_size: int
    dma: int
    dma_stride: int
    memory: int
    memory_size: int
    clock_hz: int
    latency_cycles: int
    interval_cycles: int


def render(template: str, /, **context: object) -> bytes:
    """The content of a C++ file from `template`.j2; a field that the context lacks is an error."""
    return templates("emulation").get_template(f"{template}.j2").render(**context).encode()
