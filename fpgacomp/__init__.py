"""FPGA hardware/software co-design compiler: neural network in, verified accelerator out.

import fpgacomp
report = fpgacomp.compile("model.onnx", board="pynq-z2", out="build")
"""

from __future__ import annotations

from typing import Any

__version__ = "0.1.0"

# `estimate` and `simulate` are packages here: their functions are pipeline.estimate and so on.
_PIPELINE = ("check", "compile")
_COMPRESSION = ("distill", "factorize", "prune", "quantize", "share")


def __getattr__(name: str) -> Any:
    """The pipeline's functions, imported when first used."""
    if name == "Options":
        from fpgacomp.options import Options

        return Options
    if name in _PIPELINE:
        from fpgacomp import pipeline

        return getattr(pipeline, name)
    if name in _COMPRESSION:
        from fpgacomp import compression

        return getattr(compression, name)
    if name == "evaluate":
        from fpgacomp import evaluation

        return evaluation.evaluate
    raise AttributeError(f"module 'fpgacomp' has no attribute {name!r}")
