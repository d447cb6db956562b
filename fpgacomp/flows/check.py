"""What is in a network, and every problem at once, down to its integers."""

from __future__ import annotations

from fpgacomp.errors import FpgacompError, Problems
from fpgacomp.flows.integers import Model
from fpgacomp.frontend import check_model, open_network
from fpgacomp.lower import lower
from fpgacomp.report.checked import CheckReport


def check(model: Model) -> CheckReport:
    """Say what is in a network, which nodes are supported, and every problem at once.

    Args:
        model: an ONNX, QONNX, QDQ, Keras or QKeras file, or such a model in memory.

    Returns:
        A finding per node, and the problems of lowering where every node is supported.

    Raises:
        ModelError: the file cannot be read at all.
    """
    findings = tuple(check_model(model))
    if any(finding.status == "unsupported" for finding in findings):
        return CheckReport(findings)
    network = open_network(model)
    if network.format == "float":
        return CheckReport(findings, network.format)
    try:
        lower(network)
    except FpgacompError as error:
        problems = error.problems if isinstance(error, Problems) else (error,)
        return CheckReport(findings, network.format, problems)
    return CheckReport(findings, network.format)
