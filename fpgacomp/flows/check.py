"""What is in a network, and every problem at once, down to what the engines can build."""

from __future__ import annotations

from fpgacomp.engines.choose import refusals
from fpgacomp.engines.registry import ENGINES
from fpgacomp.errors import FpgacompError, InvalidGraph, Problems
from fpgacomp.flows.integers import Model, lower_network
from fpgacomp.flows.options import Options, checked
from fpgacomp.flows.stages import Stages
from fpgacomp.frontend import check_model, open_network
from fpgacomp.report.checked import CheckReport


def check(model: Model, *, options: Options | None = None) -> CheckReport:
    """Say what is in a network, which nodes are supported, and every problem at once.

    What is accepted here compiles with the same options, unless it is too large for the board.

    Args:
        model: an ONNX, QONNX, QDQ, Keras or QKeras file, or such a model in memory.
        options: how the network is quantized and ended; of the others only those of the front
            end count. A float network is checked for what it holds alone, unless calibration
            data is given.

    Returns:
        A finding per node, and the problems of quantizing, lowering and building where every
        node is supported.

    Raises:
        ModelError: the file cannot be read at all.
    """
    options = checked(options)
    findings = tuple(check_model(model))
    if any(finding.status == "unsupported" for finding in findings):
        return CheckReport(findings)
    network = open_network(model)
    if network.format == "float" and options.calibration is None:
        return CheckReport(findings, network.format)
    try:
        _, lowered = lower_network(network, options, Stages())
    except InvalidGraph:
        raise  # a fault of ours is not the network's
    except FpgacompError as error:
        problems = error.problems if isinstance(error, Problems) else (error,)
        return CheckReport(findings, network.format, problems)
    return CheckReport(findings, network.format, refusals(lowered.graph, ENGINES))
