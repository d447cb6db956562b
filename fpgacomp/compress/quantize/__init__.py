"""Quantization with Brevitas: after training, aware of it, and with bits chosen per layer.

options         what a user asks for
sites, ranges   where activations are quantized; the steps that err least
quantizers      Brevitas quantizers and layers
transform       float network -> network of Brevitas layers
aware           quantization-aware training
post_training   calibration, equalization, GPTQ, bias correction; merge: BatchNormalization
mixed           bits per layer: sensitivity, spending, assign (an integer linear program)
export          network of Brevitas layers -> QONNX

torch and Brevitas are imported when a function is first used.

What Brevitas 0.13.4 does not do by itself, and how it is dealt with here:
- its export writes every 1-bit quantizer as -1 and 1: `export` writes unsigned ones as 0 and 1;
- loading a state builds quantizers anew, which cuts an optimizer off from its scales and one
  quantizer from another that shares its scale: `quantizers` has them stay;
- biases corrected after GPTQ are compared with GPTQ's weights, unless the original ones are
  kept: `post_training` keeps them until then;
- its equalization knows no Flatten, Reshape, Add or Concat in the form of modules: layers on
  the two sides of one are not equalized with each other;
- activation equalization leaves multiplications between the layers: it is not offered.
"""

from __future__ import annotations

import warnings
from importlib import import_module
from typing import Any

from fpgacomp.compress.quantize.options import MixedOptions, QuantizeOptions
from fpgacomp.errors import ToolError

__all__ = [
    "MixedOptions",
    "QuantizeOptions",
    "quantize_aware",
    "quantize_mixed",
    "quantize_post_training",
    "to_qonnx",
]

INSTALL = "pip install 'fpgacomp[brevitas]'"


def quantize_aware(*args: Any, **keywords: Any) -> Any:
    """See `aware.quantize_aware`."""
    return _module("aware").quantize_aware(*args, **keywords)


def quantize_mixed(*args: Any, **keywords: Any) -> Any:
    """See `mixed.quantize_mixed`."""
    return _module("mixed").quantize_mixed(*args, **keywords)


def quantize_post_training(*args: Any, **keywords: Any) -> Any:
    """See `post_training.quantize_post_training`."""
    return _module("post_training").quantize_post_training(*args, **keywords)


def to_qonnx(*args: Any, **keywords: Any) -> Any:
    """See `export.to_qonnx`."""
    return _module("export").to_qonnx(*args, **keywords)


def _module(name: str) -> Any:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Brevitas tells which faster kernels are absent
            return import_module(f"fpgacomp.compress.quantize.torch.{name}")
    except ImportError as missing:
        raise ToolError(
            "Brevitas", f"networks are quantized with Brevitas and torch ({missing}).", INSTALL
        ) from missing
