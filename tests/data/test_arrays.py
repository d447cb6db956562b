"""What a user's .npy and .npz must be, and what is said where they are not."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from fpgacomp.data.arrays import check_inputs, load_inputs
from fpgacomp.errors import InputDataError, Problems
from fpgacomp.network.canonical import input_shapes


def network(**shapes: tuple[int, ...]) -> onnx.ModelProto:
    """A network with these inputs (batch axis included) that does nothing."""
    values = [helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in shapes.items()]
    outputs = [helper.make_empty_tensor_value_info(f"{name}_out") for name in shapes]
    nodes = [helper.make_node("Relu", [name], [f"{name}_out"]) for name in shapes]
    return helper.make_model(helper.make_graph(nodes, "test", values, outputs))


IMAGE = {"image": (8, 8, 3)}
PAIR = {"left": (4,), "right": (2,)}


def save(folder: Path, array: np.ndarray) -> Path:
    path = folder / "x.npy"
    np.save(path, array)
    return path


@pytest.mark.parametrize("dtype", [np.float64, np.float16, np.uint8, np.int64, bool])
def test_real_numbers_become_float32(tmp_path: Path, dtype: type) -> None:
    given = np.ones((5, 8, 8, 3), dtype=dtype)
    loaded = load_inputs(save(tmp_path, given), IMAGE)
    assert loaded["image"].dtype == np.float32
    assert np.array_equal(loaded["image"], given)


def test_one_sample_without_batch_axis_is_accepted(tmp_path: Path) -> None:
    assert load_inputs(save(tmp_path, np.zeros((8, 8, 3))), IMAGE)["image"].shape == (1, 8, 8, 3)


def test_batch_axis_is_never_guessed_where_the_shape_has_as_many_axes() -> None:
    with pytest.raises(InputDataError, match=r"shape \[8, 3\] is not \[N, 8, 8, 3\]"):
        check_inputs({"image": np.zeros((8, 3))}, IMAGE)


def test_npz_by_name_and_single_array_under_any_name(tmp_path: Path) -> None:
    path = tmp_path / "x.npz"
    np.savez(path, left=np.zeros((3, 4)), right=np.ones((3, 2)))
    assert {n: a.shape for n, a in load_inputs(path, PAIR).items()} == {
        "left": (3, 4),
        "right": (3, 2),
    }
    np.savez(path, whatever=np.zeros((2, 8, 8, 3)))
    assert list(load_inputs(path, IMAGE)) == ["image"]


def test_input_shapes_leaves_constants_out() -> None:
    model = network(x=(1, 4), w=(4, 4))
    model.graph.initializer.append(onnx.numpy_helper.from_array(np.zeros((4, 4)), "w"))
    assert input_shapes(model) == {"x": (4,)}


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (
            np.zeros((5, 3, 8, 8)),
            r"shape \[5, 3, 8, 8\] is not \[N, 8, 8, 3\].*transpose\(0, 2, 3, 1",
        ),
        (np.zeros((5, 192)), r"shape \[5, 192\].*array.reshape\(-1, 8, 8, 3\) makes it so"),
        (np.zeros((5, 8, 8, 4)), r"shape \[5, 8, 8, 4\] is not.*give an array of shape \[N, 8"),
        (np.zeros((0, 8, 8, 3)), r"it has no samples"),
        (np.zeros((2, 8, 8, 3), dtype=complex), r"values are of type complex128"),
        (np.full((2, 8, 8, 3), "7"), r"values are of type <U1"),
        (np.full((2, 8, 8, 3), 1e300), r"beyond the range of float32"),
        (np.float32(3), r"shape \[\] is not"),
    ],
)
def test_data_that_does_not_go_with_the_network(
    tmp_path: Path, array: np.ndarray, message: str
) -> None:
    path = save(tmp_path, array)
    with pytest.raises(InputDataError, match=message) as caught:
        load_inputs(path, IMAGE)
    assert caught.value.where == str(path)
    assert caught.value.fix


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_nan_and_infinity_are_counted_and_located(tmp_path: Path, bad: float) -> None:
    array = np.zeros((4, 8, 8, 3))
    array[2, 1, 0, 2] = array[3, 0, 0, 0] = bad
    expected = r"2 values are NaN or infinite, the first at index \(2, 1, 0, 2\)"
    with pytest.raises(InputDataError, match=expected):
        load_inputs(save(tmp_path, array), IMAGE)


def test_pickled_objects_are_never_loaded(tmp_path: Path) -> None:
    with pytest.raises(InputDataError, match="holds Python objects"):
        load_inputs(save(tmp_path, np.array([{"a": 1}], dtype=object)), IMAGE)
    path = tmp_path / "x.npz"
    np.savez(path, image=np.array([{"a": 1}], dtype=object))
    with pytest.raises(InputDataError, match="holds Python objects"):
        load_inputs(path, IMAGE)


def test_files_that_are_not_numpy_data(tmp_path: Path) -> None:
    with pytest.raises(InputDataError, match="there is no such file"):
        load_inputs(tmp_path / "absent.npy", IMAGE)
    text = tmp_path / "text.npy"
    text.write_text("1 2 3")
    with pytest.raises(InputDataError, match=r"is text. Fix: load it with np.loadtxt"):
        load_inputs(text, IMAGE)
    empty = tmp_path / "empty.npy"
    empty.write_bytes(b"")
    with pytest.raises(InputDataError, match="is empty"):
        load_inputs(empty, IMAGE)
    whole = save(tmp_path, np.zeros((5, 8, 8, 3))).read_bytes()
    cut = tmp_path / "cut.npy"
    cut.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputDataError, match="more than the file holds"):
        load_inputs(cut, IMAGE)
    broken = tmp_path / "broken.npz"
    broken.write_bytes(b"PK\x03\x04 not a zip")
    with pytest.raises(InputDataError, match="numpy cannot read it"):
        load_inputs(broken, IMAGE)


def test_one_array_for_a_network_of_two_inputs(tmp_path: Path) -> None:
    with pytest.raises(InputDataError, match=r"np.savez\(file, left=..., right=...\)"):
        load_inputs(save(tmp_path, np.zeros((3, 4))), PAIR)


def test_all_problems_of_a_npz_at_once(tmp_path: Path) -> None:
    path = tmp_path / "x.npz"
    np.savez(path, left=np.zeros((3, 5)), middle=np.zeros((3, 2)))
    with pytest.raises(Problems) as caught:
        load_inputs(path, PAIR)
    text = str(caught.value)
    assert "array middle: the network has no input of this name" in text
    assert "no array for network input right" in text
    assert "array left: shape [3, 5] is not [N, 4]" in text


@pytest.mark.parametrize(
    ("given", "wanted", "fix"),
    [
        ((5, 8, 8, 3), (3, 8, 8), "array.transpose(0, 3, 1, 2) makes it so"),
        ((5, 3, 8, 8), (8, 8, 3), "array.transpose(0, 2, 3, 1) makes it so"),
        ((5, 8, 3, 7), (3, 7, 8), "array.transpose(0, 2, 3, 1) makes it so"),
        ((5, 192), (3, 8, 8), "array.reshape(-1, 3, 8, 8) makes it so, if the axes"),
        ((5, 4, 16, 3), (3, 8, 8), "array.reshape(-1, 3, 8, 8) makes it so, if the axes"),
    ],
)
def test_the_order_of_axes_is_mended_by_a_transpose(
    given: tuple[int, ...], wanted: tuple[int, ...], fix: str
) -> None:
    """A reshape gives the right shape as well, and scrambles every sample."""
    with pytest.raises(InputDataError, match=re.escape(fix)):
        check_inputs({"x": np.zeros(given)}, {"x": wanted})


def test_inputs_with_different_numbers_of_samples() -> None:
    with pytest.raises(InputDataError, match="differ in their number of samples: left 3, right 2"):
        check_inputs({"left": np.zeros((3, 4)), "right": np.zeros((2, 2))}, PAIR)
