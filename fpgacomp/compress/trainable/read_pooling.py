"""Rules for ONNX pooling: MaxPool, AveragePool, the global ones, ReduceMean over space."""

from __future__ import annotations

from typing import Any

from torch import fx, nn

from fpgacomp.compress.trainable.modules import PermuteTensor
from fpgacomp.compress.trainable.read_weights import explicit_pads, pad_in_front
from fpgacomp.compress.trainable.reader import Reader, ints, refuse, same
from fpgacomp.network.editable import Node

_NOT_NEGATIVE = (nn.ReLU, nn.ReLU6, nn.Sigmoid, nn.Softmax)


def window_pool(r: Reader, node: Node) -> None:
    """Read MaxPool and AveragePool over one or two axes."""
    kernel = list(node.attributes["kernel_shape"])
    rank = len(kernel)
    if rank not in (1, 2):
        raise refuse(node, f"it runs over {rank} axes.", "pool over one or two.")
    strides = list(node.attributes.get("strides", [1] * rank))
    dilations = list(node.attributes.get("dilations", [1] * rank))
    if node.op == "AveragePool" and set(dilations) != {1}:
        raise refuse(node, "it averages with gaps.", "use dilation 1.")
    pads = explicit_pads(r, node, kernel, strides, dilations)
    span = [(k - 1) * d + 1 for k, d in zip(kernel, dilations)]
    source, padding, ceil = _padding(r, node, pads, span, strides)
    shared = (same(kernel), same(strides), same(padding))
    module: nn.Module
    if node.op == "MaxPool":
        kind: Any = nn.MaxPool1d if rank == 1 else nn.MaxPool2d
        module = kind(*shared, dilation=same(dilations), ceil_mode=ceil)
    else:
        counted = bool(node.attributes.get("count_include_pad", 0)) or not any(padding)
        mean: Any = nn.AvgPool1d if rank == 1 else nn.AvgPool2d
        module = mean(*shared, ceil_mode=ceil, count_include_pad=counted)
    r.bind(node, r.emit(node, module, source))


def _padding(
    r: Reader, node: Node, pads: list[int], span: list[int], strides: list[int]
) -> tuple[fx.Node, list[int], bool]:
    """Find the layer's input, its padding on both sides, and torch's `ceil_mode`."""
    source, rank = r.values[node.inputs[0]], len(span)
    begin, end = pads[:rank], pads[rank:]
    spatial, result = r.shape(node.inputs[0])[2:], r.shape(node.outputs[0])[2:]
    small = all(2 * p <= k for p, k in zip(begin, span))
    windows = list(zip(spatial, begin, span, strides, result))
    if small and begin == end and all(_windows(*w[:4], up=0) == w[4] for w in windows):
        return source, begin, False
    counted = node.op == "AveragePool" and node.attributes.get("count_include_pad", 0)
    # Torch's ceil_mode leaves what sticks out on the right out of maximum and mean, as ONNX's
    # uneven pads do that are not counted.
    if small and not counted and all(_windows(*w[:4], up=1) == w[4] for w in windows):
        return source, begin, True
    exact = not node.attributes.get("ceil_mode", 0)
    if exact and (counted or (node.op == "MaxPool" and _not_negative(r, source))):
        padded, padding = pad_in_front(r, node, pads)
        if any(padding):
            raise refuse(node, f"its pads {pads} exceed half its window.", "pad less.")
        return padded, padding, False
    raise refuse(
        node,
        f"its pads {pads} differ between the sides.",
        "pad evenly, or put a ReLU before a MaxPool.",
    )


def _windows(size: int, pad: int, span: int, stride: int, *, up: int) -> int:
    """Number of windows in torch, which drops one that would start in the right padding."""
    count = (size + 2 * pad - span + (stride - 1) * up) // stride + 1
    return count - 1 if up and (count - 1) * stride >= size + pad else count


def _not_negative(r: Reader, source: fx.Node) -> bool:
    if source.op != "call_module":
        return False
    module = r.root.get_submodule(str(source.target))
    if isinstance(module, nn.Hardtanh):
        return bool(module.min_val >= 0)
    return isinstance(module, _NOT_NEGATIVE)


def global_pool(r: Reader, node: Node) -> None:
    """Read GlobalAveragePool and GlobalMaxPool."""
    axes = list(range(2, len(r.shape(node.inputs[0]))))
    _over_space(r, node, axes, keep=True, mean=node.op == "GlobalAveragePool")


def reduce(r: Reader, node: Node) -> None:
    """Read ReduceMean and ReduceMax over all rows and columns, wherever the channels are."""
    rank = len(r.shape(node.inputs[0]))
    axes = sorted(axis % rank for axis in ints(r.parameter(node, "axes", 1)))
    if 0 in axes or len(axes) != rank - 2 or len(axes) not in (1, 2):
        raise refuse(node, f"it reduces the axes {axes} of {rank}.", "reduce all rows and columns.")
    keep = bool(node.attributes.get("keepdims", 1))
    _over_space(r, node, axes, keep=keep, mean=node.op == "ReduceMean")


def _over_space(r: Reader, node: Node, axes: list[int], *, keep: bool, mean: bool) -> None:
    shape, value = r.shape(node.inputs[0]), r.values[node.inputs[0]]
    order = [axis for axis in range(len(shape)) if axis not in axes] + axes
    sizes = [shape[axis] for axis in axes]
    if len(sizes) not in (1, 2):
        raise refuse(node, f"it runs over {len(sizes)} axes.", "pool over one or two.")
    moved = order != sorted(order)
    if moved:
        value = r.emit(node, PermuteTensor(order), value, part="channels_first")
    one_axis = len(sizes) == 1
    module: nn.Module
    if mean:
        module = nn.AdaptiveAvgPool1d(1) if one_axis else nn.AdaptiveAvgPool2d(1)
    else:
        module = nn.MaxPool1d(sizes[0]) if one_axis else nn.MaxPool2d(same(sizes))
    value = r.emit(node, module, value)
    if not keep:
        value = r.emit(node, nn.Flatten(), value, part="flatten")
    elif moved:
        back = [order.index(axis) for axis in range(len(shape))]
        value = r.emit(node, PermuteTensor(back), value, part="channels_last")
    r.bind(node, value)
