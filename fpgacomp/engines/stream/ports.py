"""How many elements a beat of each port has: as few as do not slow the design down.

A beat is a power of two of elements, each in a container of 8, 16, 32 or 64 bits, so that TDATA has
one of the widths that an AXI DMA takes (8, 16, 32, ... bits; PG021). The last beat of a frame is
filled up where the elements do not divide it. A converter stands between a port and its neighbour.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from fpgacomp.engines.stream.operators.convert import Convert, conversion_cycles
from fpgacomp.engines.stream.operators.duplicate import Duplicate
from fpgacomp.engines.stream.operators.operator import Operator
from fpgacomp.engines.stream.operators.sink import Sink
from fpgacomp.engines.stream.operators.source import Source
from fpgacomp.engines.stream.streams import container_bits
from fpgacomp.ir.graph import Graph
from fpgacomp.ir.layers import Tensor

# Most bits of TDATA, whatever the pace; C-simulation computes with no wider ones.
WIDEST = 128
# A DMA's side towards the memory has at least so many bits (PG021): a port of up to these is as
# cheap for the system as a narrower one, so that it may be what its neighbour's words ask for.
FREE = 32
# Cycles between two frames of a Source in C++, whose loop ends with TLAST and cannot be rewound:
# its depth, and two to leave it and to begin again. No tool has been asked. Where a wider port
# makes room for these cycles the Source never sets the pace.
RESTART = 8


def input_port(tensor: Tensor, cycles: float, reader: int = 0) -> int:
    """Elements per beat of an input that takes a frame in at most `cycles`, if any port does.

    Args:
        reader: lanes that whatever reads it asks for; 0 where these are several.
    """
    return _port(tensor, cycles, reader, lambda lanes: -(-tensor.size // lanes) + RESTART)


def output_port(tensor: Tensor, cycles: float, writer: int) -> int:
    """Elements per beat of an output, likewise.

    A converter from wide words is no smaller the narrower the port is, only slower.

    Args:
        writer: lanes of what comes to it.
    """
    widest = FREE // container_bits(tensor.type)
    dealt = max(lanes for lanes in (1, 2, 4) if lanes <= max(widest, 1) and writer % lanes == 0)
    return _port(tensor, cycles, dealt, lambda lanes: conversion_cycles(tensor.size, writer, lanes))


def _port(tensor: Tensor, cycles: float, wanted: int, taken: Callable[[int], int]) -> int:
    """The narrowest port that keeps the pace, or the fastest; `wanted` if it does and is free.

    Args:
        wanted: elements per beat that go best with the neighbour.
        taken: cycles of a frame, by lanes.
    """
    every = [1 << n for n in range(widest_lanes(tensor).bit_length())]
    fast = [lanes for lanes in every if taken(lanes) <= cycles]
    if wanted in fast and wanted * container_bits(tensor.type) <= FREE:
        return wanted
    return fast[0] if fast else min(every, key=taken)


def widest_lanes(tensor: Tensor) -> int:
    """Elements per beat of the widest port that the tensor may have."""
    lanes = WIDEST // container_bits(tensor.type)
    while lanes // 2 >= tensor.size:  # a whole frame fits half of it
        lanes //= 2
    return lanes


def least_beats(tensor: Tensor) -> int:
    """Beats of a frame over the widest port."""
    return -(-tensor.size // widest_lanes(tensor))


def pace_of(operators: Sequence[Operator]) -> int:
    """Cycles per frame of the slowest operator, but for ports and what only moves words.

    A converter or a duplicate between two layers never takes longer than both of them.
    """
    return max(
        (op.cycles for op in operators if not isinstance(op, Source | Sink | Convert | Duplicate)),
        default=0,
    )


def input_lanes(graph: Graph, operators: Sequence[Operator]) -> Mapping[str, int]:
    """Input tensor -> elements per beat, from the operators behind inputs of one element."""
    readers = {stream.name: op for op in operators for stream in op.inputs}
    pace, found = pace_of(operators), {}
    for layer in graph.inputs:
        wanted = set(_wanted(layer.output.name, readers))
        found[layer.output.name] = input_port(
            layer.output, pace, wanted.pop() if len(wanted) == 1 else 0
        )
    return found


def _wanted(stream: str, readers: Mapping[str, Operator]) -> Iterator[int]:
    """Lanes that each reader of a stream of one element asks for."""
    match readers.get(stream):
        case Convert() as converter:
            yield converter.output.lanes
        case Duplicate() as duplicate:
            for copy in duplicate.copies:
                yield from _wanted(copy.name, readers)
        case None:  # an output, whose port follows
            return
        case _:
            yield 1
