"""Damaged files of every kind end in a result or a refusal: no traceback, no crash, no hang."""

from __future__ import annotations

import io
import json
import select
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from fpgacomp.host.resources import data_folder
from tests.fuzz.mutate import mutate_bytes, mutate_model
from tests.support.keras_files import dense, entry, sequential, write_hdf5, write_keras
from tests.support.paths import REPOSITORY
from tests.support.random_networks import random_network

pytest.importorskip("resource", reason="the worker's limits are those of POSIX")
pytestmark = pytest.mark.slow

SECONDS = 20  # for one file; a file of this size takes a fraction of a second
Files = Iterator[tuple[str, bytes]]


class Worker:
    """A process that reads files, started again after a crash or a hang."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None

    def read(self, kind: str, path: Path) -> str:
        """How reading a file ended: accepted, refused, a traceback, "crash" or "hang"."""
        process = self._process or self._start()
        assert process.stdin and process.stdout
        process.stdin.write(f"{kind} {path}\n")
        process.stdin.flush()
        ready, _, _ = select.select([process.stdout], [], [], SECONDS)
        line = process.stdout.readline() if ready else ""
        if line:
            return str(json.loads(line))
        self.close()
        return "crash" if ready else "hang"

    def close(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
        self._process = None

    def _start(self) -> subprocess.Popen[str]:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.fuzz.worker"],
            cwd=REPOSITORY,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert self._process.stdout and json.loads(self._process.stdout.readline()) == "ready"
        return self._process


def onnx_files(rng: np.random.Generator) -> Files:
    for _ in range(40):
        model = random_network(rng, size=3)
        yield ".onnx", model.SerializeToString()
        for _ in range(10):
            yield ".onnx", mutate_model(rng, model)
        yield ".onnx", mutate_bytes(rng, model.SerializeToString())


def board_files(rng: np.random.Generator) -> Files:
    for path in sorted(data_folder("boards").glob("*.yaml")):
        yield ".yaml", path.read_bytes()
        for _ in range(8):
            yield ".yaml", mutate_bytes(rng, path.read_bytes())


def numpy_files(rng: np.random.Generator) -> Files:
    arrays = {"x": np.ones((4, 3), np.float32)}
    for save in (np.savez, np.savez_compressed):
        written = io.BytesIO()
        save(written, **arrays)  # type: ignore[arg-type]
        yield ".npz", written.getvalue()
        for _ in range(80):
            yield ".npz", mutate_bytes(rng, written.getvalue())
    written = io.BytesIO()
    np.save(written, arrays["x"])
    yield ".npy", written.getvalue()
    for _ in range(80):
        yield ".npy", mutate_bytes(rng, written.getvalue())


def keras_files(rng: np.random.Generator) -> Files:
    pytest.importorskip("h5py")
    quantized = entry("QDense", {"kernel_quantizer": "quantized_bits(4, 0, alpha=1)"})
    config = sequential(dense(), quantized)
    content = io.BytesIO()
    with write_hdf5(content, config) as file:
        file.create_dataset("model_weights/w", data=np.ones((4, 2), np.float32))
    archive = io.BytesIO()
    write_keras(archive, config)
    for suffix, written in ((".h5", content), (".keras", archive)):
        yield suffix, written.getvalue()
        for _ in range(80):
            yield suffix, mutate_bytes(rng, written.getvalue())


@pytest.mark.parametrize(
    ("kind", "files"),
    [
        ("onnx", onnx_files),
        ("board", board_files),
        ("numpy", numpy_files),
        ("keras", keras_files),
    ],
)
def test_no_file_ends_in_a_traceback(
    tmp_path: Path, kind: str, files: Callable[[np.random.Generator], Files]
) -> None:
    worker, ends, faults = Worker(), Counter[str](), []
    for index, (suffix, content) in enumerate(files(np.random.default_rng(12))):
        path = tmp_path / f"{kind}_{index}{suffix}"
        path.write_bytes(content)
        end = worker.read(kind, path)
        ends[end if end in ("accepted", "refused") else "fault"] += 1
        if end not in ("accepted", "refused"):
            faults.append(f"{path}: {end}")
    worker.close()
    assert not faults, f"{len(faults)} faults\n" + "\n".join(faults)
    assert ends["accepted"] and ends["refused"], ends
