"""The integer graph: layers in topological order, verified on demand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from fpgacomp.ir.layers import Input, Layer, Tensor


@dataclass(frozen=True)
class Graph:
    """Layers in topological order and the tensors that leave the hardware.

    Two graphs are equal when every layer, weight for weight, is.
    """

    name: str
    layers: tuple[Layer, ...]
    outputs: tuple[Tensor, ...]

    @cached_property
    def inputs(self) -> tuple[Input, ...]:
        return tuple(layer for layer in self.layers if isinstance(layer, Input))

    @cached_property
    def by_name(self) -> Mapping[str, Layer]:
        return {layer.name: layer for layer in self.layers}

    @cached_property
    def producer(self) -> Mapping[str, Layer]:
        """Tensor name -> the layer that writes it."""
        return {layer.output.name: layer for layer in self.layers}

    @cached_property
    def consumers(self) -> Mapping[str, tuple[Layer, ...]]:
        """Tensor name -> the layers that read it (graph outputs are not counted)."""
        readers: dict[str, list[Layer]] = {layer.output.name: [] for layer in self.layers}
        for layer in self.layers:
            for tensor in layer.inputs:
                readers[tensor.name].append(layer)
        return {name: tuple(layers) for name, layers in readers.items()}
