"""The only place that imports TensorFlow for Keras: Keras 2, for which QKeras is written."""

from __future__ import annotations

import logging
from importlib import import_module
from types import ModuleType

from fpgacomp.errors import ToolError
from fpgacomp.host.qkeras_layers import register_missing_layers
from fpgacomp.host.toolchain import select_legacy_keras


def tensorflow() -> ModuleType:
    """Import TensorFlow with Keras 2.

    Returns:
        The module `tensorflow`; QKeras' layers and quantizers are registered in it.

    Raises:
        ToolError: TensorFlow or QKeras is not installed, or TensorFlow was loaded with Keras 3.
    """
    select_legacy_keras()
    try:
        import tensorflow as tf

        qkeras = import_module("qkeras")  # its layers and quantizers register themselves
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
    # AutoGraph says of every function without source text that it runs it as it is.
    logging.getLogger("tensorflow").addFilter(_without_autograph)
    register_missing_layers(tf, qkeras)
    module: ModuleType = tf
    return module


def _without_autograph(record: logging.LogRecord) -> bool:
    """Whether a record of TensorFlow's is about something else than AutoGraph."""
    return not record.getMessage().startswith("AutoGraph could not")
