"""FPGA hardware/software co-design compiler: neural network in, verified accelerator out.

import fpgacomp
report = fpgacomp.compile("model.onnx", board="pynq-z2", out="build")
"""

from __future__ import annotations

from typing import Any

__version__ = "0.2.0.dev0"

_PIPELINE = ("check", "compile", "estimate", "simulate")
_COMPRESSION = ("distill", "factorize", "prune", "quantize", "share")


def __getattr__(name: str) -> Any:
    """The pipeline's functions, imported when first used."""
    if name == "Options":
        from fpgacomp.flows.options import Options

        return Options
    if name in _PIPELINE:
        from fpgacomp.flows import compile as pipeline

        return getattr(pipeline, name)
    if name in _COMPRESSION:
        from fpgacomp.flows import compress as compression

        return getattr(compression, name)
    if name == "evaluate":
        from fpgacomp.flows import evaluate as evaluation

        return evaluation.evaluate
    raise AttributeError(f"module 'fpgacomp' has no attribute {name!r}")
