"""Arrays whose headers promise more than they hold, or code, are refused before memory is taken."""

from __future__ import annotations

import io
import pickle
import zipfile
from pathlib import Path

import numpy as np
import pytest
from numpy.lib import format as npy

from fpgacomp.data import numpy_files
from fpgacomp.data.labels import check_classes, load_labels
from fpgacomp.data.numpy_files import read_arrays
from fpgacomp.errors import InputDataError
from fpgacomp.report.answers import score_answers


def header(shape: tuple[int, ...], dtype: str = "<f4", rest: bytes = b"") -> bytes:
    """A .npy file with a header of its own choosing."""
    written = io.BytesIO()
    npy.write_array_header_2_0(written, {"shape": shape, "fortran_order": False, "descr": dtype})
    return written.getvalue() + rest


def npz(path: Path, *members: tuple[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return path


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (
            header((1 << 40, 1 << 40)),
            r"asks 4,.* GB for shape \[1099511627776, ",
        ),
        (header((1 << 20, 4), "<f8"), "more than the file holds"),
        (header((4,), "<U1000000"), "more than the file holds"),
        (header((-4, -4)), "more than the file holds"),
        (header((4,), "|O", pickle.dumps([print])), "Python objects, which are code"),
        (header((1,)).replace(b"(1,)", b"None"), "numpy cannot read it"),
        (b"\x93NUMPY\x09\x00" + bytes(100), "numpy cannot read it"),
        (b"\x93NUMPY\x01\x00\xff\xff" + b"(" * 9000, "numpy cannot read it"),
        (b"\x93NUM", "no numpy file"),
        (b"", "is empty"),
        (
            "größe,2\n1,2\n".encode(),
            r"is text. Fix: load it with np.loadtxt\(file, ",
        ),
        (b"PK\x03\x04 and nothing more", "numpy cannot read it"),
        (pickle.dumps(np.zeros(3)), "Python objects, or is no numpy file"),
    ],
)
def test_a_header_is_held_against_the_file(tmp_path: Path, content: bytes, why: str) -> None:
    path = tmp_path / "x.npy"
    path.write_bytes(content)
    with pytest.raises(InputDataError, match=why) as refused:
        read_arrays(path, wanted="a .npy file")
    assert refused.value.where == str(path) and refused.value.fix


def test_an_archive_is_held_against_its_headers(tmp_path: Path) -> None:
    fine = io.BytesIO()
    np.save(fine, np.arange(4))
    for name, content, why in (
        ("x.npy", header((1 << 30,)), "array x: its header says shape"),
        ("x.npy", header((1,), "|O"), "array x: it holds Python objects"),
        ("readme.txt", b"text", "'readme.txt' which is no array"),
    ):
        path = npz(tmp_path / "x.npz", ("y.npy", fine.getvalue()), (name, content))
        with pytest.raises(InputDataError, match=why):
            read_arrays(path, wanted="a .npz file")
    with pytest.warns(UserWarning, match="Duplicate name"):
        path = npz(tmp_path / "x.npz", ("y.npy", fine.getvalue()), ("y.npy", fine.getvalue()))
    with pytest.raises(InputDataError, match=r"'y\.npy' twice"):
        read_arrays(path, wanted="a .npz file")


def test_an_archive_that_unpacks_beyond_the_budget_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(numpy_files, "BUDGET_BYTES", 1 << 20)
    zeros = header((1 << 20,), "<f4", bytes(4 << 20))
    path = npz(tmp_path / "x.npz", ("x.npy", zeros))
    assert path.stat().st_size < 1 << 16
    with pytest.raises(InputDataError, match=r"asks 0\.0 GB; the budget is"):
        read_arrays(path, wanted="a .npz file")


@pytest.mark.parametrize("compressed", [False, True])
def test_honest_arrays_are_read(tmp_path: Path, compressed: bool) -> None:
    arrays = {"x": np.arange(12.0).reshape(3, 4), "t": np.asfortranarray(np.eye(3, dtype="i1"))}
    save = np.savez_compressed if compressed else np.savez
    save(tmp_path / "x.npz", **arrays)  # type: ignore[arg-type]
    read = read_arrays(tmp_path / "x.npz", wanted="a .npz file")
    assert isinstance(read, dict) and read.keys() == arrays.keys()
    for name, array in arrays.items():
        assert np.array_equal(read[name], array) and read[name].dtype == array.dtype
    np.save(tmp_path / "x.npy", arrays["t"])
    assert np.array_equal(read_arrays(tmp_path / "x.npy", wanted="a .npy file"), arrays["t"])


def test_labels_that_are_no_classes_are_refused() -> None:
    with pytest.raises(InputDataError, match="NaN or an infinity, the first for sample 1"):
        load_labels(np.array([0.0, np.nan]), 2, 2)
    for bad in (7, -1, 0.5):
        with pytest.raises(InputDataError, match=rf"sample 1 is {bad}.*, the network has 3 c"):
            check_classes(np.array([0, bad]), 3)
    check_classes(np.array([0.0, 2.0]), 3)
    outputs = {"y": np.eye(3)}
    assert score_answers(outputs, np.array([0, 1, 2])).accuracy["top1"] == 1.0
    with pytest.raises(InputDataError, match="number the classes 0 to 2"):
        score_answers(outputs, np.array([0, 1, 99]))
