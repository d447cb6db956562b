"""Strategy distributed_arithmetic: shared additions in the place of hls4ml's products.

hls4ml builds the layer under its Latency strategy, with all that is around the products: streams,
line buffers, windows. Then its configuration names our sums as the kernel, and its call goes to
nnet_utils/fpgacomp_sums.h where hls4ml has no place for a kernel.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from fpgacomp.engines.hls4ml.emit.extension import templates
from fpgacomp.engines.hls4ml.emit.nodes import ap_type
from fpgacomp.engines.hls4ml.emit.planner import Plan
from fpgacomp.engines.shared.circuit.nodes import Range
from fpgacomp.engines.shared.circuit.solve import AdderGraph
from fpgacomp.errors import InvalidGraph
from fpgacomp.ir.types import IntType

_HEADER = "nnet_utils/fpgacomp_sums.h"
_PRODUCTS = "nnet::DenseLatency<"
_CALL = re.compile(r"^nnet::(?:pointwise_)?(dense|conv_1d_cl|conv_2d_cl)<")


def share_sums(model: Any, plan: Plan, *, stream: bool) -> None:
    """Put the additions of every node that has some in the place of its products.

    Raises:
        InvalidGraph: hls4ml wrote another text than the version that fpgacomp pins.
    """
    for node in plan.nodes:
        if node.sums is None:
            continue
        layer = model.graph[node.name]
        configuration, call = layer.get_attr("config_cpp"), layer.get_attr("function_cpp")
        found = _CALL.match(call)
        if configuration.count(_PRODUCTS) != 1 or found is None:
            raise InvalidGraph(
                node.name, "hls4ml wrote it without a place for its products.",
                "this is a bug in fpgacomp: please report it with the network.",
            )  # fmt: skip
        kernel = f"fpgacomp::sums_{node.name}<"
        layer.set_attr("config_cpp", configuration.replace(_PRODUCTS, kernel))
        # The stream of a convolution takes the kernel from the configuration.
        if not stream or found[1] == "dense":
            layer.set_attr("function_cpp", f"fpgacomp::{found[1]}<{call[found.end() :]}")
        headers = [*layer.get_attr("include_header", []), _HEADER, f"sums_{node.name}.h"]
        layer.set_attr("include_header", headers)


def sums_files(plan: Plan) -> dict[str, bytes]:
    """Path below firmware/ -> the straight-line code of each node with shared additions."""
    return {
        f"sums_{node.name}.h": _code(node.name, node.sums).encode()
        for node in plan.nodes
        if node.sums is not None
    }


@dataclass(frozen=True)
class _Line:
    """One addition: (a << left_a) + (b << left_b), or their difference, in a type of its own."""

    name: str
    type: str
    a: str
    b: str
    left_a: int
    left_b: int
    subtract: bool


@dataclass(frozen=True)
class _Sum:
    """One output: (value << left), negated or not; `value` is None for 0."""

    value: str | None
    left: int
    negative: bool


def _code(name: str, graph: AdderGraph) -> str:
    inputs = len(graph.spans)

    def term(index: int) -> str:
        return f"x[{index}]" if index < inputs else f"t{index - inputs}"

    lines = [
        _Line(f"t{number}", _type(step.span), term(step.a), term(step.b), step.left_a, step.left_b,
              step.subtract)
        for number, step in enumerate(graph.steps)
    ]  # fmt: skip
    outputs = [
        _Sum(None if output.term < 0 else term(output.term), output.left, output.negative)
        for output in graph.outputs
    ]
    lo, hi = graph.spans[0]
    return (
        templates()
        .get_template("config/sums.h.j2")
        .render(name=name, inputs=inputs, steps=lines, outputs=outputs, lo=lo, hi=hi)
    )


def _type(span: Range) -> str:
    """The narrowest C++ type; the sum of shifted operands wraps to it without loss."""
    return ap_type(IntType(*span))
