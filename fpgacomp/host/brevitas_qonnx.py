"""Brevitas' QONNX export, with one-bit quantizers written as what they are.

Importing it imports torch and Brevitas.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

# Brevitas' export fails half-way where onnxoptimizer is imported after it.
import_module("onnxoptimizer")

from brevitas.export.onnx.qonnx.function import BrevitasQuantOp  # noqa: E402
from brevitas.export.onnx.qonnx.handler import BrevitasQuantProxyHandler  # noqa: E402
from brevitas.export.onnx.qonnx.manager import QONNXManager  # noqa: E402

_BINARY = ("BinaryQuant", "ClampedBinaryQuant")


def _is_binary(proxy: Any) -> bool:
    """Whether a quantizer gives -1 and 1; integers of one bit would be 0 and 1, or -1 and 0."""
    # A compiled module (BREVITAS_JIT=1) has one class for all and keeps its name.
    return any(getattr(m, "original_name", type(m).__name__) in _BINARY for m in proxy.modules())


class _IntegersOfOneBit:
    """Mixed into Brevitas' handlers, which write every quantizer of one bit as one of -1 and 1.

    A one-bit quantizer of integers is written as the integer quantizer that it is.
    """

    def prepare_for_export(self, module: Any) -> None:
        super().prepare_for_export(module)  # type: ignore[misc]
        if module.is_quant_enabled and not _is_binary(module):
            self.quant_op = BrevitasQuantOp


class Manager(QONNXManager):
    """`Manager.export` takes what `brevitas.export.export_qonnx` does, with dynamo=False."""

    handlers = [  # noqa: RUF012
        type(h.__name__, (_IntegersOfOneBit, h), {})
        if issubclass(h, BrevitasQuantProxyHandler) else h
        for h in QONNXManager.handlers
    ]  # fmt: skip
