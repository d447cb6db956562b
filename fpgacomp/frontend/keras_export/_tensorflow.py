"""The one place that loads TensorFlow, in the Keras 2 form that QKeras is written for."""

from __future__ import annotations

import os
from importlib import import_module
from types import ModuleType

from fpgacomp.errors import ToolError


def select_legacy_keras() -> None:
    """Let `tf.keras` be Keras 2 (the package tf_keras); takes effect before TensorFlow loads.

    Nothing is decided by what the environment holds: TensorFlow offers no other switch.
    """
    os.environ["TF_USE_LEGACY_KERAS"] = "1"
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")


def tensorflow() -> ModuleType:
    """TensorFlow with Keras 2.

    Raises:
        ToolError: TensorFlow or QKeras is not installed, or TensorFlow was loaded with Keras 3.
    """
    select_legacy_keras()
    try:
        import tensorflow as tf

        import_module("qkeras")  # its layers and quantizers register themselves
    except ImportError as missing:
        raise ToolError(
            "TensorFlow",
            f"Keras and QKeras models are read through their own framework ({missing}).",
            "pip install 'fpgacomp[qkeras]'",
        ) from missing
    if not tf.keras.Model.__module__.startswith("tf_keras"):
        raise ToolError(
            "TensorFlow",
            "it was loaded with Keras 3 before; QKeras is written for Keras 2.",
            "set TF_USE_LEGACY_KERAS=1 before the first import of tensorflow.",
        )
    module: ModuleType = tf
    return module
