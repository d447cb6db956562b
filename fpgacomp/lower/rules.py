"""One lowering rule per operator of the canonical network that hardware computes."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import onnx

from fpgacomp.errors import UnsupportedLayer
from fpgacomp.ir.types import FloatArray, Reals
from fpgacomp.lower import pools, products
from fpgacomp.lower.builder import GraphBuilder, IntegerWeights, NetworkIndex, unsupported
from fpgacomp.lower.fixed_point_curve import curve_in_fixed_point
from fpgacomp.lower.gate import joined_functions
from fpgacomp.lower.residual import add_values
from fpgacomp.lower.scalar import Function
from fpgacomp.lower.square_product import lower_square_product
from fpgacomp.lower.value import Sum, Value
from fpgacomp.network.attributes import (
    float_attribute,
    int_attribute,
    ints_attribute,
    text_attribute,
)
from fpgacomp.network.operators import FUNCTIONS

# What layers are called: short names that a schematic has room for.
_STEMS = {
    "MatMul": "dense",
    "Conv": "conv",
    "MaxPool": "maxpool",
    "AveragePool": "avgpool",
    "GlobalAveragePool": "avgpool",
    "Add": "add",
    "Mul": "mul",
    "Concat": "concat",
    "Resize": "upsample",
    "ArgMax": "argmax",
}


def layer_name(builder: GraphBuilder, node: onnx.NodeProto) -> str:
    """Return the next free short name for this operator: conv1, dense2, act3."""
    return builder.numbered(_STEMS.get(node.op_type, "act"))


def _weights_of(builder: GraphBuilder, node: onnx.NodeProto, index: int) -> IntegerWeights:
    """Return a node's weight: quantized, or a constant that is integers times one power of two."""
    name = node.input[index]
    if name in builder.weights:
        return builder.weights[name]
    constant = builder.source.constant(name)
    if constant is None:
        raise unsupported(node, "multiplies two activations.",
                          "attention and gating have no integer form yet.")  # fmt: skip
    found = _as_integers(constant)
    if found is None:
        raise unsupported(
            node,
            f"has weights {name!r} that are not quantized.",
            "quantize them (Quant or BipolarQuant), or give --calibration X.npy.",
        )
    return found


def _as_integers(constant: FloatArray) -> IntegerWeights | None:
    """Return plain weights that are integers of at most 16 bits times one power of
    two, else None.
    """
    largest = float(abs(constant).max(initial=0.0))
    if largest == 0:
        return IntegerWeights(constant.astype(np.int64), np.ones(1))
    for exponent in range(17):
        scaled = constant * 2.0**exponent
        if np.array_equal(scaled, np.round(scaled)):
            if abs(scaled).max() >= 1 << 15:
                return None
            return IntegerWeights(scaled.astype(np.int64), np.array([2.0**-exponent]))
    return None


def _matmul(builder: GraphBuilder, node: onnx.NodeProto, values: list[Value]) -> Value:
    if node.input[0] not in builder.values:
        raise unsupported(node, "has its weight on the left.", "transpose the product.")
    weights = _weights_of(builder, node, 1)
    return products.lower_matmul(builder, node, values[0], weights, layer_name(builder, node))


def _conv(builder: GraphBuilder, node: onnx.NodeProto, values: list[Value]) -> Value:
    if len(node.input) > 2 and node.input[2]:
        raise unsupported(node, "still has a bias.", "report this: it should be an Add.")
    weights = _weights_of(builder, node, 1)
    return products.lower_conv(builder, node, values[0], weights, layer_name(builder, node))


def _constant_of(
    builder: GraphBuilder, node: onnx.NodeProto, value: Value
) -> tuple[Value, FloatArray]:
    """Return the value under the shape where its constant operand is per channel, and that
    constant.
    """
    name = next(name for name in node.input if name not in builder.values)
    constant = builder.source.constant(name)
    if constant is None:
        weights = builder.weights[name]
        constant = weights.integers * weights.scale
    return channelwise(builder, node, value, constant)


def channelwise(
    builder: GraphBuilder, node: onnx.NodeProto, value: Value, constant: FloatArray
) -> tuple[Value, FloatArray]:
    """Return (value, constant [1] or [C]), the value flattened where its constant differs by
    element.
    """
    found = value.per_channel(constant)
    if found is None and value.order.ndim == 2 and not isinstance(value.source, Sum):
        value = builder.flat(value)
        found = value.per_channel(constant)
    if found is None:
        raise unsupported(
            node,
            f"has a constant of shape {constant.shape} that differs from position to position.",
            "use one value per channel.",
        )
    return value, found


def _add(builder: GraphBuilder, node: onnx.NodeProto, values: list[Value]) -> Value:
    if len(values) == 2:
        return _add_two(builder, node, values[0], values[1])
    value, addend = _constant_of(builder, node, values[0])
    return value.plus(addend)


def _add_two(builder: GraphBuilder, node: onnx.NodeProto, a: Value, b: Value) -> Value:
    """Add two integer tensors or sums; else two functions of one tensor; else a curve as a fine
    table.
    """
    addends = [_addend(builder, node, value) for value in (a, b)]
    if any(isinstance(addend, UnsupportedLayer) for addend in addends):
        joint = joined_functions(builder, node, a, b)
        if joint is not None:
            return joint
    terms = []
    for value, addend in zip((a, b), addends):
        if isinstance(addend, UnsupportedLayer):
            curve = curve_in_fixed_point(builder, node, value)
            if curve is None:
                raise addend
            addend = curve
        terms.append(addend)
    name = layer_name(builder, node)
    if not any(isinstance(term.source, Sum) for term in terms):
        a, b = terms
        terms = [products.over_positions(builder, node, a, b, name),
                 products.over_positions(builder, node, b, a, name)]  # fmt: skip
    return add_values(builder, node, terms[0], terms[1], name)


def _addend(builder: GraphBuilder, node: onnx.NodeProto, value: Value) -> Value | UnsupportedLayer:
    """Return integers with a scale, a sum of such that waits for its quantizer, or the problem."""
    if isinstance(value.source, Sum) and value.chain.is_affine:
        return value
    try:
        return products.integer_value(builder, node, value)
    except UnsupportedLayer as problem:
        return problem


def _mul(builder: GraphBuilder, node: onnx.NodeProto, values: list[Value]) -> Value:
    if len(values) == 2:
        a, b = values
        joint = joined_functions(builder, node, a, b)
        if joint is not None:
            return joint
        return lower_square_product(builder, node, a, b, layer_name(builder, node))
    value, factor = _constant_of(builder, node, values[0])
    return value.times(factor)


def _div(builder: GraphBuilder, node: onnx.NodeProto, values: list[Value]) -> Value:
    value, divisor = _constant_of(builder, node, values[0])
    if np.any(divisor == 0):
        raise unsupported(node, "divides by zero.", "train or export the model again.")
    return value.over(divisor)


def _batch_normalization(builder: GraphBuilder, node: onnx.NodeProto, values: list[Value]) -> Value:
    value = values[0]
    parameters = [builder.source.constant(name) for name in node.input[1:5]]
    if any(p is None for p in parameters):
        raise unsupported(node, "has parameters that are not constant.", "export it for inference.")
    trailing = (1,) * (value.order.ndim - 2)
    wide = [p.reshape(-1, *trailing) for p in parameters if p is not None]
    epsilon = float_attribute(node, "epsilon", 1e-5)
    gain = wide[0] / np.sqrt(wide[3] + epsilon)
    value, scale = channelwise(builder, node, value, gain)
    value, offset = channelwise(builder, node, value, wide[1] - wide[2] * gain)
    return value.times(scale).plus(offset)


def _function(builder: GraphBuilder, node: onnx.NodeProto, values: list[Value]) -> Value:
    """Append an activation function to the chain; PRelu's slope and Clip's bounds are inputs."""
    value, op = values[0], node.op_type
    match op:
        case "LeakyRelu":
            parameters = [np.array([float_attribute(node, "alpha", 0.01)])]
        case "Elu" | "Celu" | "ThresholdedRelu":
            parameters = [np.array([float_attribute(node, "alpha", 1.0)])]
        case "HardSigmoid":
            names = (("alpha", 0.2), ("beta", 0.5))
            parameters = [np.array([float_attribute(node, *pair)]) for pair in names]
        case "Selu":
            names = (("alpha", 1.67326319217681884765625), ("gamma", 1.05070102214813232421875))
            parameters = [np.array([float_attribute(node, *pair)]) for pair in names]
        case "PRelu" | "Pow":
            if node.input[0] not in builder.values:
                raise unsupported(node, "raises a constant to a power that is computed.",
                                  "write it as Exp of a product with a constant.")  # fmt: skip
            value, parameter = _constant_of(builder, node, value)
            parameters = [parameter]
        case "Clip":
            parameters = [_bound(builder, node, 1, -np.inf), _bound(builder, node, 2, np.inf)]
        case _:  # all others have no parameters
            parameters = []
    return value.then(Function(op, tuple(Reals(p) for p in parameters)))


def _bound(builder: GraphBuilder, node: onnx.NodeProto, index: int, default: float) -> FloatArray:
    if len(node.input) <= index or not node.input[index]:
        return np.array([default])
    constant = builder.source.constant(node.input[index])
    if constant is None or constant.size != 1:
        raise unsupported(node, "has bounds that are not constant numbers.", "use constant bounds.")
    return constant.reshape(1)


def _reshape(builder: GraphBuilder, node: onnx.NodeProto, values: list[Value]) -> Value:
    shape = builder.source.constant(node.input[1])
    if shape is None:
        raise unsupported(node, "has a shape that is not constant.", "export with static shapes.")
    old = values[0].order.shape
    target = [int(s) if s else old[i] for i, s in enumerate(shape)]
    return values[0].arranged(values[0].order.reshape(target))


def _transpose(builder: GraphBuilder, node: onnx.NodeProto, values: list[Value]) -> Value:
    order = values[0].order
    perm = ints_attribute(node, "perm", tuple(reversed(range(order.ndim))))
    if perm[0] != 0:
        raise unsupported(node, f"moves the batch axis (perm {perm}).", "keep axis 0 first.")
    return values[0].arranged(order.transpose(perm))


def _resize(builder: GraphBuilder, node: onnx.NodeProto, values: list[Value]) -> Value:
    constants = [builder.source.constant(name) for name in node.input[1:] if name]
    given = [c for c in constants if c is not None and c.size == values[0].order.ndim]
    if not given:
        raise unsupported(node, "has scales that are not constant.", "use constant scales.")
    is_sizes = len(node.input) > 3 and node.input[3]
    scales = given[-1] / values[0].order.shape if is_sizes else given[-1]
    factors = tuple(int(s) for s in scales[2:])
    if not np.array_equal(scales, [1, 1, *factors]):
        raise unsupported(node, f"resizes by {scales.tolist()}.", "use integer factors.")
    return products.lower_upsample(builder, node, values[0], factors, layer_name(builder, node))


def _concat(builder: GraphBuilder, node: onnx.NodeProto, values: list[Value]) -> Value:
    if len(values) != len(node.input):
        raise unsupported(node, "joins a constant to activations.", "drop the constant.")
    axis = int_attribute(node, "axis", 1)
    return products.lower_concat(builder, node, values, axis, layer_name(builder, node))


def _max_pool(builder: GraphBuilder, node: onnx.NodeProto, values: list[Value]) -> Value:
    return pools.lower_max_pool(builder, node, values[0], layer_name(builder, node))


def _average_pool(builder: GraphBuilder, node: onnx.NodeProto, values: list[Value]) -> Value:
    return pools.lower_average_pool(builder, node, values[0], layer_name(builder, node))


LoweringRule = Callable[[GraphBuilder, onnx.NodeProto, list[Value]], Value]
RULES: dict[str, LoweringRule] = {
    "MatMul": _matmul,
    "Conv": _conv,
    "Add": _add,
    "Mul": _mul,
    "Div": _div,
    "BatchNormalization": _batch_normalization,
    "MaxPool": _max_pool,
    "AveragePool": _average_pool,
    "GlobalAveragePool": _average_pool,
    "Concat": _concat,
    "Reshape": _reshape,
    "Transpose": _transpose,
    "Resize": _resize,
    **dict.fromkeys(FUNCTIONS, _function),
}


def is_host_form(source: NetworkIndex, node: onnx.NodeProto) -> bool:
    """Return whether a node is of an operator that hardware computes, in a form that only the
    host does (the front end lets it pass where nothing behind it needs hardware).
    """
    match node.op_type:
        case "MatMul" | "Conv":
            weight = node.input[1]
            producer = source.producer.get(weight)
            is_constant = producer is None or all(n in source.initializers for n in producer.input)
            return not is_constant or weight in source.inputs
        case "Resize":
            nearest = text_attribute(node, "mode", "nearest") == "nearest"
            style = text_attribute(node, "coordinate_transformation_mode", "half_pixel")
            return not nearest or style != "asymmetric"
        case "Div" | "Pow" | "PRelu":
            return node.input[1] not in source.initializers
        case "MaxPool" | "AveragePool":
            dilations = ints_attribute(node, "dilations", ())
            return any(step != 1 for step in dilations) or bool(int_attribute(node, "ceil_mode", 0))
    return False
