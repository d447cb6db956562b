"""Chooses the order in which the host hands over a network input's integers."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import onnx

from fpgacomp.ir.types import IntArray
from fpgacomp.lower.builder import NetworkIndex
from fpgacomp.network.attributes import attribute, ints_attribute

_CHANNELS_FIRST = (
    *("Conv", "MaxPool", "AveragePool", "GlobalAveragePool"),
    *("Resize", "BatchNormalization", "PRelu"),
)


def input_layout(
    source: NetworkIndex, name: str, order: IntArray
) -> tuple[tuple[int, ...], IntArray]:
    """Return the integer shape, channels last, that the readers of an input want.

    Args:
        source: the network.
        name: the input's quantized tensor.
        order: [network's shape with batch 1] raw flat position of each element.

    Returns:
        The shape of the integer input, and for each element of the network's tensor its flat
        position in there.
    """
    raw = np.arange(order.size, dtype=np.int64).reshape(order.shape)
    wanted = _wanted(source, name, raw, through_reshapes=False)
    if wanted is None:
        wanted = _wanted(source, name, raw, through_reshapes=True)
        # Positions that are in order already need no shape of their own: a Reshape is free.
        if wanted is not None and np.array_equal(wanted.ravel(), raw.ravel()):
            wanted = None
    if wanted is None:
        if order.ndim == 2 or _is_flattened(source, name):
            return (order.size,), raw
        wanted = raw
    back = np.empty(order.size, dtype=np.int64)
    back[wanted.ravel()] = raw.ravel()
    # Nothing here works along more than two spatial axes, and the engines know no more.
    spatial = wanted.shape[1:-1]
    rows = (math.prod(spatial[:-1]), spatial[-1]) if len(spatial) > 2 else spatial
    return (*rows, wanted.shape[-1]), back.reshape(order.shape)


def _wanted(
    source: NetworkIndex, name: str, raw: IntArray, *, through_reshapes: bool
) -> IntArray | None:
    """Return the tensor's positions as its first reader wants them, channels last.

    Readers are asked depth first, in the network's order, and every tensor once: residual
    networks have exponentially many paths.

    Args:
        source: the network.
        name: the tensor.
        raw: its own positions, in its shape with batch 1.
        through_reshapes: readers behind a Reshape to an image or a sequence count as well.

    Returns:
        The positions [1, *spatial, channels]; None where no reader cares.
    """
    seen = {name}
    stack: list[tuple[Iterator[onnx.NodeProto], IntArray]] = [(_readers(source, name), raw)]
    while stack:
        readers, positions = stack[-1]
        node = next(readers, None)
        if node is None:
            stack.pop()
            continue
        found = _wanted_by(source, node, positions)
        if found is not None:
            return found
        behind = _behind(source, node, positions, through_reshapes=through_reshapes)
        if behind is not None and node.output[0] not in seen:
            seen.add(node.output[0])
            stack.append((_readers(source, node.output[0]), behind))
    return None


def _readers(source: NetworkIndex, name: str) -> Iterator[onnx.NodeProto]:
    return iter(source.consumers.get(name, []))


def _wanted_by(source: NetworkIndex, node: onnx.NodeProto, positions: IntArray) -> IntArray | None:
    """Return the positions as this node wants them; None where any order will do for it."""
    is_last = str(attribute(node, "data_layout", "NCHW")).endswith("C")
    if node.op_type == "MatMul":
        return positions if positions.ndim > 2 else None
    if node.op_type == "MultiThreshold" and is_last:
        return positions
    if node.op_type in (*_CHANNELS_FIRST, "MultiThreshold"):
        return np.moveaxis(positions, 1, -1)
    if node.op_type == "Reshape":
        return None
    axis = _channel_axis(source, node, positions.ndim)
    return None if axis is None else np.moveaxis(positions, axis, -1)


def _behind(
    source: NetworkIndex, node: onnx.NodeProto, positions: IntArray, *, through_reshapes: bool
) -> IntArray | None:
    """Return the positions behind a node; None where they cannot be followed through it."""
    if node.op_type == "MatMul":
        return None
    if node.op_type == "Transpose":
        return positions.transpose(
            ints_attribute(node, "perm", tuple(reversed(range(positions.ndim))))
        )
    if node.op_type != "Reshape":
        return positions
    target = source.constant(node.input[1])
    if not through_reshapes or target is None or target.size < 3:
        return None
    return positions.reshape(target.astype(np.int64))


def _channel_axis(source: NetworkIndex, node: onnx.NodeProto, rank: int) -> int | None:
    """Return the one axis along which an element-wise node's constants differ."""
    for name in node.input:
        constant = source.constant(name)
        if constant is None or constant.size < 2 or constant.ndim > rank:
            continue  # one of more axes than the tensor adds axes, and none here is its
        shape = (1,) * (rank - constant.ndim) + constant.shape
        wide = [axis for axis, size in enumerate(shape) if size > 1]
        if len(wide) == 1 and node.op_type not in ("Concat", "Resize"):
            return wide[0]
    return None


def _is_flattened(source: NetworkIndex, name: str) -> bool:
    """Return whether a Reshape to a vector is the next thing that happens to this tensor."""
    seen = {name}
    stack = [_readers(source, name)]
    while stack:
        node = next(stack[-1], None)
        if node is None:
            stack.pop()
        elif node.op_type == "Reshape":
            shape = source.constant(node.input[1])
            return shape is not None and shape.size == 2
        elif node.output[0] not in seen:
            seen.add(node.output[0])
            stack.append(_readers(source, node.output[0]))
    return False
