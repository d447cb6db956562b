"""Reads saved Keras and QKeras models without running code that they carry."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

from fpgacomp.errors import ModelError, UnsupportedLayer
from fpgacomp.host.keras2 import tensorflow
from fpgacomp.host.toolchain import select_legacy_keras


def load_keras(path: Path) -> Any:
    """Return the model in a `.h5` or `.keras` file, QKeras' classes known.

    Raises:
        ModelError: no such file, or not a Keras model.
        UnsupportedLayer: a Lambda layer, which is code.
        ToolError: TensorFlow is not installed.
    """
    path = Path(path)
    if not path.is_file():
        raise ModelError(str(path), "there is no such file.", "give a .h5 or .keras file.")
    select_legacy_keras()
    try:
        config, version = _configuration(path)
    except (OSError, KeyError, ValueError, zipfile.BadZipFile) as problem:
        raise ModelError(
            str(path),
            f"it is not a Keras model saved as a whole ({problem}).",
            "save it with model.save('model.keras') or model.save('model.h5').",
        ) from problem
    if "Lambda" in set(_class_names(config)):
        raise UnsupportedLayer(
            str(path), "it holds a Lambda layer, which is code.", "use a layer instead."
        )
    return _load(path, version)


def _load(path: Path, version: str) -> Any:
    tf = tensorflow()
    try:
        if version.startswith("3"):
            return import_module("keras").models.load_model(path, compile=False)
        from qkeras.utils import _add_supported_quantized_objects

        known: dict[str, Any] = {}
        _add_supported_quantized_objects(known)
        return tf.keras.models.load_model(str(path), custom_objects=known, compile=False)
    except Exception as problem:
        reason = " ".join(str(problem).split())[:300]
        raise ModelError(
            str(path),
            f"Keras cannot read it: {reason}",
            "save it with the tf_keras and qkeras versions named in constraints.txt.",
        ) from problem


def _configuration(path: Path) -> tuple[Any, str]:
    """Return the model's configuration and the version of the Keras that wrote it."""
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            metadata = json.loads(archive.read("metadata.json"))
            return json.loads(archive.read("config.json")), str(metadata["keras_version"])
    tensorflow()
    h5py = import_module("h5py")
    with h5py.File(path, "r") as file:
        return json.loads(file.attrs["model_config"]), str(file.attrs.get("keras_version", "2"))


def _class_names(config: Any) -> Iterator[str]:
    if isinstance(config, dict):
        if isinstance(config.get("class_name"), str):
            yield config["class_name"]
        config = list(config.values())
    if isinstance(config, list):
        for entry in config:
            yield from _class_names(entry)


def tap(model: Any) -> Callable[[Any, list[Any]], Any]:
    """Return a function that makes models of the same framework which answer inner tensors."""
    if hasattr(model, "_get_trainable_state"):  # Keras 2
        keras = tensorflow().keras
    else:
        keras = import_module("keras")
    return lambda inputs, outputs: keras.Model(inputs, outputs)
