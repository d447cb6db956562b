"""Emitted C++ holds nothing that an HLS tool refuses, by clang's syntax tree of it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from fpgacomp import zoo
from fpgacomp.engines.engine import IoType
from fpgacomp.engines.hls4ml.design import Hls4mlStrategy
from fpgacomp.engines.hls4ml.emit.project import emit
from fpgacomp.engines.stream.emit.project import emit_stream
from fpgacomp.frontend import read_network
from fpgacomp.host.resources import data_folder
from fpgacomp.ir.graph import Graph
from fpgacomp.ir.interpreter import run
from fpgacomp.lower import lower
from fpgacomp.results.project import Project
from tests.support import builders, hls_check
from tests.support import stream_designs as sd
from tests.support.depth import draws

TEMPLATES = data_folder("hls_templates")


def checked(project: Project, folder: Path, source: str, flags: list[str]) -> list[str]:
    """What is found in a project, whose numbers are left out: they take clang a minute."""
    Project({
        path: re.sub(rb"= \{ \{.*?\} \};", b"= {};", content, flags=re.DOTALL)
        if "/weights/" in path else content
        for path, content in project.files.items()
    }).write(folder)  # fmt: skip
    top = Path(source).stem
    return hls_check.findings(folder / "hls" / source, top, ["-std=c++14", *flags])


def stream_findings(graph: Graph, folder: Path, most: int = 64) -> list[str]:
    design = sd.design(graph, 3, most=most)
    project = emit_stream(design, run(graph, builders.inputs(graph, 2)))
    (source,) = (path for path in project.files if re.fullmatch(r"hls/\w+\.cpp", path)
                 and path not in ("hls/testbench.cpp", "hls/csim_main.cpp"))  # fmt: skip
    hls = folder / "hls"
    flags = [f"-I{hls / name}" for name in ("include", "csim_include", ".")]
    return checked(project, folder, source.removeprefix("hls/"), flags)


def hls4ml_findings(
    graph: Graph, folder: Path, io_type: IoType, strategy: Hls4mlStrategy = "latency"
) -> list[str]:
    design = builders.design(graph, io_type, strategy)
    project = emit(design, run(graph, builders.inputs(graph, 2)))
    (source,) = (path for path in project.files if re.fullmatch(r"hls/firmware/\w+\.cpp", path))
    hls = folder / "hls"
    # The open ap_types refuse to be synthesized; the native headers have the same interface.
    behind = [TEMPLATES / "stream" / "csim_include", TEMPLATES / "hls4ml" / "csim" / "native"]
    flags = [f"-I{hls}", f"-I{hls / 'firmware'}", f"-I{behind[0]}", "-idirafter", str(behind[1])]
    return checked(project, folder, source.removeprefix("hls/"), flags)


@pytest.mark.slow
@pytest.mark.parametrize("name", zoo.NAMES[:: draws(2, 1)])
def test_streaming_designs_of_the_zoo(name: str, tmp_path: Path) -> None:
    assert not stream_findings(lower(read_network(zoo.build(name))).graph, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("io_type", ["io_parallel", "io_stream"])
@pytest.mark.parametrize("make", [builders.mlp, builders.cnn, builders.activations])
def test_hls4ml_designs(make, io_type: IoType, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    assert not hls4ml_findings(make(), tmp_path, io_type)


@pytest.mark.slow
@pytest.mark.parametrize("io_type", ["io_parallel", "io_stream"])
def test_hls4ml_designs_of_shared_additions(io_type: IoType, tmp_path: Path) -> None:
    assert not hls4ml_findings(builders.cnn(), tmp_path, io_type, "distributed_arithmetic")


SINS = {
    "int top(int n) { return n < 2 ? n : top(n - 1); }": "top calls itself",
    "int f(int n) { return n; }\nint top(int n) { int* p = new int(n); return f(*p); }": (
        "allocates memory"
    ),
    "#include <stdlib.h>\nint top(int n) { return malloc(n) == 0; }": "malloc handles memory",
    "#include <vector>\nint top(int n) { std::vector<int> v; return n + v.size(); }": "std::",
    "struct A { virtual int f() { return 1; } };\nint top() { A a; return a.f(); }": "f is virtual",
    "int top(int n) { while (n > 3) n -= 2; return n; }": "a loop without a trip count",
    "int top(int n) { int s = 0; for (int i = 0; i < n; ++i) s += i; return s; }": (
        "the loop's trip count depends on n"
    ),
    "int top(int n) { for (;;) { if (n++ > 5) return n; } }": "a part of its head is missing",
    "int top(int n) { try { return n; } catch (...) { return 0; } }": "catches",
    "template <class T> T f(T n) { T* p = new T(n); return *p; }\n"
    "int top(int n) { return f<int>(n); }": "f, line 1: allocates memory",
}


@pytest.mark.parametrize("sin", SINS)
def test_what_is_refused_is_found(sin: str, tmp_path: Path) -> None:
    source = tmp_path / "top.cpp"
    source.write_text(sin)
    found = hls_check.findings(source, "top", ["-std=c++14", "-fexceptions"])
    assert any(SINS[sin] in line for line in found), found


def test_what_is_not_reached_or_a_constant_is_no_finding(tmp_path: Path) -> None:
    source = tmp_path / "top.cpp"
    source.write_text(
        "int* unused() { return new int(1); }\n"
        "constexpr int bits(int n) { return n < 1 ? 0 : 1 + bits(n / 2); }\n"
        "template <int N> int sum() { int s = 0; for (int i = 0; i < N; ++i) s += i; return s; }\n"
        "int ends(int n) {\n  do {\n#pragma HLS LOOP_TRIPCOUNT min=2 max=2\n    n -= 2;\n"
        "  } while (n > 3);\n  return n;\n}\n"
        "int top() { return sum<bits(9)>() + ends(9); }\n"
    )
    assert not hls_check.findings(source, "top", ["-std=c++14"])
