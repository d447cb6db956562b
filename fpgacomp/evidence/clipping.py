"""Counts the values of samples that the quantizer of a network input cuts off."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import onnx
from onnx import TensorProto, helper

from fpgacomp.evidence.software import run_before
from fpgacomp.ir.types import AnyArray, FloatArray, NamedArrays
from fpgacomp.network.attributes import to_array

_FRAMES = 1024  # at once: the values of all samples may not fit the memory in float64
# A value one step beyond the range is not counted: 1.0 lies there for a type that ends at 255/256.
_TOLERANCE_STEPS = 1.0


@dataclass(frozen=True)
class ClippedInput:
    """How much of a network input lies beyond what its quantizer can tell apart.

    Args:
        name: the network's input.
        share: part of its values that is clipped by more than one step, 0 to 1.
        low, high: the ends of the range in the network's units; None where they differ from
            channel to channel.
    """

    name: str
    share: float
    low: float | None
    high: float | None

    @property
    def range_text(self) -> str:
        """The range in words, for a sentence."""
        if self.low is None or self.high is None:
            return "the ranges of its channels"
        return f"{self.low:.3g} to {self.high:.3g}"


@dataclass(frozen=True)
class _Quantizer:
    """The Clip that bounds an input: `tensor`, in steps, goes in; `low` to `high` comes out."""

    name: str
    tensor: str
    low: float
    high: float


def clipped_inputs(before: onnx.ModelProto, samples: NamedArrays) -> list[ClippedInput]:
    """Count for each integer input the values that are cut off.

    Args:
        before: the software side in front of the hardware (`Lowered.before`).
        samples: network input -> [N, *shape].

    Raises:
        InputDataError: an input is missing or has the wrong shape.
        ToolError: ONNX Runtime does not run the software side.
    """
    quantizers = list(_quantizers(before))
    if not quantizers:
        return []
    unclipped = _with_outputs(before, [one.tensor for one in quantizers])
    beyond, values = dict.fromkeys(quantizers, 0), dict.fromkeys(quantizers, 0)
    count = len(next(iter(samples.values())))
    for start in range(0, count, _FRAMES):
        steps = run_before(
            unclipped, {name: array[start : start + _FRAMES] for name, array in samples.items()}
        )
        for one in quantizers:
            found = steps[one.tensor]
            low, high = one.low - _TOLERANCE_STEPS, one.high + _TOLERANCE_STEPS
            beyond[one] += int(np.count_nonzero((found < low) | (found > high)))
            values[one] += found.size
    return [
        ClippedInput(one.name, beyond[one] / max(values[one], 1), *_ends(one, unclipped, samples))
        for one in quantizers
    ]


def _quantizers(before: onnx.ModelProto) -> Iterator[_Quantizer]:
    """Find the last Clip before each integer output; a bipolar input has a threshold instead."""
    constants = {tensor.name: tensor for tensor in before.graph.initializer}
    producer = {node.output[0]: node for node in before.graph.node}
    for output in before.graph.output:
        node = producer[output.name]
        while node.op_type not in ("Clip", "Where") and node.input[0] in producer:
            node = producer[node.input[0]]
        if node.op_type != "Clip":
            continue
        low, high = (float(to_array(constants[name])) for name in node.input[1:3])
        tensor = name = node.input[0]
        while name in producer:
            name = producer[name].input[0]
        yield _Quantizer(name, tensor, low, high)


def _with_outputs(model: onnx.ModelProto, tensors: list[str]) -> onnx.ModelProto:
    """A copy of a model whose outputs are these tensors, float64 of any shape."""
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    del copy.graph.output[:]
    for name in dict.fromkeys(tensors):
        copy.graph.output.append(helper.make_tensor_value_info(name, TensorProto.DOUBLE, None))
    return copy


def _ends(
    one: _Quantizer, unclipped: onnx.ModelProto, samples: NamedArrays
) -> tuple[float | None, float | None]:
    """The ends of a quantizer's range in the network's units.

    What stands in front of the quantizer is a scale and an offset, which three samples of equal
    values show. A Relu or a Clip of the network may bend that line: then the ends are not told.
    """

    def steps(value: int) -> FloatArray:
        frame = {name: _filled(array, value) for name, array in samples.items()}
        return np.asarray(run_before(unclipped, frame)[one.tensor], np.float64)

    offset, first, second = steps(0), steps(1), steps(2)
    gain = first - offset
    if not np.all(gain) or not np.allclose(second, offset + 2 * gain):
        return None, None
    ends = [(bound - offset) / gain for bound in (one.low, one.high)]
    if any(np.ptp(end) > 1e-9 * np.abs(end).max(initial=1) for end in ends):
        return None, None
    low, high = sorted(float(end.flat[0]) for end in ends)
    return low, high


def _filled(array: AnyArray, value: int) -> AnyArray:
    """One sample of the array's shape that holds nothing but this value."""
    return np.full((1, *array.shape[1:]), value, array.dtype)
