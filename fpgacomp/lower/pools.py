"""Lowers max and average pooling over integers of one scale."""

from __future__ import annotations

from dataclasses import replace
from math import lcm, prod

import numpy as np
import onnx

from fpgacomp.errors import UnsupportedLayer
from fpgacomp.ir.infer import unknown_output, window_counts
from fpgacomp.ir.layers import MaxPool, Requantize, SumPool, Tensor
from fpgacomp.ir.types import FloatArray, Ints
from fpgacomp.lower.builder import GraphBuilder, unsupported
from fpgacomp.lower.fixed_point_curve import curve_in_fixed_point
from fpgacomp.lower.products import integer_value, spatial_value, window_attributes
from fpgacomp.lower.scalar import Chain
from fpgacomp.lower.value import RawInput, Sum, Value, channels_last_order
from fpgacomp.network.attributes import int_attribute, ints_attribute


def lower_max_pool(builder: GraphBuilder, node: onnx.NodeProto, value: Value, name: str) -> Value:
    """Append a MaxPool: the maximum of reals is the maximum of integers where the chain rises."""
    if isinstance(value.source, RawInput | Sum):
        value = integer_value(builder, node, value)
    direction = value.chain.direction()
    if direction is None:
        value = integer_value(builder, node, value)
        direction = value.chain.direction()
    assert direction is not None
    if np.any(direction < 0):
        value = _turned_up(builder, value, direction)
    value = spatial_value(builder, node, value)
    assert isinstance(value.source, Tensor)
    kernel = ints_attribute(node, "kernel_shape", ())
    strides, dilations, pads = window_attributes(node, kernel)
    if any(d != 1 for d in dilations):
        raise unsupported(node, f"pools with dilations {dilations}.", "use dilation 1.")
    tensor = builder.add(
        MaxPool(name=name, output=unknown_output(name), input=value.source,
                kernel=kernel, strides=strides, pads=pads)
    )  # fmt: skip
    return Value(tensor, tensor.shape, channels_last_order(tensor.shape), value.chain)


def _turned_up(builder: GraphBuilder, value: Value, direction: FloatArray) -> Value:
    """Return integers of falling channels negated, so that larger integers are larger reals."""
    assert isinstance(value.source, Tensor)
    sign = np.where(direction < 0, -1, 1)
    bound = value.source.type.magnitude
    name = f"{value.source.name}_turned"
    tensor = builder.add(
        Requantize(name=name, output=unknown_output(name), input=value.source,
                   multiplier=Ints(sign), offset=Ints([0]), shift=0, lo=-bound, hi=bound)
    )  # fmt: skip
    affine = replace(value.chain.affine, scale=type(value.chain.affine.scale)(
        value.chain.scale * sign))  # fmt: skip
    return replace(value, source=tensor, chain=replace(value.chain, affine=affine))


def lower_average_pool(
    builder: GraphBuilder, node: onnx.NodeProto, value: Value, name: str
) -> Value:
    """Append a SumPool whose divisor goes into the scale (per position into
    integer multipliers).

    A function that nothing has quantized is averaged as a fine table, where a quantizer follows.
    """
    try:
        integers = integer_value(builder, node, value)
    except UnsupportedLayer:
        curve = curve_in_fixed_point(builder, node, value, prod(_pool_kernel(node, value)))
        if curve is None:
            raise
        assert isinstance(curve.source, Sum)
        mean = _sum_pool(builder, node, curve.source.terms[0], name)
        waiting = Sum((mean,), curve.source.error)
        return Value(waiting, mean.source_shape, mean.order, Chain.of(1.0))
    return _sum_pool(builder, node, integers, name)


def _pool_kernel(node: onnx.NodeProto, value: Value) -> tuple[int, ...]:
    if node.op_type == "GlobalAveragePool":
        return value.order.shape[2:]
    return ints_attribute(node, "kernel_shape", ())


def _sum_pool(builder: GraphBuilder, node: onnx.NodeProto, value: Value, name: str) -> Value:
    value = spatial_value(builder, node, value)
    assert isinstance(value.source, Tensor)
    whole = node.op_type == "GlobalAveragePool"
    kernel = _pool_kernel(node, value)
    rank = len(kernel)
    strides, dilations, pads = window_attributes(node, kernel)
    if whole:
        strides, pads = (1,) * rank, ((0, 0),) * rank
    if any(d != 1 for d in dilations):
        raise unsupported(node, f"pools with dilations {dilations}.", "use dilation 1.")
    has_padding = any(before or after for before, after in pads)
    if has_padding and np.any(value.chain.offset):
        raise unsupported(node, "pads with zeros a tensor whose zero is no integer.",
                          "use an integer zero point in the quantizer before it.")  # fmt: skip
    layer = SumPool(name=name, output=unknown_output(name), input=value.source,
                    kernel=kernel, strides=strides, pads=pads)  # fmt: skip
    divisor = prod(kernel)
    if has_padding and not int_attribute(node, "count_include_pad", 0):
        counts = window_counts(layer)
        divisor = lcm(*(int(c) for c in np.unique(counts)))
        layer = replace(layer, multiplier=Ints(divisor // counts))
    tensor = builder.add(layer)
    chain = Chain.of(value.chain.scale / divisor, value.chain.offset)
    return Value(tensor, tensor.shape, channels_last_order(tensor.shape), chain)
