"""Bits per layer: the program is solved exactly, budgets hold, sensitive layers stay wide."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

torch = pytest.importorskip("torch")
pytest.importorskip("brevitas")

from fpgacomp.compress.constraints import keep_zeros  # noqa: E402
from fpgacomp.compress.quantize import MixedOptions, quantize_mixed  # noqa: E402
from fpgacomp.compress.quantize.options import whole_bits  # noqa: E402
from fpgacomp.compress.quantize.torch.assign import JointCost, assign, least_cost, total_cost  # noqa: E402
from fpgacomp.compress.quantize.torch.mixed import _refined  # noqa: E402
from fpgacomp.compress.quantize.torch.operations import multiplications  # noqa: E402
from fpgacomp.compress.quantize.torch.spending import Spending, bits_of, replace_bits  # noqa: E402
from fpgacomp.compress.recipe import Recipe  # noqa: E402
from fpgacomp.compress.trainable import weight_layers  # noqa: E402
from fpgacomp.compress.training import accuracy  # noqa: E402
from fpgacomp.errors import UnsupportedLayer, UsageError  # noqa: E402
from tests.support.depth import deep_only  # noqa: E402

pytestmark = pytest.mark.slow  # loading the framework takes seconds

CHOICES = (1, 2, 4)
SHORT = Recipe(epochs=1, learning_rate=0.005)
FEW = {"weight_choices": (1, 2, 8), "activation_choices": (2, 8)}
amounts = st.integers(0, 40).map(float)
rows = st.fixed_dictionaries(dict.fromkeys(CHOICES, amounts))


@given(
    loss=st.fixed_dictionaries({"a": rows, "b": rows, "c": rows}),
    cost=st.fixed_dictionaries({"a": rows, "b": rows, "c": rows}),
    joint=st.fixed_dictionaries(dict.fromkeys(CHOICES, rows)),
    budget=st.integers(0, 130).map(float),
)
@settings(deadline=None, max_examples=25)
def test_the_program_finds_what_trying_all_finds(loss, cost, joint, budget):
    products = (JointCost("a", "b", joint),)
    every = [dict(zip("abc", c)) for c in product(CHOICES, repeat=3)]
    costs = [total_cost(chosen, cost, products) for chosen in every]
    assert least_cost(cost, products) == min(costs)
    allowed = [chosen for chosen, spent in zip(every, costs) if spent <= budget]
    found = assign(loss, cost, products, budget)
    if not allowed:
        assert found is None
        return

    def lost(chosen):
        return sum(loss[g][c] for g, c in chosen.items())

    assert total_cost(found, cost, products) <= budget
    assert lost(found) == min(lost(chosen) for chosen in allowed)


def test_multiplications(float_cnn):
    counted = multiplications(float_cnn)
    assert list(counted.values()) == [64 * 9 * 16, 16 * 9 * 16 * 32, 128 * 64, 640]


def refined(float_cnn, digits, chosen, judge, **options):
    """(what the search goes on to, its budget kept; the spending)."""
    weights = sum(layer.weight.numel() for layer in weight_layers(float_cnn).values())
    wanted = MixedOptions(
        budget=3 * weights, weight_choices=(1, 2, 4, 8), activation_choices=(1, 2, 4), **options
    )
    spending = Spending(float_cnn, digits, wanted, None)
    start = chosen(spending)
    found = _refined(start, wanted, spending, judge)
    assert spending.measured(found) <= wanted.budget
    return found, spending


def uniform_of(spending, bits):
    """The first uniform network whose weights have so many bits."""
    return next(u for u in spending.uniforms() if set(u.weights.values()) == {bits})


def test_a_better_uniform_network_is_where_the_refinement_starts(float_cnn, digits):
    """Losses that only show where several layers are coarse, as no sensitivity alone tells."""

    def judge(assignment):
        return float(sum(bits == 1 for bits in assignment.weights.values()) >= 2)

    def coarse(spending):
        return uniform_of(spending, 1)

    found, spending = refined(float_cnn, digits, coarse, judge)
    assert judge(found) == 0 and found == uniform_of(spending, 2)
    assert refined(float_cnn, digits, coarse, judge, refinements=0)[0] == uniform_of(spending, 1)


def test_the_refinement_steps_towards_what_the_whole_network_needs(float_cnn, digits):
    """The last layer and one activation want bits; the layers that do not care pay for them."""
    names = list(weight_layers(float_cnn))

    def judge(assignment):
        lacking = 8 - whole_bits(assignment.weights[names[-1]])
        return lacking + sum(4 - bits for bits in assignment.activations.values())

    def two_bits(spending):
        return uniform_of(spending, 2)

    found, spending = refined(float_cnn, digits, two_bits, judge)
    assert judge(found) == 0
    for group, choices in spending.choices.items():
        assert all(bits_of(replace_bits(found, group, bits), group) == bits for bits in choices)


def test_budget_of_weight_bits_holds(float_cnn, few_digits):
    weights = sum(layer.weight.numel() for layer in weight_layers(float_cnn).values())
    options = MixedOptions(budget=3 * weights, **FEW)
    details = quantize_mixed(float_cnn, few_digits, options, SHORT).details
    assert details["weight_storage_bits"] == details["used"] <= 3 * weights
    assert len(set(details["weight_bits"].values())) > 1
    # Activations cost nothing here.
    assert {b for n, b in details["activation_bits"].items() if n != "input"} == {8}


def test_sensitivity_never_rises_with_bits(float_cnn, few_digits):
    options = MixedOptions(budget=1e9, **FEW)
    details = quantize_mixed(float_cnn, few_digits, options, SHORT).details
    tables = [details[f"{kind}_sensitivity"] for kind in ("weight", "activation")]
    assert all(tables)
    for row in (row for table in tables for row in table.values()):
        rises = list(row.values())
        assert rises == sorted(rises, reverse=True)
        assert rises[-1] >= 0


def test_bit_operations_hold_and_are_counted_right(float_cnn, few_digits):
    options = MixedOptions(budget=600_000, measure="bops", **FEW)
    details = quantize_mixed(float_cnn, few_digits, options, SHORT).details
    assert details["activation_bits"]["input"] == details["input_bits"]
    reads = ["input", "layer_2", "layer_6", "layer_10"]
    counted = sum(
        products * bits * details["activation_bits"][read]
        for products, bits, read in zip(
            multiplications(float_cnn).values(), details["weight_bits"].values(), reads
        )
    )
    assert counted == details["used"] <= 600_000


@deep_only  # test_mixed_budget.py asks cost functions that are no sums, too
def test_cost_function_is_asked_and_its_budget_kept(float_cnn, few_digits):
    """A cost that is no sum over layers: the search corrects itself by real calls."""

    def cost(network):
        layers = weight_layers(network).values()
        bits = [float(layer.quant_weight().bit_width) for layer in layers]
        return {"lut": sum(b * layer.weight.numel() for b, layer in zip(bits, layers)) ** 1.3}

    weights = sum(layer.weight.numel() for layer in weight_layers(float_cnn).values())
    budget = (2.5 * weights) ** 1.3
    options = MixedOptions(budget=budget, measure="lut", **FEW)
    outcome = quantize_mixed(float_cnn, few_digits, options, SHORT, cost=cost)
    assert cost(outcome.network)["lut"] == outcome.details["used"] <= budget
    assert outcome.details["used"] > 0.7 * budget
    assert outcome.details["cost_calls"] > 5


def test_kept_zeros_take_no_binary_weights(float_cnn, few_digits):
    layer = float_cnn.get_submodule("layer_4")
    keep_zeros(layer, torch.rand(layer.weight.shape) < 0.5)
    weights = sum(layer.weight.numel() for layer in weight_layers(float_cnn).values())
    options = MixedOptions(budget=2 * weights, **FEW)
    details = quantize_mixed(float_cnn, few_digits, options, SHORT).details
    assert details["weight_bits"]["layer_4"] >= 2
    with pytest.raises(UnsupportedLayer, match="layer_4: has weights that are kept zero"):
        quantize_mixed(float_cnn, few_digits, MixedOptions(budget=1e9, weight_choices=(1,)), SHORT)


def test_refusals(float_cnn, few_digits):
    with pytest.raises(UsageError, match="no choice keeps to it; the smallest takes about 13584"):
        quantize_mixed(float_cnn, few_digits, MixedOptions(budget=100, **FEW), SHORT)
    with pytest.raises(UsageError, match="measure lut: needs a cost function"):
        quantize_mixed(float_cnn, few_digits, MixedOptions(budget=100, measure="lut"), SHORT)
    with pytest.raises(UsageError, match="measure lutt: is none of"):
        options = MixedOptions(budget=100, measure="lutt")
        quantize_mixed(float_cnn, few_digits, options, SHORT, cost=lambda _: {"lut": 1.0})
    with pytest.raises(UsageError, match="weight choices: is 0"):
        MixedOptions(budget=1, weight_choices=(0,))


@deep_only
def test_two_bits_on_average_keep_the_accuracy(float_cnn, digits):
    weights = sum(layer.weight.numel() for layer in weight_layers(float_cnn).values())
    options = MixedOptions(
        budget=2 * weights, weight_choices=(1, 2, 3, 8), activation_choices=(2, 4)
    )
    recipe = Recipe(epochs=20, learning_rate=0.005)
    outcome = quantize_mixed(float_cnn, digits, options, recipe)
    assert accuracy(outcome.network, digits.test) >= accuracy(float_cnn, digits.test) - 0.05
