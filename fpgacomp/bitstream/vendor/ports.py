"""The streams of an accelerator as a DMA sees them, whatever engine made it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fpgacomp.engines.hls4ml.interface import Hls4mlInterface, VariablePort
from fpgacomp.engines.stream.interface import AxiPort, StreamInterface
from fpgacomp.errors import UnsupportedLayer, raise_all

CONTAINERS = (8, 16, 32, 64)


@dataclass(frozen=True, kw_only=True)
class StreamPort:
    """One AXI4-Stream of an accelerator.

    Args:
        name: of the interface.
        tensor: the graph's tensor that it carries.
        input: whether the accelerator takes it.
        size: elements of a frame.
        container_bits: width of an element on the bus and in memory.
        lanes: elements of a beat.
        beats: of a frame; the last one has TLAST.
        type: of an hls4ml design: the C++ type of an element or of a stream's word; "" for others.
    """

    name: str
    tensor: str
    input: bool
    size: int
    container_bits: int
    lanes: int
    beats: int
    type: str = ""

    @property
    def frame(self) -> str:
        """The wrapper's variable that holds the frame."""
        return f"{self.name}_frame"

    @property
    def tdata_bits(self) -> int:
        """Width of TDATA."""
        return self.lanes * self.container_bits

    @property
    def frame_bytes(self) -> int:
        """Bytes of a frame in memory."""
        return self.size * self.container_bits // 8

    @classmethod
    def of_stream(cls, port: AxiPort, *, input: bool) -> StreamPort:
        """A port of a streaming design."""
        return cls(
            name=port.port, tensor=port.tensor, input=input, size=port.size,
            container_bits=port.container_bits, lanes=port.lanes, beats=port.beats,
        )  # fmt: skip

    @classmethod
    def of_hls4ml(cls, port: VariablePort, number: int, *, input: bool) -> StreamPort:
        """The port that the wrapper around an hls4ml design has: one element a beat.

        Raises:
            UnsupportedLayer: an element is wider than any container.
        """
        container = next((bits for bits in CONTAINERS if port.bits <= bits), None)
        if container is None:
            why = f"has {port.bits} bits, and a DMA carries up to {CONTAINERS[-1]} an element."
            raise UnsupportedLayer(port.tensor, why, "compile with fewer bits there.")
        return cls(
            name=f"{'in' if input else 'out'}{number}", tensor=port.tensor, input=input,
            size=port.size, container_bits=container, lanes=1, beats=port.size,
            type=port.type,
        )  # fmt: skip


def stream_ports(interface: StreamInterface) -> tuple[StreamPort, ...]:
    """The ports of a streaming design, inputs first."""
    return (
        *(StreamPort.of_stream(port, input=True) for port in interface.inputs),
        *(StreamPort.of_stream(port, input=False) for port in interface.outputs),
    )


def wrapped_ports(interface: Hls4mlInterface) -> tuple[StreamPort, ...]:
    """The ports of the wrapper around an hls4ml design, inputs first.

    Raises:
        UnsupportedLayer, Problems: elements wider than 64 bits.
    """
    problems: list[UnsupportedLayer] = []
    ports: list[StreamPort] = []

    def add(those: Sequence[VariablePort], *, input: bool) -> None:
        for number, port in enumerate(those):
            try:
                ports.append(StreamPort.of_hls4ml(port, number, input=input))
            except UnsupportedLayer as error:
                problems.append(error)

    add(interface.inputs, input=True)
    add(interface.outputs, input=False)
    raise_all(problems)
    return tuple(ports)
