"""What hls4ml changes silently is found in its finished graph, whatever the plan got wrong.

Together with test_csim_layers.py (integers) and test_hls4ml_plan.py (types), one test for
each trap: ternary and XNOR products, missing precisions, shared input lists, reuse factors
that are inherited or adjusted, depthwise under Resource, reserved names.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from fpgacomp.engines.hls4ml.design import Hls4mlDesign, Hls4mlFolding, IoType
from fpgacomp.engines.hls4ml.emit import model
from fpgacomp.engines.hls4ml.emit.plan import plan
from fpgacomp.engines.hls4ml.emit.planner import Plan
from fpgacomp.engines.hls4ml.emit.project import emit
from fpgacomp.errors import FpgacompError, InvalidGraph, UnsupportedLayer
from fpgacomp.ir.interpreter import run
from tests.support import builders


def planned(design: Hls4mlDesign) -> Plan:
    return plan(design, model.reserved_names())


def with_node(made: Plan, name: str, **changes: Any) -> Plan:
    nodes = tuple(replace(n, **changes) if n.name == name else n for n in made.nodes)
    return replace(made, nodes=nodes)


def refusal(design: Hls4mlDesign, made: Plan) -> str:
    with pytest.raises(FpgacompError) as caught:
        model.build(design, made, "top")
    return str(caught.value)


MLP = builders.design(builders.mlp())


def test_a_missing_type_shows_as_the_sentinel() -> None:
    text = refusal(MLP, with_node(planned(MLP), "fc1", types={"weight": "ap_int<4>"}))
    assert "fc1: hls4ml gave it the types" in text and "'accum_t': 'ap_fixed<1,1>'" in text


def test_a_reuse_factor_that_hls4ml_adjusts() -> None:
    text = refusal(MLP, with_node(planned(MLP), "fc2", folding=Hls4mlFolding("resource", 5)))
    assert "hls4ml says: WARNING: Invalid ReuseFactor=5" in text
    assert "fc2: hls4ml made the reuse factor 4" in text


def test_a_parallelization_that_hls4ml_adjusts() -> None:
    design = builders.design(builders.cnn())
    wrong = Hls4mlFolding("latency", 1, 7)
    text = refusal(design, with_node(planned(design), "c1", folding=wrong))
    assert "Invalid ParallelizationFactor=7" in text and "partitions, not" in text


def test_a_shape_that_hls4ml_sees_otherwise() -> None:
    made = planned(MLP)
    node = next(node for node in made.nodes if node.name == "fc3")
    wider = replace(node.output, shape=(6,))
    assert "fc3: hls4ml made fc3 ap_int<" in refusal(MLP, with_node(made, "fc3", output=wider))


@pytest.mark.parametrize("io_type", ["io_parallel", "io_stream"])
def test_building_twice_from_one_plan(io_type: IoType) -> None:
    """hls4ml writes into the lists it is given: they must not be the plan's."""
    design = builders.design(builders.windows(2), io_type)
    made = planned(design)
    graphs = [list(model.build(design, made, "top").graph) for _ in range(2)]
    assert graphs[0] == graphs[1] == [node.name for node in made.nodes]


def test_no_output_is_called_like_an_attribute() -> None:
    reserved = model.reserved_names()
    assert {"weight", "strategy", "reuse_factor", "accum_t", "trace", "n_in"} <= reserved


def test_depthwise_under_resource_is_refused_before_it_aborts() -> None:
    b = builders.GraphBuilder("depthwise")
    graph = b.graph(b.conv("dw", b.input("x", (6, 6, 4), 0, 7), 4, (3, 3), groups=4))
    design = builders.design(graph, dw=Hls4mlFolding("resource", 2))
    with pytest.raises(UnsupportedLayer, match="dw: a depthwise convolution under Resource"):
        emit(design, run(graph, builders.inputs(graph, 2)))


def test_what_hls4ml_did_is_a_bug_of_ours() -> None:
    made = planned(MLP)
    with pytest.raises(InvalidGraph, match="please report it with the network"):
        model.build(MLP, with_node(made, "fc1", types={"accum": "ap_int<9>"}), "top")
