"""Quantization-aware training: accuracy, repeatability, levels, constraints, refusals."""

from __future__ import annotations

import copy

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("brevitas")

from torch import nn  # noqa: E402

from fpgacomp.compress.constraints import keep_zeros  # noqa: E402
from fpgacomp.compress.quantize import QuantizeOptions, quantize_aware  # noqa: E402
from fpgacomp.compress.quantize.torch.transform import quantize  # noqa: E402
from fpgacomp.compress.recipe import Recipe  # noqa: E402
from fpgacomp.compress.trainable import from_module, weight_layers  # noqa: E402
from fpgacomp.compress.training import accuracy, scores  # noqa: E402
from fpgacomp.errors import Problems, UnsupportedLayer  # noqa: E402
from tests.support.depth import deep  # noqa: E402

pytestmark = pytest.mark.slow  # they train

SHORT = Recipe(epochs=2, learning_rate=0.005)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("options", "drop"),
    [
        (QuantizeOptions(weight_bits=4, activation_bits=4), 0.03),
        deep(QuantizeOptions(weight_bits=2, activation_bits=2), 0.06),
        deep(QuantizeOptions(weight_bits="ternary", activation_bits=2, scale="power-of-two"), 0.06),
    ],
)
def test_accuracy_stays(float_cnn, digits, options, drop):
    before = accuracy(float_cnn, digits.test)
    outcome = quantize_aware(float_cnn, digits, options, Recipe(epochs=25, learning_rate=0.005))
    assert accuracy(outcome.network, digits.test) >= before - drop


@pytest.mark.slow
def test_binary_weights(float_cnn, digits):
    options = QuantizeOptions(weight_bits=1, activation_bits=2)
    outcome = quantize_aware(float_cnn, digits, options, Recipe(epochs=25, learning_rate=0.005))
    assert accuracy(outcome.network, digits.test) >= 0.88


def test_same_seed_same_weights_and_the_float_network_stays(float_cnn, digits):
    before = copy.deepcopy(float_cnn.state_dict())
    options = QuantizeOptions(weight_bits=2, activation_bits=2)
    first, second = (quantize_aware(float_cnn, digits, options, SHORT) for _ in range(2))
    for name, value in first.network.state_dict().items():
        assert torch.equal(value, second.network.state_dict()[name]), name
    for name, value in before.items():
        assert torch.equal(value, float_cnn.state_dict()[name]), name


def test_resumed_training_gives_the_same_weights(float_cnn, digits, tmp_path):
    """Loading a state must not cut the optimizer off from the scales it moves."""
    options = QuantizeOptions(weight_bits=2, activation_bits=2)
    whole = quantize_aware(float_cnn, digits, options, SHORT)
    recipe = Recipe(epochs=2, learning_rate=0.005, checkpoint=tmp_path / "run.pt")

    def stop(what, epoch):
        if epoch.number == 2:
            raise KeyboardInterrupt

    quantize_aware(float_cnn, digits, options, recipe, observer=stop)
    resumed = quantize_aware(float_cnn, digits, options, recipe)
    expected = scores(whole.network, digits.test.x)
    assert np.array_equal(scores(resumed.network, digits.test.x), expected)


@pytest.mark.parametrize(
    ("bits", "narrow", "levels"),
    [(1, True, {-1, 1}), ("ternary", False, {-1, 0, 1}), (2, False, {-2, -1, 0, 1}),
     (3, True, set(range(-3, 4)))],
)  # fmt: skip
@pytest.mark.parametrize("scale", ["free", "power-of-two"])
def test_levels_of_weights(float_cnn, digits, bits, narrow, levels, scale):
    options = QuantizeOptions(
        weight_bits=bits, narrow=narrow, scale=scale, first_last_bits=None, granularity="tensor"
    )
    network = quantize(float_cnn, digits, options).network
    for name, layer in weight_layers(network).items():
        weight = layer.quant_weight()
        integers = (weight.value / weight.scale).detach().numpy()
        assert set(np.round(integers).ravel().tolist()) <= levels, name
        assert np.allclose(integers, np.round(integers), atol=1e-4)
        if scale == "power-of-two":
            exponent = np.log2(weight.scale.item())
            assert exponent == round(exponent)


def test_zeros_survive(float_cnn, digits):
    layer = float_cnn.get_submodule("layer_9")
    keep_zeros(layer, torch.rand(layer.weight.shape) < 0.3)
    outcome = quantize_aware(float_cnn, digits, QuantizeOptions(weight_bits=3), SHORT)
    quantized = outcome.network.get_submodule("layer_9")
    assert torch.equal(quantized.kept, layer.kept)
    assert not quantized.quant_weight().value[~layer.kept].any()


def test_binary_weights_have_no_zero(float_cnn, digits):
    layer = float_cnn.get_submodule("layer_9")
    keep_zeros(layer, torch.rand(layer.weight.shape) < 0.3)
    with pytest.raises(UnsupportedLayer, match="layer_9: has weights that are kept zero"):
        quantize(float_cnn, digits, QuantizeOptions(weight_bits=1))


def test_input_grid_is_found(float_cnn, digits):
    """Grey levels in sixteenths keep their grid."""
    network = quantize(float_cnn, digits, QuantizeOptions(input_bits=5)).network
    assert network.input_quant.act_quant.scale().item() == 1 / 16
    x = torch.from_numpy(digits.train.x[:50])
    assert torch.equal(network.input_quant(x), x)


@pytest.mark.parametrize("kind", [nn.Softmax, nn.LogSoftmax])
def test_softmax_inside_is_refused(digits, kind):
    module = nn.Sequential(nn.Flatten(), nn.Linear(64, 8), kind(1), nn.Linear(8, 10))
    network = from_module(module, torch.zeros(1, 1, 8, 8))
    with pytest.raises(UnsupportedLayer, match=f"layer_2: a {kind.__name__} with layers behind it"):
        quantize(network, digits, QuantizeOptions())


def test_quantized_network_is_refused(float_cnn, digits):
    network = quantize(float_cnn, digits, QuantizeOptions()).network
    with pytest.raises(Problems, match="is quantized already"):
        quantize(network, digits, QuantizeOptions())
