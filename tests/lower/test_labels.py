"""--argmax: the label of the integers is the label of the network, or the network is refused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fpgacomp.errors import FpgacompError, ModelError, Problems, UnsupportedLayer
from fpgacomp.evidence.judge import judge
from fpgacomp.evidence.reference.network import execute
from fpgacomp.evidence.software import to_integers, to_network_outputs
from fpgacomp.frontend import end_in_labels
from fpgacomp.ir import interpreter
from fpgacomp.ir.infer import channel_range
from fpgacomp.ir.layers import ArgMax, kind
from fpgacomp.lower import lower
from fpgacomp.lower.class_order import MAX_RATIO
from fpgacomp.network.canonical import Network
from fpgacomp.network.lowered import Lowered
from tests.support.nasty_networks import UNIT, conv, weight
from tests.support.network_builder import Grid, NetworkBuilder
from tests.support.random_networks import networks, random_inputs

Recipe = Callable[[NetworkBuilder], str]


def network(recipe: Recipe, shape: tuple[int, ...] = (6,), seed: int = 0) -> Network:
    builder = NetworkBuilder(np.random.default_rng(seed), shape)
    return of(builder.finish(recipe(builder)))


def of(model: onnx.ModelProto) -> Network:
    return Network("n", model, model, "qonnx", "n.onnx", "")


@dataclass(frozen=True)
class Run:
    network: Network
    lowered: Lowered
    inputs: dict[str, np.ndarray]
    integers: dict[str, np.ndarray]

    @property
    def answers(self) -> dict[str, np.ndarray]:
        outputs = {t.name: self.integers[t.name] for t in self.lowered.graph.outputs}
        return to_network_outputs(self.lowered.after, outputs)


def labelled(net: Network, vectors: int = 60) -> Run:
    net = end_in_labels(net)
    lowered = lower(net, argmax=True)
    inputs = random_inputs(net.model, np.random.default_rng(1), vectors)
    integers = interpreter.run(lowered.graph, to_integers(lowered.before, inputs))
    return Run(net, lowered, inputs, integers)


def assert_labels_are_the_networks(run: Run) -> None:
    """By the judge, and by the network's own ArgMax wherever no two classes are a tie."""
    result = judge(run.lowered, run.network.model, run.inputs, run.integers)
    assert result.mismatches == 0, result.first
    assert set(run.lowered.labels) <= set(result.per_layer)
    got, want = run.answers, execute(run.network.model, run.inputs)
    assert set(got) == set(want)
    for name, values in want.items():
        assert got[name].dtype == np.int64
        assert got[name].shape == values.shape
        if result.ties == 0:
            assert np.array_equal(got[name], values)


def kinds(run: Run) -> list[str]:
    return [kind(layer) for layer in run.lowered.graph.layers]


def logits(b: NetworkBuilder, classes: int = 5, scale: object = 0.25) -> str:
    grid = Grid(np.asarray(scale, np.float32), 0.0, 4, True, True)
    raw = b.constant(b.arrays.normal(size=(6, classes)) * np.asarray(scale) * 4)
    return b.op("MatMul", b.quant(b.input, UNIT), b.quant(raw, grid))


def test_one_scale_for_all_classes_needs_no_more_than_the_argmax() -> None:
    run = labelled(network(logits))
    assert kinds(run) == ["input", "dense", "argmax"]
    assert run.lowered.software_after == ()
    assert len({int(v) for v in next(iter(run.answers.values()))}) > 2
    assert_labels_are_the_networks(run)


TAILS: dict[str, Recipe] = {
    "bias": lambda b: b.op("Add", logits(b), b.constant(b.arrays.normal(size=5))),
    "equal_bias": lambda b: b.op("Add", logits(b), b.constant(np.full(5, 0.7))),
    "falling": lambda b: b.op("Mul", logits(b), b.constant([-0.3])),
    "powers_of_two": lambda b: logits(b, 4, [[0.5, 0.25, 1.0, 0.125]]),
    "odd_scales": lambda b: logits(b, 5, [[0.11, 0.2, 0.15, 0.31, 0.177]]),
    "signs_differ": lambda b: b.op("Mul", logits(b), b.constant([0.3, -0.2, 1, -1, 0.1])),
    "a_class_of_scale_zero": lambda b: b.op("Mul", logits(b), b.constant([0.3, 0, 1, -1, 0.1])),
    "batchnorm": lambda b: b.op(
        "BatchNormalization", logits(b), *(b.constant(b.arrays.uniform(0.5, 2, 5)) for _ in "gbmv")
    ),
    "softmax": lambda b: b.op("Softmax", logits(b), axis=1),
    "argmax": lambda b: b.op("ArgMax", logits(b), axis=1, keepdims=1),
    "argmax_of_softmax": lambda b: b.op(
        "ArgMax", b.op("LogSoftmax", logits(b), axis=-1), axis=-1, keepdims=0
    ),
    "tanh": lambda b: b.op("Tanh", b.op("Mul", logits(b), b.constant([0.1]))),
    "sigmoid_of_bias": lambda b: b.op(
        "Sigmoid", b.op("Add", logits(b), b.constant(b.arrays.normal(size=5)))
    ),
    "leaky_relu": lambda b: b.op("LeakyRelu", logits(b), alpha=0.1),
    "sum_of_two": lambda b: b.op("Add", logits(b), logits(b)),
    "quantized": lambda b: b.quant(logits(b), UNIT),
    "reshaped_argmax": lambda b: b.op(
        "Reshape", b.op("ArgMax", logits(b), axis=1, keepdims=0), b.constant([1, 1], np.int64)
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", TAILS)
def test_what_keeps_the_order_goes_into_the_integers(name: str) -> None:
    for seed in range(4):
        run = labelled(network(TAILS[name], seed=seed))
        assert kinds(run)[-1] == "argmax"
        assert_labels_are_the_networks(run)


def test_a_label_per_pixel() -> None:
    def segments(b: NetworkBuilder) -> str:
        y = conv(b, b.quant(b.input, UNIT), weight(b, 3, 2, 3, 3), [3, 3])
        return b.op("Add", y, b.constant(b.arrays.normal(size=(1, 3, 1, 1))))

    run = labelled(network(segments, (2, 6, 5)))
    assert run.lowered.graph.outputs[0].shape == (4, 3, 1)
    assert next(iter(run.answers.values())).shape == (60, 4, 3)
    assert_labels_are_the_networks(run)


def test_classes_of_a_flattened_image() -> None:
    def pooled(b: NetworkBuilder) -> str:
        y = conv(b, b.quant(b.input, UNIT), weight(b, 4, 2, 3, 3), [3, 3])
        return b.op("Reshape", y, b.constant([1, 4], np.int64))

    assert_labels_are_the_networks(labelled(network(pooled, (2, 3, 3))))


def test_logits_may_leave_beside_the_label() -> None:
    builder = NetworkBuilder(np.random.default_rng(0), (6,))
    y = builder.op("Add", logits(builder), builder.constant(builder.arrays.normal(size=5)))
    other = builder.op("MatMul", builder.quant(builder.input, UNIT), weight(builder, 6, 2))
    label = builder.op("ArgMax", builder.op("Softmax", y, axis=1), axis=1)
    run = labelled(of(builder.finish(label, other)))
    assert len(run.lowered.graph.outputs) == 2
    assert_labels_are_the_networks(run)
    assert [kind(run.lowered.graph.producer[t.name]) for t in run.lowered.graph.outputs] == [
        "argmax", "argmax",
    ]  # fmt: skip


def test_top_1_whose_index_alone_is_used() -> None:
    builder = NetworkBuilder(np.random.default_rng(0), (6,))
    top = builder.op("TopK", logits(builder), builder.constant([1], np.int64), axis=1)
    run = labelled(of(builder.finish(f"{top}_index")))
    assert kinds(run)[-1] == "argmax"
    assert_labels_are_the_networks(run)


def test_without_the_option_the_host_chooses() -> None:
    net = network(TAILS["argmax_of_softmax"])
    lowered = lower(net)
    assert not any(isinstance(layer, ArgMax) for layer in lowered.graph.layers)
    assert lowered.software_after == ("dequantize", "LogSoftmax", "ArgMax")


@pytest.mark.slow
@settings(deadline=None, max_examples=40)
@given(networks(size=3))
def test_random_networks_are_labelled_or_refused(model: onnx.ModelProto) -> None:
    try:
        run = labelled(of(model), vectors=30)
    except ModelError as refusal:
        assert refusal.fix
        return
    except Problems as refusal:
        assert all(isinstance(p, UnsupportedLayer) and p.fix for p in refusal.problems)
        return
    assert_labels_are_the_networks(run)


@pytest.mark.slow
@settings(deadline=None, max_examples=50)
@given(st.integers(0, 10**6), st.booleans())
def test_the_order_of_all_numbers_is_exact(seed: int, whole: bool) -> None:
    """Every pair of (class, integer), in exact fractions of what the network states."""
    rng = np.random.default_rng(seed)
    classes = int(rng.integers(2, 5))
    scale = rng.choice([0.5, 1, 2, -0.25], classes) if whole else rng.uniform(0.1, 1, classes)
    bias = np.round(rng.normal(size=classes) * 3, int(rng.integers(0, 4)))

    def recipe(b: NetworkBuilder) -> str:
        return b.op("Add", b.op("Mul", logits(b, classes), b.constant(scale)), b.constant(bias))

    lowered = lower(end_in_labels(network(recipe, seed=seed)), argmax=True)
    label = lowered.graph.layers[-1]
    assert isinstance(label, ArgMax)
    layer = next(layer for layer in lowered.graph.layers if kind(layer) == "dense")
    dense, (low, high) = layer.output, channel_range(layer)
    view = lowered.views[dense.name]
    x = np.arange(dense.type.lo, dense.type.hi + 1)[:, None].repeat(classes, axis=1)
    compared = label.input
    y = x
    if compared != dense:
        y = interpreter.execute(lowered.graph.producer[compared.name], [x])
    scales, offsets = (np.broadcast_to(v.array, (classes,)) for v in (view.scale, view.offset))
    exact = [
        (Fraction(float(scales[c])) * int(v) + Fraction(float(offsets[c])), int(y[i, c]))
        for (i, c), v in np.ndenumerate(x)
        if low[c] <= v <= high[c]
    ]
    exact.sort()
    for (left, mine), (right, other) in pairwise(exact):
        if float(right - left) > 1e-12:
            assert mine < other
        else:
            assert mine == other


def sigmoid_that_saturates(b: NetworkBuilder) -> str:
    return b.op("Sigmoid", b.op("Mul", logits(b), b.constant([20.0])))


def softmax_of_something_else(b: NetworkBuilder) -> str:
    y = conv(b, b.quant(b.input, UNIT), weight(b, 3, 2, 3, 3), [3, 3])
    return b.op("ArgMax", b.op("Softmax", y, axis=2), axis=1)


def along_a_row(b: NetworkBuilder) -> str:
    return b.op("ArgMax", conv(b, b.quant(b.input, UNIT), weight(b, 3, 2, 3, 3), [3, 3]), axis=2)


def scales_over_thirteen_decades(b: NetworkBuilder) -> str:
    return b.op("Mul", logits(b, 3), b.constant([1.0, 1.1e-13, 3.3e-5]))


def two_best(b: NetworkBuilder) -> str:
    return f"{b.op('TopK', logits(b), b.constant([2], np.int64), axis=1)}_index"


def biased_by_position(b: NetworkBuilder) -> str:
    y = conv(b, b.quant(b.input, UNIT), weight(b, 3, 2, 3, 3), [3, 3])
    return b.op("Add", y, b.constant(b.arrays.normal(size=(1, 3, 4, 3))))


IMAGE = (2, 6, 5)
REFUSED: dict[str, tuple[Recipe, tuple[int, ...], str]] = {
    "relu": (lambda b: b.op("Relu", logits(b)), (6,), "behind Relu, which does not rise strictly"),
    "sigmoid": (sigmoid_that_saturates, (6,), "behind Sigmoid, which does not rise strictly"),
    "other_softmax": (softmax_of_something_else, IMAGE, "another axis than the ArgMax's 1"),
    "along_a_row": (along_a_row, IMAGE, "axis 2, which is not the channel axis"),
    "scales": (scales_over_thirteen_decades, (6,), "so different scales or biases"),
    "two_best": (two_best, (6,), "is no label"),
    "by_position": (biased_by_position, IMAGE, "differs from position to position"),
    "last_of_equal": (
        lambda b: b.op("ArgMax", logits(b), axis=1, select_last_index=1), (6,), "the last of equal",
    ),
    "one_class": (lambda b: logits(b, 1), (6,), "chooses from a single class"),
    "relu_of_softmax": (
        lambda b: b.op("Relu", b.op("Softmax", logits(b), axis=1)), (6,), "lies between",
    ),
    "steps": (
        lambda b: b.op("MatMul", b.quant(b.input, UNIT), weight(b, 6, 3)), (4, 6), "knows the",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_may_change_the_order_is_refused(name: str) -> None:
    recipe, shape, why = REFUSED[name]
    net = network(recipe, shape)
    with pytest.raises(FpgacompError, match=why) as caught:
        lower(end_in_labels(net), argmax=True)
    assert caught.value.where
    assert caught.value.fix
    lower(net)  # and the host can do it


@pytest.mark.slow
def test_too_many_numbers_to_check() -> None:
    def wide(b: NetworkBuilder) -> str:
        x = b.quant(b.input, replace(UNIT, bits=12))
        grid = Grid(np.asarray([[0.11, 0.2, 0.15, 0.3]], np.float32), 0.0, 12, True, True)
        return b.op("MatMul", x, b.quant(b.constant(b.arrays.normal(size=(6, 4)) * 99), grid))

    with pytest.raises(UnsupportedLayer, match="too many to check"):
        lower(end_in_labels(network(wide)), argmax=True)


def test_ratios_up_to_the_limit_are_taken_as_they_are() -> None:
    run = labelled(network(lambda b: b.op("Mul", logits(b, 2), b.constant([1.0, 1 / MAX_RATIO]))))
    ordered = run.lowered.graph.by_name["dense1_ordered"]
    assert sorted(ordered.multiplier.array.tolist()) == [1, MAX_RATIO]  # type: ignore[union-attr]
    assert_labels_are_the_networks(run)
