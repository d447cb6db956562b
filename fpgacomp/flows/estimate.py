"""Verdict and figures in seconds: network -> integer graph -> design, and nothing is emitted."""

from __future__ import annotations

from pathlib import Path

from fpgacomp.devices.read import load_board
from fpgacomp.engines import registry
from fpgacomp.flows.files import check_files, places_of, reads
from fpgacomp.flows.integers import Model, fold, integer_graph
from fpgacomp.flows.options import Options, checked
from fpgacomp.flows.reports import report_of
from fpgacomp.flows.stages import Stages
from fpgacomp.host.progress import Observer, silent
from fpgacomp.results.report import Exactness, Report


def estimate(
    model: Model,
    board: str | Path,
    *,
    options: Options | None = None,
    observer: Observer = silent,
) -> Report:
    """Say whether a network fits a board and how fast it is, without generating code.

    Args:
        model: an ONNX, QONNX, QDQ, Keras or QKeras file, or such a model in memory.
        board: a listed board's name, or the path of a board file.
        options: what is asked of the run; see `Options`.
        observer: told each stage and the share of it that is done.

    Returns:
        The report, whose exactness compares nothing.

    Raises:
        FpgacompError: with where, what and remedy.
    """
    options = checked(options)
    request = registry.request(options.backend)
    check_files((*places_of(model, options), *reads("--board", board)))
    stages = Stages(observer, options.dump_stages)
    the_board = load_board(board)
    network, lowered = integer_graph(model, options, stages)
    chosen = fold(lowered, the_board, options, request, stages, of_float=network.format == "float")
    return report_of(network, lowered, chosen, Exactness(0), options, stages)
