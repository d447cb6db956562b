"""A tiny float network and data for each kind of task, whose right answers nearly hold.

Labels are the network's own answers with some noise, so that nothing needs to be trained and every
figure lies well between chance and perfect.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

Array = npt.NDArray[Any]
FEATURES, HIDDEN = 6, 12


@dataclass(frozen=True)
class TaskCase:
    """A network, its training data and its test data."""

    name: str
    model: onnx.ModelProto
    train: tuple[Array, Any]
    test: tuple[Array, Any]

    def save(self, folder: Path) -> tuple[Path, Path, Path]:
        """Write the network and both sets of data; return the three files."""
        paths = folder / f"{self.name}.onnx", folder / "train.npz", folder / "test.npz"
        onnx.save(self.model, paths[0])
        for path, (x, y) in zip(paths[1:], (self.train, self.test)):
            arrays: dict[str, Any] = {"x": x}
            if isinstance(y, dict):
                arrays |= {f"y_{name}": array for name, array in y.items()}
            elif y is not None:
                arrays["y"] = y
            np.savez(path, **arrays)
        return paths


def task_case(name: str, samples: int = 260, seed: int = 1) -> TaskCase:
    """One of binary, sigmoid, multi-label, regression, reconstruction, several, classes."""
    rng = np.random.default_rng(seed)
    x = rng.uniform(-1, 1, (samples, FEATURES)).astype(np.float32)
    heads = {"several": {"label": 3, "energy": 1}, "multi-label": {"y": 4},
             "regression": {"y": 2}, "classes": {"y": 3}}.get(name, {"y": 1})  # fmt: skip
    if name == "reconstruction":
        model = _autoencoder()
        labels: Any = None
    else:
        model, scores = _heads(heads, rng, x, sigmoid=name == "sigmoid")
        found = {output: _labels(name, output, s, rng) for output, s in scores.items()}
        labels = found if name == "several" else found["y"]
    half = samples // 2
    return TaskCase(name, model, _part(x, labels, slice(half)), _part(x, labels, slice(half, None)))


def _part(x: Array, labels: Any, part: slice) -> tuple[Array, Any]:
    if isinstance(labels, dict):
        return x[part], {name: array[part] for name, array in labels.items()}
    return x[part], None if labels is None else labels[part]


def _labels(name: str, output: str, scores: Array, rng: np.random.Generator) -> Array:
    if name in ("binary", "sigmoid"):
        return np.asarray((scores[:, 0] > 0) ^ (rng.random(len(scores)) < 0.1), np.int64)
    if name == "multi-label":
        return np.asarray((scores > 0) ^ (rng.random(scores.shape) < 0.1), np.int64)
    if name == "classes" or output == "label":
        wrong = rng.random(len(scores)) < 0.1
        return np.asarray((scores.argmax(axis=1) + wrong) % scores.shape[1], np.int64)
    noise = rng.normal(size=scores.shape) * 0.3 * scores.std(axis=0)
    return np.asarray(100 * (scores + noise), np.float64)


def _heads(
    heads: dict[str, int], rng: np.random.Generator, x: Array, *, sigmoid: bool
) -> tuple[onnx.ModelProto, dict[str, Array]]:
    """A hidden layer and a dense layer for each output; regression outputs are 100 times."""
    hidden = rng.normal(size=(FEATURES, HIDDEN)) / 2
    constants = {"w0": hidden, "b0": rng.normal(size=HIDDEN) / 4}
    nodes = [helper.make_node("Gemm", ["x", "w0", "b0"], ["h"], "body"),
             helper.make_node("Relu", ["h"], ["r"], "act")]  # fmt: skip
    inner = np.maximum(x @ constants["w0"] + constants["b0"], 0)
    scores = {}
    for output, size in heads.items():
        weight = rng.normal(size=(HIDDEN, size))
        bias = -np.median(inner @ weight, axis=0)
        scores[output] = inner @ weight + bias
        scale = 100 if output == "energy" or (output == "y" and size == 2) else 1
        constants |= {f"w_{output}": scale * weight, f"b_{output}": scale * bias}
        made = f"{output}_logit" if sigmoid else output
        inputs = ["r", f"w_{output}", f"b_{output}"]
        nodes.append(helper.make_node("Gemm", inputs, [made], f"fc_{output}"))
        if sigmoid:
            nodes.append(helper.make_node("Sigmoid", [made], [output], "sigmoid"))
    return _model(nodes, constants, heads), scores


def _autoencoder() -> onnx.ModelProto:
    """x = (relu(x Q) - relu(-x Q)) Q', with an error of a third in one of the turned features."""
    turn, _ = np.linalg.qr(np.random.default_rng(0).normal(size=(FEATURES, FEATURES)))
    back = turn.T * np.where(np.arange(FEATURES) == 0, 0.7, 1.0)[:, None]
    constants = {"w0": np.concatenate([turn, -turn], 1), "b0": np.zeros(2 * FEATURES),
                 "w_y": np.concatenate([back, -back]), "b_y": np.zeros(FEATURES)}  # fmt: skip
    nodes = [helper.make_node("Gemm", ["x", "w0", "b0"], ["h"], "body"),
             helper.make_node("Relu", ["h"], ["r"], "act"),
             helper.make_node("Gemm", ["r", "w_y", "b_y"], ["y"], "fc_y")]  # fmt: skip
    return _model(nodes, constants, {"y": FEATURES})


def _model(
    nodes: list[onnx.NodeProto], constants: dict[str, Array], heads: dict[str, int]
) -> onnx.ModelProto:
    def value(name: str, size: int) -> onnx.ValueInfoProto:
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, ["N", size])

    tensors = [numpy_helper.from_array(v.astype(np.float32), n) for n, v in constants.items()]
    outputs = [value(name, size) for name, size in heads.items()]
    graph = helper.make_graph(nodes, "task", [value("x", FEATURES)], outputs, tensors)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)
