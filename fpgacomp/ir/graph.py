"""The integer graph as a value: its layers in topological order, and who reads and writes what."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from fpgacomp.ir.layers import Input, Layer, Tensor


@dataclass(frozen=True)
class Graph:
    """Layers in topological order, and the tensors that leave the hardware.

    Two graphs are equal when every layer, weight for weight, is.
    """

    name: str
    layers: tuple[Layer, ...]
    outputs: tuple[Tensor, ...]

    @cached_property
    def inputs(self) -> tuple[Input, ...]:
        """The integer tensors that the host hands over, in the graph's order."""
        return tuple(layer for layer in self.layers if isinstance(layer, Input))

    @cached_property
    def by_name(self) -> Mapping[str, Layer]:
        """Layers by their own names."""
        return {layer.name: layer for layer in self.layers}

    @cached_property
    def producer(self) -> Mapping[str, Layer]:
        """The layer that writes each tensor, by tensor name."""
        return {layer.output.name: layer for layer in self.layers}

    @cached_property
    def consumers(self) -> Mapping[str, tuple[Layer, ...]]:
        """The layers that read each tensor, by tensor name (graph outputs are not counted)."""
        readers: dict[str, list[Layer]] = {layer.output.name: [] for layer in self.layers}
        for layer in self.layers:
            for tensor in layer.inputs:
                readers[tensor.name].append(layer)
        return {name: tuple(layers) for name, layers in readers.items()}
