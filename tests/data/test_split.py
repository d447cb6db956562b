"""Training and test files: the same share of each class, no sample twice, in any order alike."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from fpgacomp.cli.app import app
from fpgacomp.data.split import split_samples
from fpgacomp.errors import InputDataError, UsageError
from fpgacomp.flows.split import split


def some(count: int = 200) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    x = rng.integers(0, 256, (count, 2, 3), dtype=np.uint8)
    return x, np.repeat([0, 1, 2], [count // 2, count // 4, count - count // 2 - count // 4])


def rows(x: np.ndarray) -> set[bytes]:
    return {row.tobytes() for row in x}


def test_every_class_gives_the_same_share_and_nothing_is_lost(tmp_path: Path) -> None:
    x, y = some()
    np.savez(tmp_path / "d.npz", x=x, y=y)
    found = split(tmp_path / "d.npz", out=tmp_path)
    with np.load(found.train) as train, np.load(found.test) as test:
        assert rows(train["x"]) | rows(test["x"]) == rows(x)
        assert not rows(train["x"]) & rows(test["x"])
        assert train["x"].dtype == np.uint8 and train["y"].dtype == y.dtype
        assert np.bincount(test["y"]).tolist() == [25, 12, 12] or len(test["y"]) in (49, 50, 51)
        for label, whole in enumerate(np.bincount(y)):
            assert abs(np.sum(test["y"] == label) - 0.25 * whole) <= 0.5


def test_order_does_not_matter_and_the_seed_does() -> None:
    x, y = some()
    order = np.random.default_rng(1).permutation(len(x))
    one = split_samples((x, y), 0.25, 0, name="d")
    other = split_samples((x[order], y[order]), 0.25, 0, name="d")
    assert rows(one.test["x"]) == rows(other.test["x"])
    assert rows(split_samples((x, y), 0.25, 1, name="d").test["x"]) != rows(one.test["x"])


def test_equal_samples_stay_on_one_side() -> None:
    x, y = some(60)
    twice = split_samples(
        (np.concatenate([x, x]), np.concatenate([y, (y + 1) % 3])), 0.25, 0, name="d"
    )
    assert not rows(twice.train["x"]) & rows(twice.test["x"])
    assert twice.repeated == 60 and 20 < len(twice.test["x"]) < 40


def test_numbers_and_labels_by_output_are_kept() -> None:
    x, y = some()
    labels = {"a": y + 0.5, "b": y}
    found = split_samples((x, labels), 0.4, 0, name="d")
    assert set(found.train) == {"x", "y_a", "y_b"} and not found.classes
    assert np.array_equal(found.test["y_a"], found.test["y_b"] + 0.5)
    assert len(found.test["x"]) == 80
    assert set(split_samples((x, None), 0.25, 0, name="d").train) == {"x"}


def test_the_verb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    x, y = some()
    np.savez("d.npz", x=x, y=y)
    told = CliRunner().invoke(app, ["split", "d.npz", "--json", "--test-share", "0.5"])
    document = json.loads(told.stdout)
    assert (document["train"], document["test"]) == ("d-train.npz", "d-test.npz")
    assert document["train_samples"] + document["test_samples"] == 200
    assert document["stratified"] and set(document["classes"]) == {"0", "1", "2"}
    shown = CliRunner().invoke(app, ["split", "d.npz"])
    assert "--data d-train.npz --test-data d-test.npz" in shown.stdout


def test_refusals(tmp_path: Path) -> None:
    x, y = some()
    np.savez(tmp_path / "own.npz", x=x, y=y, x_test=x, y_test=y)
    with pytest.raises(InputDataError, match="has a test set of its own already"):
        split(tmp_path / "own.npz", out=tmp_path)
    with pytest.raises(UsageError, match="share: is 1"):
        split((x, y), share=1.0, out=tmp_path)
    with pytest.raises(UsageError, match=r"does not exist\. Fix: create it first"):
        split((x, y), out=tmp_path / "none")
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match=r"is a file, not a folder\. Fix: name a folder"):
        split((x, y), out=tmp_path / "file")
    with pytest.raises(UsageError, match=r"file, which is a file\. Fix: name another place"):
        split((x, y), out=tmp_path / "file" / "deep")
    with pytest.raises(InputDataError, match="leaves one side empty"):
        split((x[:1], y[:1]), out=tmp_path)
    np.savez(tmp_path / "d-train.npz", x=x, y=y)
    assert split(tmp_path / "d-train.npz", out=tmp_path).train.name == "d-train-train.npz"
