"""What Verilator has written is compiled in as few files as keep the cores busy."""

from __future__ import annotations

from pathlib import Path

import pytest

from fpgacomp.engines.stream.rtl.build import VerilatedProduct, parts_of


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
