"""Reads labelled samples from a .npz, a folder of images, a function, or arrays in memory."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from fpgacomp.data.images import SamplePair, image_folder
from fpgacomp.data.numpy_files import read_arrays
from fpgacomp.errors import InputDataError, MissingInputData
from fpgacomp.ir.types import AnyArray, NamedArrays

DataSource = (
    str | Path | NamedArrays | SamplePair | tuple[SamplePair, SamplePair] | Callable[[], Any]
)
"""A .npz, a folder, "module:function" or "file.py:function"; arrays by name; (x, y);
((x, y), (x, y) of the test set); or a function that returns one of these."""

_SAVE = "save it with np.savez(file, x=x, y=y)."


def source_name(source: DataSource) -> str:
    """Return what messages call a source: its path, its function's name, or "data"."""
    if isinstance(source, str | Path):
        return str(source)
    return getattr(source, "__name__", "data")


def read_source(source: DataSource, name: str) -> tuple[SamplePair, SamplePair | None]:
    """Read a source.

    Args:
        source: where the samples come from; see `DataSource`.
        name: what messages call it.

    Returns:
        (x, y) of the samples, and (x, y) of the test set or None where the source has none.

    Raises:
        InputDataError: not there, not readable, or in none of the forms of `DataSource`.
        ToolError: it holds images, and Pillow is not installed.
    """
    if isinstance(source, str | Path):
        return _read_path(str(source))
    if callable(source):
        source = source()
    if isinstance(source, Mapping):
        return _from_arrays(source, name)
    if isinstance(source, tuple | list) and len(source) == 2:
        if any(_is_single(part) for part in source):
            why = "holds a single value where samples or labels belong."
            raise InputDataError(name, why, "give (x, y), two arrays along the samples.")
        if all(_is_pair(part) for part in source):
            pairs: Any = source
            (x, y), (x_test, y_test) = pairs
            return _pair(x, y), _pair(x_test, y_test)
        return _pair(source[0], source[1]), None
    raise InputDataError(
        name, f"is a {type(source).__name__}.", "give (x, y), or a mapping with x and y."
    )


def _is_single(part: object) -> bool:
    """Whether the part is no array, nor arrays by output, nor a pair of them."""
    if isinstance(part, Mapping) or _is_pair(part):
        return False
    return part is not None and np.ndim(np.asarray(part)) == 0


def _is_pair(part: object) -> bool:
    return isinstance(part, tuple | list) and len(part) == 2


def _read_path(text: str) -> tuple[SamplePair, SamplePair | None]:
    path = Path(text)
    if path.is_dir():
        return image_folder(path)
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


def user_function(text: str) -> Callable[..., Any]:
    """Return the function that `module:function` or `file.py:function` names.

    This imports the user's own code, and is called only for a text that the user gave to say so.

    Raises:
        InputDataError: the module cannot be imported, or has no such function.
    """
    place, _, name = text.rpartition(":")
    if not place or not name:
        raise InputDataError(
            text, "names no function.", "write module:function or file.py:function."
        )
    try:
        if place.endswith(".py"):
            spec = importlib.util.spec_from_file_location("fpgacomp_user_data", place)
            assert spec is not None and spec.loader is not None
            module = importlib.util.module_from_spec(spec)
            spec.loader.exec_module(module)
        else:
            module = importlib.import_module(place)
    except (ImportError, OSError) as error:
        raise InputDataError(
            text,
            f"cannot be imported ({error}).",
            "name an importable module, or file.py:function.",
        ) from error
    function = getattr(module, name, None)
    if not callable(function):
        raise InputDataError(text, f"{place} has no function {name}.", "name one that is there.")
    return function  # type: ignore[no-any-return]


def _pair(x: Any, y: Any) -> SamplePair:
    """Inputs and labels as arrays; labels may be a mapping by output name, or None."""
    if isinstance(y, Mapping):
        return np.asarray(x), {str(name): np.asarray(labels) for name, labels in y.items()}
    return np.asarray(x), None if y is None else np.asarray(y)


def _from_arrays(arrays: NamedArrays, name: str) -> tuple[SamplePair, SamplePair | None]:
    for x, y in (("x", "y"), ("x_train", "y_train")):
        if x in arrays:
            test = None
            if "x_test" in arrays:
                test = _pair(arrays["x_test"], _labels_in(arrays, "y_test"))
            return _pair(arrays[x], _labels_in(arrays, y)), test
    raise InputDataError(
        name,
        f"holds the arrays {', '.join(sorted(arrays)) or 'none'}.",
        "name them x and y (and x_test, y_test for a test set of its own).",
    )


def _labels_in(arrays: NamedArrays, name: str) -> AnyArray | NamedArrays | None:
    """The array of this name, or those of this name, an underscore and an output's name."""
    if name in arrays:
        return arrays[name]
    found = {
        key.removeprefix(f"{name}_"): array
        for key, array in arrays.items()
        if key.startswith(f"{name}_")
        and not (name == "y" and (key == "y_test" or key.startswith("y_test_")))
    }
    return found or None
