"""The emitted streaming project: complete, deterministic, refused where it could not work."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from fpgacomp.devices.families import FAMILIES
from fpgacomp.engines.stream.design import StreamDesign, StreamFolding
from fpgacomp.engines.stream.emit.project import emit_stream
from fpgacomp.engines.stream.emit.tables import rom
from fpgacomp.engines.stream.expand import expand
from fpgacomp.errors import FpgacompError, InputDataError, Problems, UnsupportedLayer
from fpgacomp.ir.graph import Graph
from fpgacomp.ir.interpreter import run
from fpgacomp.ir.layers import Reshape, Thresholds
from fpgacomp.ir.types import BIPOLAR, IntArray, Ints, IntType
from fpgacomp.results.project import Project
from tests.support import stream_designs as sd
from tests.support.stream_designs import builders

GOLDEN = Path(__file__).parent / "golden" / "cnn"
# The cnn of the builders, with a converter in it, memory styles, and DSP products.
FOLDING = {
    "c1": StreamFolding(2, 6, "lutram"),
    "t1": StreamFolding(2, memory="bram"),
    "p1": StreamFolding(4),
    "c2": StreamFolding(3, 2, arithmetic="dsp"),
    "q2": StreamFolding(1),
    "fc": StreamFolding(5, 4),
}


def cnn_design(**changed: StreamFolding) -> StreamDesign:
    return StreamDesign(
        graph=builders.cnn(), board=builders.BOARD, clock_mhz=150.0,
        folding={**FOLDING, **changed}, fifo_depths={"t1": 32},
    )  # fmt: skip


def emitted(design: StreamDesign, samples: int = 2) -> Project:
    return emit_stream(design, run(design.graph, builders.inputs(design.graph, samples)))


def small(build: Callable[[builders.GraphBuilder], Graph], **folding: StreamFolding) -> Project:
    graph = build(builders.GraphBuilder("tiny"))
    return emitted(replace(sd.design(graph), folding={**sd.design(graph).folding, **folding}))


def top(project: Project, name: str = "tiny") -> str:
    return project.files[f"hls/{name}.cpp"].decode()


@pytest.fixture(scope="module")
def project() -> Project:
    return emitted(cnn_design())


def test_golden_project(project: Project, golden: Callable[[Path, str], None]) -> None:
    copied = ("hls/include/", "hls/csim_include/", "hls/tb_data/")
    chosen = [path for path in sorted(project.files) if not path.startswith(copied)]
    assert len([path for path in chosen if "/weights/" in path]) == 8
    for path in chosen:
        golden(GOLDEN / Path(path).relative_to("hls"), project.files[path].decode())


def test_the_same_design_gives_the_same_bytes(project: Project) -> None:
    assert project.digests() == emitted(cnn_design()).digests()


def test_nothing_of_this_machine_is_in_it(project: Project) -> None:
    everything = b"\n".join(project.files.values())
    assert b"/tmp" not in everything and b"/root" not in everything and b"/home" not in everything


def test_vitis_sees_its_own_headers(project: Project) -> None:
    """ap_int.h and hls_stream.h of the C-simulation are on no path of the build script."""
    assert {"hls/csim_include/ap_int.h", "hls/csim_include/hls_stream.h"} <= set(project.files)
    assert "hls/include/fpgacomp/stream.hpp" in project.files
    assert not [p for p in project.files if p.startswith("hls/include/") and "ap_" in p]
    script = project.files["hls/build_prj.tcl"].decode()
    assert "csim_include" not in script
    assert "set_part xc7z020clg400-1\n" in script
    assert "create_clock -period 6.667 -name default" in script
    assert "set_top cnn\n" in script


def test_testbench_data_are_the_vectors(project: Project) -> None:
    values = run(builders.cnn(), builders.inputs(builders.cnn(), 2))
    sent = np.frombuffer(project.files["hls/tb_data/in0_x.bin"], dtype="<u1")
    np.testing.assert_array_equal(sent, values["x"].ravel())
    answer = np.frombuffer(project.files["hls/tb_data/out0_fc.bin"], dtype="<i2")
    np.testing.assert_array_equal(answer, values["fc"].ravel())


def test_interface(project: Project) -> None:
    interface = json.loads(project.files["hls/interface.json"])
    assert interface["top"] == "cnn" and interface["io_type"] == "axi_stream"
    assert interface["taps"] == ["x", "c1", "t1", "p1", "c2", "q2", "fc"]
    assert interface["aliases"] == {"flat": "q2"}
    assert interface["inputs"] == [
        {"tensor": "x", "port": "in0_x", "file": "in0_x.bin", "shape": [8, 8, 2], "size": 128,
         "bits": 4, "signed": False, "bipolar": False, "container_bits": 8, "lanes": 2,
         "beats": 64}
    ]  # fmt: skip
    (port,) = interface["outputs"]
    assert (port["container_bits"], port["lanes"], port["signed"]) == (16, 1, True)


def test_ports_keep_the_order_of_the_graph() -> None:
    def build(b: builders.GraphBuilder) -> Graph:
        second, first = b.input("zz", (2,), 0, 3), b.input("aa", (3,), -4, 3)
        p, q = b.dense("p", first, 2), b.dense("q", second, 3)
        return b.graph(q, p)

    interface = json.loads(small(build).files["hls/interface.json"])
    assert [port["port"] for port in interface["inputs"]] == ["in0_zz", "in1_aa"]
    assert [port["port"] for port in interface["outputs"]] == ["out0_q", "out1_p"]


def test_names_of_a_network_never_meet_those_of_the_library() -> None:
    b = builders.GraphBuilder("mvau")
    x = b.input("int", (4,), 0, 3)
    b.requantize("add", b.dense("Add", x, 4), 0, 3)
    graph = b.graph(b.dense("s_x", b.layers[-1].output, 2), b.layers[1].output)
    project = emitted(sd.design(graph))
    text = top(project, "mvau_2")
    assert "static void run_Add(" in text and "static void run_add_2(" in text
    assert 's_Add("s_Add")' in text and 's_add_2("s_add_2")' in text
    assert "FPGACOMP_TAP(add, s_add_2);" in text


def test_every_stream_has_one_writer_and_one_reader() -> None:
    text = top(emitted(sd.design(builders.windows(2))), "windows2d")
    streams = re.findall(r"#pragma HLS STREAM variable=(\w+) depth=\d+", text)
    assert len(streams) == len(set(streams)) > 30
    for stream in streams:
        assert len(re.findall(rf"  run_\w+\(.*\b{stream}\b.*\);", text)) == 2


@pytest.mark.parametrize("make", [builders.cnn, builders.activations, lambda: builders.windows(1)])
def test_an_operator_works_for_a_layer_or_is_plumbing(make: Callable[[], Graph]) -> None:
    design = sd.design(make(), 3)
    dataflow = expand(design)
    known = {layer.name for layer in design.graph.layers}
    assert {operator.layer for operator in dataflow.operators} <= known | {""}
    names = [stream.name for stream in dataflow.streams]
    assert len(names) == len(set(names))
    tapped = [stream.tensor for stream in dataflow.streams if stream.tensor]
    assert sorted(tapped) == sorted(
        layer.output.name for layer in design.graph.layers if not isinstance(layer, Reshape)
    )


def test_depths_of_fifos(project: Project) -> None:
    text = top(project, "cnn")
    assert "#pragma HLS STREAM variable=s_t1 depth=32\n" in text
    assert "#pragma HLS STREAM variable=s_c1 depth=2\n" in text


@pytest.mark.slow
def test_products_in_dsp_blocks_share_them() -> None:
    def build(b: builders.GraphBuilder) -> Graph:
        return b.graph(b.dense("fc", b.input("x", (4,), 0, 7), 6, -3, 3))

    def style(pe: int, family: str) -> str:
        graph = build(builders.GraphBuilder("tiny"))
        made = StreamDesign(
            graph=graph, board=replace(builders.BOARD, device=FAMILIES[family]), clock_mhz=100.0,
            folding={"fc": StreamFolding(pe, 2, arithmetic="dsp")},
        )  # fmt: skip
        return re.findall(r"mvau<4, 6, 1, (.*?)>\(", top(emitted(made)))[0]

    # Products -21..21 are 6 bits wide, weights -3..3 have 3: 3 + 3 * 6 = 21 of 25 bits.
    assert style(6, "zynq-7000") == "MulDspPacked<4, 6>"
    assert style(6, "zynq-ultrascale+") == "MulDspPacked<5, 6>"
    assert style(2, "zynq-7000") == "MulDspPacked<2, 6>"
    assert style(1, "zynq-7000") == "MulDsp"


def test_a_whole_window_a_cycle_where_one_word_is_too_slow() -> None:
    def build(b: builders.GraphBuilder) -> Graph:
        return b.graph(b.conv("c", b.input("x", (6, 6, 2), 0, 3), 4, (3, 3)))

    slow = top(small(build, c=StreamFolding(1, 6)))
    fast = top(small(build, c=StreamFolding(4, 6)))
    assert "sliding_window<6, 6, 2, 3, 3, 1, 1, 1, 1, ChannelsInner>" in slow
    assert "sliding_window_parallel<6, 6, 2, 3, 3, 1, 1, 1, 1>" in fast


def test_thresholds_are_compared_or_searched() -> None:
    def build(b: builders.GraphBuilder) -> Graph:
        x = b.input("x", (2,), -40, 40)
        return b.graph(b.thresholds("few", x, 3), b.thresholds("many", x, 4))

    text = top(small(build))
    assert (
        "thresholds<2, 1, 3>(s_x_copy0" in text or "thresholds<2, 1, 3>(s_x_copy0_for_few" in text
    )
    assert "thresholds_search<2, 1, ap_int<7>>" in text
    assert text.count('#include "weights/c_many_') == 3


def test_a_row_of_weights_is_packed_evenly() -> None:
    """22 elements of 3 bits: 2 words of 11."""
    values = np.arange(-3, 19)[None] % 8 - 4
    table = rom("w", "", values, IntType(-4, 3), "auto")
    assert len(table.rows) == 1 and len(table.rows[0]) == 2
    for lane, value in enumerate(values[0]):
        field = table.rows[0][lane // 11] >> (lane % 11 * 3) & 7
        assert field - 8 * (field >= 4) == value
    assert rom("w", "", np.array([[1, -1, 1]]), BIPOLAR, "auto").rows == [[0b101]]


def refused(design: StreamDesign) -> str:
    with pytest.raises(FpgacompError) as caught:
        emitted(design)
    assert isinstance(caught.value, UnsupportedLayer | Problems)
    return str(caught.value)


def test_a_layer_without_folding() -> None:
    folding = {name: choice for name, choice in FOLDING.items() if name != "fc"}
    assert refused(replace(cnn_design(), folding=folding)) == (
        "fc: has no folding. Fix: give it one (pe=1, simd=1)."
    )


@pytest.mark.parametrize(
    ("layer", "folding", "why"),
    [
        ("c1", StreamFolding(3), "pe 3 does not divide its 4 channels."),
        ("c1", StreamFolding(1, 4), "simd 4 does not fold 2 channels of 18 products."),
        ("fc", StreamFolding(1, 5), "simd 5 does not fold 24 channels of 24 products."),
        ("t1", StreamFolding(0), "pe 0 and simd 1 are not both 1 or more."),
    ],
)
def test_foldings_that_do_not_divide(layer: str, folding: StreamFolding, why: str) -> None:
    assert refused(cnn_design(**{layer: folding})) == f"{layer}: {why} Fix: choose divisors."


def test_a_concat_is_folded_by_what_divides_every_input() -> None:
    b = builders.GraphBuilder("joined")
    x, y = b.input("x", (2, 4), 0, 3), b.input("y", (2, 6), 0, 3)
    design = sd.design(b.graph(b.concat("j", x, y)), j=StreamFolding(4))
    assert "j: pe 4 does not divide all of its inputs' channels." in refused(design)


def test_constants_do_not_lie_in_ultraram() -> None:
    text = refused(cnn_design(c1=StreamFolding(1, 1, "uram"), t1=StreamFolding(1, memory="uram")))
    assert text.startswith("2 problems:\n  - c1: its constants cannot lie in UltraRAM")
    assert "which has no initial content. Fix: choose bram or lutram. (The same: t1.)" in text


def test_an_output_that_nobody_reads() -> None:
    b = builders.GraphBuilder("dead")
    x = b.input("x", (4,), 0, 3)
    b.dense("unread", x, 2)
    design = sd.design(b.graph(b.dense("fc", x, 2)))
    assert refused(design) == (
        "unread: nobody reads its output, so the stream would fill up and stop. "
        "Fix: remove the layer."
    )


def test_all_problems_at_once() -> None:
    text = refused(cnn_design(c1=StreamFolding(3), p1=StreamFolding(3), fc=StreamFolding(2)))
    assert text.startswith("3 problems:")


def test_vectors_that_do_not_belong_to_the_graph() -> None:
    design = cnn_design()
    vectors: dict[str, IntArray] = run(design.graph, builders.inputs(design.graph, 2))
    with pytest.raises(InputDataError, match="fc: no vectors were given"):
        emit_stream(design, {"x": vectors["x"]})
    with pytest.raises(InputDataError, match=r"x: its vectors have shape \(2, 7, 8, 2\)"):
        emit_stream(design, {**vectors, "x": vectors["x"][:, :7]})


def test_the_graphs_arrays_are_not_written_to() -> None:
    graph = builders.activations()
    before = [hash(layer) for layer in graph.layers]
    emitted(sd.design(graph))
    assert [hash(layer) for layer in graph.layers] == before


def test_thresholds_that_never_fire_have_room_in_their_type() -> None:
    b = builders.GraphBuilder("tiny")
    x = b.input("x", (1,), 0, 15)
    never = Thresholds(
        name="t", output=replace(x, name="t"), input=x, thresholds=Ints([[3, 16]]),
        base=Ints([0]), step=Ints([1]),
    )  # fmt: skip
    text = emitted(sd.design(b.graph(b.add(never)))).files["hls/weights/c_t.h"].decode()
    assert "static const Rom<ap_uint<5>, 1, 2> c_t = { {\n    { 515ULL },\n" in text


@pytest.mark.parametrize(
    ("words", "steps"),
    [(None, ["csynth_design"]), ("csim export", ["csim_design", "csynth_design", "export_design"])],
)
def test_the_script_runs_with_words_and_without_any(
    words: str | None, steps: list[str], project: Project, tmp_path: Path
) -> None:
    """vitis-run of 2024.2 and later passes none, and has no `argv` then."""
    tcl = pytest.importorskip("tkinter", reason="this Python has no Tcl interpreter").Tcl()
    calls: list[str] = []
    commands = ("open_project", "set_top", "add_files", "open_solution", "set_part", "exit",
                "create_clock", "config_compile", "csim_design", "csynth_design", "cosim_design",
                "export_design")  # fmt: skip
    for name in commands:
        tcl.createcommand(name, lambda *_, name=name: calls.append(name))
    project.write(tmp_path)
    tcl.eval("unset -nocomplain argv" if words is None else f"set argv {{{words}}}")
    tcl.evalfile(str(tmp_path / "hls" / "build_prj.tcl"))
    assert [name for name in calls if name.endswith("_design")] == steps
