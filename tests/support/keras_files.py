"""Small saved Keras models, honest and hostile, written without any framework."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

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


def object_3(module: str, name: str, config: Config, *sources: str, **more: Any) -> Config:
    """One object as Keras 3 writes it; a layer that reads the outputs of `sources`."""
    package = "qkeras>" if module.startswith("qkeras") else ""
    registered = f"{package}{name}" if package else None
    found = entry(name, config, module=module, registered_name=registered, **more)
    if not sources:
        return found
    tensors = [
        entry("__keras_tensor__", {"shape": [None], "keras_history": [source, 0, 0]})
        for source in sources
    ]
    arguments = [tensors[0] if len(tensors) == 1 else tensors]
    return {**found, "inbound_nodes": [{"args": arguments, "kwargs": {}}]}


def functional_3(layers: list[Config], first: str, last: str) -> Config:
    """A functional model of one input and one output as Keras 3 writes it."""
    named = [{**layer, "name": layer["config"]["name"]} for layer in layers]
    calls = [{"inbound_nodes": [], **layer} for layer in named]
    ends = {"input_layers": [first, 0, 0], "output_layers": [last, 0, 0]}
    config = {"name": "net", "trainable": True, "layers": calls, **ends}
    return object_3("keras.src.models.functional", "Functional", config)


def write_keras_3(path: Path, config: Config, weights: dict[str, list[np.ndarray]]) -> Path:
    """Write a `.keras` archive of Keras 3: a layer's weights are vars/0, vars/1, ..."""
    import h5py

    content = io.BytesIO()
    with h5py.File(content, "w") as file:
        for number, (name, values) in enumerate(weights.items()):
            group = file.create_group(f"layers/layer_{number}/vars")
            group.attrs["name"] = name
            for index, value in enumerate(values):
                group[str(index)] = value
    more = {"model.weights.h5": content.getvalue()}
    write_keras(path, config, version="3.10.0", **more)
    return path


def write_hdf5_3(path: Path, config: Config, weights: dict[str, dict[str, np.ndarray]]) -> Path:
    """Write a `.h5` file of Keras 3: weights of a layer under their own names."""
    with write_hdf5(path, config) as file:
        file.attrs["keras_version"] = "3.10.0"
        for layer, values in weights.items():
            for name, value in values.items():
                file[f"model_weights/{layer}/net/{layer}/{name}"] = value
    return path
