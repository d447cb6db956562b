"""The same on whole compiles: processes of the command line on a network of one layer."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from functools import cache
from pathlib import Path

import onnx
from onnx import helper

from fpgacomp.report.manifest import Manifest
from tests.harness.disks import BROKEN, FULL, Fault
from tests.harness.rounds import Round, pick_operation
from tests.support.hostile_onnx import plain, weight
from tests.support.paths import REPOSITORY

MINE = b"hours of synthesis"
BOARD = "pynq-z2"


def kill(chance: random.Random, folder: Path) -> str:
    """kill -9 at a random moment of the whole compile, or at a random operation of its writing."""
    build = _prepared(folder)
    if chance.random() < 0.5:
        process = _start(folder, 4)
        time.sleep(chance.uniform(0, 1.1 * _measured()[0]))
        process.kill()
    else:
        fault = Fault(
            pick_operation(chance, _measured()[1]), "kill", exchange=chance.random() < 0.7
        )
        process = _start(folder, 4, fault)
    process.communicate()
    ended = _state(build, (3, 4)) if build.exists() else "between"
    _require_next_run_cleans(folder, build)
    return ended


def full(chance: random.Random, folder: Path) -> str:
    """A disk that is full, or broken, from a random operation of the writing."""
    build = _prepared(folder)
    what = chance.choice(("full", "short write", "error"))
    number = chance.choice(BROKEN if what == "error" else FULL)
    fault = Fault(pick_operation(chance, _measured()[1]), what, number)  # type: ignore[arg-type]
    process = _start(folder, 4, fault)
    _, errors = process.communicate()
    ended = _state(build, (3, 4))
    if process.returncode:
        assert process.returncode == 3, errors
        _require_one_sentence(errors)
    else:
        assert ended == "4 vectors"
    _require_next_run_cleans(folder, build)
    return ended


def concurrent(chance: random.Random, folder: Path) -> str:
    """Two or eight compiles into one folder at once: one of them stands there, whole."""
    build = _prepared(folder)
    counts = range(4, 4 + chance.choice((2, 8)))
    processes = [_start(folder, count) for count in counts]
    for process in processes:
        _, errors = process.communicate()
        assert process.returncode in (0, 2, 3), errors
        if process.returncode:
            _require_one_sentence(errors)
    assert any(process.returncode == 0 for process in processes)
    _state(build, counts)
    _require_next_run_cleans(folder, build)
    return f"{len(counts)} compiles"


KINDS: dict[str, Round] = {"kill": kill, "full": full, "concurrent": concurrent}


def _prepared(folder: Path) -> Path:
    """A build with 3 vectors and a file of the user's own."""
    folder.mkdir()
    product = helper.make_node("MatMul", ["xq", "w"], ["y"])
    model = plain((1, 4), nodes=[product], constants=[weight()], output="y")
    onnx.save(model, folder / "model.onnx")
    _finish(_start(folder, 3))
    build = folder / "out" / "build"
    (build / "hls" / "solution1").mkdir()
    (build / "hls" / "solution1" / "syn.rpt").write_bytes(MINE)
    return build


def _start(folder: Path, vectors: int, fault: Fault = Fault()) -> subprocess.Popen[str]:  # noqa: B008
    """Begin a compile of `vectors` vectors, in a process whose disk has the fault."""
    (folder / "out").mkdir(exist_ok=True)
    arguments = ["compile", str(folder / "model.onnx"), "--board", BOARD, "--no-csim",
                 "--vectors", str(vectors), "--out", str(folder / "out" / "build")]  # fmt: skip
    return subprocess.Popen(
        [sys.executable, "-m", "tests.harness.compile", fault.to_json(), *arguments],
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, cwd=REPOSITORY,
    )  # fmt: skip


def _finish(process: subprocess.Popen[str]) -> str:
    _, errors = process.communicate()
    assert process.returncode == 0, errors
    return errors


def _state(build: Path, vectors: tuple[int, ...] | range) -> str:
    manifest = Manifest.of(build)
    assert manifest is not None and not manifest.edited(build)
    here = {p.relative_to(build).as_posix() for p in build.rglob("*") if p.is_file()}
    assert here == {*manifest.owned, "hls/solution1/syn.rpt"}, here ^ manifest.owned
    assert (build / "hls" / "solution1" / "syn.rpt").read_bytes() == MINE
    found = json.loads((build / "manifest.json").read_text())["options"]["vectors"]
    assert found in vectors
    return f"{found} vectors"


def _require_next_run_cleans(folder: Path, build: Path) -> None:
    _finish(_start(folder, 20))
    _state(build, (20,))
    assert [place.name for place in build.parent.iterdir()] == ["build"]


def _require_one_sentence(errors: str) -> None:
    told = [line for line in errors.splitlines() if line.startswith("error:")]
    assert len(told) == 1 and "Traceback" not in errors, errors


@cache
def _measured() -> tuple[float, list[str]]:
    """Seconds of a whole compile, and the operations of its writing."""
    import tempfile

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "measured"
        _prepared(folder)
        began = time.monotonic()
        errors = _finish(_start(folder, 4))
        took = time.monotonic() - began
    return took, errors.rpartition("operations: ")[2].split()
