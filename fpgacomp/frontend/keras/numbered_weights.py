"""Puts the weights of a file of Keras 3 into a Keras 2 model of the same layers."""

from __future__ import annotations

import io
import re
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from fpgacomp.errors import ModelError
from fpgacomp.frontend.keras.hdf5 import h5py

_SAVE = "save the model again with Keras 3: model.save('model.keras')."


def fill(model: Any, path: Path) -> None:
    """Assign every weight of the model from the file, whose container was checked before.

    Raises:
        ModelError: a weight that is missing, or of another shape.
    """
    filled: set[int] = set()
    if path.suffix == ".keras":
        with zipfile.ZipFile(path) as archive:
            content = io.BytesIO(archive.read("model.weights.h5"))
        with h5py().File(content, "r") as file:
            _fill_layers(model, file, str(path), filled)
    else:
        with h5py().File(path, "r") as file:
            _fill_by_name(model, _datasets(file["model_weights"]), str(path), filled)
    for variable in model.weights:
        if _is_real(variable) and id(variable) not in filled:
            raise ModelError(str(path), f"it holds no weight {variable.name}.", _SAVE)


def _is_real(variable: Any) -> bool:
    """Return whether a variable is a number that layers compute with, not a count of steps."""
    return "float" in str(variable.dtype)


def _fill_layers(model: Any, group: Any, where: str, filled: set[int]) -> None:
    groups = group.get("layers", {})
    told = {groups[key]["vars"].attrs.get("name"): key for key in groups if "vars" in groups[key]}
    seen: dict[str, int] = {}
    for layer in model.layers:
        stem = _snake(type(layer).__name__)
        number = seen.get(stem, 0)
        seen[stem] = number + 1
        counted = f"{stem}_{number}" if number else stem
        key = told.get(layer.name) or (layer.name if layer.name in groups else counted)
        if key in groups:
            _fill_layer(layer, groups[key], where, filled)


def _snake(name: str) -> str:
    """Return a class name as Keras 3 spells it in files: QConv2DBatchnorm is q_conv2d_batchnorm."""
    words = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", words).lower()


def _fill_layer(layer: Any, group: Any, where: str, filled: set[int]) -> None:
    if hasattr(layer, "layers"):
        _fill_layers(layer, group, where, filled)
        return
    own = [v for v in (*layer._trainable_weights, *layer._non_trainable_weights) if _is_real(v)]
    values = group.get("vars", {})
    for index, variable in enumerate(own):
        if str(index) in values:
            _assign(variable, values[str(index)], where, filled)
    for key in group:
        inner = getattr(layer, key, None)
        if key != "vars" and hasattr(inner, "_trainable_weights"):
            _fill_layer(inner, group[key], where, filled)
    if hasattr(layer, "finalize_state"):  # Normalization computes with what it makes of these
        layer.finalize_state()


def _fill_by_name(model: Any, datasets: list[Any], where: str, filled: set[int]) -> None:
    """Fill from a `.h5` file of Keras 3, whose weights end in the names that Keras 2 has, too."""
    for layer in model.layers:
        of_layer = [entry for entry in datasets if layer.name in entry.name.split("/")]
        if hasattr(layer, "layers"):
            _fill_by_name(layer, of_layer, where, filled)
            continue
        variables = {_last(v.name): v for v in layer.weights if _is_real(v)}
        for entry in of_layer:
            if _last(entry.name) in variables:
                _assign(variables[_last(entry.name)], entry, where, filled)


def _datasets(group: Any) -> list[Any]:
    """Return every dataset in a group and in the groups in it."""
    found: list[Any] = []
    for key in group:
        entry = group[key]
        found += [entry] if hasattr(entry, "shape") else _datasets(entry)
    return found


def _last(name: str) -> str:
    return name.rpartition("/")[2].partition(":")[0]


def _assign(variable: Any, dataset: Any, where: str, filled: set[int]) -> None:
    if tuple(dataset.shape) != tuple(variable.shape):
        why = f"its weight {dataset.name} has the shape {dataset.shape}, not {variable.shape}."
        raise ModelError(where, why, _SAVE)
    variable.assign(np.asarray(dataset, dtype=np.float32))
    filled.add(id(variable))
