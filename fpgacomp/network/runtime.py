"""Opens ONNX models in ONNX Runtime, always in the same way."""

from __future__ import annotations

from typing import TYPE_CHECKING

import onnx

if TYPE_CHECKING:
    import onnxruntime


def open_session(
    model: onnx.ModelProto, *, exact_products: bool = False
) -> onnxruntime.InferenceSession:
    """Return a session on the CPU that prints nothing: what fails is raised.

    Args:
        exact_products: sums of 8-bit products are those of the integers. On processors with AVX2
            and without VNNI, ONNX Runtime's faster ones saturate at 16 bits.

    Raises:
        Exception: whatever ONNX Runtime raises for a model that it does not accept.
    """
    import onnxruntime  # late: most networks are read without it

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    if exact_products:
        options.add_session_config_entry("session.x64quantprecision", "1")
    return onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
