"""Folds a graph such that estimates that were corrected for somebody's tools keep the budget."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from fpgacomp.devices.board import Board
from fpgacomp.engines.choose import EngineDesign
from fpgacomp.engines.engine import Goal
from fpgacomp.engines.registry import Request
from fpgacomp.engines.shared.tool_calibration import CORRECTED, ToolCalibration, from_json
from fpgacomp.engines.shared.trial import FULL, Bounds, Trial
from fpgacomp.errors import InputDataError, MissingInputData, UsageError
from fpgacomp.flows.options import checked_path
from fpgacomp.host.plain import read_plain
from fpgacomp.ir.layers import kind
from fpgacomp.results.report import Verdict

MAX_BYTES = 1 << 20
# A fold for the common factor, and others for those of the layers that it chose.
_ROUNDS = 4


def load_calibration(path: str | Path) -> ToolCalibration:
    """The calibration in a file.

    Raises:
        MissingInputData: there is no such file.
        InputDataError: it is no calibration.
    """
    file = checked_path("--tool-calibration", path)
    try:
        return from_json(read_plain(file, MAX_BYTES), str(file))
    except FileNotFoundError:
        raise MissingInputData(str(file), "there is no such file.", "check the path.") from None
    except OSError as error:
        fix = "give a file that `fpgacomp calibrate --out` wrote."
        raise InputDataError(str(file), f"cannot be read ({error}).", fix) from error


def check_calibration(calibration: ToolCalibration, request: Request, board: Board) -> None:
    """Refuse a calibration of another engine, or of tools that do not build for the board.

    Raises:
        UsageError: it is one.
    """
    where = "--tool-calibration"
    engines = [engine.name for engine in request.engines]
    if engines != [calibration.engine]:
        why = f"was made from builds of the engine {calibration.engine} alone."
        raise UsageError(where, why, f"add --backend {calibration.engine}.")
    if board.device.toolchain != calibration.toolchain:
        why = f"is of {calibration.name}, which does not build for {board.name}."
        raise UsageError(where, why, "leave it out for this board.")


def fold_corrected(
    goal: Goal, calibration: ToolCalibration, choose: Callable[[Goal], EngineDesign]
) -> EngineDesign:
    """The best design whose corrected estimate is within the board's budget.

    An engine folds by its own prices. What it is given is therefore a board that holds as much less
    as the tool takes more; where the kinds of layers of its design have other factors than
    the common one, it folds again for theirs.

    Args:
        choose: folds for a goal.
    """
    factors = {resource: calibration.factor(resource) for resource in CORRECTED}
    for _ in range(_ROUNDS):
        boards = [calibration.tightened(b, factors) for b in (goal.board, *goal.other_boards)]
        chosen = choose(replace(goal, board=boards[0], other_boards=boards[1:]))
        found = _corrected(chosen, goal.board, calibration)
        before, after = chosen.folded.estimate.resources, found.folded.estimate.resources
        taken = {r: after[r].value / before[r].value for r in CORRECTED if before[r].value > 0}
        if found.folded.verdict.fits or not chosen.folded.verdict.fits:
            return found
        factors |= {r: max(factors[r], more) * FULL for r, more in taken.items()}
    return found


def _corrected(chosen: EngineDesign, board: Board, calibration: ToolCalibration) -> EngineDesign:
    folded = chosen.folded
    design = replace(folded.design, board=board)  # type: ignore[type-var]
    kinds = {layer.name: kind(layer) for layer in design.graph.layers}
    estimate = calibration.corrected(folded.estimate, kinds)
    trial, verdict = Trial(design, estimate, 0.0), folded.verdict
    told: list[str] = []
    if verdict.fits and not trial.fits:
        name, share, told = trial.miss(Bounds(None, None))
        verdict = Verdict(False, name, ("a lower rate or a larger board.",), share)
    said = (
        f"estimates are corrected for {calibration.basis}; what is said of the search counts LUTs "
        "and flip-flops as they are without it."
    )
    reasons = (said, *told, *folded.reasons)
    return replace(chosen, folded=replace(
        folded, design=design, estimate=estimate, verdict=verdict, reasons=reasons,
    ))  # fmt: skip
