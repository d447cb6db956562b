"""Reads a user's .npy and .npz files, and checks samples against a network's inputs."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from itertools import permutations
from math import prod
from pathlib import Path

import numpy as np

from fpgacomp.data.numpy_files import read_arrays
from fpgacomp.errors import FpgacompError, InputDataError, raise_all
from fpgacomp.ir.types import AnyArray, Float32Array, NamedArrays

InputShapes = Mapping[str, tuple[int, ...]]  # by input name, without batch; -1: any size


def load_inputs(
    path: Path, shapes: InputShapes, *, unread: Collection[str] = ()
) -> dict[str, Float32Array]:
    """Return the samples in a file, by input name, as float32 [N, *input shape].

    A .npy goes with a network of one input. A .npz has one array per input, under the
    inputs' names (one array under any name where the network has one input).

    Args:
        path: the .npy or .npz file.
        shapes: of the network's inputs (`fpgacomp.network.canonical.input_shapes`).
        unread: inputs that nothing reads: they may be missing, and become zeros.

    Raises:
        InputDataError, Problems: no such file, not numpy data, or data that does not go
            with the network; every problem at once.
    """
    path = Path(path)
    where = str(path)
    names = [name for name in shapes if name not in unread] or list(shapes)
    loaded = read_arrays(path, wanted="a .npy or .npz file")
    if isinstance(loaded, dict):
        if len(names) == 1 and len(loaded) == 1:
            loaded = {names[0]: next(iter(loaded.values()))}
        return check_inputs(loaded, shapes, where=where, unread=unread)
    if len(names) != 1:
        raise InputDataError(
            where,
            f"one array, but the network has {len(names)} inputs: {', '.join(names)}.",
            "save a .npz with np.savez(file, " + ", ".join(f"{n}=..." for n in names) + ").",
        )
    return check_inputs({names[0]: loaded}, shapes, where=where, unread=unread)


def check_inputs(
    arrays: NamedArrays,
    shapes: InputShapes,
    *,
    where: str = "inputs",
    unread: Collection[str] = (),
) -> dict[str, Float32Array]:
    """Return the arrays as contiguous float32 [N, *input shape].

    One sample without its batch axis gets one; nothing else is guessed.

    Args:
        arrays: by input name, of any type of real numbers.
        shapes: of the network's inputs (`fpgacomp.network.canonical.input_shapes`).
        where: what error messages call the arrays.
        unread: inputs that nothing reads: they may be missing, and become zeros.

    Raises:
        InputDataError: an array that is missing, of another shape, or not finite in float32.
        Problems: every such reason, where there are several.
    """
    problems: list[FpgacompError] = []
    for name in sorted(set(arrays) - set(shapes)):
        problems.append(
            InputDataError(
                f"{where}, array {name}",
                "the network has no input of this name.",
                f"name the arrays {', '.join(shapes)}.",
            )
        )
    for name in [name for name in shapes if name not in arrays and name not in unread]:
        problems.append(
            InputDataError(where, f"no array for network input {name}.", f"add one named {name}.")
        )
    checked = {}
    for name, shape in shapes.items():
        if name in arrays:
            at = f"{where}, array {name}" if len(shapes) > 1 else where
            try:
                checked[name] = _checked(arrays[name], shape, at)
            except InputDataError as problem:
                problems.append(problem)
    counts = {name: len(array) for name, array in checked.items()}
    if len(set(counts.values())) > 1:
        listing = ", ".join(f"{name} {count}" for name, count in counts.items())
        problems.append(
            InputDataError(
                where,
                f"the inputs differ in their number of samples: {listing}.",
                "give every input the same number of samples, in the same order.",
            )
        )
    raise_all(problems)
    count = next(iter(counts.values()), 1)
    zeros = {
        name: np.zeros((count, *map(abs, shapes[name])), np.float32)
        for name in unread
        if name in shapes and name not in checked
    }
    return checked | zeros


def _checked(array: AnyArray, shape: tuple[int, ...], where: str) -> Float32Array:
    check_type(array, where)
    return as_float32(_with_batch(array, shape, where), where)


def check_type(array: AnyArray, where: str) -> None:
    """Refuse an array of anything but real numbers.

    Raises:
        InputDataError: names the type.
    """
    if array.dtype.kind not in "fiub":
        raise InputDataError(
            where,
            f"its values are of type {array.dtype}.",
            "give real numbers (float32, or integers).",
        )


def as_float32(samples: AnyArray, where: str) -> Float32Array:
    """Return samples [N, ...] of real numbers as contiguous float32, in which networks compute.

    Every reader of samples checks them here.

    Raises:
        InputDataError: there is no sample, or a value is not finite in float32.
    """
    if len(samples) == 0:
        raise InputDataError(where, "it has no samples.", "give at least one.")
    if samples.size == 0:
        raise InputDataError(
            where, f"its samples have no values (shape {list(samples.shape)}).", "give some."
        )
    finite = np.isfinite(samples)
    if not finite.all():
        raise InputDataError(
            where,
            f"{np.count_nonzero(~finite)} values are NaN or infinite, the first at index "
            f"{_first_index(~finite)}.",
            "remove or replace these samples.",
        )
    with np.errstate(over="ignore"):
        result = samples.astype(np.float32)
    beyond = ~np.isfinite(result)
    if beyond.any():
        raise InputDataError(
            where,
            f"{np.count_nonzero(beyond)} values are beyond the range of float32 (3.4e38), the "
            f"first at index {_first_index(beyond)}.",
            "scale the data down first.",
        )
    return np.ascontiguousarray(result)


def _first_index(wrong: AnyArray) -> tuple[int, ...]:
    return tuple(int(i) for i in np.argwhere(wrong)[0])


def _with_batch(array: AnyArray, shape: tuple[int, ...], where: str) -> AnyArray:
    """Return the array as [N, *shape]; one sample without its batch axis gets one."""
    if array.ndim == len(shape) + 1 and _fits(array.shape[1:], shape):
        return array
    if array.ndim == len(shape) and _fits(array.shape, shape):
        return array[np.newaxis]
    wanted = ", ".join(["N", *("any" if size < 0 else str(size) for size in shape)])
    fix = f"give an array of shape [{wanted}]."
    if array.ndim and array.size and prod(array.shape[1:]) == abs(prod(shape)):
        if axes := _permutation(array.shape[1:], shape):
            order = ", ".join(map(str, (0, *axes)))
            fix += f" Its axes are in another order: array.transpose({order}) makes it so."
        else:
            target = ", ".join(str(size) for size in shape)
            fix += f" The number of values is right: array.reshape(-1, {target}) makes it so,"
            fix += " if the axes are in this order."
    raise InputDataError(where, f"shape {list(array.shape)} is not [{wanted}].", fix)


def _permutation(given: tuple[int, ...], wanted: tuple[int, ...]) -> tuple[int, ...]:
    """The axes of a sample, counted from 1, in the wanted order; () where it is no order of them.

    Of several, that which moves the channels only: from last to first, or from first to last.
    """
    places = range(1, len(given) + 1)
    orders = ((places[-1], *places[:-1]), (*places[1:], 1), *permutations(places))
    for axes in orders if len(given) == len(wanted) > 1 else ():
        if _fits(tuple(given[axis - 1] for axis in axes), wanted):
            return axes
    return ()


def _fits(given: tuple[int, ...], wanted: tuple[int, ...]) -> bool:
    return len(given) == len(wanted) and all(w < 0 or g == w for g, w in zip(given, wanted))
