"""Which names in a tool's report are a layer's."""

from __future__ import annotations

import pytest

from fpgacomp.bitstream.reports.matching import PartNames, matched
from fpgacomp.results.tool_report import ReportedInstance, ToolReport

PARTS = {
    "run_conv1": "conv1", "run_conv1_pad": "conv1", "run_conv1_b": "conv1_b", "s_conv1": "conv1",
    "run_end_sink": "", "config1": "a", "config12": "b", "MVAU_hls_1": "fc", "MVAU_hls_11": "fd",
}  # fmt: skip


@pytest.mark.parametrize(
    ("name", "module", "layer"),
    [
        ("run_conv1_U0", "run_conv1", "conv1"),
        ("run_conv1_pad_U0", "", "conv1"),
        ("run_conv1_b_U0", "model_run_conv1_b", "conv1_b"),
        ("u_s_conv1", "fpgacomp_fifo", "conv1"),
        ("runs_conv1", "", None),
        ("run_conv12", "", None),
        ("run_end_sink_U0", "", ""),
        ("grp_fu_1", "dense_latency_ap_fixed_16_6_5_3_0_config12_s", "b"),
        ("grp_fu_2", "relu_ap_ufixed_8_1_relu_config1_s", "a"),
        ("grp_fu_3", "relu_config13_s", None),
        ("StreamingDataflowPartition_1_MVAU_hls_11", "", "fd"),
        ("x", "top_StreamingDataflowPartition_1_MVAU_hls_1_imp_BWPU8W", "fc"),
    ],
)
def test_a_name_is_found_whole(name: str, module: str, layer: str | None) -> None:
    assert PartNames(PARTS).layer(ReportedInstance(name, module)) == layer


def test_without_parts_nothing_is_found() -> None:
    assert PartNames({}).layer(ReportedInstance("anything", "any")) is None


def test_the_outermost_instance_counts_and_the_rest_is_left() -> None:
    inner = ReportedInstance("run_conv1_inner", "", {"lut": 5})
    deep = ReportedInstance("deep", "", {"lut": 29})
    tree = ReportedInstance("wrapper", "w", {"lut": 100}, inside=(
        ReportedInstance("run_conv1_U0", "", {"lut": 60}, inside=(inner,)),
        ReportedInstance("strange", "", {"lut": 30}, inside=(deep,)),
        ReportedInstance("(wrapper)", "w", {"lut": 10}),
        ReportedInstance("(empty)", "w", {"lut": 0}),
    ))  # fmt: skip
    report = ToolReport("", "", "", "csynth", instances=(tree,))
    found = matched([report], PartNames(PARTS))
    assert {name: [one.amounts["lut"] for one in some] for name, some in found.layers.items()} == {
        "conv1": [60]
    }
    assert [one.name for one in found.left] == ["strange", "(wrapper)"]


def test_a_tree_without_a_layer_is_left_as_a_whole() -> None:
    tree = ReportedInstance(
        "dma", "", {"lut": 100}, inside=(ReportedInstance("part", "", {"lut": 60}),)
    )
    found = matched([ToolReport("", "", "", "csynth", instances=(tree,))], PartNames(PARTS))
    assert not found.layers and [one.name for one in found.left] == ["dma"]
