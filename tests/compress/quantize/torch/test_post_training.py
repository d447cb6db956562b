"""Quantization after training: accuracy, what each step does, repeatability."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("brevitas")

from fpgacomp.compress.constraints import keep_shared, keep_zeros  # noqa: E402
from fpgacomp.compress.quantize import QuantizeOptions, quantize_post_training  # noqa: E402
from fpgacomp.compress.quantize.torch.merge import merge_norms  # noqa: E402
from fpgacomp.compress.quantize.torch.ranges import best_steps  # noqa: E402
from fpgacomp.compress.quantize.torch.transform import calibration_samples, observe  # noqa: E402
from fpgacomp.compress.trainable import weight_layers  # noqa: E402
from fpgacomp.compress.training import accuracy, scores  # noqa: E402
from fpgacomp.errors import UsageError  # noqa: E402

pytestmark = pytest.mark.slow  # they train

ALL = ("merge", "equalize", "gptq", "bias")
NARROW = QuantizeOptions(weight_bits=2, activation_bits=2)


@pytest.mark.parametrize("scale", ["free", "power-of-two"])
@pytest.mark.parametrize("steps", [(), ALL])
def test_eight_bits_lose_little(float_cnn, digits, scale, steps):
    before = accuracy(float_cnn, digits.test)
    outcome = quantize_post_training(float_cnn, digits, QuantizeOptions(scale=scale), steps)
    assert accuracy(outcome.network, digits.test) >= before - 0.02


def test_steps_repair_what_two_bits_break(float_cnn, digits):
    plain, repaired = (
        accuracy(quantize_post_training(float_cnn, digits, NARROW, steps).network, digits.train)
        for steps in ((), ALL)
    )
    assert repaired > plain + 0.03


@pytest.mark.parametrize("step", ALL[1:])
def test_each_step_changes_the_network(float_cnn, digits, step):
    plain, stepped = (
        scores(quantize_post_training(float_cnn, digits, NARROW, steps).network, digits.test.x)
        for steps in (("merge",), ("merge", step))
    )
    assert not np.array_equal(plain, stepped)


def test_same_bytes_again(float_cnn, digits):
    first, second = (quantize_post_training(float_cnn, digits, NARROW, ALL) for _ in range(2))
    states = first.network.state_dict(), second.network.state_dict()
    assert states[0].keys() == states[1].keys()
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])
    assert not any("weight_orig" in name for name in states[0])
    assert first.details["steps"] == list(ALL)


def test_merging_keeps_the_function(float_cnn, digits):
    before = scores(float_cnn, digits.test.x)
    assert merge_norms(float_cnn) == (2, 0)
    assert not any("BatchNorm" in type(m).__name__ for m in float_cnn.modules())
    assert np.allclose(scores(float_cnn, digits.test.x), before, rtol=1e-4, atol=1e-4)


def test_shared_weights_are_left_unmerged_and_stay_shared(float_cnn, digits):
    layer = float_cnn.get_submodule("layer_4")
    keep_shared(layer, torch.randint(0, 16, layer.weight.shape))
    outcome = quantize_post_training(float_cnn, digits, QuantizeOptions(), ALL)
    assert "1 normalizations stay: the weights before them share values" in outcome.notes
    assert outcome.network.get_submodule("layer_4").weight.unique().numel() == 16


def test_zeros_survive(float_cnn, digits):
    layer = float_cnn.get_submodule("layer_9")
    keep_zeros(layer, torch.rand(layer.weight.shape) < 0.5)
    outcome = quantize_post_training(float_cnn, digits, QuantizeOptions(), ALL)
    quantized = weight_layers(outcome.network)["layer_9"]
    assert not quantized.quant_weight().value[~layer.kept].any()


def test_unknown_step(float_cnn, digits):
    with pytest.raises(UsageError, match="step gptp: there is no such step"):
        quantize_post_training(float_cnn, digits, NARROW, ("gptp",))


def test_the_best_step_is_the_best_of_a_fine_grid():
    rows = torch.randn(3, 400, generator=torch.Generator().manual_seed(0))
    found = best_steps(rows, -3, 3, power_of_two=False)
    for row, step in zip(rows, found):
        grid = torch.linspace(0.05, 1.5, 1500)
        errors = ((row / grid[:, None]).round().clamp(-3, 3) * grid[:, None] - row).square().mean(1)
        own = ((row / step).round().clamp(-3, 3) * step - row).square().mean()
        assert own <= errors.min() * 1.02


def test_steps_of_zeros_are_positive():
    assert (best_steps(torch.zeros(2, 5), -7, 7, power_of_two=False) > 0).all()
    assert (best_steps(torch.zeros(2, 5), 0, 15, power_of_two=True) > 0).all()


def test_thinned_values_are_no_grid_of_pixels(float_cnn, digits):
    """Every so many values of an image are a few of its columns; and extremes must be seen."""
    node = next(node for node in float_cnn.graph.nodes if node.target == "layer_2")
    samples = calibration_samples(digits)
    seen = observe(float_cnn, [node], samples)[node]
    whole = torch.relu(float_cnn.layer_1(float_cnn.layer_0(samples))).detach()
    assert seen.numel() < whole.numel()
    assert seen.max() == whole.max()
    assert abs(seen.mean() / whole.mean() - 1) < 0.05
