"""Opsets 1 to 6: every node means what that opset's text says."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import onnx
import pytest

from fpgacomp.frontend.canonicalize import AS_READ, apply
from fpgacomp.frontend.read import read_network
from fpgacomp.network.onnx_file import read_graph
from tests.support.frontend_runs import build, execute, node

X = np.random.default_rng(1).normal(size=(1, 3, 4, 5)).astype(np.float32)
C = np.array([0.5, -1.0, 2.0], np.float32)
ROW = np.arange(5, dtype=np.float32) - 2
Wanted = Callable[[np.ndarray], np.ndarray]
WIDE = C[:, None, None]


def selu(x: np.ndarray) -> np.ndarray:
    return np.float32(1.0507) * np.where(x > 0, x, np.float32(1.6732) * np.expm1(np.minimum(x, 0)))


CASES: dict[str, tuple[int, Sequence[onnx.NodeProto], dict[str, Any], Wanted]] = {
    "add from an axis": (
        6, [node("Add", ["x", "c"], "y", broadcast=1, axis=1)], {"c": C}, lambda x: x + WIDE),
    "mul from the right": (
        6, [node("Mul", ["x", "r"], "y", broadcast=1)], {"r": ROW}, lambda x: x * ROW),
    "sub with a negative axis": (
        1, [node("Sub", ["x", "c"], "y", broadcast=1, axis=-3, consumed_inputs=[0, 0])], {"c": C},
        lambda x: x - WIDE),
    "add of a computed vector": (
        6, [node("Abs", ["c2"], "a"), node("Add", ["x", "a"], "y", broadcast=1, axis=1)],
        {"c2": C}, lambda x: x + abs(WIDE)),
    "prelu per channel": (6, [node("PRelu", ["x", "c"], "y")], {"c": C},
                          lambda x: np.where(x < 0, x * WIDE, x)),
    "reshape by attribute": (1, [node("Reshape", ["x"], "y", shape=[0, -1])], {},
                             lambda x: x.reshape(1, -1)),
    "concat along axis 1": (1, [node("Concat", ["x", "x"], "y")], {},
                            lambda x: np.concatenate([x, x], axis=1)),
    "pad by paddings": (1, [node("Pad", ["x"], "y", paddings=[0, 0, 1, 0, 0, 0, 0, 2])], {},
                        lambda x: np.pad(x, ((0, 0), (0, 0), (1, 0), (0, 2)))),
    "upsample by two scales": (
        1, [node("Upsample", ["x"], "y", height_scale=2.0, width_scale=3.0, mode="nearest")], {},
        lambda x: x.repeat(2, axis=2).repeat(3, axis=3)),
    "dropout": (6, [node("Dropout", ["x"], "y", is_test=1, ratio=0.5)], {}, lambda x: x),
    "selu of opset 1": (1, [node("Selu", ["x"], "y")], {}, selu),
    "clip": (1, [node("Clip", ["x"], "y", min=-0.5, max=0.5, consumed_inputs=[0])], {},
             lambda x: x.clip(-0.5, 0.5)),
    "batch normalization": (
        6, [node("BatchNormalization", ["x", "c", "c", "c", "v"], "y", is_test=1, epsilon=0.25)],
        {"c": C, "v": C**2},
        lambda x: (x - WIDE) / np.sqrt(WIDE**2 + 0.25) * WIDE + WIDE),
    "cast by name": (1, [node("Cast", ["x"], "y", to="FLOAT")], {}, lambda x: x),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_old_forms(name: str) -> None:
    opset, nodes, constants, wanted = CASES[name]
    model = build(nodes, list(X.shape), constants, opset=opset)
    graph = read_graph(model)
    apply(graph, AS_READ)
    upgraded = graph.to_model()
    assert upgraded.opset_import[0].version == 7 and not graph.problems
    (found,) = execute(upgraded, X)
    np.testing.assert_allclose(found, wanted(X), rtol=1e-6, atol=1e-6)
    (canonical,) = execute(read_network(with_product(model)).model, X)
    np.testing.assert_allclose(canonical, wanted(X).reshape(1, -1).sum(axis=1, keepdims=True),
                               rtol=1e-4, atol=1e-4)  # fmt: skip


def with_product(model: onnx.ModelProto) -> onnx.ModelProto:
    """The model and the sum of its output, by a product: no network without one is canonical."""
    y = outputs_of(model)
    longer = onnx.ModelProto()
    longer.CopyFrom(model)
    longer.graph.node.append(node("Flatten", ["y"], "flat"))
    longer.graph.node.append(node("MatMul", ["flat", "ones"], "total"))
    ones = onnx.numpy_helper.from_array(np.ones((y, 1), np.float32), "ones")
    longer.graph.initializer.append(ones)
    longer.graph.output[0].name = "total"
    return longer


def outputs_of(model: onnx.ModelProto) -> int:
    graph = read_graph(model)
    apply(graph, AS_READ)
    return int(np.prod(graph.shape("y")))
