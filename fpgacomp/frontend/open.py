"""Opens whatever a user hands in: an ONNX file, a Keras file, or such a model in memory."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import onnx

from fpgacomp.frontend.read import NodeFinding, check, read_network
from fpgacomp.network.canonical import Network

KERAS_SUFFIXES = (".h5", ".hdf5", ".keras")


def open_network(model: str | Path | onnx.ModelProto | Any) -> Network:
    """Return the canonical network of a file or model; Keras goes through our own exporter.

    Raises:
        FpgacompError: as `read_network`, `read_confined` and `export_keras`.
    """
    if isinstance(model, onnx.ModelProto):
        return read_network(model)
    if not isinstance(model, str | Path):
        from fpgacomp.frontend.keras import export_keras

        return _from_keras(export_keras(model), str(getattr(model, "name", "model")), b"")
    path = Path(model)
    if path.suffix.lower() not in KERAS_SUFFIXES or not path.is_file():
        return read_network(path)
    from fpgacomp.frontend.keras.reader import read_confined

    return _from_keras(read_confined(path), path.stem, path.read_bytes(), file=str(model))


def check_model(model: str | Path | onnx.ModelProto | Any) -> list[NodeFinding]:
    """Return one finding per node of the network; of a Keras model, of what it exports to.

    Raises:
        FpgacompError: as `check`, `read_confined` and `export_keras`.
    """
    is_file = isinstance(model, str | Path)
    if isinstance(model, onnx.ModelProto):
        return check(model)
    if is_file and Path(model).suffix.lower() not in KERAS_SUFFIXES:
        return check(model)
    return check(open_network(model).original)


def _from_keras(exported: onnx.ModelProto, name: str, content: bytes, file: str = "") -> Network:
    network = read_network(exported, name=name)
    digest = hashlib.sha256(content or exported.SerializeToString(deterministic=True))
    kind = "float" if network.format == "float" else "keras"
    return replace(network, format=kind, file=file or name, sha256=digest.hexdigest())
