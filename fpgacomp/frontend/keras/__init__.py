"""Exports Keras and QKeras models as QONNX, every layer compared with Keras itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import onnx

from fpgacomp.frontend.keras.loading import load_keras
from fpgacomp.host.keras2 import tensorflow

CHECK_BATCH = 32


def export_keras(model: Any, *, path: Path | None = None) -> onnx.ModelProto:
    """Return the model as QONNX: explicit Quant, BipolarQuant and MultiThreshold nodes, batch 1.

    Inputs and outputs keep Keras' layout (channels last); weights carry the values that
    their quantizers give them, with the quantizers' own scales.

    Args:
        model: a built Sequential or functional Keras 2 (tf_keras), QKeras or Keras 3 model.
        path: where to write it too.

    Raises:
        UnsupportedLayer, Problems: layers or quantizers that are not carried, all at once.
        ModelError: a model whose layers cannot be listed, or an export that differs.
    """
    from fpgacomp.frontend.keras.check import check
    from fpgacomp.frontend.keras.loading import tap
    from fpgacomp.frontend.keras.walk import to_graph
    from fpgacomp.frontend.keras.wrappers import strip_pruning

    model = strip_pruning(model)
    check(model, to_graph(model, CHECK_BATCH), tap(model), CHECK_BATCH)
    exported = to_graph(model, 1).graph.to_model()
    onnx.checker.check_model(exported)
    if path is not None:
        onnx.save(exported, path)
    return exported


__all__ = ["export_keras", "load_keras", "tensorflow"]
