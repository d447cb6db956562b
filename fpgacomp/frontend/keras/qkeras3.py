"""Rebuilds a QKeras model that was saved by Keras 3 in Keras 2, for which QKeras is installed here.

Keras 3 writes the same layers and quantizers with other words: each object names its module,
each call of a layer is written out, and weights are numbered (`layers/NAME/vars/0`). Only the
words differ, not the numbers: quantizers of one name give the same values in both.
"""

from __future__ import annotations

import inspect
from typing import Any

from fpgacomp.errors import UnsupportedLayer

Config = dict[str, Any]

_MODELS = ("Functional", "Model", "Sequential")
# Settings without effect on what a trained network answers.
_TRAINING = ("_initializer", "_regularizer", "_constraint", "_range")
_WITHOUT_EFFECT = ("dtype", "renorm_momentum", "seed", "seed_generator", "trainable")
_SWITCHED_OFF = ("renorm", "renorm_clipping", "synchronized")  # unless they are set
_RENAMED = {"LeakyReLU": {"negative_slope": "alpha"}}
_ANOTHER_FUNCTION = ("hard_sigmoid",)  # its slope is 1/5 in Keras 2 and 1/6 in Keras 3


def names_qkeras(config: Any) -> bool:
    """Return whether a configuration holds a layer or quantizer of QKeras."""
    waiting = [config]
    while waiting:
        entry = waiting.pop()
        if isinstance(entry, dict):
            if str(entry.get("module", "")).partition(".")[0] == "qkeras":
                return True
            waiting += entry.values()
        elif isinstance(entry, list):
            waiting += entry
    return False


def to_keras_2(entry: Config, classes: dict[str, type[Any]]) -> Config:
    """Return a model's configuration as Keras 2 writes it.

    Args:
        entry: as Keras 3 writes it; its classes were held against the allowed ones before.
        classes: Keras 2's and QKeras' classes by name.

    Raises:
        UnsupportedLayer: a class or a setting that Keras 2 does not have.
        KeyError, TypeError, ValueError, IndexError: it is no configuration of Keras 3.
    """
    kind, config = _kind(entry), entry["config"]
    if kind == "Sequential":
        layers = [_layer(layer, classes) for layer in config["layers"]]
        return {"class_name": kind, "config": {"name": config["name"], "layers": layers}}
    # A model that is a layer has a first call of its own in Keras 2, which Keras 3 does not count.
    models = {layer["config"]["name"] for layer in config["layers"] if _is_called(layer)}
    ends = {
        key: [_counted(tensor, models) for tensor in _list_of_tensors(config[key])]
        for key in ("input_layers", "output_layers")
    }
    layers = [_called_layer(layer, classes, models) for layer in config["layers"]]
    return {
        "class_name": "Functional",
        "config": {"name": config["name"], "layers": layers, **ends},
    }


def _is_called(entry: Config) -> bool:
    """Return whether an entry is a model that begins with an input of its own."""
    inner = entry["config"].get("layers", ())
    return _kind(entry) in _MODELS and bool(inner) and _kind(inner[0]) == "InputLayer"


def _counted(tensor: list[Any], models: set[str]) -> list[Any]:
    name, node, index = tensor
    return [name, node + int(name in models), index]


def _list_of_tensors(tensors: Any) -> list[Any]:
    """Return [[layer, node, index], ...]; Keras 3 leaves the outer list out for a single one."""
    single = bool(tensors) and isinstance(tensors[0], str)
    return [tensors] if single else list(tensors)


def _called_layer(entry: Config, classes: dict[str, type[Any]], models: set[str]) -> Config:
    nodes = [
        [[*_counted(source, models), {}] for source in _sources(node.get("args", []))]
        for node in entry.get("inbound_nodes", [])
    ]
    return {**_layer(entry, classes), "name": entry["config"]["name"], "inbound_nodes": nodes}


def _sources(arguments: Any) -> list[list[Any]]:
    """Return [layer, node, index] of every tensor that a call reads, in order."""
    if isinstance(arguments, list):
        return [source for argument in arguments for source in _sources(argument)]
    if isinstance(arguments, dict) and arguments.get("class_name") == "__keras_tensor__":
        return [list(arguments["config"]["keras_history"])]
    return []


def _layer(entry: Config, classes: dict[str, type[Any]]) -> Config:
    kind, config = _kind(entry), entry["config"]
    if kind in _MODELS:
        return to_keras_2(entry, classes)
    if kind == "InputLayer":
        shape = config.get("batch_shape", config.get("batch_input_shape"))
        return {"class_name": kind, "config": {"name": config["name"], "batch_input_shape": shape}}
    if kind == "Activation" and _plain(config.get("activation")) in _ANOTHER_FUNCTION:
        function = _plain(config["activation"])
        why = f"{function} has another slope in Keras 3 than in Keras 2, which QKeras is read with."
        raise UnsupportedLayer(_where(entry), why, "use quantized_sigmoid.")
    return {"class_name": kind, "config": _settings(entry, classes)}


def _kind(entry: Config) -> str:
    """Return the class's name without the package that files of Keras 3 may put in front."""
    return str(entry["class_name"]).rpartition(">")[2]


def _where(entry: Config) -> str:
    return f"layer {str(entry['config'].get('name', '?'))[:80]} ({_kind(entry)})"


def _settings(entry: Config, classes: dict[str, type[Any]]) -> Config:
    """Return the arguments of a layer or quantizer that matter when it runs."""
    kind, config = _kind(entry), entry["config"]
    if kind not in classes:
        why = f"class {kind} is not there in Keras 2, which QKeras is read with."
        raise UnsupportedLayer(_where(entry), why, "use layers that QKeras 0.9 has.")
    accepted = _arguments(classes[kind])
    settings: Config = {}
    for key, value in config.items():
        name = _RENAMED.get(kind, {}).get(key, key)
        if key.endswith(_TRAINING) or key in _WITHOUT_EFFECT:
            continue
        if name in accepted and name not in _SWITCHED_OFF:
            settings[name] = _value(value, classes)
        elif value not in (None, False, {}, []):
            why = f"its setting {key} is not known."
            raise UnsupportedLayer(_where(entry), why, f"leave {key} at its default.")
    return settings


def _arguments(cls: type[Any]) -> set[str]:
    """Return the names of the arguments that a class takes, its parents' included."""
    found = {"name", *getattr(cls, "settings_beside", ())}
    for base in cls.__mro__:
        if "__init__" in vars(base) and base is not object:
            found |= set(inspect.signature(vars(base)["__init__"]).parameters)
    return found - {"self", "args", "kwargs"}


def _value(value: Any, classes: dict[str, type[Any]]) -> Any:
    plain = _plain(value)
    if isinstance(plain, dict) and "class_name" in plain:
        if "name" in plain["config"]:
            return _layer(plain, classes)  # inside a wrapper
        # A quantizer, which layers take as an object.
        settings = _settings(plain, classes)
        quantizer: Any = classes[_kind(plain)]
        return quantizer.from_config(settings)
    return plain


def _plain(value: Any) -> Any:
    """Return a function as its name, and an array or tensor as numbers."""
    if not isinstance(value, dict) or "class_name" not in value:
        return value
    match value["class_name"]:
        case "function":
            return value["config"]
        case "__tensor__" | "__numpy__":
            return value["config"]["value"]
        case "__tuple__":
            return tuple(value["config"]["items"])
    return value
