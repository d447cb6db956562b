"""Reads saved Keras and QKeras models without running code that they carry.

The framework sees a file only after `contents.read_contents` has looked at all of it: the
container, every class that the configuration names, and where each weight is kept.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

from fpgacomp.errors import FpgacompError, ModelError
from fpgacomp.frontend.keras.allowed import check_configuration
from fpgacomp.frontend.keras.contents import KerasContents, read_contents
from fpgacomp.frontend.keras.numbered_weights import fill
from fpgacomp.frontend.keras.qkeras3 import names_qkeras, to_keras_2
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
    return _load(path, contents)


def _load(path: Path, contents: KerasContents) -> Any:
    select_legacy_keras()
    tf = tensorflow()
    try:
        if not contents.keras_version.startswith("3"):
            known = _classes()
            model = tf.keras.models.load_model(str(path), custom_objects=known, compile=False)
            return strip_pruning(model)
        if names_qkeras(contents.configuration):
            return _rebuilt_in_keras_2(path, contents)
        return import_module("keras").models.load_model(path, compile=False)
    except FpgacompError:
        raise
    except Exception as problem:
        reason = " ".join(str(problem).split())[:300]
        raise ModelError(
            str(path),
            f"Keras cannot read it: {reason}",
            "save it with the tf_keras and qkeras versions named in constraints.txt.",
        ) from problem


def _classes() -> dict[str, type[Any]]:
    """Return the classes that Keras 2 does not know by itself, by their names in files."""
    from qkeras.utils import _add_supported_quantized_objects

    known: dict[str, Any] = dict(tensorflow().keras.utils.get_custom_objects())
    _add_supported_quantized_objects(known)
    quantizers = import_module("qkeras.quantizers")
    names = ("quantized_hswish", "quantized_linear")  # which QKeras' own list lacks
    known |= {name: getattr(quantizers, name) for name in names}
    known["PruneLowMagnitude"] = _pruning_wrapper()
    return known


def _rebuilt_in_keras_2(path: Path, contents: KerasContents) -> Any:
    """Return a QKeras model of Keras 3 as one of Keras 2 with the same weights."""
    keras, known = tensorflow().keras, _classes()
    layers = {name: value for name, value in vars(keras.layers).items() if isinstance(value, type)}
    config = to_keras_2(contents.configuration, layers | known)
    model = getattr(keras, "Sequential" if config["class_name"] == "Sequential" else "Model")
    with keras.utils.custom_object_scope(known):
        built = model.from_config(config["config"])
    fill(built, path)
    return built


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
