"""The emitted project: complete, deterministic, refused where hls4ml would change something."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from fpgacomp.engines.hls4ml.design import Hls4mlDesign, Hls4mlFolding, IoType
from fpgacomp.engines.hls4ml.emit.project import emit
from fpgacomp.engines.shared.csim_process import SILENT
from fpgacomp.errors import InputDataError, Problems, UnsupportedLayer
from fpgacomp.host.toolchain import find_compiler
from fpgacomp.ir.interpreter import run
from fpgacomp.ir.layers import Dense
from fpgacomp.ir.types import Ints
from fpgacomp.results.project import Project
from tests.support import builders
from tests.support.paths import REPOSITORY

GOLDEN = Path(__file__).parent / "golden" / "mlp"
# What is golden: all that this package decides. The rest are hls4ml's own headers.
REVIEWED = ("mlp.cpp", "mlp.h", "defines.h", "parameters.h", "mlp_test.cpp", "build_prj.tcl",
            "interface.json", "thresholds3.h", "tb_output_fc3.dat")  # fmt: skip
# One activation with its lanes shared, one without.
DESIGN = builders.design(builders.mlp(), "io_stream", "resource", 2,
                         act1=Hls4mlFolding("latency", 4))  # fmt: skip


def emitted(design: Hls4mlDesign, samples: int = 3) -> Project:
    return emit(design, run(design.graph, builders.inputs(design.graph, samples)))


def text(project: Project, path: str) -> str:
    return project.files[f"hls/{path}"].decode()


@pytest.fixture(scope="module")
def project() -> Project:
    return emitted(DESIGN)


def test_golden_project(project: Project, golden: Callable[[Path, str], None]) -> None:
    chosen = [path for path in project.files if Path(path).name in REVIEWED]
    assert len(chosen) == len(REVIEWED)
    for path in sorted(chosen):
        golden(GOLDEN / Path(path).relative_to("hls"), project.files[path].decode())


def test_the_same_design_gives_the_same_bytes(project: Project) -> None:
    again = emitted(DESIGN)
    assert project.digests() == again.digests()


def test_nothing_of_this_machine_or_moment_is_in_it(project: Project) -> None:
    everything = b"\n".join(project.files.values())
    assert b"/tmp" not in everything and b"/root" not in everything and b"/home" not in everything
    assert not [path for path in project.files if path.endswith((".tar.gz", ".yml", ".sh"))]


def test_only_headers_that_are_used(project: Project) -> None:
    names = {Path(path).name for path in project.files}
    assert {"fpgacomp_thresholds.h", "fpgacomp_requantize.h", "nnet_dense.h", "ap_int.h"} <= names
    assert not {"fpgacomp_pool.h", "nnet_garnet.h", "nnet_recurrent.h"} & names


@pytest.mark.slow
def test_no_heavy_import() -> None:
    """keras alone would cost 8 s."""
    script = (
        "import sys; sys.path.insert(0, sys.argv[1]); from tests.support import builders\n"
        "import fpgacomp.engines.hls4ml.emit.project as backend\n"
        "assert 'hls4ml' not in sys.modules\n"
        "from fpgacomp.ir.interpreter import run; g = builders.mlp()\n"
        "backend.emit(builders.design(g), run(g, builders.inputs(g, 2)))\n"
        "heavy = {'keras', 'tensorflow', 'torch', 'tf_keras', 'qkeras'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", script, str(REPOSITORY)], check=True)


@pytest.mark.parametrize("io_type", ["io_parallel", "io_stream"])
@pytest.mark.parametrize("make", [builders.mlp, builders.cnn, builders.traps])
def test_no_type_is_left_to_hls4ml(make: Callable[[], object], io_type: IoType) -> None:
    """The sentinel ap_fixed<1,1>, or any other fixed-point type, appears nowhere."""
    design = builders.design(make(), io_type)  # type: ignore[arg-type]
    defines = text(emitted(design), "firmware/defines.h")
    declared = re.findall(r"^typedef (.*) \w+;$", defines, re.MULTILINE)
    assert declared
    assert all(re.fullmatch(r"(nnet::array<)?ap_u?int<\d+>(, \d+\*1>)?", kind) for kind in declared)


def test_build_script_has_part_and_clock(project: Project) -> None:
    script = text(project, "build_prj.tcl")
    assert "set_part xc7z020clg400-1" in script
    assert "create_clock -period 10.000 -name default" in script
    assert "set_top $top" in script and "set top mlp" in script
    for step in ("csim", "csynth", "cosim", "export"):
        assert f"if {{$opt({step})}}" in script


@pytest.mark.parametrize(
    ("io_type", "style", "said"),
    [("io_stream", "frp", "There is no TLAST"), ("io_parallel", "stp", "(`ap_vld`)")],
)
def test_pipeline_style_and_kind_of_ports_are_stated(
    io_type: IoType, style: str, said: str
) -> None:
    made = emitted(builders.design(builders.mlp(), io_type))
    script, readme = text(made, "build_prj.tcl"), text(made, "README.md")
    assert re.findall(r"^catch \{config_compile -pipeline_style (\w+)\}$", script, re.M) == [style]
    assert script.index("open_solution") < script.index("-pipeline_style")
    assert said in readme and "--backend stream" in readme
    ports = json.loads(text(made, "interface.json"))
    for port in (*ports["inputs"], *ports["outputs"]):
        assert f"| {port['variable']} | {port['tensor']} {port['shape']} |" in readme


def test_interface_names_ports_and_traces(project: Project) -> None:
    interface = json.loads(text(project, "interface.json"))
    assert [port["tensor"] for port in interface["inputs"]] == ["x"]
    assert [port["tensor"] for port in interface["outputs"]] == ["fc3"]
    assert [trace["tensor"] for trace in interface["traces"]] == [
        "fc1",
        "act1",
        "fc2",
        "act2",
        "fc3",
    ]
    port = interface["outputs"][0]
    assert (port["size"], port["shape"], port["signed"]) == (5, [5], True)


def test_ports_keep_the_order_of_the_graph() -> None:
    b = builders.GraphBuilder("ports")
    second, first = b.input("zz", (2,), 0, 3), b.input("aa", (3,), -4, 3)
    p, q = b.dense("p", first, 2), b.dense("q", second, 3)
    interface = json.loads(text(emitted(builders.design(b.graph(q, p))), "interface.json"))
    assert [port["tensor"] for port in interface["inputs"]] == ["zz", "aa"]
    assert [port["tensor"] for port in interface["outputs"]] == ["q", "p"]


def test_a_pipelined_top_function_has_the_interval_of_its_slowest_layer() -> None:
    design = builders.design(builders.mlp(), fc2=Hls4mlFolding("latency", 4))
    assert "#pragma HLS PIPELINE II=4" in text(emitted(design), "firmware/mlp.cpp")
    stream = builders.design(builders.mlp(), "io_stream", fc2=Hls4mlFolding("latency", 4))
    assert "#pragma HLS DATAFLOW" in text(emitted(stream), "firmware/mlp.cpp")


def test_shared_lanes_are_not_unrolled_by_a_pipelined_top_function() -> None:
    design = builders.design(builders.mlp(), act1=Hls4mlFolding("latency", 4))
    top = text(emitted(design), "firmware/mlp.cpp")
    assert "#pragma HLS DATAFLOW" in top and "#pragma HLS PIPELINE" not in top
    assert "fpgacomp::thresholds_folded<" in top and "fpgacomp::requantize<" in top


def test_a_reuse_factor_without_whole_lanes_is_refused() -> None:
    design = builders.design(builders.mlp(), act1=Hls4mlFolding("latency", 3))
    with pytest.raises(UnsupportedLayer, match="act1: reuse factor 3 does not leave whole lanes"):
        emitted(design)


def test_each_layer_keeps_its_own_reuse_factor() -> None:
    """An extension layer does not inherit the model's."""
    folding = {"fc1": Hls4mlFolding("resource", 6), "act1": Hls4mlFolding("latency", 2)}
    parameters = text(emitted(builders.design(builders.mlp(), **folding)), "firmware/parameters.h")
    factors = re.findall(r"reuse_factor = (\d+);", parameters)
    assert factors == ["6", "2", "1", "1", "1"]


def test_a_reuse_factor_that_hls4ml_would_change_is_refused() -> None:
    design = builders.design(builders.mlp(), fc1=Hls4mlFolding("resource", 5))
    with pytest.raises(UnsupportedLayer, match="fc1: reuse factor 5 is not valid for 6x8"):
        emitted(design)


def test_all_problems_at_once() -> None:
    wrong = {name: Hls4mlFolding("resource", 7) for name in ("fc1", "fc2")}
    with pytest.raises(Problems) as caught:
        emitted(builders.design(builders.mlp(), **wrong))
    assert len(caught.value.problems) == 2


def test_more_than_53_bits_are_refused() -> None:
    b = builders.GraphBuilder("wide")
    x = b.input("x", (2,), 0, 2**30)
    layer = Dense(name="fc", output=replace(x, name="fc"), input=x, weight=Ints([[1], [2**29]]))
    with pytest.raises(UnsupportedLayer, match=r"fc: its output .* has more than 53 bits"):
        emitted(builders.design(b.graph(b.add(layer)), strategy="latency"))


def test_vectors_that_do_not_belong_to_the_graph() -> None:
    graph = builders.mlp()
    vectors = run(graph, builders.inputs(graph, 2))
    design = builders.design(graph)
    with pytest.raises(InputDataError, match="fc3: no vectors were given"):
        emit(design, {"x": vectors["x"]})
    with pytest.raises(InputDataError, match=r"x: its vectors have shape \(2, 5\)"):
        emit(design, {**vectors, "x": vectors["x"][:, :5]})


def test_the_graphs_arrays_are_not_written_to() -> None:
    graph = builders.windows(2)
    before = [hash(layer) for layer in graph.layers]
    emitted(builders.design(graph, "io_stream", "resource", 2))
    assert [hash(layer) for layer in graph.layers] == before


@pytest.mark.slow
@pytest.mark.parametrize("io_type", ["io_parallel", "io_stream"])
def test_testbench_passes_and_finds_a_wrong_integer(io_type: IoType, tmp_path: Path) -> None:
    made = emitted(builders.design(builders.mlp(), io_type), samples=5)
    made.write(tmp_path)
    hls = tmp_path / "hls"
    command = [find_compiler().path, "-std=c++0x", *SILENT, "-Ifirmware/ap_types",
               '-DWEIGHTS_DIR="firmware/weights"', "mlp_test.cpp", "firmware/mlp.cpp",
               "-o", "testbench"]  # fmt: skip
    subprocess.run(command, cwd=hls, check=True)
    ran = subprocess.run(["./testbench"], cwd=hls, capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stdout.strip()) == (0, "PASS: 5 samples, 0 mismatches")

    expected = hls / "tb_data" / "tb_output_fc3.dat"
    values = np.loadtxt(expected, dtype=np.int64)
    values[2, 1] += 1
    np.savetxt(expected, values, fmt="%d")
    ran = subprocess.run(["./testbench"], cwd=hls, capture_output=True, text=True, check=False)
    assert ran.returncode == 1
    assert (
        f"output fc3, sample 2, element 1: expected {values[2, 1]}, got {values[2, 1] - 1}"
        in ran.stdout
    )

    expected.unlink()
    assert (
        subprocess.run(["./testbench"], cwd=hls, capture_output=True, check=False).returncode == 2
    )
