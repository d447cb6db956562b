"""Turns a network input's quantizer into an integer input, laid out as its first
reader needs it.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import onnx

from fpgacomp.ir.layers import Input, Tensor
from fpgacomp.ir.types import BIPOLAR, IntArray, IntType, Reals
from fpgacomp.lower.builder import GraphBuilder, NetworkIndex, unsupported
from fpgacomp.lower.quantizer_nodes import read_quantizer
from fpgacomp.lower.quantizers import LevelQuantizer
from fpgacomp.lower.scalar import Affine, Chain, Function
from fpgacomp.lower.software import InputRecipe
from fpgacomp.lower.value import RawInput, Value
from fpgacomp.network.attributes import attribute, ints_attribute

_CHANNELS_FIRST = [
    "Conv",
    "MaxPool",
    "AveragePool",
    "GlobalAveragePool",
    "Resize",
    "BatchNormalization",
    "PRelu",
]


def lower_input(
    builder: GraphBuilder, node: onnx.NodeProto, raw: Value
) -> tuple[Value, InputRecipe]:
    """Append the Input layer that a raw network input's quantizer becomes.

    The host may hand over the integers in any order, so a channels-first network
    costs no transpose in hardware.

    Returns:
        The input's value, and the recipe by which the host makes its integers.
    """
    assert isinstance(raw.source, RawInput)
    name = raw.source.name
    shape, order = _layout(builder.source, node.output[0], raw.order)
    place = np.empty(order.size, dtype=np.int64)
    place[order.ravel()] = raw.order.ravel()  # integer position -> raw position
    value = Value(raw.source, shape, order, _relaid(node, raw.chain, place, shape[-1]))
    for step in value.chain.steps:
        if isinstance(step, Function) and not step.clips:
            raise unsupported(
                node,
                f"quantizes {step.op} of a network input.",
                "apply the function to the data before they reach the network.",
            )
    quantizer = read_quantizer(builder.source, node, value)
    if quantizer.linear is None and quantizer.level_step == 1:
        raise unsupported(
            node, "quantizes a network input with thresholds.",
            "use a Quant or BipolarQuant node for the input.",
        )  # fmt: skip
    if quantizer.level_base.size > 1:
        raise unsupported(node, "quantizes a network input with a zero point per channel.",
                          "use one zero point.")  # fmt: skip
    base = int(quantizer.level_base[0])
    is_bipolar = quantizer.level_step == 2
    lo, hi = _reachable(value.chain, quantizer)
    kind = BIPOLAR if is_bipolar else IntType(lo + base, hi + base)
    tensor = builder.add(Input(name=name, output=Tensor("", shape, kind)))
    linear = quantizer.linear
    recipe = InputRecipe(
        name=name,
        place=place,
        chain=value.chain,
        tensor=tensor,
        scale=linear.scale if linear else quantizer.scale,
        zero_point=linear.zero_point if linear else -quantizer.offset / quantizer.scale,
        rounding=linear.rounding if linear else "BIPOLAR",
        lo=quantizer.lo,
        hi=quantizer.hi,
        base=base,
    )
    return Value(tensor, shape, order, Chain.of(quantizer.scale, quantizer.offset)), recipe


def _reachable(chain: Chain, quantizer: LevelQuantizer) -> tuple[int, int]:
    """Return the lowest and highest level over all raw inputs (a Clip may leave less than the
    quantizer).
    """
    if np.any(chain.slope() == 0):
        return quantizer.lo, quantizer.hi
    ends = [quantizer.levels(chain(np.array([[end]]))) for end in (-np.inf, np.inf)]
    return int(min(end.min() for end in ends)), int(max(end.max() for end in ends))


def _relaid(node: onnx.NodeProto, chain: Chain, place: IntArray, channels: int) -> Chain:
    """Return a raw input's per-element parameters as per-channel ones of its integer layout."""

    def shrink(values: Reals) -> Reals:
        if values.shape == (1,):
            return values
        rows = values.array[place].reshape(-1, channels)
        if np.any(rows != rows[0]):
            raise unsupported(
                node,
                "quantizes an input whose normalisation differs from position to position.",
                "use one mean and deviation per channel.",
            )
        return Reals(rows[0])

    def step(s: Affine | Function) -> Affine | Function:
        if isinstance(s, Affine):
            return Affine(shrink(s.scale), shrink(s.offset))
        return replace(s, parameters=tuple(shrink(p) for p in s.parameters))

    head = Affine(shrink(chain.affine.scale), shrink(chain.affine.offset))
    return Chain(head, tuple(step(s) for s in chain.steps))


def _layout(source: NetworkIndex, name: str, order: IntArray) -> tuple[tuple[int, ...], IntArray]:
    """Return (source shape channels last, order) that the readers of this tensor want."""
    shape = order.shape
    axes = _wanted_axes(source, name, tuple(range(order.ndim)))
    if axes is None:
        axes = tuple(range(1, order.ndim))
        if order.ndim == 2 or _is_flattened(source, name):
            return (order.size,), np.arange(order.size, dtype=np.int64).reshape(shape)
    wanted = (0, *axes)
    positions = np.arange(order.size, dtype=np.int64).reshape([shape[axis] for axis in wanted])
    back = positions.transpose(np.argsort(wanted))
    return positions.shape[1:], np.ascontiguousarray(back)


def _wanted_axes(source: NetworkIndex, name: str, perm: tuple[int, ...]) -> tuple[int, ...] | None:
    """Return this tensor's axes in the order that its first reader wants them in, channels last.

    Args:
        source: the network.
        name: the tensor, seen through the transposes so far.
        perm: those transposes, as axes of the first tensor.

    Returns:
        The axes without the batch; None where no reader cares.
    """
    for node in source.consumers.get(name, []):
        is_last = str(attribute(node, "data_layout", "NCHW")).endswith("C")
        if node.op_type == "MatMul" and len(perm) > 2:
            return perm[1:]
        if node.op_type == "MultiThreshold" and is_last:
            return perm[1:]
        if node.op_type in (*_CHANNELS_FIRST, "MultiThreshold"):
            return (*perm[2:], perm[1])
        if node.op_type in ("Reshape", "MatMul"):
            continue
        axis = _channel_axis(source, node, len(perm))
        if axis is not None:
            return (*(p for i, p in enumerate(perm) if i not in (0, axis)), perm[axis])
        nested = perm
        if node.op_type == "Transpose":
            moved = ints_attribute(node, "perm", tuple(reversed(range(len(perm)))))
            nested = tuple(perm[m] for m in moved)
        found = _wanted_axes(source, node.output[0], nested)
        if found is not None:
            return found
    return None


def _channel_axis(source: NetworkIndex, node: onnx.NodeProto, rank: int) -> int | None:
    """Return the one axis along which an element-wise node's constants differ."""
    for name in node.input:
        constant = source.constant(name)
        if constant is None or constant.size < 2:
            continue
        shape = (1,) * (rank - constant.ndim) + constant.shape
        wide = [axis for axis, size in enumerate(shape) if size > 1]
        if len(wide) == 1 and node.op_type not in ("Concat", "Resize"):
            return wide[0]
    return None


def _is_flattened(source: NetworkIndex, name: str) -> bool:
    """Return whether a Reshape to a vector is the next thing that happens to this tensor."""
    for node in source.consumers.get(name, []):
        if node.op_type == "Reshape":
            shape = source.constant(node.input[1])
            return shape is not None and shape.size == 2
        if _is_flattened(source, node.output[0]):
            return True
    return False
