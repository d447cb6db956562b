"""Rules for ONNX operators with weights: Conv, Gemm, MatMul, BatchNormalization."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import fx, nn

from fpgacomp.compress.constraints import KEPT, SHARED
from fpgacomp.compress.trainable.reader import Reader, refuse, same, tensor
from fpgacomp.ir.types import AnyArray
from fpgacomp.network.editable import Node

ZERO_SHARE = 0.01  # a layer with a smaller share of exact zeros counts as not pruned


def convolution(r: Reader, node: Node) -> None:
    """Read a Conv over one or two axes."""
    weight = r.constant(node, 1, "weight")
    rank = weight.ndim - 2
    if rank not in (1, 2):
        raise refuse(node, f"it runs over {rank} axes.", "use Conv1d or Conv2d.")
    strides = list(node.attributes.get("strides", [1] * rank))
    dilations = list(node.attributes.get("dilations", [1] * rank))
    pads = explicit_pads(r, node, list(weight.shape[2:]), strides, dilations)
    padded, padding = pad_in_front(r, node, pads)
    groups = int(node.attributes.get("group", 1))
    bias = r.constant(node, 2, "bias") if node.input(2) else None
    kind: Any = nn.Conv1d if rank == 1 else nn.Conv2d
    layer = kind(
        weight.shape[1] * groups,
        weight.shape[0],
        same(list(weight.shape[2:])),
        stride=same(strides),
        padding=same(padding),
        dilation=same(dilations),
        groups=groups,
        bias=bias is not None,
    )
    fill(layer, weight, bias, r.source.codes.get(node.inputs[1]))
    r.bind(node, r.emit(node, layer, padded))


def explicit_pads(
    r: Reader, node: Node, kernel: list[int], strides: list[int], dilations: list[int]
) -> list[int]:
    """The pads of a window, computed from the size of its input where the file leaves them open."""
    rank = len(kernel)
    mode = node.attributes.get("auto_pad", "NOTSET")
    if mode == "VALID":
        return [0] * (2 * rank)
    if mode == "NOTSET":
        return list(node.attributes.get("pads", [0] * (2 * rank)))
    before, after = [], []
    for n, k, s, d in zip(r.shape(node.inputs[0])[2:], kernel, strides, dilations):
        total = max((-(-n // s) - 1) * s + (k - 1) * d + 1 - n, 0)
        before.append(total // 2 if mode == "SAME_UPPER" else total - total // 2)
        after.append(total - before[-1])
    return before + after


def pad_in_front(r: Reader, node: Node, pads: list[int]) -> tuple[fx.Node, list[int]]:
    """Find the layer's input and its padding; uneven pads get a module in front of the layer."""
    source, rank = r.values[node.inputs[0]], len(pads) // 2
    if pads[:rank] == pads[rank:]:
        return source, pads[:rank]
    return r.emit(node, zero_pad(pads), source, part="pad"), [0] * rank


def zero_pad(pads: list[int]) -> nn.Module:
    """Make a module that pads the last axes with zeros.

    Args:
        pads: number of zeros at the beginning of each axis, then at the end of each.
    """
    rank = len(pads) // 2
    widths: Any = [p for a in reversed(range(rank)) for p in (pads[a], pads[a + rank])]
    return nn.ConstantPad1d(widths, 0.0) if rank == 1 else nn.ConstantPad2d(widths, 0.0)


def gemm(r: Reader, node: Node) -> None:
    """Read a Gemm of data and a constant matrix."""
    weight = r.constant(node, 1, "weight")
    if node.inputs[0] in r.source.constants or node.attributes.get("transA", 0):
        raise refuse(
            node, "its first matrix is constant or transposed.", "write it as x @ weight + bias."
        )
    codes = r.source.codes.get(node.inputs[1])
    if not node.attributes.get("transB", 0):
        weight, codes = weight.T, None if codes is None else codes.T
    weight = weight * np.float32(node.attributes.get("alpha", 1.0))
    bias = None
    if node.input(2):
        bias = r.constant(node, 2, "bias") * np.float32(node.attributes.get("beta", 1.0))
        if bias.size not in (1, len(weight)) or bias.shape[-1:] != bias.shape[-1:][:1]:
            raise refuse(node, f"its bias has shape {list(bias.shape)}.", "give one per output.")
        bias = np.broadcast_to(bias.flatten(), (len(weight),))
    _dense(r, node, weight, bias, codes)


def matmul(r: Reader, node: Node) -> None:
    """Read a MatMul of data and a constant matrix."""
    if node.inputs[0] in r.source.constants:
        raise refuse(node, "its first matrix is constant.", "write it as x @ weight.")
    weight = r.constant(node, 1, "weight")
    codes = r.source.codes.get(node.inputs[1])
    if weight.ndim != 2:
        raise refuse(node, f"its weight has {weight.ndim} axes.", "give it a matrix [in, out].")
    _dense(r, node, weight.T, None, None if codes is None else codes.T)


def _dense(
    r: Reader, node: Node, weight: AnyArray, bias: AnyArray | None, codes: AnyArray | None
) -> None:
    outputs, inputs = weight.shape
    layer = nn.Linear(inputs, outputs, bias=bias is not None)
    fill(layer, weight, bias, codes)
    r.bind(node, r.emit(node, layer))


def fill(layer: nn.Module, weight: AnyArray, bias: AnyArray | None, codes: AnyArray | None) -> None:
    """Copy weights and bias into a layer, and note what further training has to keep.

    Args:
        layer: a dense or convolution layer.
        weight: [*weight shape].
        bias: [out], or None.
        codes: for weights that share values, the index of each weight's value; otherwise None.
    """
    with torch.no_grad():
        layer.get_parameter("weight").copy_(tensor(weight))
        if bias is not None:
            layer.get_parameter("bias").copy_(tensor(bias))
    if codes is not None:
        layer.register_buffer(SHARED, torch.from_numpy(np.array(codes, dtype=np.int64)))
    note_zeros(layer)


def note_zeros(layer: nn.Module) -> None:
    """Keep the zeros of a layer, if it has so many that it must have been pruned."""
    kept = layer.get_parameter("weight").detach() != 0
    zeros = int((~kept).sum())
    if zeros > 1 and zeros >= ZERO_SHARE * kept.numel():
        layer.register_buffer(KEPT, kept)


def batch_normalization(r: Reader, node: Node) -> None:
    """Read a BatchNormalization in its inference form."""
    rank = len(r.shape(node.inputs[0]))
    if rank not in (2, 3, 4):
        raise refuse(node, f"its input has {rank} axes.", "use two to four, batch included.")
    values = [r.constant(node, 1 + i, role) for i, role in enumerate(_STATISTICS)]
    kind = nn.BatchNorm2d if rank == 4 else nn.BatchNorm1d
    momentum = 1.0 - float(node.attributes.get("momentum", 0.9))
    layer = kind(
        len(values[0]), eps=float(node.attributes.get("epsilon", 1e-5)), momentum=round(momentum, 6)
    )
    with torch.no_grad():
        for name, value in zip(_STATISTICS, values):
            getattr(layer, name).copy_(tensor(value))
    r.bind(node, r.emit(node, layer))


_STATISTICS = ("weight", "bias", "running_mean", "running_var")


def constant_sum(r: Reader, node: Node, values: AnyArray) -> bool:
    """Make a constant that is added behind a dense or convolution layer the layer's bias.

    Returns:
        Whether that was possible; otherwise nothing was changed.
    """
    (source,) = r.data(node)
    layer = r.only_use(r.values[source], source)
    if not isinstance(layer, nn.Linear | nn.Conv1d | nn.Conv2d):
        return False
    rank = len(r.shape(source))
    channel = rank - 1 if isinstance(layer, nn.Linear) else 1
    channels = len(layer.weight)
    full = values.reshape((1,) * (rank - values.ndim) + values.shape)
    if any(n != 1 for axis, n in enumerate(full.shape) if axis != channel):
        return False
    bias = tensor(np.broadcast_to(full.flatten(), (channels,)))
    old = layer.bias
    layer.bias = nn.Parameter(bias if old is None else old.detach() + bias)
    r.bind(node, r.values[source])
    return True
