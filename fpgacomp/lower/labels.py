"""ArgMax at the end of a network as a layer of the hardware: the label leaves, not the logits.

The largest integer is the largest of the network's own outputs only where what lies between
keeps the order of the classes. Three things may: a map per class that is made exact in
integers (`fpgacomp.lower.class_order`), functions that rise strictly over every integer that
can occur (checked on all of them), and Softmax over the classes. All else is refused.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

import numpy as np
import onnx

from fpgacomp.errors import FpgacompError, UnsupportedLayer
from fpgacomp.ir.infer import unknown_output
from fpgacomp.ir.layers import ArgMax, Tensor
from fpgacomp.ir.types import Ints
from fpgacomp.lower.builder import GraphBuilder, NetworkIndex, unsupported
from fpgacomp.lower.class_order import comparable
from fpgacomp.lower.products import integer_value
from fpgacomp.lower.rules import RULES, layer_name
from fpgacomp.lower.scalar import Chain
from fpgacomp.lower.value import Value
from fpgacomp.network.attributes import int_attribute
from fpgacomp.network.lowered import LabelView

_SOFTMAX = ("Softmax", "LogSoftmax")
_WITHOUT = "leave --argmax out: the host then computes the label"


def label_nodes(source: NetworkIndex, tail: Collection[int]) -> set[int]:
    """Return the ids of the software tail's nodes that an ArgMax in hardware takes along."""
    found: set[int] = set()
    for node in source.nodes:
        if node.op_type == "ArgMax" and id(node) in tail:
            found.add(id(node))
            found.update(id(n) for n in _ancestors(source, tail, logits_of(source, node)))
    return found


def label_problems(source: NetworkIndex, tail: Collection[int]) -> Iterator[FpgacompError]:
    """Yield every output that no ArgMax gives, and every node in front of one that has no rule."""
    for name in source.outputs:
        if not any(node.op_type == "ArgMax" for node in _ancestors(source, tail, name)):
            yield UnsupportedLayer(
                f"output {name!r}", "is no label: no ArgMax leads to it at the network's end.",
                f"end it in logits or in ArgMax, or {_WITHOUT}.",
            )  # fmt: skip
    for node in source.nodes:
        if node.op_type == "ArgMax" and id(node) in tail:
            for other in _ancestors(source, tail, logits_of(source, node)):
                if other.op_type not in RULES:
                    yield unsupported(
                        other, "lies between the last integers and the ArgMax, where only a "
                        "Softmax right in front of it and a scale, bias or rising function "
                        "provably keep the order of the classes.",
                        f"take it out of the network, or {_WITHOUT}.",
                    )  # fmt: skip


def logits_of(source: NetworkIndex, node: onnx.NodeProto) -> str:
    """Return the tensor that an ArgMax chooses from: its input, or that of the Softmax in front of
    it.
    """
    name: str = _softmaxes(source, node)[-1].input[0]
    return name


def _softmaxes(source: NetworkIndex, node: onnx.NodeProto) -> list[onnx.NodeProto]:
    """Return the node itself and every Softmax right in front of it, backwards."""
    found = [node]
    while (before := source.producer.get(found[-1].input[0])) is not None:
        if before.op_type not in _SOFTMAX:
            break
        found.append(before)
    return found


def lower_label(builder: GraphBuilder, node: onnx.NodeProto) -> Value | None:
    """Append an ArgMax layer and the integers it compares; None where its input was refused.

    Raises:
        UnsupportedLayer: the order of the classes is not provably that of integers.
    """
    logits = logits_of(builder.source, node)
    if logits not in builder.values:
        return None
    if int_attribute(node, "select_last_index", 0):
        raise unsupported(node, "takes the last of equal classes, the hardware the first.",
                          f"export it with select_last_index=0, or {_WITHOUT}.")  # fmt: skip
    value = builder.values[logits]
    # integer_value refuses a raw input and a sum that waits for its quantizer.
    value = value if isinstance(value.source, Tensor) else integer_value(builder, node, value)
    rank = value.order.ndim
    axis = int_attribute(node, "axis", 0) % rank
    for softmax in _softmaxes(builder.source, node)[1:]:
        if int_attribute(softmax, "axis", -1) % rank != axis:
            raise unsupported(softmax, f"is along another axis than the ArgMax's {axis}.",
                              f"take both along the classes, or {_WITHOUT}.")  # fmt: skip
    value = _classes_last(builder, node, value, axis)
    assert isinstance(value.source, Tensor)
    if value.chain.is_affine:
        builder.view(value.source, logits, value, quantized=False)
    compared = comparable(builder, node, value)
    name = layer_name(builder, node)
    label = builder.add(ArgMax(name=name, output=unknown_output(name), input=compared))
    builder.labels[label.name] = LabelView(
        onnx_name=logits,
        order=Ints(value.order),
        unit=float(abs(value.chain.scale).max()),
    )
    keep = bool(int_attribute(node, "keepdims", 1))
    first = np.moveaxis(value.order, axis, -1)[..., 0] // value.channels
    order = np.expand_dims(first, axis) if keep else first
    return Value(label, label.shape, order, Chain.of(1.0))


def _classes_last(builder: GraphBuilder, node: onnx.NodeProto, value: Value, axis: int) -> Value:
    """Return the value with its classes, in order, as the channels of its integers."""
    if value.order.ndim == 2 and axis == 1 and not _are_channels(value, axis):
        value = builder.flat(value)
    if not _are_channels(value, axis):
        raise unsupported(
            node, f"chooses along axis {axis}, which is not the channel axis of its integers "
            f"({list(value.source_shape)}, channels last).",
            f"choose along the channels, or {_WITHOUT}.",
        )  # fmt: skip
    if value.channels == 1:
        raise unsupported(node, "chooses from a single class.",
                          f"give the network an output per class, or {_WITHOUT}.")  # fmt: skip
    return value


def _are_channels(value: Value, axis: int) -> bool:
    rows = np.moveaxis(value.order, axis, -1).reshape(-1, value.order.shape[axis])
    expected = rows[:, :1] + np.arange(value.channels)
    whole = rows.shape[1] == value.channels and bool(np.all(rows[:, 0] % value.channels == 0))
    return whole and np.array_equal(rows, expected)


def _ancestors(source: NetworkIndex, tail: Collection[int], name: str) -> list[onnx.NodeProto]:
    """Return the tail's nodes that a tensor depends on, in the network's order."""
    needed = {name}
    found = []
    for node in reversed(source.nodes):
        if id(node) in tail and needed & set(node.output):
            found.append(node)
            needed.update(node.input)
    return found[::-1]
