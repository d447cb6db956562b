"""The benchmark of the recipes: what it promises, on fewer seeds, with a margin."""

from __future__ import annotations

import pytest

pytest.importorskip("torch")
pytest.importorskip("sklearn")

from examples import benchmark_recipes
from tests.support.depth import deep

pytestmark = pytest.mark.slow  # loading the framework takes seconds


@pytest.mark.parametrize(
    ("recipe", "most"), [("half the channels", 0.5), deep("half the rank", 0.75)]
)
def test_a_recipe_costs_little_on_the_second_data_set(monkeypatch, recipe, most):
    monkeypatch.setattr(benchmark_recipes, "SEEDS", range(3))
    loss = benchmark_recipes.measure("breast_cancer", recipe)
    assert len(loss.points) == 3
    assert 0.2 < loss.weights < most
    assert loss.before.mean() > 93
    # One of 156 samples is 0.64 points, and other processors train other weights.
    assert loss.points.mean() > -1.5


def test_unknown_data_are_named():
    with pytest.raises(SystemExit, match="unknown data"):
        benchmark_recipes.main(["iris"])
