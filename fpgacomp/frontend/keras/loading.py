"""Reads saved Keras and QKeras models without running code that they carry.

The framework sees a file only after `contents.read_contents` has looked at all of it: the
container, every class that the configuration names, and where each weight is kept.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

from fpgacomp.errors import ModelError
from fpgacomp.frontend.keras.allowed import check_configuration
from fpgacomp.frontend.keras.contents import read_contents
from fpgacomp.frontend.keras.wrappers import strip_pruning
from fpgacomp.host.keras2 import tensorflow
from fpgacomp.host.toolchain import select_legacy_keras


def load_keras(path: Path) -> Any:
    """Return the model in a `.h5` or `.keras` file, QKeras' classes known.

    Raises:
        ModelError: no such file, not a Keras model, or one that leads to other files or is
            larger than the budget.
        UnsupportedLayer: it names a class, function or module that is not on our lists.
        ToolError: TensorFlow is not installed.
    """
    path = Path(path)
    contents = read_contents(path)
    check_configuration(contents.configuration, str(path))
    return _load(path, contents.keras_version)


def _load(path: Path, version: str) -> Any:
    select_legacy_keras()
    tf = tensorflow()
    try:
        if version.startswith("3"):
            return import_module("keras").models.load_model(path, compile=False)
        from qkeras.utils import _add_supported_quantized_objects

        known: dict[str, Any] = {}
        _add_supported_quantized_objects(known)
        known["PruneLowMagnitude"] = _pruning_wrapper()
        model = tf.keras.models.load_model(str(path), custom_objects=known, compile=False)
        return strip_pruning(model)
    except Exception as problem:
        reason = " ".join(str(problem).split())[:300]
        raise ModelError(
            str(path),
            f"Keras cannot read it: {reason}",
            "save it with the tf_keras and qkeras versions named in constraints.txt.",
        ) from problem


def _pruning_wrapper() -> type[Any]:
    """Return tfmot's class PruneLowMagnitude; QKeras brings tfmot with it."""
    name = "tensorflow_model_optimization.python.core.sparsity.keras.pruning_wrapper"
    wrapper: type[Any] = import_module(name).PruneLowMagnitude
    return wrapper


def tap(model: Any) -> Callable[[Any, list[Any]], Any]:
    """Return a function that makes models of the same framework which answer inner tensors."""
    if hasattr(model, "_get_trainable_state"):  # Keras 2
        keras = tensorflow().keras
    else:
        keras = import_module("keras")
    return lambda inputs, outputs: keras.Model(inputs, outputs)
