"""Each format is known by its content and read in full; whatever is damaged is refused."""

from __future__ import annotations

import json
import random
from contextlib import suppress
from pathlib import Path

import pytest

from fpgacomp.bitstream.reports import read, xml_tree
from fpgacomp.bitstream.reports.read import read_file, read_report
from fpgacomp.errors import InputDataError, MissingInputData
from fpgacomp.results.tool_report import ToolReport
from tests.support import tool_reports as samples
from tests.support.tool_reports import Unit

CONV = Unit("run_conv1_U0", 700, 800, 3, 1, 70, 64, module="run_conv1")
DENSE = Unit("run_dense_U0", 250, 300, 0, 0, 20, 16, module="run_dense", inside=(
    Unit("inner_U", 30, 20, module="inner"),
))  # fmt: skip
TOP = Unit("model", 1000, 1200, 3, 2, 100, 64, inside=(CONV, DENSE))


def of(text: str) -> ToolReport:
    return read_report(text.encode(), "file")


@pytest.mark.parametrize("version", ["2018.2", "2019.2", "2020.2", "2022.1", "2025.1"])
@pytest.mark.parametrize("form", [samples.csynth_xml, samples.csynth_rpt])
def test_reports_of_c_synthesis_of_every_year(version: str, form: object) -> None:
    assert callable(form)
    found = of(form(TOP, version=version))
    tool = "Vitis HLS" if version >= "2020.2" else "Vivado HLS"
    assert (found.tool, found.version, found.stage) == (tool, version, "csynth")
    assert (found.top, found.part) == ("model", samples.PART)
    assert found.amounts == {"lut": 1000, "ff": 1200, "dsp": 3, "bram18": 2, "uram": 0}
    assert (found.latency, found.interval) == (100, 64)
    assert found.clock is not None
    assert (found.clock.target_ns, found.clock.achieved_ns, found.clock.met) == (10, 7.3, True)
    conv, dense = found.instances
    assert (conv.name, conv.module, conv.latency, conv.interval) == (
        "run_conv1_U0", "run_conv1", 70, 64,
    )  # fmt: skip
    assert conv.amounts == {"lut": 700, "ff": 800, "dsp": 3, "bram18": 1, "uram": 0}
    assert dense.amounts["lut"] == 250


def test_the_xml_nests_instances_and_the_text_lists_the_outer_ones() -> None:
    assert [one.name for one in of(samples.csynth_xml(TOP)).walk()] == [
        "run_conv1_U0", "run_dense_U0", "inner_U",
    ]  # fmt: skip
    assert [one.name for one in of(samples.csynth_rpt(TOP)).walk()] == [
        "run_conv1_U0", "run_dense_U0",
    ]  # fmt: skip


def test_the_summary_of_modules_and_loops() -> None:
    found = of(samples.csynth_summary(TOP))
    assert (found.tool, found.version, found.top) == ("Vitis HLS", "2024.1", "model")
    assert found.amounts == {"lut": 1000, "ff": 1200, "dsp": 3, "bram18": 2, "uram": 0}
    assert (found.latency, found.interval) == (100, 64)
    assert [one.name for one in found.walk()] == ["run_conv1_U0", "run_dense_U0", "inner_U"]
    assert found.instances[1].inside[0].amounts["lut"] == 30


def test_a_latency_that_is_not_known_is_none() -> None:
    text = samples.csynth_xml(TOP).replace(
        "<Worst-caseLatency>100</Worst-caseLatency>", "<Worst-caseLatency>undef</Worst-caseLatency>"
    )
    assert of(text).latency is None
    assert of(samples.csynth_rpt(TOP).replace("|100 ", "|?   ")).latency is None


@pytest.mark.parametrize(("run", "stage"), [("synth", "logic_synth"), ("impl", "implementation")])
def test_an_exported_design(run: str, stage: str) -> None:
    found = of(samples.export_xml(TOP, run=run))
    assert (found.tool, found.version, found.stage) == ("Vivado", "2022.2", stage)
    assert found.amounts == {"lut": 1000, "ff": 1200, "dsp": 3, "bram18": 2}
    assert found.clock is not None and found.clock.achieved_ns == 6.5


@pytest.mark.parametrize("version", ["2018.2", "2025.1"])
@pytest.mark.parametrize("part", [samples.PART, "xczu3eg-sbva484-1-e"])
def test_flat_utilization(version: str, part: str) -> None:
    found = of(samples.utilization(TOP, version=version, part=part))
    assert (found.tool, found.version, found.stage) == ("Vivado", version, "logic_synth")
    assert (found.top, found.part) == ("model", part)
    assert found.amounts == {"lut": 1000, "ff": 1200, "dsp": 3, "bram18": 2}


@pytest.mark.parametrize("version", ["2018.2", "2025.1"])
def test_utilization_by_hierarchy(version: str) -> None:
    found = of(samples.hierarchical(TOP, version=version))
    assert (found.stage, found.top) == ("implementation", "model")
    assert found.amounts == {"lut": 1000, "ff": 1200, "dsp": 3, "bram18": 2}
    assert [one.name for one in found.walk()] == ["run_conv1_U0", "run_dense_U0", "inner_U"]
    assert found.instances[1].inside[0].module == "inner"


def test_utilization_by_hierarchy_as_xml_says_the_same() -> None:
    text, xml = of(samples.hierarchical(TOP)), of(samples.hierarchical_xml(TOP))
    assert (text.amounts, text.instances, text.stage) == (xml.amounts, xml.instances, xml.stage)
    assert "does not say Vivado's version" in xml.notes[0]


@pytest.mark.parametrize(("slack", "met"), [(1.25, True), (-0.5, False)])
def test_a_timing_summary(slack: float, met: bool) -> None:
    clock = of(samples.timing("model", slack=slack)).clock
    assert clock is not None
    assert (clock.worst_setup_ns, clock.worst_hold_ns, clock.met) == (slack, 0.05, met)
    assert (clock.target_ns, clock.achieved_ns) == (10, 10 - slack)
    assert "run_conv1/acc_reg[3]/C to run_conv1/out_reg[7]/D" in clock.path
    assert "6 levels of logic" in clock.path


def test_the_slowest_path_is_that_of_the_worst_slack() -> None:
    text = samples.timing("model")
    begin = text.index("Slack (MET)")
    other = text[begin:].replace("1.250ns", "3.000ns").replace("run_conv1", "elsewhere")
    clock = of(text[:begin] + other + "\n" + text[begin:]).clock
    assert clock is not None and "run_conv1/acc_reg" in clock.path
    hold = text[begin:].replace("Setup (Max", "Hold (Min")
    clock = of(text[:begin] + hold).clock
    assert clock is not None and clock.path == "" and clock.achieved_ns == 8.75


def test_hold_that_is_missed_is_not_met() -> None:
    clock = of(samples.timing("model", hold=-0.01)).clock
    assert clock is not None and clock.met is False


def test_power() -> None:
    assert of(samples.power("model")).power_w == 1.875


@pytest.mark.parametrize(
    ("kind", "stage"),
    [("post_synth", "implementation"), ("csynth", "csynth"), ("estimate", "tool_estimate")],
)
def test_resources_by_node_of_finn(kind: str, stage: str) -> None:
    nodes = {
        "(top)": Unit("", 9000), "MVAU_hls_0": Unit("", 700, 80, 3, 1),
        "Thresholding_rtl_0": Unit("", 50, 6), "IODMA_hls_0": Unit("", 1000),
    }  # fmt: skip
    found = of(samples.finn_nodes(nodes, kind=kind))
    assert (found.tool, found.stage) == ("FINN", stage)
    assert found.amounts["lut"] == 750  # without the DMA, and without the shell's total
    assert [one.name for one in found.instances] == [
        "MVAU_hls_0", "Thresholding_rtl_0", "IODMA_hls_0",
    ]  # fmt: skip
    assert found.instances[0].amounts["bram18"] == 1


def test_performance_of_finn() -> None:
    estimated = {"critical_path_cycles": 500, "max_cycles": 64, "estimated_throughput_fps": 1.5e6}
    found = of(json.dumps(estimated))
    assert (found.latency, found.interval, found.stage) == (500, 64, "tool_estimate")
    simulated = {"N": 11, "cycles": 1100, "latency_cycles": 100, "throughput[images/s]": 1.0}
    found = of(json.dumps(simulated))
    assert (found.latency, found.interval, found.stage) == (100, 100, "simulation")
    frames = [{"samples": 3, "latencies": [120, 121], "intervals": [64, 64], "throughput_fps": 1.0}]
    found = of(json.dumps(frames))
    assert (found.latency, found.interval, found.stage) == (120, 64, "simulation")


def test_nextpnr() -> None:
    sites = {"TRELLIS_COMB": 900, "TRELLIS_FF": 400, "DP16KD": 3, "MULT18X18D": 2, "TRELLIS_IO": 4}
    found = of(samples.nextpnr(sites))
    assert (found.tool, found.stage) == ("nextpnr", "implementation")
    assert found.amounts == {"lut": 900, "ff": 400, "dsp": 2, "bram18": 3}
    assert found.clock is not None and found.clock.met
    assert found.clock.achieved_ns == pytest.approx(1e3 / 61.5)
    slow = of(samples.nextpnr(sites, achieved=40.0)).clock
    assert slow is not None and slow.met is False


def test_logic_cells_of_ice40_hide_the_flip_flops() -> None:
    found = of(samples.nextpnr({"ICESTORM_LC": 900, "ICESTORM_RAM": 4, "ICESTORM_DSP": 2}))
    assert found.amounts == {"lut": 900, "dsp": 2, "bram18": 4}
    assert "together, as logic cells" in " ".join(found.notes)


CELLS = {"LUT4": 600, "CCU2C": 50, "TRELLIS_FF": 300, "MULT18X18D": 2, "DP16KD": 1, "PFUMX": 9}


@pytest.mark.parametrize("form", ["json", "text", "old"])
def test_the_netlist_of_one_module(form: str) -> None:
    text = {
        "json": samples.yosys_json({"model": CELLS}, None),
        "text": samples.yosys_text({"model": CELLS}, None),
        "old": samples.yosys_text({"model": CELLS}, None, old=True),
    }[form]
    found = of(text)
    assert (found.tool, found.stage, found.top) == ("Yosys", "logic_synth", "model")
    assert found.version in ("0.70", "0.38")
    assert found.amounts == {"lut": 700, "ff": 300, "dsp": 2, "bram18": 1}


@pytest.mark.parametrize("form", ["json", "text", "old"])
def test_the_netlist_of_a_hierarchy(form: str) -> None:
    modules = {"model": {"part": 1, "LUT4": 5}, "part": CELLS}
    total = {**CELLS, "LUT4": 605} | ({"part": 1} if form == "json" else {})
    text = {
        "json": samples.yosys_json(modules, total),
        "text": samples.yosys_text(modules, total),
        "old": samples.yosys_text(modules, total, old=True),
    }[form]
    found = of(text)
    assert found.amounts["lut"] == 705
    assert [(one.name, one.amounts["lut"]) for one in found.instances] == [
        ("model", 5), ("part", 700),
    ]  # fmt: skip


def test_cells_that_are_not_known_are_told() -> None:
    assert (
        "not counted: 3 STRANGE"
        in of(samples.yosys_json({"m": {**CELLS, "STRANGE": 3}}, None)).notes[0]
    )
    with pytest.raises(InputDataError, match=r"no cell of a device .*run it after synth_"):
        of(samples.yosys_json({"m": {"$add": 3}}, None))


EVERY = {
    "csynth.xml": samples.csynth_xml(TOP),
    "csynth.rpt": samples.csynth_rpt(TOP),
    "summary": samples.csynth_summary(TOP),
    "export": samples.export_xml(TOP),
    "flat": samples.utilization(TOP),
    "hierarchy": samples.hierarchical(TOP),
    "hierarchy.xml": samples.hierarchical_xml(TOP),
    "timing": samples.timing("model"),
    "power": samples.power("model"),
    "finn": samples.finn_nodes({"MVAU_hls_0": CONV}),
    "nextpnr": samples.nextpnr({"TRELLIS_COMB": 4}),
    "yosys.json": samples.yosys_json({"model": CELLS}, None),
}


@pytest.mark.parametrize("name", EVERY)
def test_the_name_of_a_file_says_nothing(name: str, tmp_path: Path) -> None:
    file = tmp_path / "whatever.bin"
    file.write_text(EVERY[name])
    assert read_file(file)[1] == of(EVERY[name])


@pytest.mark.parametrize("name", EVERY)
def test_a_file_that_was_cut_off_is_refused_or_says_less(name: str) -> None:
    """At every place: an error of ours, never another exception, never another figure."""
    text = EVERY[name]
    whole = of(text)
    for end in range(0, len(text.rstrip()) - 1, max(1, len(text) // 60)):
        try:
            found = of(text[:end])
        except InputDataError:
            continue
        for quantity, amount in found.amounts.items():
            assert whole.amounts[quantity] == amount, (end, quantity)
        assert {one.name for one in found.walk()} <= {one.name for one in whole.walk()}


@pytest.mark.parametrize("bad", ["-5", "1e99", "nan", "seven", "9" * 400])
@pytest.mark.parametrize("name", [n for n in EVERY if n not in ("timing", "power")])
def test_an_impossible_number_is_refused(name: str, bad: str) -> None:
    text = EVERY[name]
    number = next(n for n in ("1000", "700", "600", "4") if n in text)
    at = text.rindex(number) if name == "nextpnr" else text.index(number)
    if name == "nextpnr":
        at = text.index('"used": 4') + len('"used": ')
    if name == "csynth.rpt":
        at = text.index("|1000") + 1  # in the table of resources
    if name == "flat":
        at = text.index("|1000") + 1
    damaged = text[:at] + bad + text[at + len(number) :]
    with pytest.raises(InputDataError, match="damaged"):
        of(damaged)


@pytest.mark.slow
@pytest.mark.parametrize("name", EVERY)
def test_whatever_is_changed_in_a_file_is_read_or_refused(name: str) -> None:
    """Never another exception: bytes are cut, doubled, swapped and overwritten."""
    draw = random.Random(name)
    bits = (b"|", b"+--+", b"\n", b"<", b"{", b"]", b'"', b"null", b"NaN", b"-1", b"\xff", b"== ")
    for _ in range(300):
        data = bytearray(EVERY[name].encode())
        for _ in range(draw.randint(1, 5)):
            at = draw.randrange(len(data))
            end = min(len(data), at + draw.randint(0, 30))
            new = draw.choice((b"", draw.choice(bits), bytes(data[max(0, at - 60) : at])))
            data[at : draw.choice((at, end))] = new
        with suppress(InputDataError):
            read_report(bytes(data), "file")


def test_a_billion_laughs_are_not_heard() -> None:
    laughs = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10 if n else "ha"}">' for n in range(10))
    text = f"<?xml version='1.0'?><!DOCTYPE profile [{laughs}]><profile>&l9;</profile>"
    with pytest.raises(InputDataError, match="declares a document type"):
        of(text)
    outside = "<!DOCTYPE profile SYSTEM 'file:///etc/passwd'><profile/>"
    with pytest.raises(InputDataError, match="declares a document type"):
        of(outside)


def test_xml_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputDataError, match="nested deeper than 200"):
        of("<a>" * 300 + "</a>" * 300)
    monkeypatch.setattr(xml_tree, "MAX_ELEMENTS", 1000)
    with pytest.raises(InputDataError, match="more than 1,000 elements"):
        of(f"<profile>{'<a/>' * 2000}</profile>")
    monkeypatch.setattr(xml_tree, "MAX_ATTRIBUTES", 1000)
    with pytest.raises(InputDataError, match="more than 1,000 attributes"):
        of("<profile>" + "<a b='1' c='2'/>" * 600 + "</profile>")


@pytest.mark.parametrize("head", ["<profile ", "<profile><!-- "])
def test_no_tag_is_so_long_that_the_parser_is_busy_with_it_alone(head: str) -> None:
    many = " ".join(f"a{n}='1'" for n in range(200_000))
    with pytest.raises(InputDataError, match="has a tag or a comment of over 1,048,576 bytes"):
        of(head + many)


def test_json_is_bounded() -> None:
    with pytest.raises(InputDataError, match=r"nested too deep|no whole JSON"):
        of("[" * 200_000)
    with pytest.raises(InputDataError, match="no report that is known"):
        of("[" + "1," * 100_000 + "1]")


def test_a_file_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(read, "MAX_BYTES", 1000)
    (tmp_path / "large").write_text(" " * 2000)
    with pytest.raises(InputDataError, match=r"larger than 1,000 bytes"):
        read_file(tmp_path / "large")
    (tmp_path / "link").symlink_to(tmp_path / "large")
    with pytest.raises(InputDataError, match="no plain file"):
        read_file(tmp_path / "link")
    with pytest.raises(MissingInputData, match="no such file"):
        read_file(tmp_path / "absent")


@pytest.mark.parametrize(
    "text",
    ["", "hello", "{}", "[]", '"text"', "<html><body/></html>", "<profile/>", "a,b\n1,2\n",
     '{"modules": {}}', '{"a": {"LUT": 1}}', "\0\1\2", "== Vitis HLS Report",
     "| Tool Version : ISE"],
)  # fmt: skip
def test_what_is_no_report_is_refused_with_the_list(text: str) -> None:
    with pytest.raises(InputDataError, match=r"no report that is known.*csynth\.xml.*nextpnr"):
        of(text)


def test_wrong_roots_and_sections() -> None:
    with pytest.raises(InputDataError, match="states no resources"):
        of("<profile><AreaEstimates/></profile>")
    with pytest.raises(InputDataError, match="-hierarchical"):
        of('<RptDoc cmdline="report_utilization" designstate="Routed"><table/></RptDoc>')
    with pytest.raises(InputDataError, match="design state"):
        of(samples.utilization(TOP, state="Elaborated"))
    with pytest.raises(InputDataError, match="WNS is NA"):
        of(samples.timing("model").replace("1.250        0.000", "NA           NA   "))
