"""Writes the integer graph as JSON text (graph.json) and reads it back without loss."""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import fields
from typing import Any, get_args

import numpy as np

from fpgacomp.errors import ModelError
from fpgacomp.host.strict_json import read_json
from fpgacomp.ir.graph import Graph
from fpgacomp.ir.layers import Layer, Rounding, Tensor
from fpgacomp.ir.types import IntArray, Ints, IntType

FORMAT = 1
_CLASSES: dict[str, type[Any]] = {cls.__name__: cls for cls in get_args(Layer)}


def identity(graph: Graph) -> str:
    """What a design on a board says of the graph that it computes: 32 hexadecimal digits.

    They begin the SHA-256 that a build's manifest lists for graph.json.
    """
    return hashlib.sha256(to_json(graph).encode()).hexdigest()[:32]


def to_json(graph: Graph) -> str:
    """Return the graph as text: one line per layer, weights as base64 of little-endian integers."""
    layers = ",\n  ".join(json.dumps(_layer(layer), sort_keys=True) for layer in graph.layers)
    outputs = json.dumps([tensor.name for tensor in graph.outputs])
    name = json.dumps(graph.name)
    return (
        f'{{"format": {FORMAT}, "name": {name}, "outputs": {outputs}, '
        f'"layers": [\n  {layers}\n]}}\n'
    )


def from_json(text: str) -> Graph:
    """Return the graph that `to_json` wrote.

    Raises:
        ModelError: the text is no graph of this version.
    """
    try:
        content = read_json(text)
        if content["format"] != FORMAT:
            raise ValueError(f"format {content['format']}, expected {FORMAT}")
        tensors: dict[str, Tensor] = {}
        layers = tuple(_read_layer(item, tensors) for item in content["layers"])
        outputs = tuple(tensors[name] for name in content["outputs"])
    except (ValueError, KeyError, TypeError) as error:
        raise ModelError("graph.json", f"is no integer graph ({error}).",
                         "compile the network again.") from error  # fmt: skip
    return Graph(content["name"], layers, outputs)


def _layer(layer: Layer) -> dict[str, object]:
    return {"class": type(layer).__name__} | {
        field.name: _plain(getattr(layer, field.name), is_output=field.name == "output")
        for field in fields(layer)
    }


def _plain(value: object, *, is_output: bool) -> object:
    match value:
        case Tensor() if is_output:
            kind = value.type
            return {"name": value.name, "shape": value.shape, "lo": kind.lo, "hi": kind.hi,
                    "bipolar": kind.bipolar}  # fmt: skip
        case Tensor():
            return {"tensor": value.name}
        case Ints():
            return _packed(value)
        case Rounding():
            return {"rounding": value.value}
        case tuple():
            return [_plain(item, is_output=False) for item in value]
        case int() | str() | None:
            return value
        case _:
            raise TypeError(f"a layer's field holds a {type(value).__name__}")


def _packed(values: Ints) -> dict[str, object]:
    small = values.array.astype(_narrowest(values.array))
    return {
        "shape": small.shape,
        "dtype": small.dtype.str,
        "data": base64.b64encode(small.tobytes()).decode(),
    }


def _narrowest(array: IntArray) -> np.dtype[Any]:
    """Return the narrowest signed little-endian type that holds every value."""
    low, high = int(array.min(initial=0)), int(array.max(initial=0))
    for width in (1, 2, 4):
        limits = np.iinfo(f"<i{width}")
        if limits.min <= low and high <= limits.max:
            return np.dtype(f"<i{width}")
    return np.dtype("<i8")


def _read_layer(item: dict[str, Any], tensors: dict[str, Tensor]) -> Layer:
    cls = _CLASSES[item.pop("class")]
    output = item.pop("output")
    kind = IntType(output["lo"], output["hi"], output["bipolar"])
    tensor = Tensor(output["name"], tuple(output["shape"]), kind)
    arguments = {key: _read(value, tensors) for key, value in item.items()}
    layer: Layer = cls(output=tensor, **arguments)
    tensors[tensor.name] = tensor
    return layer


def _read(value: Any, tensors: dict[str, Tensor]) -> Any:
    match value:
        case {"tensor": name}:
            return tensors[name]
        case {"rounding": mode}:
            return Rounding(mode)
        case {"shape": shape, "dtype": dtype, "data": data}:
            return Ints(np.frombuffer(base64.b64decode(data), dtype=dtype).reshape(shape))
        case list():
            return tuple(_read(item, tensors) for item in value)
        case _:
            return value
