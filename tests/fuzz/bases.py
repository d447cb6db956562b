"""The files that are damaged: examples, networks of the tests, the zoo's smallest, random ones."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from functools import cache
from typing import Any

import numpy as np
import onnx

from fpgacomp.host.resources import data_folder
from tests.fuzz import mutate, values
from tests.fuzz.structure import Rng, mutate_structure, pick
from tests.support.keras_files import entry, write_hdf5, write_keras
from tests.support.nasty_networks import NASTY
from tests.support.paths import EXAMPLES, SHARED
from tests.support.random_networks import random_network

KINDS = ("onnx", "board", "numpy", "keras")
LARGEST_BASE_BYTES = 400_000  # larger ones take their time without showing more
File = tuple[str, bytes]


def files(kind: str, count: int, seed: int) -> Iterator[File]:
    """Suffix and content of `count` files; the first of each base file is not damaged."""
    rng = np.random.default_rng([seed, KINDS.index(kind)])
    make = {"onnx": _onnx, "board": _board, "numpy": _numpy, "keras": _keras}[kind]
    for index in range(count):
        yield make(rng, index)


def _onnx(rng: Rng, index: int) -> File:
    fixed = _networks()
    if index % 3 == 0:
        model = random_network(rng, size=int(rng.integers(1, 4)))
    else:
        model = onnx.load_model_from_string(pick(rng, fixed))
    if index % 40 == 0:
        return ".onnx", model.SerializeToString()
    chance = rng.random()
    if chance < 0.65:
        return ".onnx", mutate_structure(rng, model)
    if chance < 0.85:
        return ".onnx", mutate.mutate_model(rng, model)
    return ".onnx", mutate.mutate_bytes(rng, model.SerializeToString())


@cache
def _networks() -> tuple[bytes, ...]:
    from fpgacomp.zoo import build

    found = [make().SerializeToString() for make in NASTY.values()]
    found.append(build("digits").SerializeToString())
    paths = [*sorted(EXAMPLES.rglob("*.onnx")), *sorted((SHARED / "cases").rglob("*.onnx"))]
    for path in paths:
        if path.stat().st_size <= LARGEST_BASE_BYTES:
            found.append(path.read_bytes())
    return tuple(content for content in found if _has_nodes(content))


def _has_nodes(content: bytes) -> bool:
    try:
        return len(onnx.load_model_from_string(content).graph.node) in range(1, 400)
    except Exception:
        return False


def _board(rng: Rng, index: int) -> File:
    boards = sorted(data_folder("boards").glob("*.yaml"))
    content = boards[index % len(boards)].read_bytes()
    if index % 40 == 0:
        return ".yaml", content
    change = values.mutate_yaml if rng.random() < 0.7 else mutate.mutate_bytes
    return ".yaml", change(rng, content)


def _numpy(rng: Rng, index: int) -> File:
    """Samples [4, 3] of the input `x`, or four labels."""
    array = rng.normal(size=(4, 3)).astype(np.float32)
    if index % 4 == 3:
        array = np.asarray([0, 1, 1, 0])
    content, suffix = io.BytesIO(), pick(rng, [".npy", ".npz", ".npz"])
    if suffix == ".npy":
        np.save(content, array)
    else:
        save = np.savez if rng.random() < 0.5 else np.savez_compressed
        save(content, x=array)
    if index % 40 == 0:
        return suffix, content.getvalue()
    by_value = values.mutate_npy if suffix == ".npy" else values.mutate_npz
    change = by_value if rng.random() < 0.6 else mutate.mutate_bytes
    return suffix, change(rng, content.getvalue())


def _keras(rng: Rng, index: int) -> File:
    bases = _keras_models()
    suffix, content = bases[index % len(bases)]
    if index < len(bases):
        return suffix, content
    by_value = values.mutate_hdf5 if suffix == ".h5" else values.mutate_keras_zip
    change = by_value if rng.random() < 0.7 else mutate.mutate_bytes
    return suffix, change(rng, content)


@cache
def _keras_models() -> tuple[File, ...]:
    """Models written without a framework, so that they can be made anywhere, and those found."""
    found: list[File] = []
    for layers in (_dense_layers(), _image_layers()):
        config = entry("Sequential", {"name": "net", "layers": layers})
        buffer = io.BytesIO()
        with write_hdf5(buffer, config) as file:
            _store_weights(file, layers)
        found.append((".h5", buffer.getvalue()))
        archive = io.BytesIO()
        write_keras(archive, config)
        found.append((".keras", archive.getvalue()))
    paths = [*sorted(EXAMPLES.rglob("*.h5")), *sorted((SHARED / "cases").rglob("*.h5"))]
    small = [path for path in paths if path.stat().st_size <= LARGEST_BASE_BYTES]
    return (*found, *((".h5", path.read_bytes()) for path in small))


def _dense_layers() -> list[dict[str, Any]]:
    return [
        _layer("InputLayer", "x", batch_input_shape=[None, 3]),
        _layer("QActivation", "q0", activation="quantized_bits(4, 0, alpha=1)"),
        _layer(
            "QDense",
            "d1",
            units=4,
            kernel_quantizer="quantized_bits(4, 0, alpha=1)",
            bias_quantizer=None,
            use_bias=False,
        ),
        _layer("QActivation", "q1", activation="quantized_relu(3, 1)"),
        _layer(
            "QDense",
            "d2",
            units=2,
            kernel_quantizer="quantized_bits(3, 0, alpha=1)",
            bias_quantizer=None,
            use_bias=False,
        ),
    ]


def _image_layers() -> list[dict[str, Any]]:
    return [
        _layer("InputLayer", "x", batch_input_shape=[None, 5, 5, 1]),
        _layer("QActivation", "q0", activation="quantized_bits(4, 0, alpha=1)"),
        _layer(
            "QConv2D",
            "c1",
            filters=2,
            kernel_size=[3, 3],
            strides=[1, 1],
            padding="same",
            kernel_quantizer="quantized_bits(4, 0, alpha=1)",
            use_bias=False,
        ),
        _layer("QActivation", "q1", activation="quantized_relu(3, 1)"),
        _layer("MaxPooling2D", "p1", pool_size=[2, 2]),
        _layer("Flatten", "f1"),
    ]


def _layer(kind: str, name: str, **config: Any) -> dict[str, Any]:
    return entry(kind, {"name": name, **config})


SHAPES = {"d1": (3, 4), "d2": (4, 2), "c1": (3, 3, 1, 2)}


def _store_weights(file: Any, layers: list[dict[str, Any]]) -> None:
    """Weights as Keras 2 keeps them: a group per layer that lists its arrays."""
    group = file["model_weights"]
    names = [layer["config"]["name"] for layer in layers]
    group.attrs["layer_names"] = [name.encode() for name in names]
    group.attrs["backend"] = b"tensorflow"
    rng = np.random.default_rng(5)
    for name in names:
        own = group.create_group(name)
        listed = [f"{name}/kernel:0".encode()] if name in SHAPES else []
        own.attrs["weight_names"] = listed
        for weight in listed:
            own[weight.decode()] = rng.normal(size=SHAPES[name]).astype(np.float32) / 2
    file.attrs["model_config"] = json.dumps(json.loads(file.attrs["model_config"]))
