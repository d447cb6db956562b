"""Compiles test cases of the streaming operators and runs them under several header sets."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from fpgacomp.engines.shared.csim_process import SILENT
from fpgacomp.host.resources import data_folder
from fpgacomp.ir.types import BIPOLAR, IntArray, IntType
from tests.support.depth import draws

STREAM = data_folder("hls_templates") / "stream"
HERE = Path(__file__).parent
FRAMES = 2  # every operator is called twice, so that nothing may survive a frame

LIGHT = "light"
VENDOR = "vendor"
SYNTHESIS = "synthesis"
# The synthesized variant has words of tables and counters of loops of its own. Whether they are
# right is tried on our integers, for which g++ takes a sixth of the time; whether they are on the
# open vendor types, too, on fewer cases of the same kinds. Without that variant, whole layers run
# on the vendor's types in the tests of C-simulation.
LOOPS = "loops"
VARIANTS = (LIGHT, LOOPS, SYNTHESIS, *draws((), (VENDOR,)))
# LIGHT as other processors have it: vectors of 32 bytes, of 16, and none that the code asks for.
AVX2 = "avx2"
PORTABLE = "portable"
PLAIN = "plain"
OTHER_UNITS = (AVX2, PORTABLE, PLAIN)


def cases_of(variant: str, most: int, *, kinds: int = 6) -> int:
    """How many random cases are tried: g++ takes ten times as long for the open vendor types.

    Args:
        most: how many on our integers.
        kinds: how many it takes until each kind that is chosen by a case's number was there.
    """
    if variant in (SYNTHESIS, VENDOR):
        return draws(max(kinds, -(-most // 4)), -(-most * 3 // 5))
    return most


@dataclass(frozen=True)
class Case:
    """One call of an operator.

    Args:
        body: C++ statements of one function; `feed`, the call (FRAMES times) and `drain`.
        constants: C++ definitions before the function.
        operands: what `feed` reads, in order.
        expected: what `drain` must write, in order.
    """

    body: str
    operands: tuple[IntArray, ...]
    expected: tuple[IntArray, ...]
    constants: str = ""


def vendor_include() -> Path:
    """Folder of the open ap_types that hls4ml ships."""
    found = importlib.util.find_spec("hls4ml")
    if found is None or found.origin is None:
        pytest.skip("hls4ml is not installed, so its ap_types are not there to compare with")
    return Path(found.origin).parent / "templates" / "vivado" / "ap_types"


def flags(variant: str) -> list[str]:
    """g++ options of one header set."""
    light = variant in (LIGHT, *OTHER_UNITS)
    if light or variant == LOOPS:
        include = [STREAM / "csim_include"]
    else:
        include = [vendor_include(), STREAM / "csim_include"]
    options = [
        "-std=c++14",
        "-O1" if light else "-O0",
        "-fwrapv",
        # As the product: nothing is thrown, and what would clean up takes a quarter of the time.
        "-fno-exceptions",
        f"-I{STREAM / 'include'}",
        f"-I{HERE}",
    ]
    if variant in (LOOPS, SYNTHESIS):
        options.append("-DFPGACOMP_SYNTHESIS=1")
    if variant == LIGHT:  # as the product compiles it
        options.append("-march=native")
    if variant == AVX2:
        options += _avx2()
    if variant == PLAIN:
        options.append("-DFPGACOMP_PLAIN=1")
    if light:
        options += ["-Wall", "-Wextra", "-Werror", "-Wno-unknown-pragmas", "-Wno-unused-label"]
        options += ["-Wno-maybe-uninitialized"]
    else:
        options += SILENT
    return options + [f"-I{folder}" for folder in include]


def _avx2() -> list[str]:
    """The options for a processor with AVX2, where this one is."""
    facts = Path("/proc/cpuinfo")
    if not facts.is_file() or " avx2 " not in facts.read_text():
        pytest.skip("this processor has no AVX2, so what uses it cannot run here")
    return ["-mavx2", "-mpopcnt"]


def compile_program(source: Path, binary: Path, options: Sequence[str]) -> None:
    compiler = shutil.which("g++")
    if compiler is None:
        pytest.skip("g++ is not installed")
    done = subprocess.run(
        [compiler, *options, str(source), "-o", str(binary)], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[:4000]


def check(cases: Sequence[Case], variant: str, folder: Path) -> None:
    """Compile all cases as one program, run it, and compare every integer."""
    source = folder / "cases.cpp"
    source.write_text(_program(cases))
    compile_program(source, folder / "cases", flags(variant))
    _write(folder / "operands.bin", [a for case in cases for a in case.operands])
    done = subprocess.run(
        [str(folder / "cases"), str(folder / "operands.bin"), str(folder / "results.bin")],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0 and not done.stderr, f"{done.stderr[:2000]} {done.stdout[:2000]}"
    got = np.fromfile(folder / "results.bin", dtype=np.int64)
    start = 0
    for number, case in enumerate(cases):
        expected = np.concatenate([np.ravel(array) for array in case.expected])
        part = got[start : start + expected.size]
        start += expected.size
        np.testing.assert_array_equal(part, expected, err_msg=f"case {number}: {case.body}")
    assert start == got.size


def _program(cases: Sequence[Case]) -> str:
    parts = ['#include "harness.hpp"']
    for number, case in enumerate(cases):
        parts.append(f"namespace case_{number} {{\n{case.constants}")
        parts.append(f"static void run() {{\n{case.body}\n}}\n}}")
    calls = "\n".join(f"  case_{number}::run();" for number in range(len(cases)))
    parts.append(
        "int main(int, char** argv) {\n"
        '  operands = std::fopen(argv[1], "rb");\n  results = std::fopen(argv[2], "wb");\n'
        f"{calls}\n  return std::fclose(results);\n}}\n"
    )
    return "\n".join(parts)


def _write(path: Path, arrays: Sequence[IntArray]) -> None:
    with path.open("wb") as file:
        for array in arrays:
            np.ascontiguousarray(array, dtype=np.int64).tofile(file)


def ctype(values: IntType) -> str:
    """The C++ element of a range."""
    if values == BIPOLAR:
        return "Bipolar"
    return f"ap_{'int' if values.signed else 'uint'}<{stored_bits(values)}>"


def stored_bits(values: IntType) -> int:
    """Bits of that element; the type of one signed bit is taken, it is Bipolar's."""
    if values == BIPOLAR:
        return 1
    return max(values.bits, 2) if values.signed else values.bits


def stream(name: str, element: str, fold: int) -> str:
    return f'hls::stream<Vec<{element}, {fold}> > {name}("{name}");'


def random_type(rng: np.random.Generator, low: int = 1, high: int = 9) -> IntType:
    """A full two's complement or unsigned range of low..high bits."""
    return IntType.of_bits(int(rng.integers(low, high)), signed=bool(rng.integers(2)))


def draw(rng: np.random.Generator, values: IntType, shape: Sequence[int]) -> IntArray:
    """Random integers of a range, its ends included."""
    if values.bipolar:
        return rng.choice(np.array([-1, 1]), size=tuple(shape))
    drawn: IntArray = rng.integers(values.lo, values.hi, size=tuple(shape), endpoint=True)
    return drawn


def divisor(rng: np.random.Generator, number: int) -> int:
    """A random divisor of a number."""
    return int(rng.choice([d for d in range(1, number + 1) if number % d == 0]))


def rom(name: str, values: npt.ArrayLike, type_: IntType) -> str:
    """`static const Rom` of [rows, lanes] integers, packed as rom.hpp documents."""
    array = np.asarray(values, dtype=np.int64)
    depth, lanes = array.shape
    bits = stored_bits(type_)
    codes = (array > 0).astype(np.int64) if type_ == BIPOLAR else array
    words = -(-lanes // (64 // bits))
    per_word = -(-lanes // words)
    mask = (1 << bits) - 1
    rows = []
    for row in codes:
        cells = [0] * words
        for lane, code in enumerate(row):
            cells[lane // per_word] |= (int(code) & mask) << (lane % per_word * bits)
        rows.append("{" + ", ".join(f"{cell:#x}ULL" for cell in cells) + "}")
    head = f"static const Rom<{ctype(type_)}, {depth}, {lanes}> {name}"
    return f"{head} = {{{{{', '.join(rows)}}}}};"


def banks(name: str, values: npt.ArrayLike, type_: IntType) -> str:
    """`static const Banks` of [banks, depth] integers."""
    array = np.asarray(values, dtype=np.int64)
    bits = stored_bits(type_)
    codes = (array > 0).astype(np.int64) if type_ == BIPOLAR else array
    mask = (1 << bits) - 1
    rows = ["{" + ", ".join(f"{int(v) & mask:#x}ULL" for v in row) + "}" for row in codes]
    shape = f"{array.shape[0]}, {array.shape[1]}"
    return f"static const Banks<{ctype(type_)}, {shape}> {name} = {{{{{', '.join(rows)}}}}};"
