"""Damaged files of every kind end in a result or a refusal: no traceback, no crash, no hang.

A seeded minute of `python -m tests.fuzz`, which runs as many as are asked for.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from tests.fuzz import structure
from tests.fuzz.bases import files
from tests.fuzz.campaign import campaign
from tests.support.depth import draws
from tests.support.random_networks import random_network

pytest.importorskip("resource", reason="the worker's limits are those of POSIX")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "count"),
    [
        ("onnx", draws(10, 30)),
        ("board", draws(9, 21)),
        ("numpy", draws(9, 21)),
        ("keras", draws(4, 10)),
    ],
)
def test_no_file_ends_in_a_traceback(tmp_path: Path, kind: str, count: int) -> None:
    if kind == "keras" and find_spec("qkeras") is None:
        pytest.skip("QKeras is not installed")
    tally = campaign(kind, count, 12, tmp_path)
    told = "\n\n".join(f"{path}\n{fault}" for path, fault in tally.faults)
    assert not tally.faults, f"{len(tally.faults)} faults\n{told}"
    assert tally.accepted and tally.refused, (tally.accepted, tally.refused)


@pytest.mark.slow
def test_the_same_seed_gives_the_same_files() -> None:
    for kind in ("onnx", "board", "numpy"):
        assert list(files(kind, 6, 3)) == list(files(kind, 6, 3))
        assert list(files(kind, 6, 3)) != list(files(kind, 6, 4))


@pytest.mark.parametrize("mutation", structure.MUTATIONS, ids=lambda mutation: mutation.__name__)
def test_every_mutation_changes_some_network(mutation: structure.Mutation) -> None:
    changed = 0
    for seed in range(12):
        rng = np.random.default_rng(seed)
        model = random_network(rng, size=3)
        before = model.SerializeToString(deterministic=True)
        mutation(rng, model)
        changed += model.SerializeToString(deterministic=True) != before
    assert changed
