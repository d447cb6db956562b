"""Keras files are read in a process of their own, which answers a model, problems, or nothing."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from fpgacomp.errors import ModelError, Problems, ToolError, UnsupportedLayer
from fpgacomp.frontend.keras import reader
from tests.support.keras_files import dense, entry, input_layer, sequential, write_hdf5

pytest.importorskip("h5py")
# TensorFlow itself must not be imported before `tensorflow()` has chosen its Keras.
NEEDS_TENSORFLOW = pytest.mark.skipif(
    find_spec("tensorflow") is None, reason="TensorFlow is not installed"
)


@pytest.mark.slow
def test_a_hostile_file_never_reaches_the_framework(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tasks: list[str] = []
    real = subprocess.Popen

    def started(command: list[str], **options: Any) -> Any:
        tasks.append(command[-1])
        return real(command, **options)

    monkeypatch.setattr(subprocess, "Popen", started)
    with write_hdf5(tmp_path / "evil.h5", sequential(entry("TFOpLambda"))):
        pass
    with pytest.raises(UnsupportedLayer, match="TFOpLambda"):
        reader.read_confined(tmp_path / "evil.h5")
    assert tasks == ["scan"]


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="no limit of processor time")
def test_a_library_that_goes_round_without_end_is_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with write_hdf5(tmp_path / "m.h5", sequential(dense())):
        pass
    endless = reader._PROGRAM.split("from fpgacomp")[0] + "while True: pass"
    monkeypatch.setattr(reader, "_PROGRAM", endless)
    monkeypatch.setattr(reader, "SCAN_CPU_SECONDS", 1)
    with pytest.raises(ModelError, match=r"the HDF5 library ended .* and 1 s"):
        reader.read_confined(tmp_path / "m.h5")


@pytest.mark.skipif(sys.platform == "win32", reason="pipes are handed on by number")
def test_a_process_that_dies_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with write_hdf5(tmp_path / "m.h5", sequential(dense())):
        pass
    for program, code in (("raise SystemExit(9)", 9), ("import os; os.kill(os.getpid(), 9)", -9)):
        monkeypatch.setattr(reader, "_PROGRAM", program)
        with pytest.raises(ModelError, match=rf"the HDF5 library ended .* \(exit code {code}\)"):
            reader.read_confined(tmp_path / "m.h5")


def test_problems_come_back_as_what_they_were() -> None:
    reader._raise([])
    with pytest.raises(ToolError, match=r"TensorFlow: why\. Fix: fix\."):
        reader._raise([["ToolError", "TensorFlow", "why.", "fix."]])
    with pytest.raises(Problems) as several:
        reader._raise([["UnsupportedLayer", "a", "b", "c"], ["Path", "a", "b", "d"]])
    assert [type(p) for p in several.value.problems] == [UnsupportedLayer, ModelError]


@pytest.mark.slow
@NEEDS_TENSORFLOW
def test_the_confined_reader_answers_what_the_exporter_does(tmp_path: Path) -> None:
    from fpgacomp.frontend.keras import export_keras, tensorflow

    layers = tensorflow().keras.layers
    model = tensorflow().keras.Sequential([layers.Input((4,)), layers.Dense(2, "relu")])
    model.save(tmp_path / "m.keras")
    read = reader.read_confined(tmp_path / "m.keras")
    assert read.graph.node == export_keras(model).graph.node
    assert [t.raw_data for t in read.graph.initializer] == [
        t.raw_data for t in export_keras(model).graph.initializer
    ]


@pytest.mark.slow
@NEEDS_TENSORFLOW
def test_a_model_that_asks_for_more_memory_than_allowed_is_refused(tmp_path: Path) -> None:
    huge = entry("Dense", {"name": "huge", "units": 1 << 40})
    config = entry("Sequential", {"name": "net", "layers": [input_layer(), huge]})
    with write_hdf5(tmp_path / "huge.h5", config):
        pass
    with pytest.raises(ModelError, match="Keras"):
        reader.read_confined(tmp_path / "huge.h5")
