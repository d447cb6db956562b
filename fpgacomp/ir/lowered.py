"""What lowering returns: the integer graph, and how its integers speak for the network."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import onnx

from fpgacomp.ir.graph import Graph
from fpgacomp.ir.types import FloatArray, IntArray, Ints, Reals


@dataclass(frozen=True)
class View:
    """How one integer tensor stands for one real tensor of the canonical network.

    real.ravel()[i] = scale[c] * integer.ravel()[order.ravel()[i]] + offset[c], with c
    the channel (last axis) of the integer tensor at that position.

    Args:
        onnx_name: the tensor of the canonical network.
        order: for each element of the network's tensor (shape with batch 1, row
            major) its flat position in the integer tensor.
        scale: [1] or [C], of the integer tensor's channels.
        offset: [1] or [C].
        quantized: the network's tensor is a quantizer's output, so that each
            integer can be judged against the network's own rounding.
        proof: "proved" where every input of the step was covered, else "checked".
    """

    onnx_name: str
    order: Ints
    scale: Reals
    offset: Reals
    quantized: bool
    proof: str = "checked"

    def to_real(self, integers: IntArray) -> FloatArray:
        """[N, *integer shape] integers -> [N, *network shape without batch] float64."""
        channels = integers.shape[-1]
        real = integers * self._wide(self.scale, channels) + self._wide(self.offset, channels)
        flat = real.reshape(len(integers), -1)[:, self.order.array.ravel()]
        return flat.reshape(len(integers), *self.order.shape[1:])

    @staticmethod
    def _wide(values: Reals, channels: int) -> FloatArray:
        return np.broadcast_to(values.array, (channels,))


@dataclass(frozen=True)
class Lowered:
    """The integer graph beside everything that is not hardware.

    Args:
        graph: the hardware's integers.
        before: ONNX, network inputs (its own names, dtype and shape, batch N) ->
            integer inputs (int64, [N, *channels-last shape], named as the tensors).
        after: ONNX, integer outputs (int64) -> network outputs, in its own units.
        views: integer tensor name -> the network's tensor it stands for.
        software_before: kinds of work left on the host in front (for the report).
        software_after: the same behind the hardware.
    """

    graph: Graph
    before: onnx.ModelProto
    after: onnx.ModelProto
    views: Mapping[str, View]
    software_before: tuple[str, ...] = ()
    software_after: tuple[str, ...] = ()
