"""The digits CNN from its file to answers through both drivers, on emulated boards.

    make bench-deploy        or: python -m examples.benchmark_deploy [WAY...] [--keep FOLDER]

Each way is compiled and, for boards of open tools, built to a bitstream. It is then packaged
(twice: the bytes must be the same), verified, and installed into an empty root with its self-test
on the emulated board. The installed package's own runtime, in a Python of its own, and the
installed package's C driver, compiled there, predict the 450 test images; every answer must be
that of the integer graph with its software side. The exit code is 1 where one is not.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

import fpgacomp
from fpgacomp.ir.types import AnyArray
from fpgacomp.results.target import Target

DIGITS = Path(__file__).parent / "digits_cnn"
COLUMNS = (
    "way", "clock MHz", "bitstream MHz (seed)", "package bytes", "images",
    "Python: wrong", "images/s", "C: wrong", "images/s", "cycles an image",
    "board images/s",
)  # fmt: skip
# What the installed runtime runs; it prints figures as JSON and writes the answers.
_PYTHON = """
import json, sys, time
import numpy as np
import fpgacomp_runtime as runtime
samples, answers = np.load(sys.argv[1]), sys.argv[2]
with runtime.open("software") as accelerator:
    assert accelerator.self_test().passed
    before = accelerator.statistics()
    started = time.perf_counter()
    np.save(answers, accelerator.predict(samples, timeout_s=600.0))
    seconds = time.perf_counter() - started
    after = accelerator.statistics()
print(json.dumps({"seconds": seconds, "before": before, "after": after}))
"""


@dataclass(frozen=True)
class Way:
    """A board, and what is made for it."""

    board: str
    backend: str
    clock_mhz: float
    target: Target
    bitstream: bool = False


WAYS: Mapping[str, Way] = {
    "pynq-z2, stream": Way("pynq-z2", "stream", 100.0, Target("area", fps=50_000)),
    "pynq-z2, hls4ml": Way("pynq-z2", "hls4ml", 100.0, Target("area", fps=50_000)),
    "ulx3s-85f": Way("ulx3s-85f", "stream", 100.0, Target("area", fps=50_000), bitstream=True),
}


def run(words: Sequence[str | Path], folder: Path, library: Path) -> str:
    """What a program prints that runs in a folder, with the emulator in the board's place."""
    environment = {**os.environ, "FPGACOMP_EMULATOR": str(library)}
    ran = subprocess.run(
        [str(word) for word in words], cwd=folder, env=environment, check=False, text=True,
        capture_output=True,
    )  # fmt: skip
    if ran.returncode:
        raise SystemExit(f"{words[0]} failed in {folder}:\n{ran.stdout}\n{ran.stderr}")
    return ran.stdout


def with_python(
    version: Path, library: Path, samples: AnyArray
) -> tuple[AnyArray, dict[str, object]]:
    """The answers of the installed runtime, which finds nothing else of fpgacomp."""
    np.save(version / "samples.npy", samples)
    program = f"import sys; sys.path.insert(0, {str(version)!r})\n{_PYTHON}"
    said = run(
        [sys.executable, "-I", "-c", program, "samples.npy", "answers.npy"], version, library
    )
    figures = json.loads(said)
    return np.load(version / "answers.npy"), figures


def with_c(
    version: Path, library: Path, samples: AnyArray, like: AnyArray
) -> tuple[AnyArray, float]:
    """The answers of the installed C driver, compiled by its own Makefile."""
    folder = version / "software" / "c"
    run(["make"], folder, library)
    (program,) = folder.glob("*_demo")
    samples.astype(np.float32).tofile(folder / "samples.bin")
    started = time.perf_counter()
    run([program, "samples.bin", "answers.bin"], folder, library)
    seconds = time.perf_counter() - started
    return np.fromfile(folder / "answers.bin", like.dtype).reshape(like.shape), seconds


def follow(name: str, way: Way, place: Path) -> tuple[list[str], int]:
    """One way to its end: the line of the table, and how many answers were wrong."""
    samples = np.load(DIGITS / "test_inputs.npy")
    build = place / "build"
    options = fpgacomp.Options(
        backend=way.backend, clock_mhz=way.clock_mhz, target=way.target,
        inputs=DIGITS / "test_inputs.npy", labels=DIGITS / "test_labels.npy",
    )  # fmt: skip
    report = fpgacomp.compile(DIGITS / "model.onnx", way.board, out=build, options=options)
    assert report.status == "ok", report.status
    bitstream = "none"
    if way.bitstream:
        built = fpgacomp.build(build)
        assert built.met
        told = json.loads((build / "bitstream" / "report.json").read_text())
        bitstream = f"{told['clock_mhz']['achieved']} ({told['seed']})"
    first, again = place / "digits.fpga", place / "again.fpga"
    for package in (first, again):
        fpgacomp.package(build, package, name="digits")
    assert first.read_bytes() == again.read_bytes(), "two packages of one build differ"
    fpgacomp.verify(first)
    library = fpgacomp.emulate(build)
    installed = fpgacomp.install(first, place / "root", transport=f"emulated:{library}")

    (wanted,) = fpgacomp.simulate(build, samples).outputs.values()
    python, figures = with_python(installed.folder, library, samples)
    c_answers, c_seconds = with_c(installed.folder, library, samples, wanted)
    wrong = [int((found != wanted).any(axis=1).sum()) for found in (python, c_answers)]
    cycles, rate = _on_the_board(figures, len(samples), way.clock_mhz)
    row = [
        name, f"{way.clock_mhz:g}", bitstream, f"{first.stat().st_size:,}", str(len(samples)),
        str(wrong[0]), f"{len(samples) / float(str(figures['seconds'])):,.0f}", str(wrong[1]),
        f"{len(samples) / c_seconds:,.0f}", cycles, rate,
    ]  # fmt: skip
    return row, sum(wrong)


def _on_the_board(figures: Mapping[str, object], images: int, clock_mhz: float) -> tuple[str, str]:
    """Cycles of the emulated board between two frames, and the rate that they are."""
    before, after = figures["before"], figures["after"]
    assert isinstance(before, dict) and isinstance(after, dict)
    passed = {name: after[name] - before.get(name, 0) for name in after}
    seconds = passed.get("seconds", 0.0)
    if not seconds:
        return "not told", "not told"
    return f"{seconds * clock_mhz * 1e6 / images:,.0f}", f"{images / seconds:,.0f}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("ways", nargs="*", metavar="WAY", help=f"of {', '.join(WAYS)}; all without")
    parser.add_argument("--keep", metavar="FOLDER", help="keep builds and roots in this folder")
    given = parser.parse_args()
    table, wrong = Table(*COLUMNS), 0
    with tempfile.TemporaryDirectory() as scratch:
        for number, name in enumerate(given.ways or WAYS):
            place = Path(given.keep or scratch) / str(number)
            place.mkdir(parents=True)
            row, missed = follow(name, WAYS[name], place)
            table.add_row(*row)
            wrong += missed
    Console(width=200).print(table)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
