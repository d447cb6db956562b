"""How a Reshape is streamed: not at all, because its elements keep their order."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from fpgacomp.devices.device import Device
from fpgacomp.engines.stream.design import StreamFolding
from fpgacomp.engines.stream.layers.rules import nameless, pixel_exposure
from fpgacomp.engines.stream.plumbing import Plumbing
from fpgacomp.engines.stream.streams import Stream
from fpgacomp.ir.layers import Reshape


@dataclass(frozen=True)
class ReshapeRules:
    """A Reshape has no operators: its readers read its input's stream."""

    layer: Reshape

    @property
    def foldable(self) -> bool:
        return False

    @property
    def stores_constants(self) -> bool:
        return False

    @property
    def exposure(self) -> float:
        return pixel_exposure(self.layer.output)

    @property
    def price_key(self) -> object:
        return nameless(self.layer)

    def why_illegal(self, folding: StreamFolding) -> str:
        return "is a reshape, which takes no folding."

    def foldings(self, device: Device) -> Iterable[StreamFolding]:
        return ()

    def lanes_in(self, folding: StreamFolding) -> int:
        return 0

    def lanes_out(self, folding: StreamFolding) -> int:
        return 0

    def expand(self, folding: StreamFolding, plumbing: Plumbing) -> Stream:
        return plumbing.take(self.layer.input)
