"""The interface of a streaming project: AXI streams, and the tensors that it taps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from fpgacomp.engines.shared.interface import Interface, Port


@dataclass(frozen=True, kw_only=True)
class AxiPort(Port):
    """A port that is an AXI stream of the top function.

    Args:
        port: the stream's name in C++.
        bipolar: whether an element is -1 or 1, sent as one bit.
        container_bits: width of an element on the bus and in files.
        lanes: elements per beat.
    """

    port: str
    bipolar: bool
    container_bits: int
    lanes: int


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
