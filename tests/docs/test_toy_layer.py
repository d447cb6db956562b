"""The guide's toy layer works on a copy of the repository, and every file of its list is needed."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import pytest

from tests.support.depth import deep
from tests.support.network_builder import Grid, NetworkBuilder
from tests.support.paths import REPOSITORY

GUIDE = REPOSITORY / "docs" / "guides" / "adding-a-layer.md"
PATCH = REPOSITORY / "docs" / "examples" / "toy_layer.patch"
COPIED = ("fpgacomp", "hls_templates", "boards")
MOST_FILES = 13
VECTORS = 50

# File of the patch -> what mypy says without it, always at or about a place that it names.
FOUND_BY_MYPY = {
    "fpgacomp/ir/layers.py": r'Module "fpgacomp\.ir\.layers" has no attribute "Absolute"',
    "fpgacomp/ir/infer.py": r'fpgacomp/ir/infer\.py:\d+: .*"assert_never".*"Absolute"',
    "fpgacomp/ir/interpreter.py": r'fpgacomp/ir/interpreter\.py:\d+: .*"assert_never".*"Absolute"',
    "fpgacomp/engines/stream/layers/__init__.py": (
        r'fpgacomp/engines/stream/layers/__init__\.py:\d+: .*"assert_never".*"Absolute"'
    ),
    "fpgacomp/engines/stream/layers/absolute.py": r'"fpgacomp\.engines\.stream\.layers\.absolute"',
    "fpgacomp/engines/stream/operators/magnitude.py": (
        r'"fpgacomp\.engines\.stream\.operators\.magnitude"'
    ),
    "fpgacomp/engines/adders/unroll.py": (
        r'fpgacomp/engines/adders/unroll\.py:\d+: .*"assert_never".*"Absolute"'
    ),
    "fpgacomp/engines/hls4ml/operators/dispatch.py": (
        r'fpgacomp/engines/hls4ml/operators/dispatch\.py:\d+: .*"assert_never".*"Absolute"'
    ),
    "fpgacomp/engines/hls4ml/operators/absolute.py": (
        r'"fpgacomp\.engines\.hls4ml\.operators\.absolute"'
    ),
}
# File of the patch -> (engine, what a run says without it).
FOUND_BY_A_RUN = {
    "fpgacomp/lower/rules.py": ("hls4ml", r"rises and falls in more than 1024 steps"),
    "hls_templates/stream/include/fpgacomp/eltwise.hpp": ("stream", r"\bmagnitude\b.*not declared"),
    "hls_templates/rtl/lib/fpgacomp_magnitude.sv": ("stream", r"no module fpgacomp_magnitude"),
    "hls_templates/hls4ml/nnet_utils/fpgacomp_absolute.h": ("hls4ml", r"fpgacomp_absolute\.h"),
}


def patched_files() -> list[str]:
    return re.findall(r"^diff --git a/(\S+) b/", PATCH.read_text(encoding="utf-8"), re.MULTILINE)


def test_the_guide_lists_the_files_of_the_patch() -> None:
    text = GUIDE.read_text(encoding="utf-8")
    listed = text.split("<!-- toy files -->")[1].split("<!-- /toy files -->")[0]
    named = re.findall(r"^\| `([^`]+)` \|", listed, re.MULTILINE)
    assert sorted(named) == sorted(patched_files())
    assert len(named) <= MOST_FILES
    assert {name.split("/")[0] for name in named} == {"fpgacomp", "hls_templates"}


def test_every_file_of_the_patch_is_left_out_once() -> None:
    assert sorted((*FOUND_BY_MYPY, *FOUND_BY_A_RUN)) == sorted(patched_files())


def test_the_guide_shows_the_patch() -> None:
    assert f'--8<-- "{PATCH.relative_to(REPOSITORY).as_posix()}"' in GUIDE.read_text("utf-8")


@dataclass(frozen=True)
class Copy:
    """A copy of the repository with the toy layer, and a network that needs it."""

    folder: Path
    network: Path

    def run(self, *arguments: str) -> tuple[int, str]:
        """(exit code, all it prints) of a Python module that sees this copy only."""
        environment = os.environ | {"PYTHONPATH": str(self.folder), "NO_COLOR": "1"}
        done = subprocess.run(
            [sys.executable, "-m", *arguments],
            cwd=self.folder, env=environment | {"COLUMNS": "1000"}, text=True, check=False,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        return done.returncode, done.stdout

    def compile(self, engine: str, out: Path) -> tuple[int, str]:
        return self.run("fpgacomp", "compile", str(self.network), "--board", "pynq-z2", "--backend",
                        engine, "--vectors", str(VECTORS), "--out", str(out))  # fmt: skip

    def apply(self, *options: str) -> None:
        # GIT_CEILING_DIRECTORIES: the copy is no repository, whatever lies above it.
        environment = os.environ | {"GIT_CEILING_DIRECTORIES": str(self.folder.parent)}
        subprocess.run(["git", "apply", *options, str(PATCH)], cwd=self.folder, env=environment,
                       check=True)  # fmt: skip

    @contextmanager
    def without(self, path: str) -> Iterator[None]:
        """The copy as it is when one file of the patch is forgotten."""
        self.apply("--reverse", f"--include={path}")
        try:
            yield
        finally:
            self.apply(f"--include={path}")


@pytest.fixture(scope="module")
def toy(tmp_path_factory: pytest.TempPathFactory) -> Copy:
    folder = tmp_path_factory.mktemp("toy")
    for name in COPIED:
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(REPOSITORY / name, folder / name, ignore=ignored)
    shutil.copy(REPOSITORY / "pyproject.toml", folder)
    checked = REPOSITORY / ".mypy_cache"  # `make lint` leaves it, and most files are the same
    if checked.is_dir():
        shutil.copytree(checked, folder / ".mypy_cache")
    onnx.save(network(), folder / "toy.onnx")
    copy = Copy(folder, folder / "toy.onnx")
    copy.apply()
    return copy


def network() -> onnx.ModelProto:
    """Two products with an Abs between them, of an accumulator too wide for a table."""
    b = NetworkBuilder(np.random.default_rng(0), (6,))
    x = b.quant(b.input, Grid(0.125, bits=8))
    first = b.quant(b.constant(b.arrays.uniform(-1, 1, (6, 4))), Grid(0.03125, bits=6))
    magnitude = b.op("Abs", b.op("MatMul", x, first))
    second = b.quant(b.constant(b.arrays.uniform(-1, 1, (4, 3))), Grid(0.25, bits=3))
    return b.finish(b.op("MatMul", magnitude, second), name="toy")


def test_the_checkout_does_not_know_the_toy_layer() -> None:
    assert "Absolute" not in (REPOSITORY / "fpgacomp/ir/layers.py").read_text(encoding="utf-8")


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["adders", "hls4ml", "stream"])
def test_every_engine_computes_it(toy: Copy, engine: str, tmp_path: Path) -> None:
    code, output = toy.compile(engine, tmp_path / "out")
    assert code == 0, output
    report = json.loads((tmp_path / "out" / "report.json").read_text(encoding="utf-8"))
    assert report["backend"] == engine
    assert "absolute" in [layer["kind"] for layer in report["layers"]]
    exactness = report["exactness"]
    assert exactness["vectors"] == VECTORS
    assert exactness["csim_mismatches"] == 0
    assert exactness["network_mismatches"] == 0


@pytest.mark.slow
def test_its_line_of_text_is_the_guides(toy: Copy) -> None:
    code, output = toy.run("fpgacomp", "show", str(toy.network))
    assert code == 0, output
    squeezed = re.sub(" +", " ", output)
    shown = re.findall(r"^%(?:dense1|abs1) .*$", GUIDE.read_text(encoding="utf-8"), re.MULTILINE)
    assert len(shown) == 2
    for line in shown:
        assert re.sub(" +", " ", line) in squeezed


@pytest.mark.slow
def test_finn_refuses_it_by_name(toy: Copy, tmp_path: Path) -> None:
    code, output = toy.compile("finn", tmp_path / "out")
    assert code == 1
    assert "abs1: FINN has no counterpart of the streaming operator Magnitude" in output


@pytest.mark.slow
def test_mypy_accepts_it(toy: Copy) -> None:
    code, output = toy.run("mypy")
    assert code == 0, output


# Places where a case is missing, which one run of mypy names together. Without the class itself
# there is nothing that could be missed.
WITHOUT_A_CASE = [path for path, said in FOUND_BY_MYPY.items() if "assert_never" in said]
ALONE = [
    deep(path) if path in (*WITHOUT_A_CASE, "fpgacomp/ir/layers.py") else path
    for path in FOUND_BY_MYPY
]


@pytest.mark.slow
@pytest.mark.parametrize("path", ALONE)
def test_mypy_names_the_place_that_misses_it(toy: Copy, path: str) -> None:
    with toy.without(path):
        code, output = toy.run("mypy")
    assert code == 1
    assert re.search(FOUND_BY_MYPY[path], output), output


@pytest.mark.slow
def test_mypy_names_every_place_that_misses_a_case(toy: Copy) -> None:
    with ExitStack() as left_out:
        for path in WITHOUT_A_CASE:
            left_out.enter_context(toy.without(path))
        code, output = toy.run("mypy")
    assert code == 1
    for path in WITHOUT_A_CASE:
        assert re.search(FOUND_BY_MYPY[path], output), f"{path}\n{output}"


@pytest.mark.slow
@pytest.mark.parametrize("path", FOUND_BY_A_RUN)
def test_a_run_names_what_is_missing(toy: Copy, path: str, tmp_path: Path) -> None:
    engine, said = FOUND_BY_A_RUN[path]
    with toy.without(path):
        code, output = toy.compile(engine, tmp_path / "out")
    assert code != 0
    assert re.search(said, output), output
