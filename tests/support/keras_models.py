"""Random weights for Keras models, inputs on a binary grid, and the exported model in qonnx."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.core.onnx_exec import execute_onnx
from qonnx.transformation.infer_shapes import InferShapes


def randomized(model: Any, seed: int = 1) -> Any:
    """All weights random, variances positive, gammas around one and of both signs."""
    random = np.random.default_rng(seed)
    for weight in model.weights:
        shape = weight.shape
        if "variance" in weight.name:
            weight.assign(random.uniform(0.5, 2, shape))
        elif "float32" in str(weight.dtype):
            weight.assign(random.normal(0.6 if "gamma" in weight.name else 0.0, 0.5, shape))
    return model


def execute(model: onnx.ModelProto, x: np.ndarray) -> np.ndarray:
    """Sample by sample in qonnx."""
    wrapped = ModelWrapper(model).transform(InferShapes())
    source, result = model.graph.input[0].name, model.graph.output[0].name
    return np.concatenate([execute_onnx(wrapped, {source: one[None]})[result] for one in x])


def operators(model: onnx.ModelProto) -> list[str]:
    return [node.op_type for node in model.graph.node]


def on_grid(shape: tuple[int, ...], count: int = 12) -> np.ndarray:
    """Multiples of 1/32: sums of products with power-of-two scales are exact in float32."""
    return (np.random.default_rng(0).integers(-96, 96, (count, *shape)) / 32).astype(np.float32)
