"""Keras and QKeras models as QONNX, executed in qonnx beside the model itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import numpy_helper
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.core.onnx_exec import execute_onnx

from fpgacomp.errors import ModelError, Problems, ToolError, UnsupportedLayer
from fpgacomp.frontend import read_network
from fpgacomp.frontend.keras import export_keras, load_keras, tensorflow
from tests.support.keras_models import execute, on_grid, operators, randomized

pytestmark = pytest.mark.slow

try:
    tf = tensorflow()
except ToolError as missing:
    pytest.skip(str(missing), allow_module_level=True)
L = tf.keras.layers
Q = pytest.importorskip("qkeras")
FoldedDense = tf.keras.utils.get_custom_objects()["QDenseBatchnorm"]
W, B = "quantized_bits(4, 0, alpha=1)", "quantized_bits(6, 1, alpha=1)"


def sequential(*layers: Any) -> Any:
    return randomized(tf.keras.Sequential(list(layers)))


WEIGHT_QUANTIZERS = [
    "quantized_bits(6, 0, alpha=1)",
    "quantized_bits(4, 1)",
    "quantized_bits(4, 0, 1, alpha=1)",
    "quantized_bits(4, 0, alpha='auto')",
    "quantized_bits(4, 1, alpha='auto_po2')",
    "quantized_bits(4, 0, alpha=0.3)",
    "quantized_bits(1, 0, alpha=1)",
    "quantized_bits(4, 0, 0, keep_negative=False, alpha=1)",
    "binary()",
    "binary(alpha=1)",
    "binary(alpha='auto')",
    "binary(use_01=1, alpha=1)",
    "ternary()",
    "ternary(alpha=1, threshold=0.4)",
    "ternary(alpha='auto_po2')",
    "stochastic_ternary()",
    "stochastic_binary()",
    "quantized_po2(4)",
    "quantized_relu_po2(4)",
    "quantized_bits(4, 0, alpha='auto', scale_axis=1)",
    "quantized_bits(4, 0, alpha='auto_po2', scale_axis=0)",
    "quantized_linear(4, 0)",
    "quantized_linear(6, 1, alpha=1)",
    "quantized_linear(4, 0, alpha='auto')",
    "quantized_linear(4, 1, symmetric=0, alpha='auto_po2')",
    "quantized_linear(4, 0, alpha='auto_po2', scale_axis=0)",
    "quantized_linear(1, 0)",
]


@pytest.mark.parametrize("quantizer", WEIGHT_QUANTIZERS)
def test_weight_quantizers_give_qkeras_weights(quantizer: str) -> None:
    layer = Q.QDense(7, kernel_quantizer=quantizer, use_bias=False, name="dense")
    model = sequential(L.Input((10,)), layer)
    exported = export_keras(model)
    quant = next(n for n in exported.graph.node if "Quant" in n.op_type)
    values = {t.name: numpy_helper.to_array(t) for t in exported.graph.initializer}
    weights = execute(exported, np.eye(10, dtype=np.float32))
    internal = layer.kernel_quantizer_internal
    wanted = np.asarray(internal(layer.kernel))
    assert np.abs(weights - wanted).max() <= 2 * np.finfo(np.float32).eps * np.abs(wanted).max()
    assert np.array_equal(np.unique(weights != 0), np.unique(wanted != 0))
    # quantizing the stored weights changes nothing: they are integers times the scale
    integers = values[quant.input[0]] / values[quant.input[1]]
    assert np.abs(integers - np.rint(integers)).max() < 1e-5


def test_automatic_scales_are_per_channel_and_powers_of_two_where_promised() -> None:
    for alpha, po2 in (("auto", False), ("auto_po2", True)):
        kernel = f"quantized_bits(4, 0, alpha='{alpha}')"
        model = sequential(L.Input((6, 6, 3)), Q.QConv2D(5, 3, kernel_quantizer=kernel))
        exported = export_keras(model)
        values = {t.name: numpy_helper.to_array(t) for t in exported.graph.initializer}
        scale = values[next(n for n in exported.graph.node if n.op_type == "Quant").input[1]]
        assert scale.shape == (5, 1, 1, 1)
        assert bool(np.all(np.frexp(scale)[0] == 0.5)) == po2


ACTIVATIONS = {
    "quantized_relu(6)": ["Relu", "Quant"],
    "quantized_relu(6, 2, negative_slope=0.25)": ["LeakyRelu", "Clip", "Quant"],
    "quantized_relu(4, 1, relu_upper_bound=1.5, is_quantized_clip=False)": ["Clip", "Quant"],
    "quantized_bits(6, 1)": ["Quant"],
    "quantized_bits(6, 1, 1)": ["Quant"],
    "quantized_bits(6, 1, keep_negative=False)": ["Quant"],
    "quantized_bits(1, 0)": ["BipolarQuant"],
    "quantized_bits(4, 1, alpha=0.7)": ["Quant", "Mul"],
    "binary()": ["BipolarQuant"],
    "binary(1)": ["MultiThreshold"],
    "binary(alpha=2.0)": ["BipolarQuant"],
    "ternary()": ["MultiThreshold"],
    "ternary(threshold=0.75, alpha=1.5)": ["MultiThreshold"],
    "stochastic_ternary()": ["MultiThreshold"],
    "stochastic_binary()": ["BipolarQuant"],
    "quantized_bits(6, 1, use_stochastic_rounding=True)": ["Quant"],
    "quantized_linear(6, 2)": ["Quant"],
    "quantized_linear(6, 1, symmetric=0)": ["Quant"],
    "quantized_linear(5, 1, keep_negative=False)": ["Quant"],
    "quantized_linear(4, 1, alpha=0.7)": ["Quant"],
    "quantized_linear(1, 0)": ["BipolarQuant"],
    "quantized_po2(3)": ["MultiThreshold"],
    "quantized_po2(4)": ["MultiThreshold"],
    "quantized_po2(3, 1)": ["MultiThreshold"],
    "quantized_relu_po2(3)": ["MultiThreshold"],
    "quantized_relu_po2(3, 2, negative_slope=0.25)": ["MultiThreshold"],
    "quantized_tanh(5)": ["Clip", "Quant"],
    "quantized_tanh(5, symmetric=1)": ["Clip", "Quant"],
    "quantized_tanh(5, use_real_tanh=True)": ["Tanh", "Quant"],
    "quantized_sigmoid(5)": ["HardSigmoid", "Quant"],
    "quantized_sigmoid(5, 1)": ["HardSigmoid", "Clip", "Quant"],
    "quantized_sigmoid(5, use_real_sigmoid=True)": ["Sigmoid", "Quant"],
    "quantized_hswish(6, 2)": ["HardSwish", "Quant"],
}


@pytest.mark.parametrize("quantizer", ACTIVATIONS)
def test_activation_quantizers_are_equal_on_a_grid(quantizer: str) -> None:
    model = sequential(L.Input((24,)), Q.QActivation(quantizer))
    exported = export_keras(model)
    assert operators(exported) == ACTIVATIONS[quantizer]
    x = on_grid((24,))
    # QKeras adds (q - x) to x for its gradient: one rounding error of the largest input
    noise = np.finfo(np.float32).eps * np.abs(x).max()
    assert np.abs(execute(exported, x) - model.predict(x, verbose=0)).max() <= noise


@pytest.mark.parametrize(
    ("quantizer", "message"),
    [
        ("quantized_bits(4, 1, alpha='auto')", r"takes its scale from every batch"),
        ("quantized_relu(6, 1, use_sigmoid=1)", r"use_sigmoid rounds two curves into one"),
        ("quantized_relu(4, 0, negative_slope=0.0625)", r"saturates below one step"),
        ("quantized_po2(5)", r"quantized_po2\(5\) spreads over 65537 integers from -128 to 128"),
        ("quantized_relu_po2(4)", r"quantized_relu_po2\(4\) spreads over 32768 integers"),
        ("bernoulli()", r"activation quantizer bernoulli answers at random, also in inference"),
        ("quantized_linear(4, 1, alpha='auto')", r"takes its scale from every batch"),
        ("quantized_ulaw(6)", r"quantized_ulaw answers levels on a logarithmic curve"),
        ("squareplus", r"activation squareplus is not carried"),
    ],
)
def test_what_is_not_exact_is_refused_by_name(quantizer: str, message: str) -> None:
    layer = Q.QActivation("quantized_relu(4)", name="here")
    model = sequential(L.Input((4,)), layer)
    layer.quantizer = "squareplus" if quantizer == "squareplus" else Q.get_quantizer(quantizer)
    with pytest.raises(UnsupportedLayer, match=r"layer here \(QActivation\): .*" + message):
        export_keras(model)


def test_refused_weight_quantizers() -> None:
    layer = Q.QDense(3, kernel_quantizer=Q.bernoulli(), name="here")
    with pytest.raises(UnsupportedLayer, match=r"layer here \(QDense\): weight quantizer bernoul"):
        export_keras(sequential(L.Input((4,)), layer))
    noisy = Q.quantized_bits(4, 0, alpha=1, qnoise_factor=0.5)
    with pytest.raises(UnsupportedLayer, match=r"qnoise_factor below 1"):
        export_keras(sequential(L.Input((4,)), Q.QDense(3, kernel_quantizer=noisy)))
    curve = Q.QDense(3, kernel_quantizer="quantized_ulaw(4)")
    with pytest.raises(UnsupportedLayer, match=r"quantized_ulaw puts weights through a curve"):
        export_keras(sequential(L.Input((4,)), curve))
    by_input = Q.QDense(3, kernel_quantizer="quantized_bits(4, 0, alpha='auto', scale_axis=0)")
    with pytest.raises(UnsupportedLayer, match=r"varies within an output channel .*auto_po2"):
        export_keras(sequential(L.Input((4,)), by_input))


def test_all_problems_at_once() -> None:
    model = sequential(
        L.Input((8, 8, 3)),
        L.Conv2DTranspose(3, 3, name="up"),
        Q.QActivation("quantized_po2(5)", name="po2"),
        L.LayerNormalization(name="norm"),
        L.Flatten(),
        L.Dense(3),
    )
    with pytest.raises(Problems) as caught:
        export_keras(model)
    assert [p.where.split()[1] for p in caught.value.problems] == ["up", "po2", "norm"]


def test_unknown_size_and_unlisted_layers() -> None:
    model = randomized(tf.keras.Sequential([L.Input((None, None, 3)), L.Conv2D(2, 3)]))
    with pytest.raises(UnsupportedLayer, match=r"its shape .* leaves a size open"):
        export_keras(model)

    class Own(tf.keras.Model):
        def call(self, inputs: Any) -> Any:
            return inputs

    with pytest.raises(ModelError, match="subclassed model"):
        export_keras(Own())


def quantized_cnn() -> Any:
    return sequential(
        L.Input((9, 8, 3)),
        Q.QActivation("quantized_bits(8, 3, alpha=1)"),
        Q.QConv2D(6, 3, strides=2, padding="same", kernel_quantizer=W, bias_quantizer=B),
        Q.QBatchNormalization(),
        Q.QActivation("quantized_relu(4, 2)"),
        Q.QDepthwiseConv2D(3, padding="same", depthwise_quantizer=W, bias_quantizer=B),
        L.BatchNormalization(),
        Q.QActivation("quantized_relu(4, 2)"),
        Q.QConv2DBatchnorm(5, 3, padding="same", kernel_quantizer=W, bias_quantizer=B),
        Q.QActivation("quantized_relu(4, 2)"),
        L.MaxPooling2D(2, padding="same"),
        L.Flatten(),
        Q.QDense(4, kernel_quantizer="quantized_bits(4, 0, alpha='auto')", bias_quantizer=B),
        L.Activation("softmax"),
    )


SHAPED: dict[str, list[Any]] = {
    "conv1d": [
        L.Input((16, 3)),
        Q.QConv1D(4, 3, padding="causal", dilation_rate=2, kernel_quantizer=W, bias_quantizer=B),
        L.Conv1D(4, 4, strides=3, padding="same", activation="relu"),
        L.MaxPooling1D(2),
        L.GlobalAveragePooling1D(),
        L.Dense(3, activation="sigmoid"),
    ],
    "separable": [
        L.Input((8, 8, 3)),
        Q.QSeparableConv2D(
            4, 3, depthwise_quantizer=W, pointwise_quantizer=W, bias_quantizer=B, depth_multiplier=2
        ),
        L.SeparableConv2D(3, 3),
        L.DepthwiseConv2D(2, depth_multiplier=2),
        Q.QAveragePooling2D(
            2, average_quantizer="quantized_bits(6, 0, alpha=1)", activation="quantized_relu(4, 1)"
        ),
        Q.QGlobalAveragePooling2D(average_quantizer="quantized_bits(8, 0, alpha=1)"),
    ],
    "shapes": [
        L.Input((5, 4, 3)),
        L.UpSampling2D((2, 3)),
        L.ZeroPadding2D(((1, 0), (2, 1))),
        L.AveragePooling2D(3, strides=2, padding="same"),
        L.LeakyReLU(0.1),
        L.PReLU(shared_axes=[1, 2]),
        L.ReLU(2.0),
        L.ELU(),
        L.Reshape((-1, 6)),
        L.Permute((2, 1)),
        L.Dense(3, activation="gelu"),
        L.Dropout(0.5),
        L.Flatten(),
        L.Dense(4, activation="swish"),
        L.Softmax(),
    ],
    "folded dense": [
        L.Input((6,)),
        Q.QActivation("quantized_bits(8, 3, alpha=1)"),
        FoldedDense(5, kernel_quantizer=W, bias_quantizer=B),
        Q.QActivation("quantized_relu(4, 2)"),
        FoldedDense(3, use_bias=False, kernel_quantizer=W, bias_quantizer=B),
    ],
    "over time": [
        L.Input((7, 3)),
        L.Normalization(mean=[0.5, 1.0, -1.0], variance=[0.25, 1.0, 4.0]),
        L.TimeDistributed(L.Dense(4, activation="relu")),
        L.TimeDistributed(Q.QDense(2, kernel_quantizer=W, bias_quantizer=B)),
    ],
    "global": [L.Input((4, 5, 3)), L.Rescaling(2.0, -1.0), L.GlobalMaxPooling2D(keepdims=True)],
    "global1d": [L.Input((7, 3)), L.Rescaling(0.5), L.GlobalMaxPooling1D(), L.Dense(2)],
    "groups": [L.Input((6, 6, 4)), L.Conv2D(6, 3, dilation_rate=2, groups=2, activation="selu")],
}


@pytest.mark.parametrize("name", SHAPED)
def test_layers_answer_as_keras(name: str) -> None:
    model = sequential(*SHAPED[name])
    x = on_grid(tuple(model.inputs[0].shape)[1:], count=4)
    wanted = model.predict(x, verbose=0)
    assert np.abs(execute(export_keras(model), x) - wanted).max() < 1e-5 * np.abs(wanted).max()


def test_quantized_cnn_answers_as_qkeras_and_becomes_canonical(tmp_path: Path) -> None:
    model = quantized_cnn()
    exported = export_keras(model, path=tmp_path / "cnn.onnx")
    x = on_grid((9, 8, 3), count=4)
    wanted = model.predict(x, verbose=0)
    assert np.abs(execute(exported, x) - wanted).max() < 1e-5
    network = read_network(tmp_path / "cnn.onnx")
    assert np.abs(execute(network.model, x) - wanted).max() < 1e-5


def test_functional_model_with_branches_and_a_model_as_layer() -> None:
    x = L.Input((6, 6, 3), name="image")
    a = Q.QActivation("quantized_relu(6, 2)")(
        Q.QConv2D(4, 3, padding="same", kernel_quantizer=W)(x)
    )
    inner = tf.keras.Sequential([L.Input((6, 6, 4)), L.Conv2D(4, 1), L.ReLU()], name="inner")
    y = L.Concatenate()([L.Add()([inner(a), a]), a])
    y = L.Dense(2)(L.GlobalAveragePooling2D()(y))
    model = randomized(tf.keras.Model(x, y))
    inputs = on_grid((6, 6, 3), count=4)
    exported = export_keras(model)
    assert exported.graph.input[0].name == "image"
    wanted = model.predict(inputs, verbose=0)
    assert np.abs(execute(exported, inputs) - wanted).max() < 1e-5 * np.abs(wanted).max()


def test_a_folded_dense_layer_is_the_normalization_behind_the_product() -> None:
    """Without quantizers, QDenseBatchnorm is Dense and BatchNormalization."""
    model = sequential(L.Input((6,)), FoldedDense(5))
    layer = model.layers[-1]
    norm, x = layer.batchnorm, on_grid((6,))
    plain = x @ layer.kernel.numpy() + layer.bias.numpy()
    spread = np.sqrt(norm.moving_variance.numpy() + norm.epsilon)
    wanted = (plain - norm.moving_mean.numpy()) / spread * norm.gamma.numpy() + norm.beta.numpy()
    np.testing.assert_allclose(model.predict(x, verbose=0), wanted, rtol=1e-4, atol=1e-5)


def test_two_inputs_and_two_outputs() -> None:
    left, right = L.Input((4,), name="left"), L.Input((3,), name="right")
    total = L.Add(name="total")([L.Dense(3)(left), right])
    model = randomized(tf.keras.Model([left, right], [total, L.Activation("tanh")(total)]))
    exported = export_keras(model)
    assert [value.name for value in exported.graph.input] == ["left", "right"]
    feeds = {"left": on_grid((4,), 1), "right": on_grid((3,), 1)}
    answer = execute_onnx(ModelWrapper(exported), feeds)
    for value, wanted in zip(exported.graph.output, model.predict(list(feeds.values()), verbose=0)):
        assert np.abs(answer[value.name] - wanted).max() < 1e-5


def test_a_layer_used_twice() -> None:
    x = L.Input((4,))
    shared_layer = L.Dense(4, activation="relu")
    model = randomized(tf.keras.Model(x, shared_layer(shared_layer(x))))
    inputs = on_grid((4,))
    exported = export_keras(model)
    assert operators(exported).count("MatMul") == 2
    wanted = model.predict(inputs, verbose=0)
    assert np.abs(execute(exported, inputs) - wanted).max() < 1e-5 * np.abs(wanted).max()


def wrong_quant(change: dict[str, Any]) -> Any:
    """`quant` with one attribute or the bit width changed."""
    from fpgacomp.frontend.keras import activation_quantizers

    right = activation_quantizers.quant

    def wrong(b: Any, x: Any, scale: float, bits: int, **kw: Any) -> Any:
        y = right(b, x, scale, bits - change.get("fewer_bits", 0), **kw)
        if "rounding_mode" in change:
            b.graph.nodes[-1].attributes["rounding_mode"] = change["rounding_mode"]
        return y

    return wrong


@pytest.mark.parametrize(
    "change", [{"fewer_bits": 1}, {"rounding_mode": "HALF_UP"}, {"rounding_mode": "FLOOR"}]
)
@pytest.mark.parametrize("nested", [False, True])
def test_the_check_finds_a_wrong_export(
    monkeypatch: pytest.MonkeyPatch, change: dict[str, Any], nested: bool
) -> None:
    from fpgacomp.frontend.keras import activation_quantizers

    layers = [L.Input((4,)), Q.QActivation("quantized_relu(6, 1)", name="here")]
    model = sequential(*layers)
    if nested:
        model = sequential(L.Input((4,)), model, L.Dense(2))
    assert export_keras(model).graph.node
    monkeypatch.setattr(activation_quantizers, "quant", wrong_quant(change))
    with pytest.raises(ModelError, match=r"layer here \(QActivation\): the exported nodes answer"):
        export_keras(model)


@pytest.mark.parametrize("suffix", [".h5", ".keras"])
def test_saved_models_load_with_their_quantizers(tmp_path: Path, suffix: str) -> None:
    model = quantized_cnn()
    path = tmp_path / f"model{suffix}"
    model.save(path)
    x = on_grid((9, 8, 3), count=4)
    loaded = load_keras(path)
    assert np.array_equal(loaded.predict(x, verbose=0), model.predict(x, verbose=0))
    assert export_keras(loaded).graph.node


def test_files_that_are_no_models(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="there is no such file"):
        load_keras(tmp_path / "absent.h5")
    for name in ("text.h5", "text.keras"):
        (tmp_path / name).write_text("not a model")
        with pytest.raises(ModelError, match="not a Keras model saved as a whole"):
            load_keras(tmp_path / name)


def test_code_in_a_file_is_not_run(tmp_path: Path) -> None:
    model = tf.keras.Sequential([L.Input((2,)), L.Lambda(lambda x: x + 1)])
    for suffix in (".h5", ".keras"):
        path = tmp_path / f"model{suffix}"
        model.save(path)
        with pytest.raises(UnsupportedLayer, match="Lambda layer, which is code"):
            load_keras(path)


def test_keras_3_models(tmp_path: Path) -> None:
    keras = pytest.importorskip("keras", minversion="3", reason="Keras 3 is not installed")
    layers = keras.layers
    model = keras.Sequential(
        [
            layers.Input((6, 6, 2)),
            layers.Conv2D(4, 3, padding="same", activation="relu"),
            layers.BatchNormalization(),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dense(3, activation="softmax"),
        ]
    )
    x = on_grid((6, 6, 2), count=4)
    assert np.abs(execute(export_keras(model), x) - model.predict(x, verbose=0)).max() < 1e-5
    model.save(tmp_path / "model.keras")
    loaded = load_keras(tmp_path / "model.keras")
    assert np.array_equal(loaded.predict(x, verbose=0), model.predict(x, verbose=0))
