"""Holds every integer graph against its rules; run after lowering and after each pass."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import assert_never

import numpy as np

from fpgacomp.errors import InvalidGraph, raise_all
from fpgacomp.ir.graph import Graph
from fpgacomp.ir.infer import output_shape, output_type
from fpgacomp.ir.layers import (
    Add,
    Concat,
    Conv,
    Dense,
    Input,
    Layer,
    Lookup,
    MaxPool,
    Parameterless,
    Requantize,
    Reshape,
    SumPool,
    Tensor,
    Thresholds,
    Upsample,
)
from fpgacomp.ir.types import Ints

_IDENTIFIER = re.compile(r"[A-Za-z][A-Za-z0-9_]*\Z")
MAX_BITS = 62  # widest integer of a graph: sums of two such fit int64


def verify(graph: Graph, *, after: str = "lowering") -> Graph:
    """Return the graph itself where it keeps all rules.

    Args:
        graph: what lowering or a pass returned.
        after: the step that made it, which an error names.

    Raises:
        InvalidGraph: one rule is broken.
        Problems: several rules are broken; all are named.
    """
    fix = "this is a bug in fpgacomp: please report it with the network."
    raise_all(
        [InvalidGraph(f"{graph.name}.{where}", f"{why} (after {after}).", fix)
         for where, why in problems(graph)]
    )  # fmt: skip
    return graph


def problems(graph: Graph) -> Iterator[tuple[str, str]]:
    """(layer, what is wrong with it) for every rule that the graph breaks."""
    seen: dict[str, Tensor] = {}
    names: set[str] = set()
    for layer in graph.layers:
        if layer.name in names:
            yield layer.name, "two layers have this name"
        names.add(layer.name)
        for name in (layer.name, layer.output.name):
            if not _IDENTIFIER.match(name):
                yield layer.name, f"{name!r} is not a C identifier"
        for tensor in layer.inputs:
            if seen.get(tensor.name) != tensor:
                yield layer.name, f"reads {tensor}, which no earlier layer writes as such"
        if layer.output.name in seen:
            yield layer.name, f"writes {layer.output.name} a second time"
        structural = list(_structure(layer))
        yield from ((layer.name, why) for why in structural)
        if not structural:
            yield from ((layer.name, why) for why in _output(layer))
        seen[layer.output.name] = layer.output
    for tensor in graph.outputs:
        if seen.get(tensor.name) != tensor:
            yield tensor.name, "is a graph output that no layer writes"
    if not graph.outputs:
        yield "outputs", "the graph has none"


def _output(layer: Layer) -> Iterator[str]:
    if layer.output.shape != output_shape(layer):
        yield f"has shape {layer.output.shape}, its inputs give {output_shape(layer)}"
        return
    if min(layer.output.shape) < 1:
        yield f"has an empty shape {layer.output.shape}"
        return
    needed = output_type(layer)
    if not layer.output.type.contains(needed):
        yield f"is typed {layer.output.type} but reaches {needed}"
    if max(needed.magnitude, 1).bit_length() > MAX_BITS:
        yield f"reaches {needed}, beyond {MAX_BITS} bits"


def _structure(layer: Layer) -> Iterator[str]:
    """Yield what must hold before shape and range can be inferred, and does not."""
    match layer:
        case Dense():
            if len(layer.weight.shape) != 2 or layer.weight.shape[0] != layer.input.channels:
                yield f"has weights {layer.weight.shape} for {layer.input.channels} inputs"
        case Conv():
            yield from _conv(layer)
        case MaxPool() | SumPool():
            yield from _spatial(layer, len(layer.kernel))
            if any(max(pad) >= k for pad, k in zip(layer.pads, layer.kernel)):
                yield f"pads {layer.pads} reach past the kernel {layer.kernel}"
        case Add():
            if layer.a.shape != layer.b.shape:
                yield f"adds {layer.a.shape} and {layer.b.shape}"
            yield from _per_channel(layer.multiplier_a, layer.a.channels, "multiplier_a")
            yield from _per_channel(layer.multiplier_b, layer.a.channels, "multiplier_b")
        case Concat():
            if len({part.shape[:-1] for part in layer.parts}) != 1:
                yield f"joins {[part.shape for part in layer.parts]}"
        case Reshape():
            if layer.input.size != layer.output.size:
                yield f"reshapes {layer.input.shape} to {layer.output.shape}"
        case Input() | Parameterless():
            return
        case Upsample():
            if len(layer.factors) != len(layer.input.shape) - 1 or min(layer.factors) < 1:
                yield f"has factors {layer.factors} for shape {layer.input.shape}"
        case Requantize():
            yield from _requantize(layer)
        case Thresholds():
            table = layer.thresholds.array
            if table.ndim != 2 or len(table) not in (1, layer.input.channels):
                yield f"has thresholds {table.shape} for {layer.input.channels} channels"
            elif np.any(np.diff(table, axis=1) < 0):
                yield "has thresholds that do not ascend"
            yield from _per_channel(layer.base, layer.input.channels, "base")
            yield from _per_channel(layer.step, layer.input.channels, "step")
        case Lookup():
            rows, columns = layer.table.shape
            if rows not in (1, layer.input.channels) or columns != layer.input.type.count:
                yield f"has a table {layer.table.shape} for {layer.input}"
        case _:
            assert_never(layer)


def _conv(layer: Conv) -> Iterator[str]:
    rank = len(layer.kernel)
    yield from _spatial(layer, rank)
    if len(layer.dilations) != rank or min(layer.dilations) < 1:
        yield f"has dilations {layer.dilations}"
    c_in, c_out = layer.weight.shape[-2:]
    if layer.groups < 1 or c_in * layer.groups != layer.input.channels or c_out % layer.groups:
        yield (
            f"has weights {layer.weight.shape} in {layer.groups} groups "
            f"for {layer.input.channels} channels"
        )


def _spatial(layer: Conv | MaxPool | SumPool, rank: int) -> Iterator[str]:
    if rank not in (1, 2) or len(layer.input.shape) != rank + 1:
        yield f"has a {rank}-D window over shape {layer.input.shape}"
    if len(layer.strides) != rank or min(layer.strides) < 1:
        yield f"has strides {layer.strides}"
    if len(layer.pads) != rank or any(min(pad) < 0 for pad in layer.pads):
        yield f"has pads {layer.pads}"


def _requantize(layer: Requantize) -> Iterator[str]:
    channels = layer.input.channels
    yield from _per_channel(layer.multiplier, channels, "multiplier")
    yield from _per_channel(layer.offset, channels, "offset")
    if not 0 <= layer.shift <= MAX_BITS:
        yield f"shifts by {layer.shift}"
    if layer.lo > layer.hi:
        yield f"clips to {layer.lo}..{layer.hi}"
    largest = layer.input.type.magnitude * int(abs(layer.multiplier.array).max())
    if (largest + int(abs(layer.offset.array).max())).bit_length() > MAX_BITS:
        yield f"needs more than {MAX_BITS} bits for its product"


def _per_channel(values: Ints, channels: int, what: str) -> Iterator[str]:
    if values.shape not in ((1,), (channels,)):
        yield f"has {what} {values.shape} for {channels} channels"
