"""Rules for ONNX operators that move values: Reshape, Transpose, Concat, Pad, Resize."""

from __future__ import annotations

import math

import numpy as np
from torch import nn

from fpgacomp.compress.trainable.modules import ConcatTensors, PermuteTensor, ReshapeTensor
from fpgacomp.compress.trainable.read_weights import zero_pad
from fpgacomp.compress.trainable.reader import Reader, ints, refuse
from fpgacomp.network.editable import Node


def reshape(r: Reader, node: Node) -> None:
    """Read Reshape, Flatten, Squeeze and Unsqueeze that keep the values of a sample together."""
    before, after = r.shape(node.inputs[0]), r.shape(node.outputs[0])
    if after[:1] != before[:1] or len(after) < 2:
        raise refuse(
            node,
            f"it turns shape {list(before)} into {list(after)} and does not keep the batch axis.",
            "reshape behind the first axis only, e.g. torch.flatten(x, 1).",
        )
    if before == after:
        r.bind(node, r.values[node.inputs[0]])
    elif len(after) == 2:
        r.bind(node, r.emit(node, nn.Flatten()))
    else:
        r.bind(node, r.emit(node, ReshapeTensor(after[1:])))


def transpose(r: Reader, node: Node) -> None:
    """Read a Transpose behind the batch axis; where it undoes the one before, both are dropped."""
    rank = len(r.shape(node.inputs[0]))
    perm = ints(node.attributes.get("perm", list(range(rank))[::-1]))
    if perm[0] != 0:
        raise refuse(node, f"it moves the batch axis (perm {perm}).", "keep axis 0 in front.")
    source = r.values[node.inputs[0]]
    before = r.root.get_submodule(str(source.target)) if source.op == "call_module" else None
    if isinstance(before, PermuteTensor):
        perm = [before.dims[axis] for axis in perm]
        (source,) = source.all_input_nodes
    if perm == list(range(rank)):
        r.bind(node, source)
    else:
        r.bind(node, r.emit(node, PermuteTensor(perm), source))


def concat(r: Reader, node: Node) -> None:
    """Read a Concat along an axis behind the batch axis."""
    axis = int(node.attributes.get("axis", 1)) % len(r.shape(node.outputs[0]))
    if axis == 0:
        raise refuse(node, "it joins the batch axis.", "concatenate along the channels.")
    if len(r.data(node)) < len(node.inputs):
        raise refuse(node, "it joins a constant.", "concatenate computed tensors only.")
    parts = [r.values[name] for name in node.inputs]
    r.bind(node, r.emit(node, ConcatTensors(axis), *parts) if len(parts) > 1 else parts[0])


def pad(r: Reader, node: Node) -> None:
    """Read a Pad with zeros over one or two axes behind the batch axis."""
    rank = len(r.shape(node.inputs[0]))
    amounts = ints(r.parameter(node, "pads", 1))
    if node.input(3):
        axes = [axis % rank for axis in ints(r.constant(node, 3, "axes"))]
    else:
        axes = list(range(rank))
    pads = [0] * (2 * rank)
    for position, axis in enumerate(axes):
        pads[axis], pads[axis + rank] = amounts[position], amounts[position + len(axes)]
    value = r.parameter(node, "value", 2)
    mode = node.attributes.get("mode", "constant")
    if mode != "constant" or (value is not None and np.any(value != 0)) or min(pads) < 0:
        raise refuse(node, f"it pads in mode {mode} or not with zeros.", "pad with zeros.")
    padded = [axis for axis in range(rank) if pads[axis] or pads[axis + rank]]
    if 0 in padded or len(padded) > 2:
        raise refuse(node, f"it pads the axes {padded}.", "pad the rows and columns only.")
    if not padded:
        r.bind(node, r.values[node.inputs[0]])
        return
    last = list(range(rank - 2, rank)) if rank == 4 else [rank - 1]
    order = list(range(rank))
    if not set(padded) <= set(last):  # torch pads the last axes: channels last go in front
        last = padded
        order = [axis for axis in order if axis not in padded] + padded
    module = zero_pad([pads[a] for a in last] + [pads[a + rank] for a in last])
    source = r.values[node.inputs[0]]
    if order == sorted(order):
        r.bind(node, r.emit(node, module, source))
        return
    source = r.emit(node, PermuteTensor(order), source, part="channels_first")
    source = r.emit(node, module, source)
    r.bind(node, r.emit(node, PermuteTensor(_inverse(order)), source, part="channels_last"))


def _inverse(order: list[int]) -> list[int]:
    return [order.index(axis) for axis in range(len(order))]


def upsample(r: Reader, node: Node) -> None:
    """Read Resize and Upsample by whole factors that repeat each value."""
    before, after = r.shape(node.inputs[0]), r.shape(node.outputs[0])
    factors = [b / a for a, b in zip(before, after)]
    mode = node.attributes.get("mode", "nearest")
    whole = all(f == int(f) for f in factors) and factors[:2] == [1.0, 1.0]
    if mode != "nearest" or not whole or len(before) not in (3, 4) or not _repeats(node, factors):
        raise refuse(
            node,
            f"it resizes {list(before)} to {list(after)} in mode {mode}, "
            "which does not repeat each row and column the same number of times.",
            "use nn.Upsample(scale_factor=a whole number, mode='nearest').",
        )
    sizes = factors[2:]
    scale = sizes[0] if len(set(sizes)) == 1 else tuple(sizes)
    r.bind(node, r.emit(node, nn.Upsample(scale_factor=scale, mode="nearest")))


def _repeats(node: Node, factors: list[float]) -> bool:
    """Tell whether output i is input i // factor, by the formulas of ONNX's Resize."""
    where = node.attributes.get("coordinate_transformation_mode", "half_pixel")
    rounding = node.attributes.get("nearest_mode", "round_prefer_floor")
    if node.op == "Upsample" or (len(node.inputs) < 3 and "nearest_mode" not in node.attributes):
        where, rounding = "asymmetric", "floor"  # before opset 11
    if where not in ("asymmetric", "half_pixel", "pytorch_half_pixel", "half_pixel_symmetric"):
        return False
    rounders = {
        "floor": math.floor,
        "ceil": math.ceil,
        "round_prefer_floor": lambda x: math.ceil(x - 0.5),
        "round_prefer_ceil": lambda x: math.floor(x + 0.5),
    }
    shift = 0.0 if where == "asymmetric" else 0.5
    for factor in {int(f) for f in factors[2:]}:
        size = 2 * factor  # two inputs long; beyond the ends the index is clipped
        shown = [rounders[rounding]((i + shift) / factor - shift) for i in range(size)]
        if [min(max(i, 0), 1) for i in shown] != [i // factor for i in range(size)]:
            return False
    return True


def dropout(r: Reader, node: Node) -> None:
    """Read a Dropout, which does nothing in evaluation mode and is active in further training."""
    ratio = r.parameter(node, "ratio", 1)
    r.bind(node, r.emit(node, nn.Dropout(0.5 if ratio is None else ratio.item())))


def identity(r: Reader, node: Node) -> None:
    """Read an operator that hands on its input as it is."""
    r.bind(node, r.values[node.inputs[0]])
