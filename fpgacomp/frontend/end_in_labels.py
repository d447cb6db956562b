"""Ends a network in labels: puts an ArgMax behind every output that is none yet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import onnx
from onnx import TensorProto, helper

from fpgacomp.errors import FpgacompError, UnsupportedLayer, raise_all
from fpgacomp.network.attributes import decode_attributes, initializers, shape_of
from fpgacomp.network.canonical import Network

_CHOOSING = ("ArgMax", "TopK")
# The axis of the classes by the number of axes: [1, C] and [1, C, H, W].
_CLASS_AXIS = {2: 1, 4: 1}


def end_in_labels(network: Network) -> Network:
    """Return the network, canonical and as read, with ArgMax behind each output of numbers per
    class.

    The new output is called like the old one with `_label` behind it. An output that
    comes from ArgMax or TopK stays as it is, but a TopK of one class whose index alone is
    used becomes an ArgMax.

    Raises:
        UnsupportedLayer, Problems: an output whose classes lie along no certain axis.
    """
    graph = network.model.graph
    wanted = [out for out in graph.output if not _is_chosen(graph, out.name)]
    raise_all([problem for out in wanted for problem in _problems(out)])
    names = [out.name for out in wanted]
    model = _appended(network.model, names)
    _top_one_to_argmax(model)
    return replace(network, model=model, original=_appended(network.original, names))


def _is_chosen(graph: onnx.GraphProto, name: str) -> bool:
    needed = {name}
    for node in reversed(graph.node):
        if needed & set(node.output):
            if node.op_type in _CHOOSING:
                return True
            needed.update(node.input)
    return False


def _problems(output: onnx.ValueInfoProto) -> list[FpgacompError]:
    shape = list(shape_of(output))
    if len(shape) in _CLASS_AXIS:
        return []
    return [UnsupportedLayer(
        f"output {output.name!r}", f"has shape {shape}: --argmax knows the classes of [1, C] and "
        "[1, C, H, W] only.", "end the network in an ArgMax along its classes.",
    )]  # fmt: skip


def _appended(model: onnx.ModelProto, names: Sequence[str]) -> onnx.ModelProto:
    """Return a copy with an ArgMax behind each of these outputs."""
    longer = onnx.ModelProto()
    longer.CopyFrom(model)
    graph = longer.graph
    taken = {name for node in graph.node for name in node.output}
    for index, old in enumerate(list(graph.output)):
        if old.name not in names:
            continue
        shape = list(shape_of(old))
        axis = _CLASS_AXIS[len(shape)]
        label = f"{old.name}_label"
        while label in taken:
            label += "_"
        graph.node.append(
            helper.make_node("ArgMax", [old.name], [label], name=label, axis=axis, keepdims=0)
        )
        kept = [size for at, size in enumerate(shape) if at != axis]
        graph.value_info.append(old)
        graph.output[index].CopyFrom(helper.make_tensor_value_info(label, TensorProto.INT64, kept))
    return longer


def _top_one_to_argmax(model: onnx.ModelProto) -> None:
    """Write a TopK of the one largest, whose values nobody reads, as an ArgMax."""
    graph = model.graph
    constants = initializers(graph)
    read = {name for node in graph.node for name in node.input} | {o.name for o in graph.output}
    for node in graph.node:
        if node.op_type != "TopK" or node.input[1] not in constants or node.output[0] in read:
            continue
        attributes = decode_attributes(node)
        one = int(constants[node.input[1]].item()) == 1
        if one and attributes.get("largest", 1):
            axis = attributes.get("axis", -1)
            argmax = helper.make_node("ArgMax", [node.input[0]], [node.output[1]], name=node.name,
                                      axis=axis, keepdims=1)  # fmt: skip
            node.CopyFrom(argmax)
