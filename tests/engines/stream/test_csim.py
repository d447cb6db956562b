"""Emitted, compiled, run: every integer of every layer equals the oracle's."""

from __future__ import annotations

import importlib.util
import re
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from fpgacomp import zoo
from fpgacomp.devices.families import FAMILIES
from fpgacomp.engines.shared.csim_process import SILENT
from fpgacomp.engines.stream import csim
from fpgacomp.engines.stream.csim import simulate
from fpgacomp.engines.stream.design import StreamFolding
from fpgacomp.engines.stream.emit.project import emit_stream
from fpgacomp.engines.stream.operators.window import Order, Window
from fpgacomp.engines.stream.streams import Stream
from fpgacomp.errors import InputDataError, ToolError
from fpgacomp.evidence.compare import compare
from fpgacomp.evidence.vectors import integer_vectors
from fpgacomp.frontend import read_network
from fpgacomp.host.resources import data_folder
from fpgacomp.host.toolchain import find_compiler
from fpgacomp.ir.graph import Graph
from fpgacomp.ir.interpreter import run
from fpgacomp.ir.types import IntType
from fpgacomp.lower import lower
from fpgacomp.results.project import Project
from tests.support import stream_designs as sd
from tests.support.depth import deep, deep_only, draws
from tests.support.stream_designs import builders

pytestmark = pytest.mark.slow
FAMILY_NAMES = ("zynq-7000", "zynq-ultrascale+")


def every_layer(seed: int) -> Graph:
    """All layers in all forms, in one compilation."""
    return sd.merged(
        builders.mlp(), builders.cnn(), builders.windows(1, seed), builders.windows(2, seed),
        builders.activations(seed), builders.traps(seed),
    )  # fmt: skip


@pytest.mark.parametrize("seed", [0, deep(1)])  # a family of devices each
def test_every_layer_under_random_foldings(seed: int, tmp_path: Path) -> None:
    design = sd.design(every_layer(seed), seed, most=(8, 64, 400)[seed])
    board = replace(design.board, device=FAMILIES[FAMILY_NAMES[seed % 2]])
    assert sd.exact(replace(design, board=board), tmp_path)


@deep_only  # test_ports.py runs the loops of every layer on these headers
def test_synthesized_variant_on_the_open_vendor_headers(tmp_path: Path) -> None:
    """Packed tables and exact widths, as Vitis HLS sees them, on the ap_types of hls4ml."""
    found = importlib.util.find_spec("hls4ml")
    if found is None or found.origin is None:
        pytest.skip("hls4ml is not installed, and its ap_types with it")
    vendor = Path(found.origin).parent / "templates" / "vivado" / "ap_types"
    design = sd.design(sd.merged(builders.cnn(), builders.windows(2), builders.traps()), 5)
    values = run(design.graph, builders.inputs(design.graph, 3))
    emit_stream(design, values).write(tmp_path)
    hls = tmp_path / "hls"
    command = [find_compiler().path, "-std=c++14", "-O0", *SILENT, "-DFPGACOMP_SYNTHESIS=1", "-I.",
               "-Iinclude", f"-I{vendor}", "-Icsim_include", "merged.cpp", "testbench.cpp",
               "-o", "testbench"]  # fmt: skip
    subprocess.run(command, cwd=hls, check=True)
    ran = subprocess.run(["./testbench"], cwd=hls, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout
    assert ran.stdout.count(": 0 of ") == len(design.graph.outputs)


# Dense and binary, residual, depthwise, one axis; then larger ones and others of these kinds.
OF_THE_FIELD = (
    ("digits", 400), ("tfc_w2a2", 2000), ("lfc_w1a1", 20_000), ("resnet8_w4a4", 30_000),
    ("dscnn_w4a4", 20_000), ("conv1d_w4a4", 4000), ("cnv_w2a2", 200_000),
    ("mobilenet025_w4a4", 100_000), ("unet_w4a4", 100_000), ("tfc_w1a1", 500),
    ("cnv_w1a1", 100_000), ("autoencoder_w4a4", 4000),
)  # fmt: skip


@pytest.mark.parametrize(("name", "cycles"), OF_THE_FIELD[: draws(6, 12)])
def test_networks_of_the_field(
    name: str, cycles: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At -O3, as many frames are compiled; other tests have few, at -O1."""
    monkeypatch.setattr(csim, "_QUICK_INTEGERS", 0)
    graph = lower(read_network(zoo.build(name), name=name)).graph
    folding = sd.balanced_folding(graph, cycles)
    design = replace(sd.design(graph), folding=folding)
    assert sd.exact(design, tmp_path, **integer_vectors(graph, 4, 0))


def emitted(graph: Graph) -> Project:
    return emit_stream(sd.design(graph), run(graph, builders.inputs(graph, 2)))


def test_a_wrong_integer_is_found_where_it_arises(tmp_path: Path) -> None:
    graph = builders.mlp()
    project = emitted(graph)
    (weights,) = [path for path in project.files if path.endswith("c_fc2.h")]
    text = project.files[weights].decode()
    start = text.index("    { ") + len("    { ")
    end = min(text.index(mark, start) for mark in (",", " "))
    changed = f"({text[start:end]}) ^ 1"
    files = {**project.files, weights: (text[:start] + changed + text[end:]).encode()}
    inputs = builders.inputs(graph, 5)
    result = simulate(Project(files), graph, find_compiler(), inputs, workdir=tmp_path)
    outcome = compare(run(graph, inputs), result.values, graph)
    assert outcome.mismatches > 0 and outcome.first is not None
    assert outcome.first.layer == "fc2"


def test_frames_are_shared_out_and_come_back_in_order(tmp_path: Path) -> None:
    graph = builders.cnn()
    told: list[tuple[str, int, int]] = []
    inputs = builders.inputs(graph, 7)
    compiler = replace(find_compiler(), cores=3)
    result = simulate(
        emitted(graph), graph, compiler, inputs, workdir=tmp_path,
        progress=lambda what, done, total: told.append((what, done, total)),
    )  # fmt: skip
    assert compare(run(graph, inputs), result.values, graph).mismatches == 0
    assert sorted(path.name for path in tmp_path.glob("results*")) == [
        "results0", "results1", "results2",
    ]  # fmt: skip
    assert told[0] == ("compiling", 0, 7) and told[-1] == ("simulating", 7, 7)
    assert result.compile_s > 0 and result.run_s > 0


def test_many_frames_are_compiled_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    graph = builders.mlp()
    values = run(graph, builders.inputs(graph, 6))
    parts = [{"x": values["x"][start : start + 2]} for start in (0, 2, 4)]
    monkeypatch.setattr(csim, "_QUICK_INTEGERS", 3 * sum(x.output.size for x in graph.layers))
    project, compiler = emitted(graph), find_compiler()
    found = list(csim.simulate_batches(project, graph, compiler, parts, workdir=tmp_path))
    assert [result.compile_s > 0 for result in found] == [True, True, False]
    for name, expected in values.items():
        got = np.concatenate([result.values[name] for result in found])
        np.testing.assert_array_equal(got, expected)


def test_inputs_that_the_hardware_would_wrap(tmp_path: Path) -> None:
    graph = builders.mlp()
    with pytest.raises(InputDataError, match=r"x: values 8\.\.8 leave int4"):
        simulate(emitted(graph), graph, find_compiler(), {"x": np.full((1, 6), 8)},
                 workdir=tmp_path)  # fmt: skip
    assert not list(tmp_path.iterdir())


def test_a_design_that_does_not_compile(tmp_path: Path) -> None:
    graph = builders.mlp()
    project = emitted(graph)
    broken = project.files["hls/mlp.cpp"] + b"#error as this\n"
    files = {**project.files, "hls/mlp.cpp": broken}
    with pytest.raises(ToolError, match=r"the emitted C\+\+ does not compile: .*#error as this"):
        simulate(Project(files), graph, find_compiler(), builders.inputs(graph, 2),
                 workdir=tmp_path)  # fmt: skip


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ("to_axis<8, 8>", "to_axis<4, 8>", "exit code 1: out0_act2: wrong number of beats"),
        ("to_axis<8, 8>", "to_axis<16, 8>", "signal 6: ERROR: stream 's_act2' is read while empty"),
        ("run_x(in0_x, s_x);", "run_x(in0_x, s_x); in0_x.write(in0_x_beat());",
         "did not come out even: WARNING: stream 'in0_x' ends with 1 words unread"),
    ],
)  # fmt: skip
def test_streams_that_do_not_come_out_even(old: str, new: str, why: str, tmp_path: Path) -> None:
    b = builders.GraphBuilder("mlp")
    graph = b.graph(b.requantize("act2", b.dense("fc", b.input("x", (6,), -8, 7), 8), 0, 15))
    inputs = builders.inputs(graph, 2)
    project = emit_stream(sd.design(graph, act2=StreamFolding(1)), run(graph, inputs))
    text = project.files["hls/mlp.cpp"].decode()
    assert old in text
    files = {**project.files, "hls/mlp.cpp": text.replace(old, new).encode()}
    compiler = replace(find_compiler(), cores=2)
    with pytest.raises(ToolError, match=re.escape(why)):
        simulate(Project(files), graph, compiler, inputs, workdir=tmp_path)


def random_window(rng: np.random.Generator) -> Window:
    kernel, strides, dilations = (tuple(rng.integers(1, 4, size=2).tolist()) for _ in range(3))
    extent = [d * (k - 1) + 1 for k, d in zip(kernel, dilations)]
    h, w = (int(e + rng.integers(0, 7)) for e in extent)
    lanes, groups = (int(n) for n in rng.integers(1, 4, size=2))
    order: Order = ("channels_inner", "kernel_inner")[rng.integers(2)]
    kind, channels = IntType(0, 1), lanes * groups
    window = Window(
        name="w", layer="w", shape=(h, w, channels), kernel=kernel, strides=strides,
        dilations=dilations, order=order, input=Stream("a", kind, lanes, h * w * groups),
        output=Stream("b", kind, lanes, 0),
    )  # fmt: skip
    return window


def test_cycles_and_depth_of_a_window_are_those_of_the_library(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    lines = ['#include "fpgacomp/window.hpp"', "using namespace fpgacomp;"]
    for number in range(200):
        window = random_window(rng)
        order = {"channels_inner": "ChannelsInner", "kernel_inner": "KernelInner"}[window.order]
        geometry = (*window.shape, *window.kernel, *window.strides, *window.dilations, order)
        name = f"Window<{', '.join(map(str, geometry))}, {window.input.lanes}>"
        lines += [
            f"typedef {name} W{number};",
            f'static_assert(W{number}::CYCLES == {window.cycles}, "cycles of {name}");',
            f'static_assert(W{number}::DEPTH == {window.buffer_words}, "depth of {name}");',
        ]
    source = tmp_path / "windows.cpp"
    source.write_text("\n".join(lines) + "\n")
    templates = data_folder("hls_templates") / "stream"
    command = [find_compiler().path, "-std=c++14", "-fsyntax-only", f"-I{templates / 'include'}",
               f"-I{templates / 'csim_include'}", str(source)]  # fmt: skip
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr[:2000]


@pytest.mark.parametrize("wrong", [False, True])
def test_testbench(wrong: bool, tmp_path: Path) -> None:
    graph = builders.cnn()
    emitted(graph).write(tmp_path)
    hls = tmp_path / "hls"
    if wrong:
        data = bytearray((hls / "tb_data" / "out0_fc.bin").read_bytes())
        data[14] ^= 1  # frame 1, element 2
        (hls / "tb_data" / "out0_fc.bin").write_bytes(data)
    command = [find_compiler().path, "-std=c++14", "-fwrapv", *SILENT, "-I.", "-Iinclude",
               "-Icsim_include", "cnn.cpp", "testbench.cpp", "-o", "testbench"]  # fmt: skip
    subprocess.run(command, cwd=hls, check=True)
    ran = subprocess.run(["./testbench"], cwd=hls, capture_output=True, text=True, check=False)
    assert ran.returncode == wrong
    assert ("out0_fc: first mismatch in frame 1, element 2" in ran.stdout) == wrong, ran.stdout
