"""Figures of a design's SystemVerilog: beside the estimate, or as the estimate."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from math import ceil

from fpgacomp.devices.board import Board
from fpgacomp.devices.resources import Resources
from fpgacomp.engines.shared.result import FoldingResult
from fpgacomp.engines.shared.trial import Bounds, Trial
from fpgacomp.engines.stream.design import StreamDesign
from fpgacomp.engines.stream.estimate.open_tools import measured
from fpgacomp.engines.stream.estimate.rtl.prices import NOTHING, instances_of, rtl_shares
from fpgacomp.engines.stream.fold.rtl_fifos import rtl_dataflow
from fpgacomp.results.estimate import (
    RTL_BY_VIVADO,
    RTL_BY_YOSYS,
    Basis,
    Estimate,
    Figure,
    PredictedFigures,
)
from fpgacomp.results.report import Verdict

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
    return (
        PredictedFigures(basis, whole),
        PredictedFigures(replace(basis, predicts=RTL_BY_VIVADO), _extrapolated(whole, of_hls)),
    )


def as_built(board: Board, fold: Callable[[Board], StreamResult]) -> StreamResult:
    """The best design of a board for which Yosys builds, with the figures of its instances.

    The search prices layers by the costs of whole netlists. Where the instances of its design take
    more than the board holds, it folds again for a board that holds as much less.

    Args:
        fold: finds the best design for a board.
    """
    found = fold(board)
    if not (measured(board.device) and instances_of(board.device)):
        return found
    told = _counted(found, board)
    if not found.verdict.fits or told.verdict.fits:
        return told
    return _counted(fold(_tightened(board, found, told)), board)


def _counted(found: StreamResult, board: Board) -> StreamResult:
    """A design that fits with the figures of its instances, and the verdict that they give."""
    if not found.verdict.fits:
        return found
    design = replace(found.design, board=board)
    estimate = _estimate(design, found.estimate)
    trial, verdict, told = Trial(design, estimate, 0.0), found.verdict, list[str]()
    name, share = trial.largest
    if not trial.fits:
        name, share, told = trial.miss(Bounds(None, None))  # type: ignore[assignment]
        verdict = Verdict(False, name, shortfall=share)
    reasons = (*told, *found.reasons)
    return replace(found, design=design, estimate=estimate, verdict=verdict, reasons=reasons)


def _estimate(design: StreamDesign, before: Estimate) -> Estimate:
    shares = rtl_shares(rtl_dataflow(design), design.board.device)
    layers = {
        name: replace(layer, resources=shares.get(name, NOTHING))
        for name, layer in before.layers.items()
    }
    basis = replace(before.basis, instances=instances_of(design.board.device))
    whole = sum(shares.values(), NOTHING)
    return replace(before, resources=whole, layers=layers, basis=basis)


def _tightened(board: Board, before: StreamResult, after: StreamResult) -> Board:
    """The board with as much less free as the instances take more than the search had priced."""

    def kept(name: str) -> int:
        one, other = before.estimate.resources[name].value, after.estimate.resources[name].value
        more = max(other / one, 1.0) if one else 1.0
        return ceil(board.budget[name] * (1 - 1 / more))

    return replace(board, shell=board.shell + Resources.of(kept))


def _extrapolated(found: Resources[Figure], scaled: float) -> Resources[Figure]:
    """What Vivado is assumed to make; `scaled`: DSP blocks that it may give to scales."""

    def figure(name: str) -> Figure:
        one = found[name]
        if name == "dsp":
            return Figure(one.value, one.low, one.high + scaled)
        low, high = _VIVADO.get(name, (1.0, 1.0))
        return Figure(one.value, one.low * low, one.high * high)

    return Resources.of(figure)
