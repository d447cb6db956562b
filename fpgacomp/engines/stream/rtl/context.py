"""The typed context of the templates of hls_templates/rtl."""

from __future__ import annotations

from dataclasses import dataclass

from fpgacomp.engines.stream.emit.context import CppPort
from fpgacomp.engines.stream.rtl.interface import RtlStream
from fpgacomp.engines.stream.rtl.registers import RegisterMap


@dataclass(frozen=True)
class RtlPort:
    """An AXI stream of the top module.

    Args:
        title: what it carries.
        lanes: elements per beat.
        container: bits of an element on the bus and in files.
        beats: per frame.
        elements: per frame.
    """

    name: str
    title: str
    lanes: int
    container: int
    beats: int
    elements: int

    @property
    def bytes(self) -> int:
        """Bytes per beat."""
        return self.lanes * self.container // 8

    @property
    def frame_bytes(self) -> int:
        """Bytes per frame, without those that fill up its last beat."""
        return self.elements * self.container // 8

    @classmethod
    def of(cls, port: CppPort) -> RtlPort:
        return cls(port.name, port.title, port.lanes, port.container, port.beats, port.elements)


@dataclass(frozen=True)
class WiredInstance:
    """One operator's instance, with every port connected."""

    name: str
    title: str
    module: str
    parameters: tuple[tuple[str, str], ...]
    ports: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class RtlDesign:
    """Everything that the templates of the files below rtl/ read.

    Args:
        taps: tensors that operators write down in simulation.
        blocks: names of the streams whose FIFOs are told to lie in block RAM.
    """

    name: str
    title: str
    inputs: tuple[RtlPort, ...]
    outputs: tuple[RtlPort, ...]
    streams: tuple[RtlStream, ...]
    units: tuple[WiredInstance, ...]
    control: RegisterMap
    blocks: frozenset[str] = frozenset()
    taps: tuple[RtlStream, ...] = ()
