"""N:M pruning: the pattern in every group, before and after further training."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from fpgacomp.compress.prune.magnitude import prune_magnitude  # noqa: E402
from fpgacomp.compress.prune.n_of_m import prune_n_of_m  # noqa: E402
from fpgacomp.compress.prune.options import MagnitudeOptions, NOfMOptions  # noqa: E402
from fpgacomp.compress.recipe import Recipe  # noqa: E402
from fpgacomp.compress.trainable import weight_layers  # noqa: E402
from fpgacomp.compress.training import accuracy, train  # noqa: E402
from fpgacomp.errors import ModelError, UsageError  # noqa: E402

pytestmark = pytest.mark.slow  # they train

SHORT = Recipe(epochs=5, learning_rate=5e-3)
NONE = Recipe(epochs=0)


def most_in_a_group(weight, m):
    """Largest and smallest number of weights in m consecutive inputs, one group at a time."""
    counts = []
    for filter_ in weight:
        for place in range(filter_[0].numel()):
            line = filter_.reshape(len(filter_), -1)[:, place]
            counts += [int((line[i : i + m] != 0).sum()) for i in range(0, len(line), m)]
    return max(counts), min(counts)


@pytest.mark.parametrize(("n", "m", "ramp"), [(2, 4, 0.6), (2, 4, 0.0), (1, 8, 0.6)])
def test_every_group_has_the_pattern_and_keeps_it(float_cnn, digits, n, m, ramp):
    first, *others = weight_layers(float_cnn)
    outcome = prune_n_of_m(float_cnn, digits, NOfMOptions(n=n, m=m, ramp=ramp), SHORT)
    assert outcome.notes == (f"1 layer left alone: inputs are no multiple of {m}: {first}",)
    assert accuracy(outcome.network, digits.test) >= accuracy(float_cnn, digits.test) - 0.06
    train(outcome.network, digits, Recipe(epochs=1))
    layers = weight_layers(outcome.network)
    for name in others:
        assert most_in_a_group(layers[name].weight, m) == (n, n)
    assert not bool((layers[first].weight == 0).any())


def test_the_largest_of_each_group_stay(float_cnn, digits):
    network = prune_n_of_m(float_cnn, digits, NOfMOptions(n=1, m=4), NONE).network
    name = list(weight_layers(float_cnn))[2]
    old = weight_layers(float_cnn)[name].weight.abs().reshape(-1, 4)
    new = weight_layers(network)[name].weight.abs().reshape(-1, 4)
    assert torch.equal(new.argmax(1), old.argmax(1))
    assert torch.equal(new.amax(1), old.amax(1))


def test_earlier_zeros_count(float_cnn, digits):
    _, *others = weight_layers(float_cnn)
    pruned = prune_magnitude(float_cnn, digits, MagnitudeOptions(sparsity=0.5), NONE).network
    network = prune_n_of_m(pruned, digits, NOfMOptions(), NONE).network
    for name in others:
        old, new = weight_layers(pruned)[name].weight, weight_layers(network)[name].weight
        most, least = most_in_a_group(new, 4)
        assert most == 2 and least < 2
        assert bool((new[old == 0] == 0).all())
        assert int((new != 0).sum()) < int((old != 0).sum())
    with pytest.raises(ModelError, match="prune 2:4: there is nothing to prune: 1 layer left"):
        prune_n_of_m(network, digits, NOfMOptions(), NONE)


def test_quantized_networks_take_the_pattern(quantized_cnn, digits):
    network = prune_n_of_m(quantized_cnn, digits, NOfMOptions(), SHORT).network
    for layer in list(weight_layers(network).values())[1:]:
        assert most_in_a_group(layer.quant_weight().value.detach(), 4)[0] == 2
    assert accuracy(network, digits.test) >= 0.85


def test_errors_name_what_is_wrong(float_cnn, digits):
    with pytest.raises(UsageError, match=r"N of N:M: is 4\. Fix: use 1 to 3"):
        NOfMOptions(n=4, m=4)
    with pytest.raises(UsageError, match=r"M of N:M: is 1\. Fix: use 2 or more"):
        NOfMOptions(n=1, m=1)
    with pytest.raises(ModelError, match="nothing to prune: 4 layers left alone: inputs are no mu"):
        prune_n_of_m(float_cnn, digits, NOfMOptions(n=2, m=7), NONE)
    with pytest.raises(UsageError, match="has no layer nonsense"):
        prune_n_of_m(float_cnn, digits, NOfMOptions(leave=("nonsense",)), NONE)
