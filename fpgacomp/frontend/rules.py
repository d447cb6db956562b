"""Says what may not be left in a canonical network, node by node, with a remedy for each."""

from __future__ import annotations

import math

import numpy as np
import onnx

from fpgacomp.errors import ModelError
from fpgacomp.frontend.host_tail import host_tail
from fpgacomp.frontend.quantizers import MAX_BITS, whole_width
from fpgacomp.frontend.rewrites._weights import weight_quantizer
from fpgacomp.frontend.rewrites.nearest_resize import REPEATS
from fpgacomp.network.editable import FLOAT, EditableGraph, Node
from fpgacomp.network.operators import (
    HOST_ONLY,
    form_remedy,
    is_canonical,
    remedy,
)

# Operators the rewrites handle: where one is left without a problem of its own, the
# problem is that of a node before it, whose output shape is not known.
_REWRITTEN = frozenset(
    (
        *("Gemm", "Flatten", "Squeeze", "Unsqueeze", "Sub", "Div", "Neg", "Sum", "Identity"),
        *("Dropout", "Cast", "Upsample", "Shape", "Gather", "Constant", "ConstantOfShape", "Pad"),
        *("Expand", "Slice", "GlobalMaxPool", "ReduceMean", "ReduceSum", "ReduceMax"),
        *("QuantizeLinear", "DequantizeLinear"),
    )
)

# Where one of these is left, another node is the reason: they are reported only where
# no other problem was found.
_FOLLOWERS = frozenset(
    ("QuantizeLinear", "DequantizeLinear", "Cast", "MatMulInteger", "ConvInteger")
)


# Attribute -> the words that ONNX gives a meaning.
_WORDS = {
    "nearest_mode": ("round_prefer_floor", "round_prefer_ceil", "floor", "ceil"),
    "coordinate_transformation_mode": (
        *("half_pixel", "half_pixel_symmetric", "pytorch_half_pixel", "align_corners"),
        *("asymmetric", "tf_crop_and_resize", "tf_half_pixel_for_nn"),
    ),
    "keep_aspect_ratio_policy": ("stretch", "not_larger", "not_smaller"),
    "auto_pad": ("NOTSET", "SAME_UPPER", "SAME_LOWER", "VALID"),
    "approximate": ("none", "tanh"),
}
# Where the host computes one of these, no form of it is wrong.
_FREE_ON_HOST = frozenset(
    ("Div", "Pow", "PRelu", "Resize", "MaxPool", "AveragePool", "MatMul", "Conv")
)


def _not_carried(graph: EditableGraph, node: Node) -> bool:
    """Return whether no hardware computes a node in this form, whatever it reads."""
    if not is_canonical(node.op, node.domain):
        return True
    return graph.known(node) and node.op in _FREE_ON_HOST and _wrong_form(graph, node) != ""


def check_rules(graph: EditableGraph) -> None:
    """Report every node, input and constant that is outside the canonical form."""
    for name in graph.inputs:
        if graph.info[name].dtype != FLOAT:
            kind = onnx.TensorProto.DataType.Name(graph.info[name].dtype).lower()
            graph.report_input(name, f"is {kind}.", "export the model with a float32 input.")
    tail = host_tail(graph, _not_carried)
    for node in graph.nodes:
        if not (node.op in _FOLLOWERS and not node.domain):
            _check_node(graph, node, on_host=node.name in tail)
    for node in graph.nodes:
        if node.op in _FOLLOWERS and not node.domain and not graph.problems:
            _check_node(graph, node, on_host=False)
    for name in graph.outputs:
        if name in graph.constants or name in graph.inputs:
            graph.report_output(name, "does not depend on any computation.", "remove it.")


def _check_node(graph: EditableGraph, node: Node, *, on_host: bool) -> None:
    if not is_canonical(node.op, node.domain):
        if not on_host:
            _report_operator(graph, node)
        return
    if not graph.known(node):
        return
    _check_values(graph, node)
    damaged = _wrong_sizes(graph, node) or _wrong_word(node)
    if damaged:
        graph.report(node, damaged, "export the model again.", error=ModelError)
        return
    wrong = "" if on_host and node.op in _FREE_ON_HOST else _wrong_form(graph, node)
    if wrong:
        graph.report(node, wrong, form_remedy(node.op))
    elif node.op not in HOST_ONLY and not on_host and _leaves_float(graph, node):
        kind = onnx.TensorProto.DataType.Name(graph.info[node.output].dtype).lower()
        graph.report(node, f"it computes in {kind}.", "convert the model to float32.")


def _leaves_float(graph: EditableGraph, node: Node) -> bool:
    """Return whether this node is the first to compute in another type than float32."""
    before = {graph.info[name].dtype for name in node.inputs[:1] if name not in graph.constants}
    after = {graph.info[name].dtype for name in node.outputs if name}
    return bool(after - {FLOAT} - before)


def _report_operator(graph: EditableGraph, node: Node) -> None:
    if node.origin in graph.problems:
        return
    if node.op in _REWRITTEN and not node.domain and not graph.known(node):
        return
    domain = f"{node.domain}." if node.domain else ""
    why = f"operator {domain}{node.op} is not supported."
    match node.op:
        case "Pad":
            why = "it pads with something else than zeros around the positions."
        case "ReduceMean" | "ReduceSum" | "ReduceMax":
            why = "it reduces other axes than all spatial ones."
        case "Gather" | "Slice":
            why = (
                "it picks a part of a tensor computed from the input in another way than constant "
                "places of one axis."
            )
    fix = remedy(node.op, node.domain)
    graph.report(node, why, fix)


def _wrong_form(graph: EditableGraph, node: Node) -> str:
    """Return why a supported operator is not carried in this form, "" where it is."""
    match node.op:
        case "Quant" | "BipolarQuant":
            return _wrong_quantizer(graph, node)
        case "Trunc" | "MultiThreshold" | "BatchNormalization" | "PRelu" | "Clip" | "Pow" | "Div":
            if any(name and name not in graph.constants for name in node.inputs[1:]):
                return "one of its parameters is computed from the input."
        case "MatMul" | "Conv":
            return _wrong_product(graph, node)
        case "MaxPool" | "AveragePool":
            return _wrong_pool(node)
        case "Reshape":
            return _wrong_reshape(graph, node)
        case "Resize" if node.attributes != REPEATS or node.inputs[1]:
            return "it does not repeat every pixel a whole number of times."
    return ""


def _wrong_reshape(graph: EditableGraph, node: Node) -> str:
    target = graph.constant(node.inputs[1])
    if target is None:
        return "its target shape is computed from the input."
    if target.size and target.flat[0] != 1:
        return f"its target {target.tolist()} does not keep axis 0 as the batch of 1."
    return ""


def _wrong_quantizer(graph: EditableGraph, node: Node) -> str:
    before, after = graph.shape(node.inputs[0]), graph.shape(node.output)
    if before != after:
        return f"its parameters make the shape {list(after)} of its input {list(before)}."
    values = [graph.constant(name) for name in node.inputs[1:]]
    if any(value is None for value in values):
        return "its scale, zero point or bit width is computed from the input."
    scale, *others = (np.asarray(value) for value in values)
    if np.any(~np.isfinite(scale)) or np.any(scale <= 0):
        return f"its scale {scale.min()} is not a positive number."
    if node.op == "BipolarQuant":
        return ""
    zero_point, bits = others
    if np.any(~np.isfinite(zero_point)):
        return f"its zero point {zero_point.flat[0]} is not a number."
    if whole_width(bits) is None:
        told = f"{bits.min()} (to {bits.max()})" if bits.size else "is empty and"
        return f"its bit width {told} is not one whole number from 1 to {MAX_BITS}."
    return ""


def _wrong_product(graph: EditableGraph, node: Node) -> str:
    weight = node.inputs[1]
    left = node.inputs[0] if node.op == "MatMul" else weight
    if not any(
        name in graph.constants or weight_quantizer(graph, name) is not None
        for name in (weight, left)
    ):
        return "its weight is computed from the input."
    rank = len(graph.shape(weight))
    if node.op == "Conv" and rank not in (3, 4):
        return f"it is a {rank - 2}-D convolution."
    return ""


def _wrong_pool(node: Node) -> str:
    if node.attributes.get("ceil_mode", 0):
        return "ceil_mode with counted padding averages over windows that hang over."
    if any(step != 1 for step in node.attributes.get("dilations", ())):
        return "it is dilated."
    return "its second output is used." if len([n for n in node.outputs if n]) > 1 else ""


def _wrong_word(node: Node) -> str:
    """Return which attribute has a word that means nothing; no checker of ONNX looks."""
    for name, known in _WORDS.items():
        word = node.attributes.get(name)
        if isinstance(word, str) and word not in known:
            return f"its {name} {word[:40]} is none of {', '.join(known)}."
    return ""


def _wrong_sizes(graph: EditableGraph, node: Node) -> str:
    """Return which parameters do not go with the input, what ONNX's own inference lets pass."""
    shape = graph.shape(node.inputs[0])
    sizes = [graph.shape(name) for name in node.inputs[1:] if name]
    match node.op:
        case "Conv":
            weight, group = sizes[0], node.attributes["group"]
            ranks = len(weight) == len(shape) > 2 and group > 0
            if not ranks or weight[1] * group != shape[1] or weight[0] % group:
                return f"its weight {list(weight)} in {group} groups does not fit {list(shape)}."
        case "MatMul":
            rows = sizes[0][-2] if len(sizes[0]) > 1 else math.prod(sizes[0])
            if not shape or shape[-1] != rows:
                return f"its weight {list(sizes[0])} does not fit {list(shape)}."
        case "MaxPool" | "AveragePool":  # nothing that runs ONNX takes these either
            kernel, pads = node.attributes["kernel_shape"], node.attributes.get("pads", ())
            if any(pad >= size for pad, size in zip(pads, (*kernel, *kernel))):
                return f"its padding {list(pads)} reaches past its window {list(kernel)}."
        case "BatchNormalization":
            channels = shape[1] if len(shape) > 1 else 0
            if any(size != (channels,) for size in sizes):
                return f"its parameters {sizes} do not fit {channels} channels."
        case "PRelu":
            if len(sizes[0]) > len(shape) or not _broadcasts(sizes[0], shape):
                return f"its slope {list(sizes[0])} does not fit {list(shape)}."
        case "MultiThreshold":
            layout = str(node.attributes["data_layout"])
            channels = shape[layout.index("C")] if layout.find("C") in range(len(shape)) else 0
            if len(sizes[0]) != 2 or sizes[0][0] not in (1, channels):
                return f"its thresholds {list(sizes[0])} do not fit {list(shape)} ({layout})."
    return ""


def _broadcasts(size: tuple[int, ...], shape: tuple[int, ...]) -> bool:
    return all(a in (1, b) for a, b in zip(size[::-1], shape[::-1]))


def _check_values(graph: EditableGraph, node: Node) -> None:
    """Report NaN in any constant, and infinity except as a limit or a threshold."""
    for name in node.inputs:
        value = graph.constants.get(name)
        if value is None or value.dtype.kind != "f":
            continue
        bad = "NaN" if np.isnan(value).any() else ""
        if node.op not in ("Clip", "MultiThreshold") and np.isinf(value).any():
            bad = bad or "an infinity"
        if bad:
            count = int(np.sum(~np.isfinite(value)))
            why = f"its constant {name} holds {bad} ({count} of {value.size} values)."
            graph.report(node, why, "train or export the model again.")
