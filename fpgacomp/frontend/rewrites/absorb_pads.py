"""Rewrite: a Pad with zeros moves into the Conv or pool that reads it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from fpgacomp.frontend.host_tail import host_tail
from fpgacomp.network.editable import EditableGraph, Node
from fpgacomp.network.operators import QONNX_DOMAIN

# Functions with f(0) = 0, behind which zeros may as well be padded.
_ZERO_TO_ZERO = {"Relu", "LeakyRelu", "PRelu", "Tanh", "Selu", "Elu", "HardSwish"}


def absorb_pads(graph: EditableGraph) -> None:
    """Sink each zero Pad through what keeps zero, then add it to the pads of its reader.

    Lowest values in front of a MaxPool are its own padding. Zeros that no reader takes over are
    padded by a Conv of one weight, 1, per channel.
    """
    tail = host_tail(graph)
    for node in graph.find("Pad"):
        if node.name in tail:
            continue
        pads = _constant_pads(graph, node, _is_lowest)
        if pads is not None:
            _absorb_lowest(graph, node, pads)
            continue
        pads = _constant_pads(graph, node, lambda value: value == 0)
        if pads is not None and not _absorb(graph, node, pads):
            _pad_by_conv(graph, node, pads)


def _is_lowest(value: float) -> bool:
    return value <= float(np.finfo(np.float32).min)


def _absorb_lowest(graph: EditableGraph, node: Node, pads: np.ndarray) -> None:
    readers = graph.consumers(node.output)
    pools = all(reader.op == "MaxPool" and not reader.domain for reader in readers)
    if readers and pools and node.output not in graph.outputs and not np.any(pads[:, :2]):
        graph.redirect(node.output, node.inputs[0])
        graph.remove(node)
        for reader in readers:
            _add_pads(reader, pads)


def _pad_by_conv(graph: EditableGraph, node: Node, pads: np.ndarray) -> None:
    rank = len(graph.shape(node.inputs[0])) - 2
    if rank not in (1, 2) or np.any(pads[:, :2]):
        return
    channels = graph.shape(node.inputs[0])[1]
    ones = graph.add_constant(f"{node.name}_ones", np.ones((channels, 1, *[1] * rank), np.float32))
    attributes = {
        "kernel_shape": [1] * rank, "strides": [1] * rank, "dilations": [1] * rank,
        "group": channels, "pads": [int(p) for p in pads[:, 2:].ravel()],
    }  # fmt: skip
    conv = Node(
        "Conv", [node.inputs[0], ones], node.outputs, node.name, "", attributes, node.origin
    )
    graph.replace(node, conv)


def _constant_pads(
    graph: EditableGraph, node: Node, wanted: Callable[[float], bool]
) -> np.ndarray | None:
    """Return [2, rank] pads before and after of a Pad with a wanted constant, else None."""
    rank = len(graph.shape(node.inputs[0]))
    given, value = graph.constant(node.inputs[1]), graph.constant(node.input(2))
    if node.attributes.get("mode", "constant") != "constant" or given is None:
        return None
    if (node.input(2) and value is None) or np.any(given < 0):
        return None
    if not wanted(0.0 if value is None else float(value.min())):
        return None
    axes = graph.constant(node.input(3)) if node.input(3) else np.arange(rank)
    if axes is None:
        return None
    pads = np.zeros((2, rank), np.int64)
    pads[:, axes % rank] = given.reshape(2, -1)
    return pads


def _absorb(graph: EditableGraph, node: Node, pads: np.ndarray) -> bool:
    """Let all readers take the pads over, or none; return whether they did."""
    chains = [_chain(graph, reader, node.output, pads) for reader in graph.consumers(node.output)]
    if node.output in graph.outputs or not chains or any(chain is None for chain in chains):
        return False
    graph.redirect(node.output, node.inputs[0])
    graph.remove(node)
    for chain in chains:
        if chain is not None:
            _take_over(graph, *chain)
    return True


def _take_over(graph: EditableGraph, passed: list[Node], reader: Node, pads: np.ndarray) -> None:
    for step in passed:
        info = graph.info[step.inputs[0]]
        shape = info.shape
        if step.op == "Transpose":
            shape = tuple(shape[axis] for axis in step.attributes["perm"])
        graph.info[step.output] = type(info)(info.dtype, shape)
    _add_pads(reader, pads)
    if reader.op == "AveragePool":
        reader.attributes["count_include_pad"] = 1


def _add_pads(reader: Node, pads: np.ndarray) -> None:
    own = np.asarray(reader.attributes["pads"]).reshape(2, -1)
    reader.attributes["pads"] = [int(p) for p in (own + pads[:, 2:]).ravel()]


def _chain(
    graph: EditableGraph, reader: Node, tensor: str, pads: np.ndarray
) -> tuple[list[Node], Node, np.ndarray] | None:
    """Return the nodes a Pad sinks through, the node that absorbs it, and the pads in its axes."""
    passed: list[Node] = []
    while _keeps_zero(graph, reader):
        if reader.inputs[0] != tensor or reader.inputs.count(tensor) != 1:
            return None
        passed.append(reader)
        if reader.op == "Transpose":
            pads = pads[:, reader.attributes["perm"]]
        tensor = reader.output
        following = graph.only_consumer(tensor)
        if following is None:
            return None
        reader = following
    if reader.domain or not graph.known(reader) or np.any(pads[:, :2]):
        return None
    return (passed, reader, pads) if _absorbs(graph, reader, tensor) else None


def _keeps_zero(graph: EditableGraph, node: Node) -> bool:
    if node.domain == QONNX_DOMAIN:
        return node.op == "Quant" and _quantizes_zero(graph, node)
    if node.domain:
        return False
    if node.op == "Clip":
        lo, hi = graph.constant(node.input(1)), graph.constant(node.input(2))
        return lo is not None and hi is not None and float(lo) <= 0 <= float(hi)
    if node.op == "PRelu":
        slope = graph.constant(node.inputs[1])
        return slope is not None and all(size == 1 for size in slope.shape[-2:])
    return node.op in _ZERO_TO_ZERO or (node.op == "Transpose" and "perm" in node.attributes)


def _quantizes_zero(graph: EditableGraph, node: Node) -> bool:
    """Return whether zero stays zero: an integer zero point inside the range, not bipolar."""
    zero_point, bits = graph.constant(node.inputs[2]), graph.constant(node.inputs[3])
    if zero_point is None or bits is None or bits.size != 1:
        return False
    bipolar = float(bits.min()) == 1 and bool(node.attributes["signed"])
    scale = graph.constant(node.inputs[1])
    spatial = scale is not None and all(size == 1 for size in scale.shape[2:])
    return spatial and not bipolar and not np.any(zero_point)


def _absorbs(graph: EditableGraph, reader: Node, tensor: str) -> bool:
    match reader.op:
        case "Conv":
            return reader.inputs[0] == tensor and reader.inputs.count(tensor) == 1
        case "AveragePool":
            counted = bool(reader.attributes.get("count_include_pad", 0))
            ceil = reader.attributes.get("ceil_mode", 0)
            return not ceil and (counted or not any(reader.attributes["pads"]))
        case "MaxPool":
            return not any(reader.attributes["pads"]) and _never_negative(graph, tensor)
    return False


def _never_negative(graph: EditableGraph, tensor: str) -> bool:
    """Return whether a padded zero cannot win over a real value it should not win over."""
    node = graph.producer(tensor)
    while node is not None and node.op in ("Pad", "Transpose") and not node.domain:
        node = graph.producer(node.inputs[0])
    if node is None:
        return False
    if node.domain == QONNX_DOMAIN and node.op == "Quant":
        return not node.attributes["signed"] and _quantizes_zero(graph, node)
    return node.op in ("Relu", "Sigmoid", "HardSigmoid", "Softmax") and not node.domain
