"""Samples from every kind of source; splits that share nothing; errors by their text."""

from __future__ import annotations

import numpy as np
import pytest

from fpgacomp.data.labelled import Samples, checked_samples, load_data, load_test_samples
from fpgacomp.data.sources import read_source
from fpgacomp.data.tasks import OutputForm, TaskRequest
from fpgacomp.errors import InputDataError, UsageError


def some(count=400, classes=4, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(count, 1, 4, 4)).astype(np.float32), rng.integers(0, classes, count)


def rows(samples):
    return {row.tobytes() for row in samples.x}


def test_splits_share_no_sample_and_lose_none():
    x, y = some()
    data = load_data((x, y))
    splits = [rows(split) for split in (data.train, data.validation, data.test)]
    assert sum(map(len, splits)) == len(x) == len(set.union(*splits))
    assert 0.2 < len(data.test) / len(x) < 0.3


def test_order_and_company_do_not_move_a_sample():
    x, y = some()
    order = np.random.default_rng(1).permutation(len(x))
    whole, shuffled = load_data((x, y)), load_data((x[order], y[order]))
    half = load_data((x[:200], y[:200]))
    assert rows(whole.test) == rows(shuffled.test)
    assert rows(half.test) <= rows(whole.test)
    assert rows(half.validation) <= rows(whole.validation)


def test_evenly_taken_samples_are_of_all_classes():
    x, y = some()
    samples = Samples(x, np.sort(y))
    assert set(samples.evenly(20).y) == set(range(4))
    assert len(samples.evenly(20)) == 20 and samples.evenly(400) is samples


def test_duplicates_stay_together():
    x, y = some(100)
    data = load_data((np.concatenate([x, x]), np.concatenate([y, y])))
    assert not rows(data.train) & rows(data.test)
    assert not rows(data.train) & rows(data.validation)


def test_training_samples_of_the_test_set_are_dropped_and_counted():
    x, y = some()
    data = load_data((x, y), test=(x[:50], y[:50]))
    assert len(data.test) == 50
    assert not rows(data.train) & rows(data.test)
    assert data.notes == ("50 training samples that are in the test set were left out",)


def test_sources_agree(tmp_path, monkeypatch):
    x, y = some()
    np.savez(tmp_path / "a.npz", x=x, y=y)
    one_hot = np.eye(4, dtype=np.float32)[y]
    np.savez(tmp_path / "b.npz", x=x, y=one_hot)
    (tmp_path / "given.py").write_text(
        f"import numpy as np\ndef samples():\n    d = np.load({str(tmp_path / 'a.npz')!r})\n"
        "    return d['x'], d['y']\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    sources = [(x, y), {"x": x, "y": y}, lambda: (x, y), tmp_path / "a.npz", tmp_path / "b.npz",
               f"{tmp_path}/given.py:samples", "given:samples"]  # fmt: skip
    found = [load_data(source) for source in sources]
    for data in found[1:]:
        for split in ("train", "validation", "test"):
            np.testing.assert_array_equal(getattr(data, split).x, getattr(found[0], split).x)
            np.testing.assert_array_equal(getattr(data, split).y, getattr(found[0], split).y)


def test_npz_with_a_test_set_of_its_own(tmp_path):
    (x, y), (xt, yt) = some(), some(60, seed=5)
    np.savez(tmp_path / "m.npz", x_train=x, y_train=y, x_test=xt, y_test=yt)
    data = load_data(tmp_path / "m.npz")
    np.testing.assert_array_equal(data.test.x, xt)
    assert len(data.train) + len(data.validation) == len(x)


@pytest.mark.parametrize("split", [False, True])
def test_image_folders(tmp_path, split):
    image = pytest.importorskip("PIL.Image")
    rng = np.random.default_rng(0)
    for part in ("train", "test") if split else ("",):
        for label in ("cat", "dog"):
            folder = tmp_path / part / label
            folder.mkdir(parents=True)
            for number in range(40):
                pixels = rng.integers(0, 256, (6, 5, 3), dtype=np.uint8)
                image.fromarray(pixels).save(folder / f"{number}.png")
    data = load_data(tmp_path)
    assert data.shape == (3, 6, 5)
    assert set(data.train.y) == {0, 1}
    assert data.train.x.max() <= 1
    assert len(data.test) == 80 or not split


def test_images_of_another_size_are_refused(tmp_path):
    image = pytest.importorskip("PIL.Image")
    for label, size in (("a", (4, 4)), ("b", (4, 5))):
        (tmp_path / label).mkdir()
        image.fromarray(np.zeros(size, np.uint8)).save(tmp_path / label / "0.png")
    with pytest.raises(
        InputDataError, match=r"is of shape \[1, 4, 5\], the first image \[1, 4, 4\]"
    ):
        load_data(tmp_path)


def broken(x, y):
    nan = x.copy()
    nan[7] = np.nan
    huge = x.astype(np.float64)
    huge[3, 0, 0, 0] = 1e300
    return {
        "10 samples and 9 labels": (x[:10], y[:9]),
        r"x: 16 values are NaN or infinite, the first at index \(7, 0, 0, 0\)": (nan, y),
        "x: 1 values are beyond the range of float32": (
            np.where(x == x.max(), 1e300, x.astype(float)),
            y,
        ),
        "labels: holds numbers beyond the range of float32": (x, np.where(y == 1, 1e39, y)),
        "give numbers": (np.array(["a"] * 10), y[:10]),
        "leaves no sample for the": (x[:2], y[:2]),
        "name them x and y": {"images": x},
        "is a int": lambda: 3,
        "no file": "missing.npz",
        "no .npz, no folder": "missing",
        "cannot be imported": "no_such_module:f",
        "has no function f": "math:f",
    }


@pytest.mark.parametrize("text", broken(*some()))
def test_what_is_wrong_is_said(text):
    with pytest.raises(InputDataError, match=text.replace("no file", "there is no such file")):
        load_data(broken(*some())[text])


def test_a_test_set_that_is_the_training_set_is_refused():
    x, y = some()
    with pytest.raises(InputDataError, match="holds every sample of the training set"):
        load_data((x, y), test=(x, y))


def test_shapes_and_outputs_are_checked_against_the_network():
    data = load_data(some())
    assert data.reshaped((4, 4)).shape == (4, 4)
    with pytest.raises(InputDataError, match=r"shape \[1, 4, 4\], the network takes \[16\]"):
        data.reshaped((16,))
    with pytest.raises(InputDataError, match="is 3, the network has 3 classes"):
        data.for_task((OutputForm("y", (3,)),))


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (lambda y: np.where(y == 3, 5, y), "no training sample of class 3, 4"),
        (lambda y: np.zeros_like(y), "samples of one class"),
        (lambda y: y + 0.5, "1 a sample, the output y has 6 values"),
        (lambda y: y - 1.0, "is -1.0, the network has 6 classes"),
    ],
)
def test_labels_are_checked_against_the_task(change, text):
    x, y = some()
    data = load_data((x, change(y)))
    with pytest.raises(InputDataError, match=text):
        data.for_task((OutputForm("y", (6,)),))


def test_labels_by_output_are_kept_apart(tmp_path):
    x, y = some()
    arrays = {"x": x, "y_b": y % 2, "y_a": 1 - y % 2, "x_test": x[:9] + 1, "y_test_a": y[:9],
              "y_test_b": y[:9]}  # fmt: skip
    np.savez(tmp_path / "d.npz", **arrays)
    data = load_data(tmp_path / "d.npz")
    assert data.columns == (("a", 1), ("b", 1)) and len(data.test) == 9
    found = data.labels_of(data.train.y)
    assert np.array_equal(found["a"] + found["b"], np.ones((len(data.train), 1)))
    one = load_data((x, {"only": y}))
    assert np.array_equal(np.unique(one.labels_of(one.test.y)["only"]), np.arange(4))


def test_one_hot_training_labels_go_with_class_numbers_of_a_test_set():
    (x, y), (xt, yt) = some(), some(60, seed=5)
    data = load_data((x, np.eye(4)[y]), test=(xt, yt))
    assert data.train.y.dtype == np.int64 and data.train.y.ndim == 1
    with pytest.raises(InputDataError, match="give both the same kind of labels"):
        load_data((x, np.eye(4)[y] / 2), test=(xt, yt))


def test_samples_without_labels_are_for_autoencoders(tmp_path):
    x, _ = some()
    np.savez(tmp_path / "x.npz", x=x)
    data = load_data(tmp_path / "x.npz")
    assert not data.is_labelled and data.is_held_out
    known = data.for_task((OutputForm("y", (16,)),))
    assert known.task.kind == "reconstruction"
    assert np.array_equal(known.test.y, known.test.x.reshape(-1, 16))
    with pytest.raises(InputDataError, match="there are no labels"):
        data.for_task((OutputForm("y", (3,)),))


def test_lists_of_two_samples_are_samples_and_not_two_data_sets():
    x, _ = some()
    flat = x.reshape(len(x), -1)
    for pair in ((flat[:2].tolist(), [0, 1]), (flat[:2].tolist(), [[1, 0], [0, 1]]),
                 (x[:2].tolist(), [0, 1]), [list(flat[:2]), (0, 1)]):  # fmt: skip
        found = read_source(pair, "d")
        assert found.train[0].shape[0] == 2 and found.test is None
    both = read_source(((flat[:4], [0, 1, 0, 1]), (flat[4:6].tolist(), [0, 1])), "d")
    assert both.test is not None and both.test[0].shape == (2, 16)


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (([[1.0, 2.0], [3.0]], [0, 1]), "d, x: is no array .*inhomogeneous"),
        ((np.zeros((3, 2)), {"a": [[1, 2], [3]]}), "d, labels of a: is no array"),
        ((np.zeros((3, 2)), np.zeros(3), np.zeros(3)), "is a tuple of 3 parts"),
        (lambda: None, "is a NoneType"),
        (lambda: (None, None), "x is object of shape"),
        (lambda: {1: np.zeros((3, 2))}, "holds the arrays 1"),
    ],
)
def test_data_that_are_no_arrays(data, text):
    with pytest.raises(InputDataError, match=text):
        checked_samples(read_source(data, "d").train, "d")


def test_zero_and_minus_zero_are_one_sample():
    x, y = some(100)
    x[:, 0, 0, 0] = 0
    data = load_data((x, y), test=(np.where(x == 0, -0.0, x)[:10], y[:10]))
    assert data.notes == ("10 training samples that are in the test set were left out",)


def test_large_whole_numbers_stay_as_they_are():
    """As class numbers they would be cut to int64, and scored as other numbers."""
    x, _ = some(100)
    labels = np.arange(100) * 1e20
    data = load_data((x, labels)).for_task((OutputForm("y", (1,)),))
    assert data.known_task.kind == "regression"
    assert set(data.train.y[:, 0]) <= set(labels.astype(np.float32))


def test_few_class_numbers_far_apart_are_told_without_counting_to_them():
    x, _ = some(100)
    data = load_data((x, np.arange(100) % 2 * (2**31 - 2)))
    with pytest.raises(InputDataError, match="no training sample of class 1, 2, 3"):
        data.for_task((OutputForm("y", (1,), integer=True),))
    huge = load_data((x, np.arange(100) % 2 * 1e30))
    with pytest.raises(InputDataError, match=r"is 1e\+30, which is no class"):
        huge.for_task((OutputForm("y", (1,), integer=True),))


FORMS = (OutputForm("bin", (1,)), OutputForm("cls", (3,)), OutputForm("reg", (1,)))


def several(count=200):
    x, _ = some(count)
    rng = np.random.default_rng(1)
    return load_data(
        (x, {"bin": np.arange(count) % 4 // 3, "cls": np.arange(count) % 3,
             "reg": rng.normal(size=count)})
    )  # fmt: skip


def test_balanced_weights_of_several_outputs():
    task = several().for_task(FORMS, TaskRequest(class_weights="balanced")).known_task
    weights = {part.form.name: part.class_weights for part in task.parts}
    assert len(weights["bin"]) == 2 and weights["bin"][1] > 2 * weights["bin"][0]
    assert len(weights["cls"]) == 3 and weights["reg"] == ()
    one = {"bin": np.array([1.0, 4.0])}
    task = several().for_task(FORMS, TaskRequest(class_weights=one)).known_task
    assert [part.class_weights for part in task.parts] == [(1.0, 4.0), (), ()]


@pytest.mark.parametrize(
    ("weights", "text"),
    [
        (np.ones(3), r"one array for 2 outputs.*bin, cls.*\.npz.*np.savez\(file, bin=..., cls=..."),
        (
            {"bin": np.ones(2), "clas": np.ones(3)},
            "hold clas, and the outputs with classes are bin",
        ),
        ({"arr_0": np.ones(2)}, "hold arr_0"),
        ({}, "hold no array"),
        ({"bin": np.ones(3)}, "of bin: are 3 numbers for 2 classes"),
        ({"bin": np.array([1, -2.0])}, "of bin: hold -2"),
        ({"bin": np.array([1, 1e300])}, r"of bin: hold 1e\+300"),
        ({"bin": np.zeros(2)}, "of bin: hold nothing but 0"),
        ({"bin": np.array(["a", "b"])}, "of bin: are of type <U1"),
    ],
)
def test_class_weights_that_go_with_no_output(weights, text):
    with pytest.raises(UsageError, match=text):
        several().for_task(FORMS, TaskRequest(class_weights=weights))


def test_equal_labels_have_no_spread():
    """The mean of equal numbers may differ from them by a rounding, as that of 0.1 does."""
    x, _ = some(100)
    data = load_data((x, np.full(100, 0.1))).for_task((OutputForm("y", (1,)),))
    assert data.known_task.parts[0].spread == (1.0,)


def test_a_test_set_has_its_own_name():
    x, y = some()
    assert load_data((x, y)).test_name is None
    data = load_data((x[:300], y[:300]), test=lambda: (x[300:], y[300:]))
    assert data.name == "data" and data.test_name == "<lambda>"
    with pytest.raises(InputDataError, match="<lambda>: has 9 samples and 100 labels"):
        load_data((x[:300], y[:300]), test=lambda: (x[:9], y[300:]))


def test_samples_to_check_with_are_used_whole():
    x, y = some(3)
    assert len(load_test_samples((x, y)).test) == 3
    both = load_test_samples(((x[:2], y[:2]), (x[2:], y[2:])))
    assert len(both.test) == 1 and not both.is_held_out and both.shape == (1, 4, 4)


def test_a_single_array_given_as_labelled_samples(tmp_path):
    path = tmp_path / "x.npy"
    np.save(path, some()[0])
    with pytest.raises(InputDataError, match=r"np.savez\(file, x=x, y=y\)"):
        load_data(path)
