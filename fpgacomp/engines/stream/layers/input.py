"""How an Input is streamed: a Source whose words are the beats of its port."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from fpgacomp.devices.device import Device
from fpgacomp.engines.stream.design import StreamFolding
from fpgacomp.engines.stream.layers.rules import nameless
from fpgacomp.engines.stream.operators.source import Source
from fpgacomp.engines.stream.plumbing import Plumbing
from fpgacomp.engines.stream.streams import Stream
from fpgacomp.ir.layers import Input


@dataclass(frozen=True)
class InputRules:
    """An Input comes in beats of as many elements as the pace of the design asks for."""

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
        return 1  # of the narrowest port; `ports` says which one it has

    def expand(self, folding: StreamFolding, plumbing: Plumbing) -> Stream:
        layer = self.layer
        lanes = plumbing.input_lanes.get(layer.output.name, self.lanes_out(folding))
        output = plumbing.output(layer.output, lanes)
        plumbing.add(Source(name=layer.name, layer=layer.name, output=output))
        return output
