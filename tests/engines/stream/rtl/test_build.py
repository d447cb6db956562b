"""What Verilator has written is compiled in as few files as keep the cores busy."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from fpgacomp.engines.stream.rtl import build as building
from fpgacomp.engines.stream.rtl.build import VerilatedProduct, build, parts_of
from fpgacomp.errors import ToolError
from fpgacomp.host.toolchain import find_compiler, find_verilator
from tests.engines.stream.rtl.test_emit import emitted
from tests.support import builders
from tests.support.depth import deep_only


def product(*sources: Path, renamed: tuple[str, ...] = ()) -> VerilatedProduct:
    return VerilatedProduct(name="sim", room="tests", sources=sources, renamed=renamed)


def verilated(folder: Path, **sizes: int) -> Path:
    """A folder with files of so many bytes."""
    made = folder / "verilated"
    made.mkdir()
    for name, size in sizes.items():
        (made / f"{name}.cpp").write_text(" " * size)
    return made


def test_a_small_design_is_one_file_with_the_program(tmp_path: Path) -> None:
    made = verilated(tmp_path, Vtop__Slow=900_000, Vtop=100_000, Vtop_1=100_000)
    program = tmp_path / "sim_main.cpp"
    (part,) = parts_of(product(program, renamed=("VL_READMEM_N other",)), made, cores=2)
    # What runs often is optimized; the program can still call what is renamed behind it.
    assert part.read_text().splitlines() == [
        f'#include "{program}"',
        "#define VL_READMEM_N other",
        f'#include "{made / "Vtop.cpp"}"',
        f'#include "{made / "Vtop_1.cpp"}"',
        '#pragma GCC optimize("O0")',
        f'#include "{made / "Vtop__Slow.cpp"}"',
    ]


@pytest.mark.parametrize(("cores", "count"), [(1, 3), (2, 3), (4, 4), (64, 8)])
def test_a_large_design_is_a_file_a_core_within_bounds(
    cores: int, count: int, tmp_path: Path
) -> None:
    names = [f"Vtop_{n:02}" for n in range(60)]
    made = verilated(tmp_path, **dict.fromkeys(names, 100_000))
    parts = parts_of(product(tmp_path / "main.cpp"), made, cores=cores)
    texts = [part.read_text() for part in parts]
    assert len(parts) == count
    assert sorted(name for text in texts for name in names if f"/{name}.cpp" in text) == names
    counted = [text.count("/Vtop_") for text in texts]
    assert max(counted) - min(counted) <= 1
    assert ["main.cpp" in text for text in texts] == [True, *[False] * (count - 1)]


@deep_only  # it costs time alone where it does not hold
@pytest.mark.slow
def test_verilators_header_is_read_once_for_all_designs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    try:
        verilator, compiler = find_verilator(), find_compiler()
    except ToolError as absent:
        pytest.skip(str(absent))
    if not compiler.is_gcc:
        pytest.skip("this compiler is not GCC")
    emitted(builders.mlp("read_once")).write(tmp_path)
    folder = tmp_path / "rtl"
    build(folder, "read_once", verilator, compiler)
    commands: list[list[str]] = []
    run = building.run_compilers

    def noted(jobs: list[list[str]]) -> None:
        commands.extend(jobs)
        run(jobs)

    monkeypatch.setattr(building, "run_compilers", noted)
    program = folder / "sim_main.cpp"
    program.write_text(f"{program.read_text()}// another design\n")
    made, _ = build(folder, "read_once", verilator, compiler)
    assert made.is_file()
    compiled, linked = commands
    assert "-include" in compiled and "-include" not in linked
    # g++ marks what it takes as read with an exclamation mark.
    alone = tmp_path / "alone.cpp"
    alone.write_text("int unused;\n")
    options = compiled[: compiled.index("-c")]
    told = subprocess.run(
        [*options, "-H", "-c", str(alone), "-o", str(tmp_path / "alone.o")],
        capture_output=True, text=True, check=True,
    ).stderr  # fmt: skip
    assert any(line.startswith("! ") and "verilated.h.gch" in line for line in told.splitlines())
