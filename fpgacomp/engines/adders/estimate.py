"""Counts what an unrolled design takes: its wires one by one, its ports as streams have them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace

from fpgacomp.devices.resources import Resources
from fpgacomp.engines.adders.dataflow import dataflow_of
from fpgacomp.engines.adders.design import AdderDesign
from fpgacomp.engines.adders.unrolled import Unrolled
from fpgacomp.engines.shared.circuit.cost import luts
from fpgacomp.engines.shared.circuit.nodes import bits_of, needed_wires
from fpgacomp.engines.stream.estimate.design import NOTHING, prices_on
from fpgacomp.engines.stream.estimate.rtl.predict import extrapolated
from fpgacomp.engines.stream.timing.pipelines import Pipelines
from fpgacomp.engines.stream.timing.whole import Whole
from fpgacomp.ir.graph import Graph
from fpgacomp.results.estimate import (
    RTL_BY_VIVADO,
    RTL_BY_YOSYS,
    Basis,
    Estimate,
    Figure,
    LayerEstimate,
    PredictedFigures,
)

# What Yosys made of whole circuits, over what was counted. With LUTs of six inputs five circuits
# of 1,200 to 41,000 LUTs took 0.88 to 1.07 and of flip-flops 0.87 to 1.01 (xc7); with four inputs
# one of 2,300 took 1.3 on iCE40 and 1.4 on ECP5.
_SIX_INPUTS, _FOUR_INPUTS = (0.85, 1.15), (0.9, 1.6)
_FF_RANGE = (0.8, 1.1)
_MEASURED = {6: 5, 4: 1}  # circuits


def estimate_adders(design: AdderDesign) -> Estimate:
    """Resources at logic synthesis, interval and latency of the design with its ports.

    Flip-flops of a stage belong to the layer whose wires they keep.
    """
    circuit, plan, device = design.circuit, design.plan, design.board.device
    lut: dict[str, float] = defaultdict(float)
    ff: dict[str, float] = defaultdict(float)
    first: dict[str, int] = {}
    last: dict[str, int] = {}
    counted, needed = luts(circuit, device.lut_inputs), needed_wires(circuit)
    for wire, (owner, stage) in enumerate(zip(circuit.owners, plan.stage)):
        if wire not in needed:  # synthesis leaves it out
            continue
        lut[owner] += counted[wire]
        ff[owner] += bits_of(circuit.ranges[wire]) * (plan.last[wire] - stage)
        least, most = circuit.ranges[wire]
        if least == most:
            continue  # what never changes is there before the first frame
        first[owner] = min(first.get(owner, stage), stage)
        last[owner] = max(last.get(owner, stage), stage)
    flow = dataflow_of(design)
    prices = prices_on(device)
    ports = prices.surroundings()
    for operator in flow.operators:
        if not isinstance(operator, Unrolled):
            ports += prices.operator(operator.terms(device.wide_port_bits), operator.cost_kind)
        for stream in operator.outputs:
            ports += prices.fifo(stream.bits, max(stream.depth, 2))
    run = Whole(flow, Pipelines.rtl(flow, device.wide_port_bits)).run({})
    begins = _begins(design.graph, first)
    layers = {
        layer.name: LayerEstimate(
            cycles=Figure.exact(float(max(last.get(layer.name, 0) - begins[layer.name], 0) + 1)),
            interval=Figure.exact(1.0),
            resources=_figures(lut[layer.name], ff[layer.name], device.lut_inputs),
            start=float(begins[layer.name]),
        )
        for layer in design.graph.layers
    }
    return Estimate(
        stage="logic_synth",
        clock_mhz=design.clock_mhz,
        latency_cycles=Figure.exact(float(run.finish[0])),
        interval_cycles=Figure.exact(float(max(run.interval, 1))),
        resources=sum((layer.resources for layer in layers.values()), ports),
        layers=layers,
        basis=Basis("netlists of Yosys", _MEASURED[device.lut_inputs], predicts=RTL_BY_YOSYS),
    )


def predicted_by_vivado(design: AdderDesign) -> PredictedFigures:
    """The figures with the ranges that are assumed of Vivado, as for streaming designs.

    It may make two adders of a sum of three numbers. No result of it is known.
    """
    figures, inputs = estimate_adders(design), design.board.device.lut_inputs
    one, two = (sum(luts(design.circuit, inputs, rows=rows)) for rows in (1, 2))
    basis = replace(figures.basis, predicts=RTL_BY_VIVADO)
    return PredictedFigures(basis, extrapolated(figures.resources, 0.0, two - one))


def _begins(graph: Graph, first: Mapping[str, int]) -> dict[str, int]:
    """The stage in which each layer begins: not before those that it reads.

    Args:
        first: stage of the first wire of a layer; a layer that only passes wires on has none.
    """
    found: dict[str, int] = {}
    makers = {layer.output.name: layer.name for layer in graph.layers}
    for layer in graph.layers:
        read = [found[makers[tensor.name]] for tensor in layer.inputs]
        found[layer.name] = max([first.get(layer.name, 0), *read])
    return found


def without_ports(design: AdderDesign, figures: Estimate) -> Estimate:
    """The figures of the circuit alone, which takes a frame every cycle."""
    parts = [layer.resources for layer in figures.layers.values()]
    return replace(
        figures,
        latency_cycles=Figure.exact(float(design.plan.stages)),
        interval_cycles=Figure.exact(1.0),
        resources=sum(parts, NOTHING),
    )


def _figures(lut: float, ff: float, inputs: int) -> Resources[Figure]:
    spread = _SIX_INPUTS if inputs == 6 else _FOUR_INPUTS
    found = {"lut": Figure.within(lut, spread, spread),
             "ff": Figure.within(ff, _FF_RANGE, _FF_RANGE)}  # fmt: skip
    return Resources.of(lambda name: found.get(name, NOTHING[name]))
