"""Figures of a design's SystemVerilog: beside the estimate, or as the estimate."""

from __future__ import annotations

from dataclasses import replace

from fpgacomp.devices.device import Device
from fpgacomp.devices.resources import Resources
from fpgacomp.engines.shared.result import FoldingResult
from fpgacomp.engines.shared.trial import Trial
from fpgacomp.engines.stream.dataflow import Dataflow
from fpgacomp.engines.stream.design import StreamDesign
from fpgacomp.engines.stream.estimate.open_tools import measured
from fpgacomp.engines.stream.estimate.rtl.modules import RULES, tally
from fpgacomp.engines.stream.estimate.rtl.prices import NOTHING, instances_of, rtl_shares
from fpgacomp.engines.stream.fold.rtl_fifos import rtl_dataflow
from fpgacomp.engines.stream.rtl.parts import operator_part
from fpgacomp.results.estimate import (
    RTL_BY_VIVADO,
    RTL_BY_YOSYS,
    Basis,
    Estimate,
    Figure,
    PredictedFigures,
)

StreamResult = FoldingResult[StreamDesign]

# No result of Vivado for this SystemVerilog is known. What is assumed of it, as factors of what
# Yosys makes: it puts two small functions into one LUT, shares and retimes otherwise, copies
# registers, and chooses the memory of what is not told where to lie.
_VIVADO = {"lut": (0.6, 1.25), "ff": (0.8, 1.2), "bram18": (0.7, 1.5)}


def predictions(design: StreamDesign) -> tuple[PredictedFigures, ...]:
    """By Yosys, and by Vivado as far as that tells; none where the estimate itself is Yosys'."""
    device = design.board.device
    instances = instances_of(device)
    if measured(device) or not instances:
        return ()
    dataflow = rtl_dataflow(design)
    whole = sum(rtl_shares(dataflow, device).values(), NOTHING)
    basis = Basis("netlists of Yosys", predicts=RTL_BY_YOSYS, instances=instances)
    of_hls = sum(
        operator.terms(device.wide_port_bits)["dsp"].get("scale", 0.0)
        for operator in dataflow.operators
    )
    by_vivado = extrapolated(whole, of_hls, _of_pairs(dataflow, device))
    return (
        PredictedFigures(basis, whole),
        PredictedFigures(replace(basis, predicts=RTL_BY_VIVADO), by_vivado),
    )


def as_built(found: StreamResult) -> StreamResult:
    """A design that Yosys builds, with the figures of its instances.

    The search prices layers by the costs of whole netlists, and its figures stay where the design
    does not fit by them, or does not by its instances: then a sentence says so.
    """
    device = found.design.board.device
    if not (measured(device) and instances_of(device) and found.verdict.fits):
        return found
    trial = Trial(found.design, _estimate(found.design, found.estimate), 0.0)
    if trial.fits:
        return replace(found, estimate=trial.estimate)
    name, share = trial.largest
    told = f"counted by its instances it takes {share:.2f} times the {name} that is free."
    return replace(found, reasons=(told, *found.reasons))


def _estimate(design: StreamDesign, before: Estimate) -> Estimate:
    shares = rtl_shares(rtl_dataflow(design), design.board.device)
    layers = {
        name: replace(layer, resources=shares.get(name, NOTHING))
        for name, layer in before.layers.items()
    }
    basis = replace(before.basis, instances=instances_of(design.board.device))
    whole = sum(shares.values(), NOTHING)
    return replace(before, resources=whole, layers=layers, basis=basis)


def _of_pairs(dataflow: Dataflow, device: Device) -> float:
    """LUTs that are missing where Vivado makes two adders of each sum of three numbers."""
    missing = 0.0
    for index, operator in enumerate(dataflow.operators):
        unit = operator_part(operator, f"t{index}", device)
        known = unit.module in RULES
        missing += tally(unit, device).threes if known else unit.counted.get("threes", 0.0)
    return missing


def extrapolated(found: Resources[Figure], scaled: float, pairs: float) -> Resources[Figure]:
    """What Vivado is assumed to make.

    Args:
        found: what Yosys makes.
        scaled: DSP blocks that it may give to scales.
        pairs: LUTs that it may take for a second adder of sums of three.
    """

    def figure(name: str) -> Figure:
        one = found[name]
        if name == "dsp":
            return Figure(one.value, one.low, one.high + scaled)
        low, high = _VIVADO.get(name, (1.0, 1.0))
        most = one.high + (pairs if name == "lut" else 0.0)
        return Figure(one.value, one.low * low, most * high)

    return Resources.of(figure)
