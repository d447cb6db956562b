"""How an Input is streamed: a Source whose words fit one beat of its port."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from fpgacomp.devices.device import Device
from fpgacomp.engines.stream.design import StreamFolding
from fpgacomp.engines.stream.layers.rules import nameless
from fpgacomp.engines.stream.operators.source import Source
from fpgacomp.engines.stream.plumbing import Plumbing
from fpgacomp.engines.stream.streams import Stream, beat_lanes
from fpgacomp.ir.layers import Input


@dataclass(frozen=True)
class InputRules:
    """An Input comes one element at a time, or one pixel where that fits a beat."""

    layer: Input

    @property
    def foldable(self) -> bool:
        return False

    @property
    def stores_constants(self) -> bool:
        return False

    @property
    def exposure(self) -> float:
        return 1.0

    @property
    def price_key(self) -> object:
        return nameless(self.layer)

    def why_illegal(self, folding: StreamFolding) -> str:
        return "is an input of the graph, which takes no folding."

    def foldings(self, device: Device) -> Iterable[StreamFolding]:
        return ()

    def lanes_in(self, folding: StreamFolding) -> int:
        return 0

    def lanes_out(self, folding: StreamFolding) -> int:
        tensor = self.layer.output
        whole = beat_lanes(tensor.channels, tensor.type) == tensor.channels
        return tensor.channels if len(tensor.shape) > 1 and whole else 1

    def expand(self, folding: StreamFolding, plumbing: Plumbing) -> Stream:
        layer = self.layer
        output = plumbing.output(layer.output, self.lanes_out(folding))
        plumbing.add(Source(name=layer.name, layer=layer.name, output=output))
        return output
