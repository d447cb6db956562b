"""From what a user hands in to the integer graph, and from there to a design for one board."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import onnx

from fpgacomp.devices.board import Board
from fpgacomp.engines.choose import EngineDesign, choose
from fpgacomp.engines.engine import Goal
from fpgacomp.engines.registry import Request
from fpgacomp.errors import DoesNotFit, UsageError
from fpgacomp.evidence.software import require_runnable
from fpgacomp.flows import dump
from fpgacomp.flows.options import Options
from fpgacomp.flows.samples import quantize_network
from fpgacomp.flows.stages import Stages
from fpgacomp.frontend import end_in_labels, open_network
from fpgacomp.ir.graph import Graph
from fpgacomp.lower import lower
from fpgacomp.network.canonical import Network
from fpgacomp.network.lowered import Lowered

# The slowest clock of a design in MHz: below it, constraints and clock wizards make no sense.
SLOWEST_MHZ = 1.0

# A file, an ONNX model in memory, or a Keras model (whose class is not known here).
Model = str | Path | onnx.ModelProto | Any


def integer_graph(model: Model, options: Options, stages: Stages) -> tuple[Network, Lowered]:
    """The canonical network, quantized if it was float, and what was lowered from it.

    Raises:
        FpgacompError, Problems: the network cannot be read, quantized or lowered.
    """
    with stages.step("read"):
        network = open_network(model)
    return lower_network(network, options, stages)


def lower_network(network: Network, options: Options, stages: Stages) -> tuple[Network, Lowered]:
    """Quantize what is float of a canonical network, and lower it to integers.

    Returns:
        The network that was lowered, and what became of it.

    Raises:
        FpgacompError, Problems: the network cannot be quantized or lowered.
    """
    stages.keep("network", lambda: dump.network(network))
    with stages.step("quantize"):
        network = quantize_network(network, options)
    with stages.step("lower"):
        network = end_in_labels(network) if options.argmax else network
        lowered = lower(network, argmax=options.argmax)
        require_runnable(lowered)
    stages.keep("integer-graph", lambda: dump.lowered(network, lowered))
    return network, lowered


def fold(
    lowered: Lowered, board: Board, options: Options, request: Request, stages: Stages,
    *, of_float: bool = False,
) -> EngineDesign:  # fmt: skip
    """The design whose estimate suits the target best within what the board's shell leaves.

    Args:
        of_float: whether the network was float, so that its bits are options of this run.

    Raises:
        UsageError: the board does not run at the clock that was asked for.
        DoesNotFit: the host link of the board alone takes more memory than there is.
        FpgacompError, Problems: no engine asked for can build the graph.
    """
    from fpgacomp.deploy.link_memory import with_link  # late: a check folds nothing

    clock_mhz = options.clock_mhz or board.clock_mhz_default
    if not SLOWEST_MHZ <= clock_mhz <= board.clock_mhz_max:
        raise UsageError(
            f"--clock-mhz {clock_mhz:g}",
            f"{board.name} runs at {SLOWEST_MHZ:g} to {board.clock_mhz_max:g} MHz.",
            f"use {SLOWEST_MHZ:g} to {board.clock_mhz_max:g}.",
        )
    graph = lowered.graph
    goal = Goal(
        board=with_link(board, graph),
        clock_mhz=clock_mhz,
        target=options.target,
        io_type=options.io_type,
        other_boards=list(_others(board, graph)),
        bits_are_options=of_float,
        for_companion=request.companion is not None,
    )
    search = _search(lowered, options, request, board)
    with stages.step("fold"):
        chosen = search(goal)
    stages.keep("design", lambda: dump.design(chosen))
    return chosen


def _others(board: Board, graph: Graph) -> Iterator[Board]:
    """The listed boards that the same tools build for and whose host link holds the frames."""
    from fpgacomp.deploy.link_memory import with_link
    from fpgacomp.devices.read import list_boards

    for other in list_boards():
        if other.device.toolchain == board.device.toolchain:
            with suppress(DoesNotFit):
                yield with_link(other, graph)


def _search(
    lowered: Lowered, options: Options, request: Request, board: Board
) -> Callable[[Goal], EngineDesign]:
    """What finds the best design for a goal, by estimates that are corrected where that is asked.

    Raises:
        InputDataError, UsageError: the calibration is none, or is of another engine or other tools.
    """

    def plain(goal: Goal) -> EngineDesign:
        return choose(lowered.graph, goal, request.engines)

    if options.tool_calibration is None:
        return plain
    from fpgacomp.flows.tool_calibration import (  # late: most runs have none
        check_calibration,
        fold_corrected,
        load_calibration,
    )

    calibration = load_calibration(options.tool_calibration)
    check_calibration(calibration, request, board)
    return lambda goal: fold_corrected(goal, calibration, plain)
