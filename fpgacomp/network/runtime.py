"""Opens ONNX models in ONNX Runtime, always in the same way."""

from __future__ import annotations

from typing import TYPE_CHECKING

import onnx

if TYPE_CHECKING:
    import onnxruntime


def open_session(model: onnx.ModelProto) -> onnxruntime.InferenceSession:
    """Return a session on the CPU that prints nothing: what fails is raised.

    Raises:
        Exception: whatever ONNX Runtime raises for a model that it does not accept.
    """
    import onnxruntime  # late: most networks are read without it

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    return onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
