"""What lowering returns: the integer graph, and what its integers mean in the network."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import onnx

from fpgacomp.ir.graph import Graph
from fpgacomp.ir.types import FloatArray, IntArray, Ints, Reals


def integer_name(tensor_name: str) -> str:
    """Return what the software side's ONNX graphs call an integer tensor.

    A network may well have a tensor of the same name: the suffix keeps them apart.
    """
    return f"{tensor_name}_int"


@dataclass(frozen=True)
class TensorView:
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
        """Return integers [N, *integer shape] as float64 [N, *network shape without batch]."""
        channels = integers.shape[-1]
        real = integers * self._wide(self.scale, channels) + self._wide(self.offset, channels)
        flat = real.reshape(len(integers), -1)[:, self.order.array.ravel()]
        return flat.reshape(len(integers), *self.order.shape[1:])

    @staticmethod
    def _wide(values: Reals, channels: int) -> FloatArray:
        return np.broadcast_to(values.array, (channels,))


@dataclass(frozen=True)
class LabelView:
    """Which classes of the network an ArgMax's labels choose from.

    Args:
        onnx_name: the tensor of the canonical network that holds a real number per class.
        order: for each element of that tensor (shape with batch 1, row major) its position
            in the labels, times the number of classes, plus its class.
        unit: the real number that one integer step of a class stands for, at most.
    """

    onnx_name: str
    order: Ints
    unit: float


@dataclass(frozen=True)
class InputPort:
    """How raw network inputs become one integer input, apart from the rounding itself.

    integer = quantize(raw.ravel()[place] * gain + bias), so that a driver can be
    written from it and test vectors can be made backwards.

    Args:
        name: the network's input.
        shape: its shape with batch 1.
        tensor: the integer input's name.
        place: [size] raw flat position of each integer, row major, channels last.
        gain: [1] or [C], of the integer input's channels.
        bias: [1] or [C].
        scale: [1] or [C]; real number that one integer step stands for.
        offset: [1] or [C]; real number that integer 0 stands for.
    """

    name: str
    shape: tuple[int, ...]
    tensor: str
    place: Ints
    gain: Reals
    bias: Reals
    scale: Reals
    offset: Reals

    def to_raw(self, integers: IntArray) -> FloatArray:
        """Return the raw inputs [N, *network shape] that mean just these integers [N, *integer
        shape].
        """
        real = integers * self.scale.array + self.offset.array
        raw = (real - self.bias.array) / self.gain.array
        flat = np.empty((len(integers), self.place.array.size))
        flat[:, self.place.array] = raw.reshape(len(integers), -1)
        return flat.reshape(len(integers), *self.shape[1:])


@dataclass(frozen=True)
class Lowered:
    """The integer graph beside everything that is not hardware.

    Args:
        graph: the hardware's integers.
        before: ONNX, network inputs (its own names, dtype and shape, batch N) ->
            integer inputs (int64, [N, *channels-last shape], named `integer_name(tensor)`).
        after: ONNX, integer outputs (int64, named `integer_name(tensor)`) -> network outputs,
            in its own units.
        views: integer tensor name -> the network's tensor it stands for.
        labels: ArgMax output -> the classes it chooses from.
        ports: one per integer input, in the graph's order.
        software_before: kinds of work left on the host in front (for the report).
        software_after: the same behind the hardware.
    """

    graph: Graph
    before: onnx.ModelProto
    after: onnx.ModelProto
    views: Mapping[str, TensorView]
    ports: tuple[InputPort, ...] = ()
    software_before: tuple[str, ...] = ()
    software_after: tuple[str, ...] = ()
    labels: Mapping[str, LabelView] = field(default_factory=dict)
