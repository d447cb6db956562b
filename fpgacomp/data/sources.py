"""Reads labelled samples from a .npz, a folder of images, a function, or arrays in memory."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from fpgacomp.data.images import SamplePair, image_folder
from fpgacomp.data.numpy_files import read_arrays
from fpgacomp.data.user_code import call_users, user_function
from fpgacomp.errors import InputDataError, MissingInputData
from fpgacomp.ir.types import AnyArray, NamedArrays

DataSource = (
    str | Path | NamedArrays | SamplePair | tuple[SamplePair, SamplePair] | Callable[[], Any]
)
"""A .npz, a folder, "module:function" or "file.py:function"; arrays by name; (x, y);
((x, y), (x, y) of the test set); or a function that returns one of these."""

_SAVE = "save it with np.savez(file, x=x, y=y)."


@dataclass(frozen=True)
class SourceArrays:
    """What a source holds.

    Args:
        train: (x, y) of the samples.
        test: (x, y) of the test set; None where the source has none.
        others: arrays by name that are neither samples nor labels.
    """

    train: SamplePair
    test: SamplePair | None = None
    others: NamedArrays = field(default_factory=dict)


def source_name(source: DataSource) -> str:
    """Return what messages call a source: its path, its function's name, or "data"."""
    if isinstance(source, str | Path):
        return str(source)
    return getattr(source, "__name__", "data")


def read_source(source: DataSource, name: str) -> SourceArrays:
    """Read a source.

    Args:
        source: where the samples come from; see `DataSource`.
        name: what messages call it.

    Raises:
        InputDataError: not there, not readable, in none of the forms of `DataSource`, or a
            function that raises an exception.
        ToolError: it holds images, and Pillow is not installed.
    """
    if isinstance(source, str | Path):
        return _read_path(str(source))
    given: Any = source
    if callable(given):
        given = call_users(
            given, fix="mend the function: it takes no argument and returns (x, y), two arrays."
        )
    if isinstance(given, Mapping):
        return _from_arrays({str(key): array for key, array in given.items()}, name)
    if isinstance(given, tuple | list) and len(given) == 2:
        if any(_is_single(part) for part in given):
            why = "holds a single value where samples or labels belong."
            raise InputDataError(name, why, "give (x, y), two arrays along the samples.")
        if all(_is_pair(part) for part in given):
            pairs: Any = given
            (x, y), (x_test, y_test) = pairs
            return SourceArrays(_pair(x, y, name), _pair(x_test, y_test, f"{name}, test set"))
        return SourceArrays(_pair(given[0], given[1], name))
    what = type(given).__name__
    if isinstance(given, tuple | list):
        what = f"{what} of {len(given)} parts"
    raise InputDataError(name, f"is a {what}.", "give (x, y), or a mapping with x and y.")


def _is_single(part: object) -> bool:
    """Whether the part is neither an array of samples or labels nor a pair of them."""
    return part is not None and not isinstance(part, Mapping) and _depth(part) == 0


def _is_pair(part: object) -> bool:
    """Whether the part is (x, y), and not two samples or the labels of two samples.

    Samples have an axis of samples and one of values at least, and labels one of samples.
    """
    if not isinstance(part, tuple | list) or len(part) != 2:
        return False
    x, y = part
    return _depth(x) >= 2 and (y is None or isinstance(y, Mapping) or _depth(y) >= 1)


def _depth(part: Any) -> int:
    """How many axes an array has, or how deep lists are nested."""
    if isinstance(part, list | tuple):
        return 1 + (_depth(part[0]) if part else 0)
    return np.ndim(part) if hasattr(part, "__array__") else 0


def _read_path(text: str) -> SourceArrays:
    path = Path(text)
    if path.is_dir():
        return SourceArrays(*image_folder(path))
    if path.suffix == ".npz":
        arrays = read_arrays(path, wanted="a .npz with x and y")
        if isinstance(arrays, np.ndarray):
            raise InputDataError(text, "holds one array without a name.", _SAVE)
        return _from_arrays(arrays, text)
    if ":" in text:
        return read_source(user_function(text), text)
    if path.suffix == ".npy" and path.exists():
        raise InputDataError(
            text, "holds one array, and labels belong beside it.",
            "give a .npz file with arrays x and y: np.savez(file, x=x, y=y).",
        )  # fmt: skip
    kind = InputDataError if path.exists() else MissingInputData
    raise kind(
        text,
        "is no .npz, no folder and no function.",
        "give samples.npz, a folder of one folder per class, or module:function.",
    )


def _pair(x: Any, y: Any, name: str) -> SamplePair:
    """Inputs and labels as arrays; labels may be a mapping by output name, or None."""
    if isinstance(y, Mapping):
        return _array(x, f"{name}, x"), {
            str(key): _array(labels, f"{name}, labels of {key}") for key, labels in y.items()
        }
    return _array(x, f"{name}, x"), None if y is None else _array(y, f"{name}, labels")


def _array(given: Any, where: str) -> AnyArray:
    """An array of what a user's code gave: rows of unequal length and the like make none."""
    try:
        return np.asarray(given)
    except Exception as error:  # whatever an object's own conversion raises
        why = " ".join(str(error).split())[:200].rstrip(".")
        raise InputDataError(
            where, f"is no array ({why}).", "give numpy arrays of numbers."
        ) from error


def _from_arrays(arrays: NamedArrays, name: str) -> SourceArrays:
    """Samples and labels by the names of their arrays: x and y, or x_train and y_train."""
    given = [x for x in ("x", "x_train") if x in arrays]
    if not given:
        raise InputDataError(
            name,
            f"holds the arrays {', '.join(sorted(arrays)) or 'none'}.",
            "name them x and y (and x_test, y_test for a test set of its own).",
        )
    if len(given) == 2:
        raise InputDataError(
            name, "holds x and x_train, and only one can be the training samples.",
            "give one of them.",
        )  # fmt: skip
    (x,) = given
    labels = {part: _label_names(arrays, f"y{part}", name) for part in ("", "_train", "_test")}
    for part, names in labels.items():
        if names and f"x{part}" not in arrays:
            raise InputDataError(
                name, f"holds {', '.join(names)} and no x{part}.",
                f"add the samples of these labels as x{part}, or leave the labels out.",
            )  # fmt: skip
    train_labels, test_labels = labels[x.removeprefix("x")], labels["_test"]
    test = None
    if "x_test" in arrays:
        test = _pair(arrays["x_test"], _labels_in(arrays, test_labels), f"{name}, test set")
    used = {x, "x_test", *train_labels, *test_labels}
    others = {key: _array(a, f"{name}, {key}") for key, a in arrays.items() if key not in used}
    return SourceArrays(_pair(arrays[x], _labels_in(arrays, train_labels), name), test, others)


def _label_names(arrays: NamedArrays, name: str, where: str) -> dict[str, str]:
    """Names of the arrays that are labels -> the output's name, or "" where they name none.

    These are the array of this name, or those of this name, an underscore and an output's name.

    Raises:
        InputDataError: there is one of both kinds, so that one would have to be left out.
    """
    other_parts = () if name != "y" else ("y_train", "y_test")
    found = {
        key: key.removeprefix(f"{name}_")
        for key in arrays
        if key.startswith(f"{name}_")
        and not (key in other_parts or key.startswith(tuple(f"{p}_" for p in other_parts)))
    }
    if name not in arrays:
        return found
    if found:
        raise InputDataError(
            where,
            f"holds {name} and {', '.join(found)}, and labels are either those of one output or "
            "named after the outputs.",
            f"leave {name} out, or call it {name}_OUTPUT after its output.",
        )
    return {name: ""}


def _labels_in(arrays: NamedArrays, names: Mapping[str, str]) -> AnyArray | NamedArrays | None:
    """The labels of these names; by output where they name outputs, None where there are none."""
    if not names:
        return None
    by_output = {output: arrays[key] for key, output in names.items()}
    return by_output.get("", by_output)
