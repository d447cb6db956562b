"""Plans a design: integer graph -> the exact list of hls4ml layers."""

from __future__ import annotations

from fpgacomp.engines.hls4ml.design import Hls4mlDesign
from fpgacomp.engines.hls4ml.emit.planner import Plan, Planner
from fpgacomp.engines.hls4ml.operators.dispatch import operator_of
from fpgacomp.engines.hls4ml.operators.reshape import free_reshapes


def plan(design: Hls4mlDesign, reserved: frozenset[str] = frozenset()) -> Plan:
    """The hls4ml layers of a design, in topological order.

    Args:
        reserved: names that no node may have (hls4ml's attribute names).

    Raises:
        InvalidGraph: a tensor that nothing reads.
    """
    planner = Planner(design, reserved, free_reshapes(design.graph, design.io_type))
    for layer in design.graph.layers:
        if layer.output.name not in planner.aliases:
            planner.publish(layer, operator_of(layer).nodes(planner))
    return planner.finish()
