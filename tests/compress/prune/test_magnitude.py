"""Magnitude pruning: exact counts, accuracy, zeros that stay, errors by their text."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from fpgacomp.compress.constraints import KEPT  # noqa: E402
from fpgacomp.compress.prune.gradual import effective_weight  # noqa: E402
from fpgacomp.compress.prune.magnitude import prune_magnitude  # noqa: E402
from fpgacomp.compress.prune.options import MagnitudeOptions  # noqa: E402
from fpgacomp.compress.recipe import Recipe  # noqa: E402
from fpgacomp.compress.trainable import weight_layers  # noqa: E402
from fpgacomp.compress.training import accuracy, train  # noqa: E402
from fpgacomp.errors import ModelError, Problems, UsageError  # noqa: E402

pytestmark = pytest.mark.slow  # they train

SHORT = Recipe(epochs=4, learning_rate=5e-3)
NONE = Recipe(epochs=0)


def zeros(network):
    return {n: int((layer.weight == 0).sum()) for n, layer in weight_layers(network).items()}


def sizes(network):
    return {name: layer.weight.numel() for name, layer in weight_layers(network).items()}


def test_three_quarters_of_the_weights_cost_little(float_cnn, digits):
    recipe = Recipe(epochs=12, learning_rate=5e-3)
    outcome = prune_magnitude(float_cnn, digits, MagnitudeOptions(sparsity=0.75), recipe)
    total = sum(sizes(float_cnn).values())
    assert sum(zeros(outcome.network).values()) == round(0.75 * total)
    assert outcome.details["zeros"] == round(0.75 * total)
    before = accuracy(float_cnn, digits.test)
    assert accuracy(outcome.network, digits.test) >= before - 0.04
    assert sum(zeros(float_cnn).values()) == 0, "the network given was changed"


@pytest.mark.parametrize("scope", ["global", "layer"])
@pytest.mark.parametrize("sparsity", [0.3, 0.9, 0.99])
def test_counts_are_exact_and_no_layer_is_emptied(float_cnn, digits, scope, sparsity):
    options = MagnitudeOptions(sparsity=sparsity, scope=scope)
    network = prune_magnitude(float_cnn, digits, options, NONE).network
    size, found = sizes(network), zeros(network)
    assert all(found[name] < size[name] for name in size)
    if scope == "layer":
        assert found == {name: round(sparsity * count) for name, count in size.items()}
    else:
        assert sum(found.values()) == round(sparsity * sum(size.values()))
        assert len({found[name] / size[name] for name in size}) > 1


def test_the_smallest_weights_go(float_cnn, digits):
    pruned = prune_magnitude(float_cnn, digits, MagnitudeOptions(sparsity=0.5), NONE).network
    old = torch.cat([w.weight.detach().abs().flatten() for w in weight_layers(float_cnn).values()])
    gone = torch.cat([(w.weight == 0).flatten() for w in weight_layers(pruned).values()])
    assert float(old[gone].max()) <= float(old[~gone].min())


def test_layers_by_name_and_layers_left_alone_are_counted(float_cnn, digits):
    first, second, third, last = weight_layers(float_cnn)
    named = MagnitudeOptions(sparsity={second: 0.8, third: 0.5})
    outcome = prune_magnitude(float_cnn, digits, named, NONE)
    found, size = zeros(outcome.network), sizes(float_cnn)
    assert found == {
        first: 0, second: round(0.8 * size[second]), third: round(0.5 * size[third]), last: 0
    }  # fmt: skip
    assert outcome.notes == (f"2 layers left alone: not named: {first}, {last}",)
    outcome = prune_magnitude(float_cnn, digits, MagnitudeOptions(leave=(last, first)), NONE)
    assert zeros(outcome.network)[first] == zeros(outcome.network)[last] == 0
    assert outcome.notes == (f"2 layers left alone as asked: {first}, {last}",)


def test_the_mask_shrinks_on_a_cubic_schedule_and_weights_never_come_back(float_cnn, digits):
    from fpgacomp.compress.prune.gradual import Gradual, count_alive, magnitude_of

    layers = weight_layers(float_cnn)
    total = sum(count_alive(layer) for layer in layers.values())
    masks = Gradual(layers, [(list(layers), total // 4)], ramp=0.6, rating=magnitude_of)
    dead = {
        name: torch.zeros_like(layer.weight, dtype=torch.bool) for name, layer in layers.items()
    }
    counts = []
    for share in (0.0, 0.15, 0.3, 0.45, 0.6, 1.0):
        masks.project(share)
        assert masks.settled(share) == (share >= 0.6)
        for name, layer in layers.items():
            assert bool((layer.weight[dead[name]] == 0).all())
            dead[name] |= ~layer.kept
            torch.nn.init.normal_(layer.weight)  # a step that goes anywhere
        counts.append(sum(count_alive(layer) for layer in layers.values()))
    end = total // 4
    expected = [end + (total - end) * (1 - s / 0.6) ** 3 for s in (0, 0.15, 0.3, 0.45, 0.6)]
    assert counts[:5] == pytest.approx(expected, abs=0.03 * total)
    assert counts[4] == counts[5] == end


def test_zeros_survive_further_training(float_cnn, digits):
    network = prune_magnitude(float_cnn, digits, MagnitudeOptions(sparsity=0.8), SHORT).network
    before = {name: layer.weight == 0 for name, layer in weight_layers(network).items()}
    old = {name: layer.weight.clone() for name, layer in weight_layers(network).items()}
    train(network, digits, SHORT)
    for name, layer in weight_layers(network).items():
        assert torch.equal(layer.weight == 0, before[name])
        assert not torch.equal(layer.weight, old[name]), "nothing was trained"


def test_pruning_twice_counts_the_first_zeros(float_cnn, digits):
    once = prune_magnitude(float_cnn, digits, MagnitudeOptions(sparsity=0.5), NONE).network
    twice = prune_magnitude(once, digits, MagnitudeOptions(sparsity=0.7), SHORT).network
    assert sum(zeros(twice).values()) == round(0.7 * sum(sizes(twice).values()))
    for name, layer in weight_layers(once).items():
        assert bool((weight_layers(twice)[name].weight[layer.weight == 0] == 0).all())
    with pytest.raises(ModelError, match="nothing to prune: no layer has fewer zeros than asked"):
        prune_magnitude(once, digits, MagnitudeOptions(sparsity=0.5), NONE)


def test_checkpoints_resume_with_the_mask(float_cnn, digits, tmp_path):
    options = MagnitudeOptions(sparsity=0.8)
    recipe = Recipe(epochs=4, learning_rate=5e-3, checkpoint=tmp_path / "run.pt")
    stopped = []

    def stop(what, epoch):
        stopped.append(epoch)
        if len(stopped) == 2:
            raise RuntimeError

    whole = prune_magnitude(float_cnn, digits, options, SHORT).network
    with pytest.raises(RuntimeError):
        prune_magnitude(float_cnn, digits, options, recipe, observer=stop)
    resumed = prune_magnitude(float_cnn, digits, options, recipe).network
    assert sum(zeros(resumed).values()) == round(0.8 * sum(sizes(resumed).values()))
    assert zeros(resumed) == zeros(whole)


@pytest.mark.slow
def test_masks_survive_quantization(float_cnn, digits):
    pytest.importorskip("brevitas")
    from fpgacomp.compress.quantize.options import QuantizeOptions
    from fpgacomp.compress.quantize.torch.transform import quantize

    pruned = prune_magnitude(float_cnn, digits, MagnitudeOptions(sparsity=0.75), SHORT).network
    network = quantize(pruned, digits, QuantizeOptions(weight_bits=4, activation_bits=4)).network
    train(network, digits, SHORT)
    for name, layer in weight_layers(pruned).items():
        new = weight_layers(network)[name]
        assert torch.equal(new.kept, layer.kept)
        assert bool((effective_weight(new)[~layer.kept] == 0).all())
    assert accuracy(network, digits.test) >= 0.9


def test_quantized_networks_are_pruned_in_place(quantized_cnn, digits):
    options = MagnitudeOptions(sparsity=0.6)
    outcome = prune_magnitude(quantized_cnn, digits, options, SHORT)
    layers = weight_layers(outcome.network)
    masked = sum(int((~layer.kept).sum()) for layer in layers.values())
    assert masked == round(0.6 * sum(sizes(quantized_cnn).values()))
    assert outcome.details["zeros"] >= masked
    for layer in layers.values():
        assert bool((effective_weight(layer)[~layer.kept] == 0).all())
    assert accuracy(outcome.network, digits.test) >= 0.85


def test_binary_and_shared_layers_are_left_alone(quantized_cnn, float_cnn, digits):
    from fpgacomp.compress.constraints import keep_shared
    from fpgacomp.compress.quantize.options import QuantizeOptions
    from fpgacomp.compress.quantize.torch.transform import quantize

    names = list(weight_layers(float_cnn))
    options = QuantizeOptions(weight_bits={names[1]: 1, "*": 4}, activation_bits=4)
    binary = quantize(float_cnn, digits, options).network
    outcome = prune_magnitude(binary, digits, MagnitudeOptions(), NONE)
    assert outcome.notes == (f"1 layer left alone: binary weights have no zero: {names[1]}",)
    assert getattr(weight_layers(outcome.network)[names[1]], KEPT, None) is None
    layer = weight_layers(float_cnn)[names[2]]
    keep_shared(layer, (layer.weight > 0).to(torch.int64))
    outcome = prune_magnitude(float_cnn, digits, MagnitudeOptions(), NONE)
    assert outcome.notes == (f"1 layer left alone: their weights share values: {names[2]}",)


def test_errors_name_what_is_wrong(float_cnn, digits):
    with pytest.raises(UsageError, match=r"sparsity \(--share\): is 1\. Fix: use 0 up to"):
        MagnitudeOptions(sparsity=1)
    with pytest.raises(Problems, match=r"ramp: is 2\.[\s\S]*sparsity of a: is -0\.1\.[\s\S]*scope"):
        MagnitudeOptions(sparsity={"a": -0.1}, ramp=2, scope="all")  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="sparsity: the network has no layer nonsense"):
        prune_magnitude(float_cnn, digits, MagnitudeOptions(sparsity={"nonsense": 0.5}), NONE)
    with pytest.raises(UsageError, match="leave alone: the network has no layer nonsense"):
        prune_magnitude(float_cnn, digits, MagnitudeOptions(leave=("nonsense",)), NONE)
    with pytest.raises(UsageError, match=r"would leave 1 weights in .*Fix: ask for less: 4 layers"):
        prune_magnitude(float_cnn, digits, MagnitudeOptions(sparsity=0.9999), NONE)
    every = tuple(weight_layers(float_cnn))
    with pytest.raises(ModelError, match="there is nothing to prune"):
        prune_magnitude(float_cnn, digits, MagnitudeOptions(leave=every), NONE)
    with pytest.raises(ModelError, match="there is nothing to prune"):
        prune_magnitude(float_cnn, digits, MagnitudeOptions(sparsity=0.0), NONE)
