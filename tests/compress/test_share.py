"""Weight sharing: few values per layer, zeros kept, the codebook in the file, accuracy held."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from fpgacomp.compress.constraints import keep_zeros  # noqa: E402
from fpgacomp.compress.recipe import Recipe  # noqa: E402
from fpgacomp.compress.share import ShareOptions, share  # noqa: E402
from fpgacomp.compress.trainable import from_onnx, to_onnx, weight_layers  # noqa: E402
from fpgacomp.compress.training import accuracy, scores, train  # noqa: E402
from fpgacomp.errors import ModelError, UsageError  # noqa: E402

pytestmark = pytest.mark.slow  # they train

SHORT = Recipe(epochs=4, learning_rate=1e-3)


def values_of(network):
    return {name: len(layer.weight.unique()) for name, layer in weight_layers(network).items()}


def test_sixteen_values_cost_little(float_cnn, digits):
    outcome = share(float_cnn, digits, ShareOptions(values=16), SHORT)
    assert all(8 < count <= 16 for count in values_of(outcome.network).values())
    before = accuracy(float_cnn, digits.test)
    assert accuracy(outcome.network, digits.test) >= before - 0.04
    bytes_ = sum(layer["bytes"] for layer in outcome.details["layers"].values())
    weights = sum(layer.weight.numel() for layer in weight_layers(float_cnn).values())
    assert bytes_ < weights * 0.6
    assert min(values_of(float_cnn).values()) > 16, "the network given was changed"


def test_training_the_values_wins_back_what_two_bits_cost(float_cnn, digits):
    raw = share(float_cnn, digits, ShareOptions(values=3), Recipe(epochs=0))
    tuned = share(float_cnn, digits, ShareOptions(values=3), SHORT)
    assert accuracy(tuned.network, digits.test) > accuracy(raw.network, digits.test)
    first = next(iter(weight_layers(raw.network)))
    one, other = (weight_layers(o.network)[first] for o in (raw, tuned))
    assert torch.equal(one.shared, other.shared)


def test_pruned_weights_stay_zero_and_count_as_one_value(float_cnn, digits):
    for layer in weight_layers(float_cnn).values():
        keep_zeros(layer, layer.weight.abs() > layer.weight.abs().median())
    outcome = share(float_cnn, digits, ShareOptions(values=8), SHORT)
    for name, layer in weight_layers(outcome.network).items():
        old = weight_layers(float_cnn)[name].weight
        assert len(layer.weight.unique()) <= 8
        assert torch.equal(old == 0, layer.weight == 0)


def test_the_codebook_is_in_the_file_and_survives_further_training(float_cnn, digits):
    network = share(float_cnn, digits, ShareOptions(values=8), SHORT).network
    model = to_onnx(network, (1, 8, 8))
    assert [node.op_type for node in model.graph.node].count("Gather") == 4
    back = from_onnx(model)
    np.testing.assert_allclose(
        scores(back, digits.test.x), scores(network, digits.test.x), atol=1e-4
    )
    train(back, digits, SHORT)
    assert all(1 < count <= 8 for count in values_of(back).values())


def test_layers_that_share_already_are_counted(float_cnn, digits):
    names = list(weight_layers(float_cnn))
    once = share(float_cnn, digits, ShareOptions(values={names[0]: 4}), Recipe(epochs=0))
    twice = share(once.network, digits, ShareOptions(values=8), Recipe(epochs=0))
    assert twice.notes == (
        f"1 layers have no more distinct weights than values: {names[0]}",
    )  # fmt: skip
    with pytest.raises(ModelError, match="no layer has more than"):
        share(once.network, digits, ShareOptions(values={names[0]: 8}), Recipe(epochs=0))


def test_errors_name_what_is_wrong(float_cnn, digits):
    with pytest.raises(UsageError, match="shared values of a: is 1"):
        ShareOptions(values={"a": 1})
    with pytest.raises(UsageError, match="has no layer nonsense"):
        share(float_cnn, digits, ShareOptions(values={"nonsense": 4}), SHORT)
