"""Names the classes and functions that a saved Keras model may contain; everything else is code.

Keras makes an object of whatever class, function or module a file names. So a configuration is
held against these lists, from the outermost model to the last initializer, before any framework
sees it. Nothing here imports a framework.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from fpgacomp.errors import ModelError, UnsupportedLayer
from fpgacomp.frontend.keras.calls import check_calls

MAX_UNROLLS = 100  # the default is 5
MAX_DEPTH = 200
"""Most levels of dictionaries and lists in a configuration; Keras' own files have about 20."""

_MODELS = ("Functional", "Model", "Sequential")
_LAYERS = (
    *("InputLayer", "Dense", "EinsumDense", "Embedding", "Activation", "Masking", "Identity"),
    *("Conv1D", "Conv2D", "Conv3D", "Conv1DTranspose", "Conv2DTranspose", "Conv3DTranspose"),
    *("DepthwiseConv1D", "DepthwiseConv2D", "SeparableConv1D", "SeparableConv2D"),
    *("MaxPooling1D", "MaxPooling2D", "MaxPooling3D"),
    *("AveragePooling1D", "AveragePooling2D", "AveragePooling3D"),
    *("GlobalAveragePooling1D", "GlobalAveragePooling2D", "GlobalAveragePooling3D"),
    *("GlobalMaxPooling1D", "GlobalMaxPooling2D", "GlobalMaxPooling3D"),
    *("BatchNormalization", "SyncBatchNormalization", "LayerNormalization", "GroupNormalization"),
    *("UnitNormalization", "SpectralNormalization", "RMSNormalization", "Normalization"),
    *("Rescaling", "Resizing", "CenterCrop", "Dropout", "SpatialDropout1D", "SpatialDropout2D"),
    *("SpatialDropout3D", "AlphaDropout", "GaussianDropout", "GaussianNoise"),
    *("ActivityRegularization", "Flatten", "Reshape", "Permute", "RepeatVector"),
    *("Cropping1D", "Cropping2D", "Cropping3D", "UpSampling1D", "UpSampling2D", "UpSampling3D"),
    *("ZeroPadding1D", "ZeroPadding2D", "ZeroPadding3D"),
    *("Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum", "Concatenate", "Dot"),
    *("ReLU", "LeakyReLU", "PReLU", "ELU", "Softmax", "ThresholdedReLU"),
    *("Attention", "AdditiveAttention", "MultiHeadAttention", "GroupedQueryAttention"),
    *("LSTM", "GRU", "SimpleRNN", "RNN", "StackedRNNCells", "LSTMCell", "GRUCell"),
    *("SimpleRNNCell", "ConvLSTM1D", "ConvLSTM2D", "Bidirectional", "TimeDistributed"),
    *("RandomFlip", "RandomRotation", "RandomZoom", "RandomTranslation", "RandomContrast"),
)
_QKERAS = (
    *("QActivation", "QAdaptiveActivation", "QDense", "QDenseBatchnorm", "QConv1D", "QConv2D"),
    *("QConv2DBatchnorm", "QConv2DTranspose", "QDepthwiseConv2D", "QDepthwiseConv2DBatchnorm"),
    *("QSeparableConv1D", "QSeparableConv2D", "QMobileNetSeparableConv2D", "QOctaveConv2D"),
    *("QBatchNormalization", "QAveragePooling2D", "QGlobalAveragePooling2D"),
    *("QSimpleRNN", "QSimpleRNNCell", "QLSTM", "QLSTMCell", "QGRU", "QGRUCell", "QBidirectional"),
    *("QInitializer", "Clip", "quantized_bits", "quantized_linear", "quantized_relu"),
    *("quantized_relu_po2", "quantized_po2", "quantized_ulaw", "quantized_tanh"),
    *("quantized_sigmoid", "quantized_hswish", "bernoulli", "binary", "ternary"),
    *("stochastic_binary", "stochastic_ternary", "ste_sign"),
)
_PRUNING = ("PruneLowMagnitude", "ConstantSparsity", "PolynomialDecay")
_PARAMETERS = (
    *("Zeros", "Ones", "Constant", "Identity", "IdentityInitializer", "Orthogonal"),
    *("OrthogonalInitializer", "RandomNormal", "RandomUniform", "TruncatedNormal"),
    *("VarianceScaling", "GlorotNormal", "GlorotUniform", "HeNormal", "HeUniform"),
    *("LecunNormal", "LecunUniform", "L1", "L2", "L1L2", "OrthogonalRegularizer"),
    *("MaxNorm", "MinMaxNorm", "NonNeg", "UnitNorm", "DTypePolicy", "Policy", "VariableScope"),
)
# What a model inside a model was trained with. Keras reads it even where nobody asks.
_TRAINING = (
    *("Adam", "AdamW", "Adamax", "Nadam", "SGD", "RMSprop", "Adagrad", "Adadelta"),
    *("CategoricalCrossentropy", "SparseCategoricalCrossentropy", "BinaryCrossentropy"),
    *("MeanSquaredError", "MeanAbsoluteError", "Huber", "CategoricalAccuracy", "BinaryAccuracy"),
    *("SparseCategoricalAccuracy", "Accuracy", "Mean"),
)
_VALUES = ("__keras_tensor__", "__tensor__", "__tuple__", "TensorShape", "__numpy__", "__bytes__")
_FUNCTIONS = (
    *("linear", "relu", "relu6", "leaky_relu", "elu", "selu", "celu", "gelu", "silu", "swish"),
    *("mish", "sigmoid", "hard_sigmoid", "hard_silu", "hard_swish", "hard_tanh", "tanh"),
    *("tanh_shrink", "soft_shrink", "hard_shrink", "softmax", "log_softmax", "log_sigmoid"),
    *("softplus", "softsign", "sparse_plus", "squareplus", "threshold", "glu", "exponential"),
    *("smooth_sigmoid", "smooth_tanh", "binary_sigmoid", "binary_tanh", "sparsemax"),
)
_SHORT = (
    *("zero", "one", "normal", "uniform", "identity", "eye", "l1", "l2", "l1_l2", "l1l2"),
    *("auto", "auto_po2", "none", "", "constant", "orthogonal"),
)

CLASSES = frozenset((*_MODELS, *_LAYERS, *_QKERAS, *_PRUNING, *_PARAMETERS, *_TRAINING, *_VALUES))
"""Every class that a configuration may name."""

_KERAS = ("", ".layers", ".models", ".initializers", ".regularizers", ".constraints")
_KERAS_MODULES = {
    f"{package}{part}"
    for package in ("keras", "tf_keras")
    for part in (*_KERAS, ".activations", ".dtype_policies", ".optimizers", ".losses", ".metrics")
}
_KERAS_FILES = {
    f"{package}.src.{part}"
    for package in ("keras", "tf_keras")
    for part in ("engine.functional", "engine.sequential", "models.functional")
}
_QKERAS_MODULES = {
    f"qkeras.{part}"
    for part in (
        *("qlayers", "quantizers", "qconvolutional", "qnormalization", "qpooling", "qrecurrent"),
        *("qconv2d_batchnorm", "qdense_batchnorm", "qdepthwiseconv2d_batchnorm", "qseparable"),
        *("qmac", "qoctave", "base_quantizer", "registry"),
    )
}
_PRUNING_MODULES = {
    f"tensorflow_model_optimization.python.core.sparsity.keras.{part}"
    for part in ("pruning_wrapper", "pruning_schedule")
}
MODULES = frozenset(
    {"qkeras", "builtins", "keras.src.models.model", "keras.src.models.sequential"}
    | _KERAS_MODULES
    | _KERAS_FILES
    | _QKERAS_MODULES
    | _PRUNING_MODULES
)
"""Every module that a configuration may name: importing one of them runs no code of the file."""

# Keys whose text value Keras or QKeras looks up as the name of a class or function.
_LOOKED_UP = re.compile(
    r"(activation|initializer|regularizer|constraint|quantizer|quantizers|layer|cell)$"
)
_CALL = re.compile(r"""([A-Za-z_]\w*)\s*(?:\([\w\s.,=+\-'"]*\))?""")
_UNROLLS = re.compile(r"number_of_unrolls\s*=\s*(\d{1,20})")
_REMEDY = "save the model with layers of Keras and QKeras only, or under PruneLowMagnitude."
_FAKE_QUANTIZED = "give the float network with --calibration X.npy, or train it with QKeras."


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


_NAMES = frozenset((*CLASSES, *_FUNCTIONS, *_SHORT, *map(_snake, CLASSES)))


def check_configuration(config: Any, where: str) -> None:
    """Hold every class, function and module that a configuration names against the lists.

    Args:
        config: the model's configuration as JSON gives it. A `compile_config` at its top is
            passed over, because models are loaded without compiling.
        where: the file, for messages.

    Raises:
        UnsupportedLayer: it names a class, a function or a module that is on none of the lists.
        ModelError: it is no configuration, or nested too deeply.
    """
    if not isinstance(config, dict) or "class_name" not in config:
        why = "its configuration is no Keras model's."
        raise ModelError(where, why, "save it with model.save('model.keras').")
    inner = {key: value for key, value in config.items() if key != "compile_config"}
    for key, value, depth in _entries(inner):
        if depth > MAX_DEPTH:
            why = f"its configuration is nested more than {MAX_DEPTH} levels deep."
            raise ModelError(where, why, "save the model again.")
        if key == "number_of_unrolls":
            _check_unrolls(value, where)
        if isinstance(value, dict):
            _check_object(value, where)
            if isinstance(value.get("layers"), list):
                check_calls(value["layers"], where)
        elif isinstance(value, str) and _LOOKED_UP.search(key):
            _check_name(value, key, where)


def _check_unrolls(count: Any, where: str) -> None:
    """Keras takes this many turns of a loop while it loads the model."""
    if not isinstance(count, int) or not 0 <= count <= MAX_UNROLLS:
        why = f"its quantizer asks for {str(count)[:80]} unrolls; at most {MAX_UNROLLS} are made."
        raise ModelError(where, why, "save the model with the default of 5.")


def _entries(config: Any) -> Iterator[tuple[str, Any, int]]:
    """Yield key, value and depth of every value in a configuration; lists keep their key."""
    waiting: list[tuple[str, Any, int]] = [("", config, 0)]
    while waiting:
        key, value, depth = waiting.pop()
        yield key, value, depth
        if isinstance(value, dict):
            waiting += [(str(name), inner, depth + 1) for name, inner in value.items()]
        elif isinstance(value, list):
            waiting += [(key, inner, depth + 1) for inner in value]


def _check_object(entry: dict[str, Any], where: str) -> None:
    if "class_name" not in entry:
        return
    name = entry["class_name"]
    plain = name.rpartition(">")[2] if isinstance(name, str) else name
    if plain == "function":
        _check_name(entry.get("config"), "function", where)
        plain = entry["config"]
    elif not isinstance(plain, str) or plain not in CLASSES:
        what = "a Lambda layer, which is code" if plain == "Lambda" else _unknown(plain)
        of_tfmot = isinstance(plain, str) and plain.startswith("Quantize")  # quantize_model's
        raise UnsupportedLayer(where, f"it holds {what}.", _FAKE_QUANTIZED if of_tfmot else _REMEDY)
    _check_origin(entry, str(plain), where)


def _unknown(name: Any) -> str:
    return f"an object of class {str(name)[:80]!r}, which is none that models are made of"


def _check_origin(entry: dict[str, Any], name: str, where: str) -> None:
    module = entry.get("module")
    if module is not None and (not isinstance(module, str) or module not in MODULES):
        why = f"it takes {name} from the module {str(module)[:80]!r}, which is code of its own."
        raise UnsupportedLayer(where, why, _REMEDY)
    registered = entry.get("registered_name")
    if registered is None or (
        isinstance(registered, str) and registered.rpartition(">")[2] == name
    ):
        return
    why = f"it registers {name} under the name {str(registered)[:80]!r}, which is another."
    raise UnsupportedLayer(where, why, _REMEDY)


def _check_name(value: Any, key: str, where: str) -> None:
    """Check a name that Keras or QKeras looks up: `relu`, or `quantized_bits(4, 0, alpha=1)`."""
    call = _CALL.fullmatch(value.strip()) if isinstance(value, str) else None
    if value == "" or (call and call[1] in _NAMES):
        for count in _UNROLLS.findall(str(value)):
            _check_unrolls(int(count), where)
        return
    why = f"its {key} {str(value)[:80]!r} is no function that models are made of."
    raise UnsupportedLayer(where, why, "use one of Keras' activations or QKeras' quantizers.")
