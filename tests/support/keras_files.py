"""Small saved Keras models, honest and hostile, written without any framework."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import Any

Config = dict[str, Any]


def entry(name: str, config: Config | None = None, **more: Any) -> Config:
    """One object of a configuration, as Keras writes it."""
    return {"class_name": name, "config": config or {}, **more}


def sequential(*layers: Config) -> Config:
    return entry("Sequential", {"name": "net", "layers": [input_layer(), *layers]})


def input_layer() -> Config:
    return entry("InputLayer", {"batch_input_shape": [None, 4], "name": "x"})


def dense(**more: Any) -> Config:
    return entry("Dense", {"name": "dense", "units": 2, "activation": "relu", **more})


def write_hdf5(path: Path | io.BytesIO, config: Config, **attributes: Any) -> Any:
    """Write a `.h5` file; returns the file, open, for more to be put into it."""
    import h5py

    file = h5py.File(path, "w")
    file.attrs["model_config"] = json.dumps(config)
    file.attrs["keras_version"] = "2.15.0"
    for name, value in attributes.items():
        file.attrs[name] = value
    file.create_group("model_weights")
    return file


def write_keras(
    path: Path | io.BytesIO, config: Config, *, version: str = "2.15.0", **more: bytes
) -> Any:
    """Write a `.keras` archive; `more` are further members, or replace the usual ones."""
    weights = io.BytesIO()
    write_hdf5(weights, config).close()
    members = {
        "metadata.json": json.dumps({"keras_version": version}).encode(),
        "config.json": json.dumps(config).encode(),
        "model.weights.h5": weights.getvalue(),
        **more,
    }
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path
