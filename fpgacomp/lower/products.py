"""Lowers MatMul, Conv and pooling: sums over integers of one scale."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import onnx

from fpgacomp.ir.infer import unknown_output
from fpgacomp.ir.layers import Concat, Conv, Dense, Tensor, Upsample
from fpgacomp.ir.types import FloatArray, IntArray, Ints, Reals
from fpgacomp.lower.activate import activate, exact_integers
from fpgacomp.lower.builder import GraphBuilder, IntegerWeights, unsupported
from fpgacomp.lower.scalar import Chain
from fpgacomp.lower.value import RawInput, Sum, Value, channels_last_order
from fpgacomp.network.attributes import int_attribute, ints_attribute

MAX_FOLDED_RATIO = 1 << 8  # largest factor folded into a weight to bring channels to one scale

Pads = tuple[tuple[int, int], ...]


def integer_value(builder: GraphBuilder, node: onnx.NodeProto, value: Value) -> Value:
    """Return the value as an integer tensor with a plain scale and offset.

    Raises:
        UnsupportedLayer: nothing has quantized it.
    """
    if isinstance(value.source, RawInput):
        raise unsupported(
            node,
            f"reads the network input {value.source.name!r}, which is not quantized.",
            "give its type with --input-bits 8 (or --input-bits 16:6 for 6 integer bits), "
            "or data with --calibration X.npy.",
        )
    if isinstance(value.source, Sum):
        raise unsupported(
            node,
            "reads a sum of different scales, or a curve, that no quantizer follows.",
            "quantize it first, or use one scale on all sides of the sum.",
        )
    if value.chain.is_affine:
        return value
    exact = exact_integers(value.chain, *builder.range_of(value.source))
    if exact is None:
        functions = ", ".join(type(s).__name__ if not hasattr(s, "op") else s.op
                              for s in value.chain.steps)  # fmt: skip
        raise unsupported(
            node,
            f"reads a tensor that is not quantized (after {functions}).",
            "quantize every activation, or give --calibration X.npy to have it done.",
        )
    return activate(builder, node, value, exact, f"{value.source.name}_exact")


def lower_matmul(
    builder: GraphBuilder, node: onnx.NodeProto, value: Value, weights: IntegerWeights, name: str
) -> Value:
    """Append the Dense of [1, ..., K] @ [K, O], over the last axis."""
    if weights.integers.ndim != 2:
        raise unsupported(node, f"multiplies by a weight of shape {weights.integers.shape}.",
                          "use a two-dimensional weight.")  # fmt: skip
    value = integer_value(builder, node, value)
    if value.order.ndim == 2:
        value = builder.flat(value)
    elif value.order.ndim == 3 and (
        len(value.source_shape) == 1 or value.channels != value.order.shape[-1]
    ):
        value = _as_positions(builder, value)
    assert isinstance(value.source, Tensor)
    rows = value.order.reshape(-1, value.order.shape[-1])
    pixel, place = np.divmod(rows, value.channels)
    same_pixel = np.all(pixel == pixel[:, :1]) and np.all(place == place[:1])
    if value.channels != rows.shape[1] or not same_pixel:
        raise unsupported(
            node,
            "multiplies along an axis that is not the channels.",
            "mix positions with Conv1D over them, or with Flatten and Dense: hardware that "
            "moves elements is not built yet.",
        )
    integers = np.empty_like(weights.integers)
    scale = np.empty_like(weights.scale)
    integers[place[0]], scale[place[0]] = weights.integers, weights.scale
    out_features = integers.shape[1]
    columns = _columns(builder, node, out_features)
    back = np.argsort(columns)
    integers, scale = integers[:, back], scale[:, back]
    matrix, out_scale = _one_scale(node, value, integers, scale)
    offset = _offset_through(value, integers * scale)
    tensor = builder.add(
        Dense(name=name, output=unknown_output(name), input=value.source, weight=Ints(matrix))
    )
    order = pixel[:, :1] * out_features + columns
    order = order.reshape(*value.order.shape[:-1], out_features)
    return Value(tensor, tensor.shape, order, Chain.of(out_scale, offset))


def _columns(builder: GraphBuilder, node: onnx.NodeProto, count: int) -> IntArray:
    """Return where each output of a product goes: in the order of what it will be added to.

    Behind a Flatten of an image the integers lie channels last, the network's elements
    channels first; a residual sum needs both of its sides in one order, and that of a
    product's columns is free.
    """
    reader, name = node, node.output[0]
    while len(found := builder.source.consumers.get(name, [])) == 1:
        reader, name = found[0], found[0].output[0]
        if reader.op_type in ("Reshape", "Transpose", "MatMul", "Conv", "Concat"):
            break
        others = [builder.values.get(i) for i in reader.input]
        for other in others if reader.op_type == "Add" else []:
            if other is not None and other.order.shape == (1, count):
                order: IntArray = other.order[0]
                return order
    return np.arange(count)


def _as_positions(builder: GraphBuilder, value: Value) -> Value:
    """Return a source in the network's order as [positions, channels] of its [1, T, K] tensor."""
    shape = value.order.shape[1:]
    if not np.array_equal(value.order.ravel(), np.arange(value.order.size)):
        return value
    assert isinstance(value.source, Tensor)
    if value.chain.scale.size > 1 or value.chain.offset.size > 1:
        return value
    return replace(value, source=builder.reshaped(value.source, shape), source_shape=shape)


def _one_scale(
    node: onnx.NodeProto, value: Value, integers: IntArray, scale: FloatArray
) -> tuple[IntArray, FloatArray]:
    """Return weights [K, O] whose rows all count in one scale per output: (integers, scale [O]).

    Input channels of different scales, and weight scales that differ along the
    contracted axis, are exact where their ratios are small integers.
    """
    real = np.broadcast_to(value.chain.scale, (len(integers),))[:, None] * scale
    if np.all(real == real[:1]):
        return integers, _shared(real[0])
    base = real.min(axis=0)
    factors = np.ones_like(integers)
    for k, o in np.ndindex(*real.shape):
        ratio = Fraction(float(real[k, o])) / Fraction(float(base[o]))
        if ratio.denominator != 1 or ratio.numerator > MAX_FOLDED_RATIO:
            raise unsupported(
                node,
                "sums channels whose scales have no integer ratio "
                f"({real[k, o]:.6g} and {base[o]:.6g}).",
                "quantize its input with one scale per tensor, or scales that are powers of two.",
            )
        factors[k, o] = ratio.numerator
    return integers * factors, _shared(base)


def _shared(scale: FloatArray) -> FloatArray:
    return scale[:1] if np.all(scale == scale[0]) else scale


def _offset_through(value: Value, real_weights: FloatArray) -> FloatArray:
    """Return what an input offset adds to each output: sum_k offset[k] * weight[k, o]."""
    if not np.any(value.chain.offset):
        return np.zeros(1)
    offset = np.broadcast_to(value.chain.offset, (len(real_weights),))
    return offset @ real_weights


def spatial_value(builder: GraphBuilder, node: onnx.NodeProto, value: Value) -> Value:
    """Return the value with a channels-last source of the network tensor's own spatial shape."""
    wanted = value.spatial_order
    if wanted is None or value.order.ndim not in (3, 4):
        raise unsupported(node, f"works on a tensor of shape {value.order.shape}.",
                          "use [1, C, T] or [1, C, H, W].")  # fmt: skip
    _, channels, *spatial = value.order.shape
    shape = (*spatial, channels)
    if not np.array_equal(value.order, wanted):
        value = _channels_in_order(builder, value)
    if not np.array_equal(value.order, wanted):
        raise unsupported(
            node,
            "works on a tensor whose elements would have to be moved first.",
            "keep one layout up to this layer: a Reshape or a Concat of columns mixes it here.",
        )
    if value.source_shape == shape:
        return value
    if value.chain.scale.size > 1 or value.chain.offset.size > 1:
        raise unsupported(node, "reshapes a tensor with a scale per element.",
                          "use one scale per tensor.")  # fmt: skip
    assert isinstance(value.source, Tensor)
    return replace(value, source=builder.reshaped(value.source, shape), source_shape=shape)


def _channels_in_order(builder: GraphBuilder, value: Value) -> Value:
    """Return the value with its channels where the network has them, if only they are mixed.

    As behind the Reshape, Transpose and Reshape of a channel shuffle: a Conv of size 1 whose
    weights are 0 and 1 puts them in order.
    """
    _, channels, *spatial = value.order.shape
    first = (value.order % value.channels).reshape(channels, -1)[:, 0]
    in_order = channels_last_order((*spatial, channels))
    mixed = in_order // channels * channels + first.reshape(1, channels, *[1] * len(spatial))
    if value.channels != channels or not np.array_equal(value.order, mixed):
        return value
    shape = (*spatial, channels)
    if value.source_shape != shape or not isinstance(value.source, Tensor):
        return value
    weight = np.zeros((*[1] * len(spatial), channels, channels), np.int64)
    weight[..., first, np.arange(channels)] = 1
    name = f"{value.source.name}_mixed"
    ones = (1,) * len(spatial)
    tensor = builder.add(
        Conv(name=name, output=unknown_output(name), input=value.source, weight=Ints(weight),
             strides=ones, dilations=ones, pads=((0, 0),) * len(spatial))
    )  # fmt: skip
    chain = value.chain.with_parameters(
        lambda values: values if values.shape == (1,) else Reals(values.array[first])
    )
    return Value(tensor, tensor.shape, in_order, chain)


def window_attributes(
    node: onnx.NodeProto, kernel: tuple[int, ...]
) -> tuple[tuple[int, ...], tuple[int, ...], Pads]:
    """Return (strides, dilations, pads) of a Conv or pool in canonical form."""
    rank = len(kernel)
    flat = ints_attribute(node, "pads", (0,) * (2 * rank))
    pads = tuple(zip(flat[:rank], flat[rank:]))
    strides = ints_attribute(node, "strides", (1,) * rank)
    return strides, ints_attribute(node, "dilations", (1,) * rank), pads


def lower_conv(
    builder: GraphBuilder, node: onnx.NodeProto, value: Value, weights: IntegerWeights, name: str
) -> Value:
    """Append the Conv of weights [O, C/g, *k] on [1, C, *S]."""
    value = spatial_value(builder, node, integer_value(builder, node, value))
    assert isinstance(value.source, Tensor)
    filters, _, *kernel = weights.integers.shape
    strides, dilations, pads = window_attributes(node, tuple(kernel))
    group = int_attribute(node, "group", 1)
    has_padding = any(before or after for before, after in pads)
    if has_padding and np.any(value.chain.offset):
        raise unsupported(
            node,
            "pads with zeros a tensor whose zero is no integer.",
            "use an integer zero point in the quantizer before it.",
        )
    # Each group reads input channels of its own; weights are [k..., C/g, O], channels last.
    integers = np.moveaxis(weights.integers, (0, 1), (-1, -2))
    scale = np.moveaxis(weights.scale, (0, 1), (-1, -2))
    real_in = _group_inputs(value.chain.scale, value.channels, group, filters)
    offsets = _group_inputs(value.chain.offset, value.channels, group, filters)
    matrix, out_scale = _one_conv_scale(node, integers, scale * real_in)
    offset = (integers * scale * offsets).reshape(-1, filters).sum(axis=0)
    tensor = builder.add(
        Conv(
            name=name, output=unknown_output(name), input=value.source, weight=Ints(matrix),
            strides=strides, dilations=dilations, pads=pads, groups=group,
        )
    )  # fmt: skip
    return Value(tensor, tensor.shape, channels_last_order(tensor.shape),
                 Chain.of(out_scale, _shared(offset)))  # fmt: skip


def _group_inputs(values: FloatArray, channels: int, group: int, filters: int) -> FloatArray:
    """Return [C/g, O]: the value of the input channel that each weight [.., c, o] reads."""
    per_channel = np.broadcast_to(values, (channels,)).reshape(group, channels // group)
    return np.repeat(per_channel, filters // group, axis=0).T


def _one_conv_scale(
    node: onnx.NodeProto, integers: IntArray, real: FloatArray
) -> tuple[IntArray, FloatArray]:
    """Return what `_one_scale` does, for weights [*k, C/g, O] and the scale of each product."""
    filters = integers.shape[-1]
    flat = real.reshape(-1, filters)
    if np.all(flat == flat[:1]):
        return integers, _shared(flat[0])
    identity = Value(RawInput(""), (len(flat),), np.zeros((1, 1), dtype=np.int64), Chain.of(1.0))
    matrix, scale = _one_scale(node, identity, integers.reshape(-1, filters), flat)
    return matrix.reshape(integers.shape), scale


def lower_upsample(
    builder: GraphBuilder, node: onnx.NodeProto, value: Value, factors: tuple[int, ...], name: str
) -> Value:
    """Append an Upsample (nearest neighbour); functions of single elements pass through."""
    if isinstance(value.source, RawInput | Sum):
        value = integer_value(builder, node, value)
    value = spatial_value(builder, node, value)
    assert isinstance(value.source, Tensor)
    tensor = builder.add(
        Upsample(name=name, output=unknown_output(name), input=value.source, factors=factors)
    )
    return Value(tensor, tensor.shape, channels_last_order(tensor.shape), value.chain)


def over_positions(
    builder: GraphBuilder, node: onnx.NodeProto, value: Value, other: Value, name: str
) -> Value:
    """Return [1, C, 1, 1] repeated over the positions of the other operand, else the value."""
    mine, theirs = value.order.shape, other.order.shape
    whole = len(mine) == len(theirs) > 2 and mine[:2] == theirs[:2]
    if mine == theirs or not whole or any(size != 1 for size in mine[2:]):
        return value
    return lower_upsample(builder, node, value, theirs[2:], f"{name}_spread")


def lower_concat(
    builder: GraphBuilder, node: onnx.NodeProto, parts: list[Value], axis: int, name: str
) -> Value:
    """Append a Concat; each part keeps its scale, now one per channel.

    Along channels the positions stay as they are. Along any other axis the parts are joined as
    vectors: where each element lies is known, and the next layer sees the shape that it needs.
    """
    values = [integer_value(builder, node, part) for part in parts]
    axis %= values[0].order.ndim
    if axis == 0:
        raise unsupported(node, "joins along axis 0, which is the batch.",
                          "concatenate along an axis behind the batch.")  # fmt: skip
    along_channels = all(_channel_axis(value) == axis for value in values)
    if not along_channels or len({value.source_shape[:-1] for value in values}) > 1:
        values = [builder.flat(value) for value in values]
    tensors = tuple(value.source for value in values if isinstance(value.source, Tensor))
    tensor = builder.add(Concat(name=name, output=unknown_output(name), parts=tensors))
    channels = [value.channels for value in values]
    scale = _joined([value.chain.scale for value in values], channels)
    offset = _joined([value.chain.offset for value in values], channels)
    chain = Chain.of(_shared(scale), _shared(offset))
    return Value(tensor, tensor.shape, _join(values, axis), chain)


def _channel_axis(value: Value) -> int | None:
    """Return the axis of the network's tensor along which the source's channels lie, if any."""
    pixel = value.order // value.channels
    for axis, size in enumerate(value.order.shape[1:], start=1):
        if size == value.channels and np.array_equal(pixel, np.roll(pixel, 1, axis)):
            return axis
    return None


def _join(values: list[Value], axis: int) -> IntArray:
    """Return where each element of the network's tensor lies behind a Concat of channels."""
    channels = [value.channels for value in values]
    orders = []
    for index, value in enumerate(values):
        pixel, place = np.divmod(value.order, value.channels)
        orders.append(pixel * sum(channels) + sum(channels[:index]) + place)
    joined: IntArray = np.concatenate(orders, axis=axis)
    return joined


def _joined(parts: list[FloatArray], channels: list[int]) -> FloatArray:
    return np.concatenate([np.broadcast_to(part, (n,)) for part, n in zip(parts, channels)])
