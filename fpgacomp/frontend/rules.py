"""What may be left in a canonical network, and the remedy for everything that may not."""

from __future__ import annotations

import numpy as np
import onnx

from fpgacomp.errors import ModelError
from fpgacomp.frontend.rewrites._weights import weight_quantizer
from fpgacomp.network.canonical import FPGACOMP_DOMAIN, QONNX_DOMAIN, QUANTIZERS
from fpgacomp.network.editable import FLOAT, EditableGraph, Node

SOFTWARE = frozenset(("Softmax", "LogSoftmax", "ArgMax", "TopK"))
_HARDWARE = frozenset(
    (
        *("MatMul", "Conv", "MaxPool", "AveragePool", "GlobalAveragePool", "Add", "Mul", "Concat"),
        *("Resize", "Reshape", "Transpose", "BatchNormalization", "Relu", "LeakyRelu", "PRelu"),
        *("Clip", "HardSigmoid", "HardSwish", "Sigmoid", "Tanh", "Selu", "Elu"),
    )
)
_ALLOWED = {
    "": _HARDWARE | SOFTWARE,
    QONNX_DOMAIN: frozenset(QUANTIZERS),
    FPGACOMP_DOMAIN: frozenset(("Silu", "Gelu")),
}
# Operators the rewrites handle: where one is left without a problem of its own, the
# problem is that of a node before it, whose output shape is not known.
_REWRITTEN = frozenset(
    (
        *("Gemm", "Flatten", "Squeeze", "Unsqueeze", "Sub", "Div", "Neg", "Sum", "Identity", "Erf"),
        *("Dropout", "Cast", "Upsample", "Shape", "Gather", "Constant", "ConstantOfShape", "Pad"),
        *("Expand", "Slice", "GlobalMaxPool", "ReduceMean", "ReduceSum", "ReduceMax"),
        *("QuantizeLinear", "DequantizeLinear"),
    )
)

# These are left over because of another node, and told only where there is no other.
_FOLLOWERS = frozenset(("QuantizeLinear", "DequantizeLinear", "Cast"))

_GENERAL = "replace it by operators that are supported, or cut it off the network."
_BY_OP = {
    "ConvTranspose": "use Upsample (nearest) followed by a Conv.",
    "LSTM": "recurrent networks are not carried; use 1-D convolutions.",
    "GRU": "recurrent networks are not carried; use 1-D convolutions.",
    "RNN": "recurrent networks are not carried; use 1-D convolutions.",
    "If": "export with the branch resolved: no control flow may depend on the input.",
    "Loop": "unroll it before the export.",
    "Scan": "unroll it before the export.",
    "LayerNormalization": "use BatchNormalization, whose statistics are constants.",
    "InstanceNormalization": "use BatchNormalization, whose statistics are constants.",
    "GroupNormalization": "use BatchNormalization, whose statistics are constants.",
    "LRN": "use BatchNormalization, whose statistics are constants.",
    "Exp": "use Sigmoid, Tanh or another supported activation function.",
    "Softplus": "use Relu, Silu or another supported activation function.",
    "Mish": "use Silu or HardSwish.",
    "Div": "divide by a constant.",
    "Pow": "write a square out as a quantized lookup, or use a supported activation function.",
    "Resize": "use mode nearest with whole-number factors on the spatial axes.",
    "Pad": "pad with the constant 0 directly in front of a Conv or pool.",
    "Cast": "keep every tensor float32.",
    "FloatQuant": "quantize to integers.",
}
_BY_DOMAIN = {
    "finn": "give the network as it was before FINN's transformations.",
    "qonnx": "give the network as it was exported, before any transformation of it.",
    "com.microsoft": "export without ONNX Runtime's graph optimizations.",
    "ai.onnx.ml": "only neural networks are carried.",
}
_QOPERATOR = ("QLinear", "ConvInteger", "MatMulInteger", "DynamicQuantizeLinear", "QGemm")
_QDQ_FIX = "quantize statically with quant_format=QDQ, which keeps the operators float."


def check_rules(graph: EditableGraph) -> None:
    """Report every node, input and constant that is outside the canonical form."""
    for name in graph.inputs:
        if graph.info[name].dtype != FLOAT:
            kind = onnx.TensorProto.DataType.Name(graph.info[name].dtype).lower()
            graph.report_input(name, f"is {kind}.", "export the model with a float32 input.")
    for node in graph.nodes:
        if not (node.op in _FOLLOWERS and not node.domain):
            _check_node(graph, node)
    for node in graph.nodes:
        if node.op in _FOLLOWERS and not node.domain and not graph.problems:
            _check_node(graph, node)
    for name in graph.outputs:
        if name in graph.constants or name in graph.inputs:
            graph.report_output(name, "does not depend on any computation.", "remove it.")


def remedy(op: str, domain: str = "") -> str:
    """What the user can do about an operator that is not carried."""
    if op.startswith(_QOPERATOR):
        return _QDQ_FIX
    return next((fix for start, fix in _BY_DOMAIN.items() if domain.startswith(start)), "") or (
        _BY_OP.get(op, _GENERAL)
    )


def _check_node(graph: EditableGraph, node: Node) -> None:
    if node.op not in _ALLOWED.get(node.domain, ()):
        _report_operator(graph, node)
        return
    if not graph.known(node):
        return
    _check_values(graph, node)
    sizes = _wrong_sizes(graph, node)
    if sizes:
        graph.report(node, sizes, "export the model again.", error=ModelError)
        return
    wrong = _wrong_form(graph, node)
    if wrong:
        graph.report(node, wrong, _FORM_FIX.get(node.op, remedy(node.op)))
    elif node.op not in SOFTWARE and _leaves_float(graph, node):
        kind = onnx.TensorProto.DataType.Name(graph.info[node.output].dtype).lower()
        graph.report(node, f"it computes in {kind}.", "convert the model to float32.")


def _leaves_float(graph: EditableGraph, node: Node) -> bool:
    """Whether this node is the first to compute in another type than float32."""
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
            why = "this Pad cannot become part of a Conv or pool behind it."
        case "ReduceMean" | "ReduceSum" | "ReduceMax":
            why = "it reduces other axes than all spatial ones."
        case "Div":
            why = "it divides by a value computed from the input."
        case "Gather" | "Slice":
            why = "it picks a part of a tensor computed from the input."
    graph.report(node, why, remedy(node.op, node.domain))


_FORM_FIX = {
    "MatMul": "products of two activations (attention) are not carried; use a constant weight.",
    "Mul": "multiply by a constant only; a gate of two activations is not carried.",
    "MaxPool": "use a MaxPool without dilation and without the second output.",
    "AveragePool": "use ceil_mode 0 and no dilation.",
    "Conv": "use a 1-D or 2-D Conv with a constant weight.",
    "PRelu": "use a constant slope.",
    "Clip": "use constant limits.",
    "Quant": "give a constant positive scale, one bit width and a whole zero point.",
    "BipolarQuant": "give a constant positive scale.",
    "Trunc": "give constant parameters.",
    "MultiThreshold": "give constant thresholds.",
    "BatchNormalization": "give constant statistics.",
    "Gelu": "use the exact form (approximate = none).",
}


def _wrong_form(graph: EditableGraph, node: Node) -> str:
    """Why a supported operator is not carried in this form, "" where it is."""
    match node.op:
        case "Quant" | "BipolarQuant":
            return _wrong_quantizer(graph, node)
        case "Trunc" | "MultiThreshold" | "BatchNormalization" | "PRelu" | "Clip":
            if any(name and name not in graph.constants for name in node.inputs[1:]):
                return "one of its parameters is computed from the input."
        case "MatMul" | "Conv":
            return _wrong_product(graph, node)
        case "Mul":
            if not any(name in graph.constants for name in node.inputs):
                return "it multiplies two tensors that are both computed from the input."
        case "MaxPool" | "AveragePool":
            return _wrong_pool(node)
        case "Resize" if len(node.attributes) != 3 or node.inputs[1]:
            return "it does not repeat every pixel a whole number of times."
    return ""


def _wrong_quantizer(graph: EditableGraph, node: Node) -> str:
    values = [graph.constant(name) for name in node.inputs[1:]]
    if any(value is None for value in values):
        return "its scale, zero point or bit width is computed from the input."
    scale, *others = (np.asarray(value) for value in values)
    if np.any(~np.isfinite(scale)) or np.any(scale <= 0):
        return f"its scale {scale.min()} is not a positive number."
    if node.op == "BipolarQuant":
        return ""
    zero_point, bits = others
    if np.any(zero_point != np.rint(zero_point)):
        return f"its zero point {zero_point.flat[0]} is not a whole number."
    if bits.min() != bits.max() or bits.flat[0] != int(bits.flat[0]) or not 1 <= bits.min() <= 32:
        return f"its bit width {bits.min()} (to {bits.max()}) is not one whole number from 1 to 32."
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


def _wrong_sizes(graph: EditableGraph, node: Node) -> str:
    """What ONNX's own inference lets pass: parameters that do not go with the input."""
    shape = graph.shape(node.inputs[0])
    sizes = [graph.shape(name) for name in node.inputs[1:] if name]
    match node.op:
        case "Conv":
            weight, group = sizes[0], node.attributes["group"]
            ranks = len(weight) == len(shape) > 2 and group > 0
            if not ranks or weight[1] * group != shape[1] or weight[0] % group:
                return f"its weight {list(weight)} in {group} groups does not fit {list(shape)}."
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
    """No NaN in any constant, no infinity except as a limit or a threshold."""
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
