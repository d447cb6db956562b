"""FINN's own folding heuristic (SetFolding) on our graph: the peer of our folding."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from math import prod
from typing import Any

from fpgacomp.devices.board import Board
from fpgacomp.engines.finn.graph import FinnModel, build_finn, specialized
from fpgacomp.engines.finn.runtime import finn_session
from fpgacomp.engines.stream.design import Arithmetic, StreamDesign, StreamFolding
from fpgacomp.ir.graph import Graph
from fpgacomp.ir.layers import (
    Concat,
    Conv,
    Dense,
    Input,
    Layer,
    MaxPool,
    Requantize,
    Reshape,
    SumPool,
    Upsample,
)
from fpgacomp.network.attributes import decode_attributes

# SpecializeLayers picks the DSP variant by itself from here on (specialize_layers.py).
_RTL_FROM_BITS = 4


def target_fps_folding(graph: Graph, board: Board, clock_mhz: float, fps: float) -> StreamDesign:
    """The folding that FINN's build gives for `target_fps`, as a design of ours.

    PE and SIMD are FINN's, with its defaults (weight words of at most 36 bits per PE, second
    pass when a node misses the target). Two things are given to FINN that it lacks: lanes for
    operators that SetFolding does not know (Requant, upsampling), and, where its SIMD splits
    channels unevenly, the legal folding with the fewest multipliers that meets the target too.

    Args:
        fps: frames per second; FINN may miss it, which the design's cycles then show.

    Raises:
        UnsupportedLayer, Problems: layers that FINN's operators cannot express.
        ToolError: FINN is missing.
    """
    cycles = int(clock_mhz * 1e6 / fps)
    folded = [layer for layer in graph.layers if not isinstance(layer, Input | Reshape)]
    start = StreamDesign(
        graph=graph,
        board=board,
        clock_mhz=clock_mhz,
        folding={layer.name: _start(layer, cycles) for layer in folded},
    )
    design = replace(start, folding=_arithmetic(start, build_finn(start)))
    chosen = _set_folding(specialized(build_finn(design), design), cycles)
    return replace(
        design,
        folding={
            layer.name: _ours(layer, design.folding[layer.name], chosen, cycles) for layer in folded
        },
    )


def _divisors(number: int) -> list[int]:
    return [n for n in range(1, number + 1) if number % n == 0]


def _start(layer: Layer, cycles: int) -> StreamFolding:
    if isinstance(layer, Requantize | Upsample):
        size = layer.output.size
        options = _divisors(layer.output.channels)
        enough = [pe for pe in options if size <= cycles * pe]
        return StreamFolding(pe=(enough or options[-1:])[0])
    simd = 1
    if isinstance(layer, Dense | Conv) and not getattr(layer, "depthwise", False):
        # FINN's HLS matrix unit does not exist beyond 1024 folds of its inputs.
        simd = next(s for s in _simds(layer) if s * 1024 >= _width(layer))
    return StreamFolding(simd=simd, arithmetic="dsp")


def _arithmetic(design: StreamDesign, finn: FinnModel) -> dict[str, StreamFolding]:
    """LUT or DSP by FINN's default rule: DSP from four bits on, where its RTL takes them."""
    nodes = {node.output[0]: node for node in finn.model.graph.node}

    def rule(layer: Layer) -> Arithmetic:
        node = nodes.get(layer.output.name)
        if node is None or node.op_type != "MVAU" or finn.styles[layer.output.name] != "rtl":
            return "lut"
        kinds = [finn.model.get_tensor_datatype(name).bitwidth() for name in node.input]
        return "dsp" if min(kinds) >= _RTL_FROM_BITS else "lut"

    return {
        name: replace(folding, arithmetic=rule(design.graph.by_name[name]))
        for name, folding in design.folding.items()
    }


def _set_folding(model: Any, cycles: int) -> dict[str, dict[str, int]]:
    """Output tensor -> PE and SIMD that FINN sets."""
    with finn_session():
        from finn.transformation.fpgadataflow.set_folding import SetFolding

        model = model.transform(SetFolding(target_cycles_per_frame=cycles))
    return {
        node.output[0]: {
            name: int(value)
            for name, value in decode_attributes(node).items()
            if name in ("PE", "SIMD")
        }
        for node in model.graph.node
    }


def _ours(
    layer: Layer, start: StreamFolding, chosen: dict[str, dict[str, int]], cycles: int
) -> StreamFolding:
    found = chosen[layer.output.name]
    match layer:
        case Dense() | Conv() if not getattr(layer, "depthwise", False):
            pe, simd = _legal(layer, found["PE"], found["SIMD"], cycles)
            return replace(start, pe=pe, simd=simd)
        case Concat():
            return replace(start, pe=found["SIMD"])
        case Requantize() | Upsample():
            return start
        case MaxPool() | SumPool() | Conv() | _:
            return replace(start, pe=found["PE"])


def _width(layer: Dense | Conv) -> int:
    return layer.input.channels * (prod(layer.kernel) if isinstance(layer, Conv) else 1)


def _simds(layer: Dense | Conv) -> Iterator[int]:
    inputs = layer.input.channels
    return (s for s in _divisors(_width(layer)) if inputs % s == 0 or s % inputs == 0)


def _legal(layer: Dense | Conv, pe: int, simd: int, cycles: int) -> tuple[int, int]:
    """FINN's PE and SIMD, or the cheapest legal ones that meet what it meets, near its SIMD."""
    options = [(p, s) for s in _simds(layer) for p in _divisors(layer.output.channels)]
    if (pe, simd) in options:
        return pe, simd
    work = layer.output.size * _width(layer)
    needed = min(pe * simd, -(-work // cycles))
    fast = [(p, s) for p, s in options if p * s >= needed]
    return min(fast, key=lambda o: (o[0] * o[1], abs(o[1] - simd)))
