"""Training and test files: the same share of each class, no sample twice, in any order alike."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from fpgacomp.cli.app import app
from fpgacomp.data.labelled import load_data
from fpgacomp.data.sources import SourceArrays, read_source
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
    one = split_samples(SourceArrays((x, y)), 0.25, 0, name="d")
    other = split_samples(SourceArrays((x[order], y[order])), 0.25, 0, name="d")
    assert rows(one.test["x"]) == rows(other.test["x"])
    assert rows(split_samples(SourceArrays((x, y)), 0.25, 1, name="d").test["x"]) != rows(
        one.test["x"]
    )


def test_equal_samples_stay_on_one_side() -> None:
    x, y = some(60)
    pair = np.concatenate([x, x]), np.concatenate([y, (y + 1) % 3])
    twice = split_samples(SourceArrays(pair), 0.25, 0, name="d")
    assert not rows(twice.train["x"]) & rows(twice.test["x"])
    assert twice.repeated == 60 and 20 < len(twice.test["x"]) < 40


def test_numbers_and_labels_by_output_are_kept() -> None:
    x, y = some()
    labels = {"a": y + 0.5, "b": y}
    found = split_samples(SourceArrays((x, labels)), 0.4, 0, name="d")
    assert set(found.train) == {"x", "y_a", "y_b"} and not found.classes
    assert np.array_equal(found.test["y_a"], found.test["y_b"] + 0.5)
    assert len(found.test["x"]) == 80
    assert set(split_samples(SourceArrays((x, None)), 0.25, 0, name="d").train) == {"x"}


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
    with pytest.raises(UsageError, match=r"share \(--test-share\): is 1"):
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


def test_samples_that_a_network_cannot_tell_apart_stay_on_one_side() -> None:
    x = np.random.default_rng(0).normal(size=(60, 2, 3)).astype(np.float32).astype(np.float64)
    x[:, 0, 0] = 0.0
    near = x * (1 + 1e-12)  # equal in float32, as -0 and 0 are
    near[:, 0, 0] = -0.0
    found = split_samples(SourceArrays((np.concatenate([x, near]), None)), 0.5, 0, name="d")
    assert found.repeated == 60
    assert not rows(found.train["x"].astype(np.float32) + 0) & rows(
        found.test["x"].astype(np.float32) + 0
    )


def test_other_arrays_go_along_or_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    x, y = some(80)
    ids = np.array([f"id{k}" for k in range(80)])
    np.savez("d.npz", x=x, y=y, ids=ids, names=np.array(["a", "b", "c"]), rate=np.float32(3))
    (tmp_path / "out").mkdir()
    shown = CliRunner().invoke(app, ["split", "d.npz", "--out", "out"])
    assert shown.exit_code == 0 and "no row for each sample: names, rate" in shown.stdout
    by_sample = dict(zip((row.tobytes() for row in x), ids))
    for part in ("train", "test"):
        with np.load(tmp_path / "out" / f"d-{part}.npz") as found:
            assert set(found.files) == {"x", "y", "ids"}
            assert [by_sample[row.tobytes()] for row in found["x"]] == found["ids"].tolist()


def test_an_array_may_have_any_name(tmp_path: Path) -> None:
    x, y = some(40)
    found = split({"x": x, "y": y, "file": np.arange(40)}, out=tmp_path)
    with np.load(found.test) as test:
        assert set(test.files) == {"x", "y", "file"}


X = np.arange(24.0).reshape(8, 3)


@pytest.mark.parametrize(
    ("data", "text"),
    [
        ((np.where(X == 4, np.nan, X), None), r"1 values are NaN or infinite.*\(1, 1\)"),
        ((np.where(X == 4, 1e300, X), None), r"x: 1 values are beyond the range of float32"),
        (
            (X, np.array([0, 1, np.nan, 0, 1, 0, 1, 0])),
            "holds NaN or an infinity, .* sample 2",
        ),
        ((X, np.full(8, 1e39)), "labels: holds numbers beyond the range of float32"),
        ((X, np.array(list("abababab"))), "labels: holds <U1 values"),
        ((X.astype(str), None), "x is <U32 of shape"),
        ({"x": np.float64(3)}, r"x is float64 of shape \[\]"),
        ({"x": np.zeros((0, 3)), "y": np.zeros(0)}, "it has no samples"),
        ({"x": np.zeros((0, 3)), "y_a": np.zeros(0)}, "it has no samples"),
        ({"x": np.zeros((4, 0)), "y": np.zeros(4)}, "its samples have no values"),
        ((X, np.zeros(5)), "8 samples and 5 labels"),
        ((X, {"a": np.zeros(5)}), "8 samples and 5 labels of a"),
        ((X, {"a": np.float64(1)}), r"labels of a: holds float64 values of shape \(\)"),
    ],
)
def test_what_no_verb_reads_is_not_split(data: Any, text: str, tmp_path: Path) -> None:
    """`split` refuses what `load_data` refuses, and in the same words."""
    with pytest.raises(InputDataError, match=text) as refused:
        split(data, out=tmp_path)
    with pytest.raises(InputDataError) as read:
        load_data(data)
    assert str(read.value) == str(refused.value)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("names", "text"),
    [
        (("x", "y", "y_reg"), "holds y and y_reg.*leave y out, or call it y_OUTPUT"),
        (("x", "y", "x_test", "y_test", "y_test_reg"), "holds y_test and y_test_reg"),
        (("x", "x_train", "y"), "holds x and x_train"),
        (("x", "y", "y_train"), "holds y_train and no x_train"),
        (("x_train", "y_train", "y"), "holds y and no x"),
        (("x", "y", "y_test"), "holds y_test and no x_test"),
    ],
)
def test_arrays_of_which_one_would_be_dropped(names: tuple[str, ...], text: str) -> None:
    with pytest.raises(InputDataError, match=text):
        read_source({name: X if name[0] == "x" else np.zeros(8) for name in names}, "d")
