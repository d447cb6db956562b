"""The interface of a streaming project: AXI streams, and the tensors that it taps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from fpgacomp.engines.shared.interface import Interface, Port, software_port
from fpgacomp.ir.layers import Tensor
from fpgacomp.runtime.deployment import FramePort


@dataclass(frozen=True, kw_only=True)
class AxiPort(Port):
    """A port that is an AXI stream of the top function.

    Files and software have nothing but a frame's `size` elements, one frame behind the other. On
    the bus the last beat of a frame is filled up: its elements beyond the frame are ignored at an
    input, and TKEEP leaves them out at an output.

    Args:
        port: the stream's name in C++.
        bipolar: whether an element is -1 or 1, sent as one bit.
        container_bits: width of an element on the bus and in files.
        lanes: elements per beat, a power of two: TDATA has lanes * container_bits bits.
        beats: per frame; the last one has TLAST.
    """

    port: str
    bipolar: bool
    container_bits: int
    lanes: int
    beats: int

    def for_software(self, tensor: Tensor, name: str) -> FramePort:
        """The port as software sees it, under its own name."""
        return software_port(
            tensor, self.port, self.container_bits, lanes=self.lanes, beats=self.beats
        )


@dataclass(frozen=True, kw_only=True)
class StreamInterface(Interface):
    """Ports and taps of a streaming project.

    Args:
        taps: inner tensors that the C-simulation writes.
    """

    io_type: Literal["axi_stream"]
    inputs: tuple[AxiPort, ...]
    outputs: tuple[AxiPort, ...]
    taps: tuple[str, ...]
