"""Which headers C-simulation takes, and that both give the same integers from the same firmware."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
import pytest

from fpgacomp.engines.hls4ml import csim_headers
from fpgacomp.engines.hls4ml.csim import simulate
from fpgacomp.engines.hls4ml.design import Hls4mlFolding
from fpgacomp.engines.hls4ml.emit.project import emit
from fpgacomp.engines.shared.csim import CsimResult
from fpgacomp.errors import ToolError
from fpgacomp.host.toolchain import Compiler, find_compiler
from fpgacomp.ir.graph import Graph
from fpgacomp.ir.interpreter import run
from fpgacomp.results.project import Project
from tests.support import builders
from tests.support.depth import deep

GRAPH = builders.mlp()
INPUTS = builders.inputs(GRAPH, 20)


def project_of(graph: Graph) -> Project:
    return emit(builders.design(graph), run(graph, builders.inputs(graph, 2)))


def edited(project: Project, path: str, old: str, new: str) -> Project:
    text = project.files[path].decode()
    assert old in text
    return Project({**project.files, path: text.replace(old, new).encode()})


def test_native_integers_carry_what_is_up_to_sixty_bits_wide() -> None:
    project = project_of(GRAPH)
    assert csim_headers.native_headers_carry(project)
    widest = "typedef ap_int<60> any_t;\n#endif"
    wider = "typedef ap_uint<61> any_t;\n#endif"
    path = "hls/firmware/defines.h"
    assert csim_headers.native_headers_carry(edited(project, path, "#endif", widest))
    assert not csim_headers.native_headers_carry(edited(project, path, "#endif", wider))


def test_fractions_and_large_windows_are_left_to_the_open_types() -> None:
    project = project_of(GRAPH)
    fraction = "typedef ap_fixed<8, 4> any_t;\n#endif"
    assert not csim_headers.native_headers_carry(
        edited(project, "hls/firmware/defines.h", "#endif", fraction)
    )
    for side, carried in ((11, True), (12, False)):
        window = (
            f"static const unsigned filt_height = {side};\n"
            f"static const unsigned filt_width = {side};\n#endif"
        )
        changed = edited(project, "hls/firmware/parameters.h", "#endif", window)
        assert csim_headers.native_headers_carry(changed) == carried


def test_the_firmware_finds_native_headers_and_not_those_of_the_project(tmp_path: Path) -> None:
    """Were one of the project's found, C-simulation would silently be slow again."""
    project = project_of(builders.cnn())
    project.write(tmp_path)
    hls = tmp_path / "hls"
    compiler = find_compiler()
    flags = csim_headers.firmware_flags(project, compiler, hls, native=True)
    command = [str(compiler.path), *flags, "-M", str(hls / "firmware" / "cnn.cpp")]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert "hls4ml/csim/native/nnet_helpers_native.h" in told
    assert "hls4ml/csim/native/nnet_dense_resource_native.h" in told
    assert "stream/csim_include/ap_int.h" in told
    # hls4ml's own helpers are opened, and skipped by their guard: what they include is not there.
    assert "/ap_types/" not in told and "/fstream" not in told and "/ostream" not in told


def test_straight_code_is_not_combined_by_gcc_alone(tmp_path: Path) -> None:
    """The pass takes minutes for thousands of statements in a row; Clang refuses its option."""
    plain = Project({"hls/firmware/cnn.cpp": b""})
    straight = Project({**plain.files, "hls/firmware/sums_fc1.h": b""})
    gcc = Compiler(Path("g++"), "g++ (Debian 12.2.0-14) 12.2.0", 1)
    clang = Compiler(Path("g++"), "Apple clang version 15.0.0 (clang-1500.3.9.4)", 1)

    def differs(project: Project, compiler: Compiler) -> bool:
        flags = csim_headers.firmware_flags(project, compiler, tmp_path, native=True)
        return "-fdisable-rtl-combine" in flags

    assert differs(straight, gcc)
    assert not differs(straight, clang) and not differs(plain, gcc)


def result(project: Project, workdir: Path, *, open_types: bool) -> CsimResult:
    workdir.mkdir()
    return simulate(project, GRAPH, find_compiler(), INPUTS, workdir=workdir, open_types=open_types)


# fc1 has 6 x 8 weights, fc2 8 x 8: hls4ml has a kernel for a reuse factor up to the inputs, and one
# for a multiple of them.
@pytest.mark.slow
@pytest.mark.parametrize(
    "resource",
    [{}, {"fc1": 3, "fc2": 4}, deep({"fc1": 12, "fc2": 16}), deep({"fc1": 48, "fc2": 64})],
    ids=str,
)
def test_both_wrap_alike_where_a_type_is_too_narrow(
    resource: dict[str, int], tmp_path: Path
) -> None:
    """A fault of the emitted types must show in the fast simulation as it would in hardware."""
    special = {name: Hls4mlFolding("resource", factor) for name, factor in resource.items()}
    right = emit(builders.design(GRAPH, **special), run(GRAPH, builders.inputs(GRAPH, 2)))
    wrong = right
    for name in ("fc1", "fc2"):
        wrong = edited(wrong, "hls/firmware/defines.h", f"{name}_accum_t;", f"{name}_any_t;\n"
                       f"typedef ap_int<3> {name}_accum_t;")  # fmt: skip
    native = result(wrong, tmp_path / "native", open_types=False)
    wide = result(wrong, tmp_path / "open", open_types=True)
    expected = run(GRAPH, INPUTS)
    assert any(not np.array_equal(native.values[name], expected[name]) for name in expected)
    assert all(np.array_equal(native.values[name], wide.values[name]) for name in expected)


@pytest.mark.slow
def test_a_weight_file_of_the_wrong_length_is_an_error(tmp_path: Path) -> None:
    path = "hls/firmware/weights/w4.txt"
    right = project_of(GRAPH)
    for number, content in enumerate((right.files[path] + b", 1", b"1, 2")):
        wrong = Project({**right.files, path: content})
        with pytest.raises(ToolError, match=r"a file of weights has .* than it should|no such"):
            result(wrong, tmp_path / str(number), open_types=False)
