"""A network of Brevitas layers as QONNX."""

from __future__ import annotations

import copy
import warnings
from importlib import import_module
from typing import Any

import onnx
from torch import fx

from fpgacomp.compress.network import example_input
from fpgacomp.errors import ModelError

import_module("onnxoptimizer")  # Brevitas' export fails half-way where it comes after it

from brevitas.export.onnx.qonnx.function import BrevitasQuantOp  # noqa: E402
from brevitas.export.onnx.qonnx.handler import BrevitasActQuantProxyHandler  # noqa: E402
from brevitas.export.onnx.qonnx.manager import QONNXManager  # noqa: E402
from brevitas.proxy import ActQuantProxyFromInjector  # noqa: E402


class _ActivationHandler(BrevitasActQuantProxyHandler):
    """Brevitas writes every 1-bit quantizer as -1 and 1; unsigned ones are 0 and 1."""

    handled_layer = ActQuantProxyFromInjector

    def prepare_for_export(self, module: Any) -> None:
        super().prepare_for_export(module)
        if module.is_quant_enabled and not module.is_signed:
            self.quant_op = BrevitasQuantOp


class _Manager(QONNXManager):
    handlers = [  # noqa: RUF012
        _ActivationHandler,
        *(h for h in QONNXManager.handlers if h is not BrevitasActQuantProxyHandler),
    ]


def to_qonnx(network: fx.GraphModule) -> onnx.ModelProto:
    """The network as QONNX, for one sample at a time; the same network gives the same bytes.

    Args:
        network: of Brevitas layers, as `quantize_aware` and `quantize_post_training` give.

    Raises:
        ModelError: Brevitas cannot export it.
    """
    copied = copy.deepcopy(network).eval()
    names = {
        "input_names": [copied.meta.get("input_name", "input")],
        "output_names": [copied.meta.get("output_name", "output")],
    }
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            # dynamo=True is slower and splits the file in two
            model: onnx.ModelProto = _Manager.export(
                copied, args=example_input(copied, batch=1), export_path=None, dynamo=False, **names
            )
    except Exception as problem:
        reason = " ".join(str(problem).split())[:300]
        raise ModelError(
            "the quantized network",
            f"Brevitas cannot export it: {type(problem).__name__}: {reason}",
            "check that network(sample) runs.",
        ) from problem
    for node in model.graph.node:
        node.doc_string = ""
    return model
