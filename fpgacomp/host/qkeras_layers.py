"""Layers and quantizers that deployed networks use and that the released QKeras lacks."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType
from typing import Any


def register_missing_layers(tf: ModuleType, qkeras: ModuleType) -> None:
    """Make QDenseBatchnorm and quantized_linear known by their names, where QKeras has none."""
    known = tf.keras.utils.get_custom_objects()
    if not hasattr(qkeras, "QDenseBatchnorm") and "QDenseBatchnorm" not in known:
        known["QDenseBatchnorm"] = _dense_batchnorm(tf, qkeras)
    if not hasattr(qkeras.quantizers, "quantized_linear"):
        known["quantized_linear"] = _quantized_linear(tf, qkeras)
        # QKeras looks a quantizer given as text up among the names of this module.
        qkeras.quantizers.quantized_linear = known["quantized_linear"]
    qkeras.QActivation.from_config = classmethod(_activation_from_config)
    qkeras.quantizers.quantized_hswish.from_config = classmethod(_hswish_from_config)


def _hswish_from_config(cls: type[Any], config: dict[str, Any]) -> Any:
    """Make a quantized_hswish; QKeras writes an argument that it does not take itself."""
    return cls(**{key: value for key, value in config.items() if key != "keep_negative"})


def _activation_from_config(cls: type[Any], config: dict[str, Any]) -> Any:
    """Make a QActivation; QKeras' own way leaves a quantizer that was an object a dictionary."""
    get_quantizer = import_module("qkeras.quantizers").get_quantizer
    activation = config["activation"]
    if isinstance(activation, dict):
        activation = get_quantizer(activation)
    return cls(**{**config, "activation": activation})


def _quantized_linear(tf: ModuleType, qkeras: ModuleType) -> type[Any]:
    """Return the class quantized_linear, the successor of quantized_bits.

    It answers scale * round(clip(x / scale)), and one signed bit as minus or plus half a scale.
    """
    most_iterations = 5  # of the search for the power of two with the least squared error

    # The name is the one that files hold.
    class quantized_linear(qkeras.quantizers.BaseQuantizer):  # type: ignore # noqa: N801
        """A linear grid whose scale is given, or found from the values of each channel."""

        def __init__(
            self,
            bits: int = 8,
            integer: int = 0,
            symmetric: int = 1,
            keep_negative: bool = True,
            alpha: Any = None,
            use_stochastic_rounding: bool = False,
            scale_axis: Any = None,
            qnoise_factor: float = 1.0,
            var_name: str | None = None,
            use_variables: bool = False,
        ) -> None:
            super().__init__()
            self.bits, self.integer, self.symmetric = bits, integer, symmetric
            self.keep_negative, self.alpha, self.scale_axis = keep_negative, alpha, scale_axis
            self.use_stochastic_rounding = use_stochastic_rounding
            self.qnoise_factor, self.use_ste = qnoise_factor, True
            given = 1.0 if alpha is None or isinstance(alpha, str) else alpha
            self.quantization_scale = given * 2.0 ** (integer - bits + int(keep_negative))

        @property
        def is_sign(self) -> bool:
            """Whether it answers the sign only."""
            return self.bits == 1 and bool(self.keep_negative)

        @property
        def limits(self) -> tuple[float, float]:
            """The lowest and the highest integer before scaling."""
            if self.is_sign:
                return -0.5, 0.5
            size = 2.0 ** (self.bits - int(self.keep_negative))
            return int(self.keep_negative) * (int(self.symmetric) - size), size - 1

        def integers(self, x: Any, scale: Any) -> Any:
            """Return the rounded integers of x under a scale."""
            shift = 0.5 if self.is_sign else 0.0
            return tf.round(tf.clip_by_value(x / scale, *self.limits) - shift) + shift

        def found_scale(self, x: Any) -> Any:
            """Return the scale of each channel of x, as alpha 'auto' or 'auto_po2' finds it."""
            axes = qkeras.quantizers._get_scaling_axis(self.scale_axis, len(x.shape))
            low, high = self.limits
            size = 2 * tf.abs(x) if self.keep_negative else x
            largest = tf.reduce_max(size, axis=axes, keepdims=True)
            epsilon = tf.keras.backend.epsilon()
            scale = tf.maximum(largest / (high - low), epsilon)
            if self.alpha == "auto":
                return scale
            scale = 2.0 ** tf.round(tf.math.log(scale + epsilon) / tf.math.log(2.0))
            for _ in range(1 if self.is_sign else most_iterations):
                integers = self.integers(x, scale)
                scale = qkeras.quantizers._get_scale("auto_po2", x, integers, self.scale_axis)
            return scale

        def __call__(self, x: Any) -> Any:
            x = tf.cast(x, tf.float32)
            if isinstance(self.alpha, str):
                self.quantization_scale = self.found_scale(x)
            scaled = self.integers(x, self.quantization_scale) * self.quantization_scale
            if self.use_ste:
                return x + tf.stop_gradient(self.qnoise_factor * (scaled - x))
            return (1 - self.qnoise_factor) * x + self.qnoise_factor * scaled

        def _set_trainable_parameter(self) -> None:
            """Find the scale from the values; layers call this on their kernel's quantizer."""
            if self.alpha is None:
                self.alpha, self.symmetric = "auto_po2", True

        def min(self) -> Any:
            """Return the lowest answer under the last scale."""
            return self.limits[0] * self.quantization_scale

        def max(self) -> Any:
            """Return the highest answer under the last scale."""
            return self.limits[1] * self.quantization_scale

        @classmethod
        def from_config(cls, config: dict[str, Any]) -> Any:
            return cls(**config)

        def get_config(self) -> dict[str, Any]:
            names = ("bits", "integer", "symmetric", "keep_negative", "alpha", "scale_axis")
            config = {name: getattr(self, name) for name in (*names, "qnoise_factor")}
            return config | {"use_stochastic_rounding": self.use_stochastic_rounding}

    quantized_linear.__module__ = "qkeras.quantizers"  # as files name it
    return quantized_linear


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

        settings_beside = (*normalization, "ema_freeze_delay", "folding_mode")

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
