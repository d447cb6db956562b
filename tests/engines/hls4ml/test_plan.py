"""The plan: names, types, clones, free reshapes; no hls4ml involved."""

from __future__ import annotations

import numpy as np
import pytest

from fpgacomp.engines.hls4ml.design import Hls4mlFolding, IoType
from fpgacomp.engines.hls4ml.emit.nodes import (
    EXTENSION,
    Hls4mlNode,
    multiplier_type,
    signed_ap_type,
)
from fpgacomp.engines.hls4ml.emit.plan import plan
from fpgacomp.engines.hls4ml.emit.planner import Plan
from fpgacomp.engines.shared.names import NameSpace, top_name
from fpgacomp.errors import InvalidGraph
from fpgacomp.ir.graph import Graph
from fpgacomp.ir.layers import Rounding
from tests.support import builders


def planned(graph: Graph, io_type: IoType = "io_parallel") -> Plan:
    return plan(builders.design(graph, io_type))


def kernels(made: Plan) -> list[str]:
    """Class of each node; the kernel's name for our own."""
    return [
        node.attributes["extension"].kernel if node.class_name == EXTENSION else node.class_name
        for node in made.nodes
    ]


def node(made: Plan, name: str) -> Hls4mlNode:
    return next(node for node in made.nodes if node.name == name)


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([-2, 1], "ap_int<3>"),  # ap_int<2> is hls4ml's ternary product
        ([-1, 0, 1], "ap_int<2>"),  # which is exact here, and half the ROM of three bits
        ([-1, 0], "ap_int<2>"),
        ([0, 1], "ap_uint<2>"),  # ap_uint<1> beside 1-bit data is XNOR
        ([0, 0], "ap_uint<2>"),
        ([0, 7], "ap_uint<3>"),
        ([-8, 7], "ap_int<4>"),
    ],
)
def test_weight_types_keep_the_product_a_product(values: list[int], kind: str) -> None:
    assert multiplier_type(np.array(values)) == kind


def test_signed_type_holds_every_value() -> None:
    assert signed_ap_type(0) == "ap_int<1>"
    assert signed_ap_type(1, -1) == "ap_int<2>"
    assert signed_ap_type(127, -128) == "ap_int<8>"
    assert signed_ap_type(128) == "ap_int<9>"


def test_names_are_unique_in_any_case_and_mean_nothing_else() -> None:
    names = NameSpace(frozenset({"strategy"}))
    wanted = ["fc", "Fc", "int", "layer3_out", "w3", "strategy", "a b", "3d", "fc"]
    made = [names.unique(name) for name in wanted]
    assert made == ["fc", "Fc_2", "int_2", "n_layer3_out", "n_w3", "strategy_2", "a_b", "n_3d",
                    "fc_3"]  # fmt: skip
    assert top_name("main") == "main_2" and top_name("my-net") == "my_net"


def test_mlp_is_one_node_per_layer() -> None:
    made = planned(builders.mlp())
    assert kernels(made) == ["Input", "Dense", "thresholds", "Dense", "requantize", "Dense"]
    assert made.inputs == {"x": "x"} and made.outputs == {"fc3": "fc3"} and not made.aliases


def test_every_tensor_has_one_reader() -> None:
    for graph in (builders.windows(2), builders.activations(), builders.traps()):
        for io_type in ("io_parallel", "io_stream"):
            made = planned(graph, io_type)
            read = [name for node in made.nodes for name in node.inputs]
            written = [name for node in made.nodes for name in node.outputs]
            leaving = list(made.outputs.values())
            assert sorted(read + leaving) == sorted(written)
            assert len(set(written)) == len(written)


def test_nodes_are_in_topological_order() -> None:
    known: set[str] = set()
    for made in planned(builders.windows(2), "io_stream").nodes:
        assert known.issuperset(made.inputs)
        known.update(made.outputs)


def test_streams_write_their_padding_and_arrays_do_not() -> None:
    graph = builders.cnn()
    assert kernels(planned(graph)).count("ZeroPadding2D") == 0
    streamed = planned(graph, "io_stream")
    assert kernels(streamed).count("ZeroPadding2D") == 1
    assert node(streamed, "c1").attributes["pad_top"] == 0
    assert node(streamed, "c1").attributes["in_height"] == 10
    assert node(planned(graph), "c1").attributes["pad_top"] == 1


def test_a_flatten_before_dense_is_free() -> None:
    for io_type in ("io_parallel", "io_stream"):
        made = planned(builders.cnn(), io_type)
        assert made.aliases == {"flat": "q2"}
        assert "Reshape" in kernels(made) and "repack" not in kernels(made)


def test_a_reshape_that_changes_the_words_is_a_layer_of_ours_in_streams() -> None:
    b = builders.GraphBuilder()
    x = b.input("x", (4, 6), 0, 3)
    wider = b.reshape("wider", b.requantize("q", x), (2, 12))
    rows = b.reshape("rows", b.requantize("r", wider), (1, 2, 12))
    graph = b.graph(b.requantize("s", rows))
    assert planned(graph).aliases == {"wider": "q", "rows": "r"}
    streamed = planned(graph, "io_stream")
    assert streamed.aliases == {"rows": "r"}
    assert kernels(streamed).count("repack") == 1


def test_an_input_that_leaves_gets_a_port_of_its_own() -> None:
    b = builders.GraphBuilder()
    x = b.input("x", (4,), 0, 3)
    made = planned(b.graph(x, b.requantize("q", x)))
    assert made.outputs["x"] != made.inputs["x"]
    assert kernels(made).count("repack") == 1


def test_a_dead_layer_is_refused() -> None:
    b = builders.GraphBuilder()
    x = b.input("x", (4,), 0, 3)
    b.requantize("dead", x)
    with pytest.raises(InvalidGraph, match="dead: no layer reads this tensor"):
        planned(b.graph(b.requantize("q", x)))


def test_depthwise_stays_depthwise_and_groups_become_zeros() -> None:
    made = planned(builders.windows(2))
    assert node(made, "depthwise").class_name == "DepthwiseConv2D"
    assert node(made, "depthwise").weights["weight"].values.shape == (3, 2, 4, 1)
    grouped = node(made, "grouped").weights["weight"].values
    assert grouped.shape == (3, 2, 4, 4)
    assert not grouped[:, :, :2, 2:].any() and not grouped[:, :, 2:, :2].any()
    dilated = node(made, "dilated").weights["weight"].values
    assert dilated.shape[:2] == (3, 3) and not dilated[1::2].any()


def test_a_threshold_that_never_fires_has_its_bit() -> None:
    b = builders.GraphBuilder()
    x = b.input("x", (4,), -8, 7)
    made = planned(b.graph(b.thresholds("t", x, 3, never=True)))
    assert node(made, "t").weights["thresholds"].type == "ap_int<5>"
    assert node(made, "t").weights["thresholds"].values.max() == 8


def test_requantize_has_no_comparator_for_a_bound_that_is_never_reached() -> None:
    b = builders.GraphBuilder()
    x = b.input("x", (1,), 0, 7)
    far = b.requantize("far", x, -(2**40), 2**40, shift=2, rounding=Rounding.ROUND)
    near = b.requantize("near", x, 1, 2, shift=0)
    made = planned(b.graph(far, near))
    constants = node(made, "far").attributes["extension"].constants
    assert (constants["clip_lo"], constants["clip_hi"]) == (False, False)
    width = node(made, "far").attributes["extension"].typedefs["product_t"]
    assert int(width.removeprefix("ap_int<").rstrip(">")) < 12
    constants = node(made, "near").attributes["extension"].constants
    assert (constants["clip_hi"], constants["hi"]) == (True, 2)


def test_tables_of_shared_lanes_are_interleaved() -> None:
    """[channels, entries] -> [groups, entries, lanes], where a lane serves several channels."""
    b = builders.GraphBuilder()
    x = b.input("x", (2, 6), 0, 2)
    graph = b.graph(b.lookup("t", x))
    table = graph.layers[-1].table.array

    def values(io_type: IoType, reuse_factor: int) -> list[int]:
        folding = Hls4mlFolding("latency", reuse_factor)
        made = plan(builders.design(graph, io_type, t=folding))
        return node(made, "t").weights["table"].values.tolist()

    flat = table.reshape(-1).tolist()
    assert values("io_stream", 1) == values("io_parallel", 2) == flat
    grouped = [table[2 * g + lane, e] for g in range(3) for e in range(3) for lane in range(2)]
    assert values("io_stream", 3) == values("io_parallel", 6) == grouped != flat
