"""QKeras layers that deployed networks use and that the released QKeras lacks."""

from __future__ import annotations

from types import ModuleType
from typing import Any


def register_missing_layers(tf: ModuleType, qkeras: ModuleType) -> None:
    """Make QDenseBatchnorm known to Keras by its name, where QKeras has none itself."""
    name = "QDenseBatchnorm"
    known = tf.keras.utils.get_custom_objects()
    if not hasattr(qkeras, name) and name not in known:
        known[name] = _dense_batchnorm(tf, qkeras)


def _dense_batchnorm(tf: ModuleType, qkeras: ModuleType) -> type[Any]:
    """Return the class QDenseBatchnorm: a QDense with the normalization behind it folded in.

    It computes as in inference, the way `qkeras.QConv2DBatchnorm` does: the kernel and bias
    are folded with the moving statistics first, and quantized then.
    """
    normalization = (
        *("axis", "momentum", "epsilon", "center", "scale", "beta_initializer"),
        *("gamma_initializer", "moving_mean_initializer", "moving_variance_initializer"),
        *("beta_regularizer", "gamma_regularizer", "beta_constraint", "gamma_constraint"),
    )

    class QDenseBatchnorm(qkeras.QDense):  # type: ignore[name-defined, misc]
        """A QDense whose kernel and bias are folded with a BatchNormalization."""

        def __init__(self, units: int, **settings: Any) -> None:
            own = {key: settings.pop(key) for key in normalization if key in settings}
            self.ema_freeze_delay = settings.pop("ema_freeze_delay", None)
            self.folding_mode = settings.pop("folding_mode", "ema_stats_folding")
            super().__init__(units, **settings)
            self.batchnorm = tf.keras.layers.BatchNormalization(**own)

        def build(self, input_shape: Any) -> None:
            super().build(input_shape)
            self.batchnorm.build((None, self.units))
            # Counts the steps of training; files hold it as a weight.
            self._iteration = tf.Variable(-1, trainable=False, name="iteration", dtype=tf.int64)

        def get_folded_weights(self) -> list[Any]:
            """Return the kernel and bias, each times gamma / sqrt(variance + epsilon)."""
            norm = self.batchnorm
            factor = tf.math.rsqrt(norm.moving_variance + norm.epsilon)
            factor = factor if norm.gamma is None else factor * norm.gamma
            bias = self.bias if self.use_bias else 0.0
            beta = 0.0 if norm.beta is None else norm.beta
            return [factor * self.kernel, factor * (bias - norm.moving_mean) + beta]

        def call(self, inputs: Any, training: Any = None) -> Any:
            kernel, bias = self.get_folded_weights()
            if self.kernel_quantizer_internal is not None:
                kernel = self.kernel_quantizer_internal(kernel)
            if self.bias_quantizer_internal is not None:
                bias = self.bias_quantizer_internal(bias)
            output = tf.matmul(inputs, kernel) + bias
            return output if self.activation is None else self.activation(output)

        def get_config(self) -> dict[str, Any]:
            config: dict[str, Any] = super().get_config()
            normal = self.batchnorm.get_config()
            config |= {key: normal[key] for key in normalization}
            config |= {"ema_freeze_delay": self.ema_freeze_delay}
            return config | {"folding_mode": self.folding_mode}

    return QDenseBatchnorm
