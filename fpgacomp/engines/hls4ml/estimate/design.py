"""Estimates an hls4ml design: cycles and resources per layer and of the whole."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import lru_cache

from fpgacomp.devices.resources import Resources
from fpgacomp.engines.hls4ml.dataflow import is_dataflow
from fpgacomp.engines.hls4ml.design import Hls4mlDesign, Hls4mlFolding, Setting
from fpgacomp.engines.hls4ml.estimate.coefficients import load
from fpgacomp.engines.hls4ml.estimate.layer import interface_terms
from fpgacomp.engines.hls4ml.fifos import fifo_depths
from fpgacomp.engines.hls4ml.operators.dispatch import operator_of
from fpgacomp.engines.hls4ml.registers import at_once
from fpgacomp.engines.hls4ml.timing import Timing
from fpgacomp.engines.shared.coefficients import Coefficients
from fpgacomp.engines.shared.terms import fifo_terms
from fpgacomp.ir.layers import Input, Layer, Tensor
from fpgacomp.results.estimate import (
    HLS_EARLY,
    HLS_LATE,
    Basis,
    Estimate,
    Figure,
    LayerEstimate,
    Stage,
)

ZERO = Figure.exact(0.0)
NOTHING = Resources.of(lambda _: ZERO)


def estimate_hls4ml(design: Hls4mlDesign, *, stage: Stage = "logic_synth") -> Estimate:
    """What the design takes and how fast it is, in cycles of its clock.

    Args:
        design: with a folding for every layer.
        stage: csynth predicts Vitis HLS' own report, logic_synth Vivado's after synth_design,
            which decides whether the design fits.

    Returns:
        The estimate; how `low` and `high` come about is in docs/estimates.md.
    """
    cost = load(stage)
    level_ns = design.board.device.level_ns
    setting = Setting(design.io_type, design.clock_ns, level_ns, design.predicted)
    layers, timings = {}, {}
    for layer in design.graph.layers:
        folding = design.folding[layer.name]
        layers[layer.name], timings[layer.name] = _layer(stage, layer, folding, setting)
    top = _top(cost, design, setting)
    latency, interval, starts = _design_cycles(design, timings)
    speed = _slowest_spread(layers.values())
    total = sum((layer.resources for layer in layers.values()), NOTHING) + top
    return Estimate(
        stage=stage,
        clock_mhz=design.clock_mhz,
        latency_cycles=_scaled(latency, speed),
        interval_cycles=_scaled(interval, speed),
        resources=total,
        layers={name: replace(layer, start=starts[name]) for name, layer in layers.items()},
        basis=_basis(design, stage),
    )


def _basis(design: Hls4mlDesign, stage: Stage) -> Basis:
    """Published reports; none of them is of a device that Vitis HLS does not build for."""
    predicts = HLS_EARLY if stage == "csynth" else HLS_LATE
    known = design.board.device.toolchain == "vivado"
    return Basis(predicts=predicts) if known else Basis(predicts=predicts, designs=0)


@lru_cache(maxsize=8192)
def _layer(
    stage: Stage, layer: Layer, folding: Hls4mlFolding, setting: Setting
) -> tuple[LayerEstimate, Timing]:
    """One layer's figures, remembered: a folding search asks for the same ones many times."""
    cost, operator = load(stage), operator_of(layer)
    kind, terms = operator.calibration_kind(folding), operator.cost(folding, setting)
    timing = operator.timing(folding, setting)
    estimate = LayerEstimate(
        cycles=cost.ranged("cycles", timing.cycles, kind),
        interval=cost.ranged("interval", timing.interval, kind),
        resources=cost.priced(terms, kind),
    )
    return estimate, timing


def _top(cost: Coefficients, design: Hls4mlDesign, setting: Setting) -> Resources[Figure]:
    """FIFOs between the layers of a stream design, and the interfaces."""
    parts = [
        interface_terms(float(at_once(tensor, setting) * tensor.type.bits), stream=setting.stream)
        for tensor in _ports(design)
    ]
    if setting.stream:
        depths = fifo_depths(design)
        parts += [
            fifo_terms(tensor.channels * tensor.type.bits, depths[tensor.name])
            for tensor in (layer.output for layer in design.graph.layers)
        ]
    return sum((cost.priced(part, "activation") for part in parts), NOTHING)


def _ports(design: Hls4mlDesign) -> list[Tensor]:
    return [*(layer.output for layer in design.graph.inputs), *design.graph.outputs]


def _design_cycles(
    design: Hls4mlDesign, timings: Mapping[str, Timing]
) -> tuple[float, float, Mapping[str, float]]:
    """(latency, interval, start of each layer) in cycles.

    The design is one pipeline, or DATAFLOW with the interval of the slowest stage.
    """
    interval = max(timing.interval for timing in timings.values())
    if design.io_type == "io_stream":
        latency, starts = _stream_latency(design, timings)
        return latency, interval, starts
    handshake = 1 if is_dataflow(design) else 0
    done: dict[str, int] = {}
    starts = {}
    for layer in design.graph.layers:
        ready = max((done[tensor.name] for tensor in layer.inputs), default=0)
        starts[layer.name] = float(ready)
        timing = timings[layer.name]
        done[layer.output.name] = ready + timing.cycles + (handshake if timing.cycles else 0)
    latency = max(done[tensor.name] for tensor in design.graph.outputs)
    return max(latency, 1), interval, starts


def _stream_latency(
    design: Hls4mlDesign, timings: Mapping[str, Timing]
) -> tuple[int, Mapping[str, float]]:
    """(latency, start of each layer) in cycles.

    Each process starts at its first word and ends after its last: whichever is later.
    """
    first: dict[str, int] = {}
    last: dict[str, int] = {}
    starts: dict[str, float] = {}
    for layer in design.graph.layers:
        timing, name = timings[layer.name], layer.output.name
        begin = max((first[tensor.name] for tensor in layer.inputs), default=0)
        end = max((last[tensor.name] for tensor in layer.inputs), default=0)
        starts[layer.name] = float(begin)
        if isinstance(layer, Input):
            # The host delivers one word per cycle; whoever is slower holds it back.
            first[name], last[name] = 0, timing.cycles
        elif layer.output.pixels == 1:
            # A vector appears when the last input word is in.
            tail = timing.cycles if max(t.pixels for t in layer.inputs) == 1 else timing.first
            ready = max(end, begin + timing.cycles - tail)
            first[name] = last[name] = ready + min(tail, timing.cycles)
        else:
            first[name] = begin + timing.first
            last[name] = max(end + timing.first - 1, begin + timing.cycles)
    return max(max(last[tensor.name] for tensor in design.graph.outputs), 1), starts


def _slowest_spread(layers: Iterable[LayerEstimate]) -> tuple[float, float]:
    """Low and high of the slowest layer, as factors: it rules latency and interval."""
    slowest = max(layers, key=lambda layer: layer.cycles.value).cycles
    if slowest.value <= 0:
        return 1.0, 1.0
    return slowest.low / slowest.value, slowest.high / slowest.value


def _scaled(value: float, spread: tuple[float, float]) -> Figure:
    return Figure(value, max(value * spread[0], min(value, 1.0)), value * spread[1])
