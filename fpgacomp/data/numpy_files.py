"""Reads .npy and .npz files whose headers say no more than the file holds, and never code."""

from __future__ import annotations

import struct
import tokenize
import zipfile
import zlib
from codecs import getincrementaldecoder
from math import prod
from pathlib import Path
from typing import IO

from numpy.lib import format as npy

from fpgacomp.errors import InputDataError, MissingInputData
from fpgacomp.ir.types import AnyArray

BUDGET_BYTES = 4 << 30
"""Most bytes that the arrays of one file may take in memory."""

_TEXT_BYTES = 4096  # of a file's start that tell text from numbers
_ZIP, _NPY = b"PK", b"\x93NUMPY"
_SAVE = "save it with np.save or np.savez."
_PLAIN = "save plain numbers with np.save(file, array.astype(np.float32))."
# Whatever numpy's parser of headers and the decompressors raise for bytes that are none of theirs.
_DAMAGE = (
    *(OSError, EOFError, KeyError, ValueError, TypeError, IndexError, SyntaxError, RecursionError),
    *(MemoryError, OverflowError, RuntimeError, NotImplementedError, AttributeError),
    *(struct.error, tokenize.TokenError, zlib.error, zipfile.BadZipFile),
)


def read_arrays(path: Path, *, wanted: str) -> AnyArray | dict[str, AnyArray]:
    """Return the array of a .npy file, or the arrays of a .npz file by their names.

    Args:
        path: the file.
        wanted: what the file should have been, as the remedy of an error names it:
            "a .npy file", "a .npz with x and y".

    Raises:
        InputDataError: no such file, no plain numpy data in it, or more than the budget.
    """
    where = str(path)
    try:
        is_file = path.is_file()
    except (OSError, ValueError):
        is_file = False
    if not is_file:
        raise MissingInputData(where, "there is no such file.", f"give {wanted}.")
    try:
        with path.open("rb") as file:
            start = file.read(len(_NPY))
            file.seek(0)
            if start.startswith(_ZIP):
                return _read_archive(file, where)
            if not start.startswith(_NPY):
                raise InputDataError(where, *_what_else(file.read(_TEXT_BYTES)))
            return _read_one(file, path.stat().st_size, where)
    except _DAMAGE as problem:
        reason = " ".join(str(problem).split())[:200] or type(problem).__name__
        raise InputDataError(where, f"numpy cannot read it: {reason}.", _SAVE) from problem


def _what_else(start: bytes) -> tuple[str, str]:
    """Why a file that starts like this is no numpy file, and how to make one of it."""
    if not start:
        return "is empty.", "save the array again: np.save(file, array)."
    decoder = getincrementaldecoder("utf-8")()  # the last character may be cut
    try:
        text = decoder.decode(start, final=len(start) < _TEXT_BYTES)
    except UnicodeDecodeError:
        text = "\0"
    if not all(character.isprintable() or character.isspace() for character in text):
        return "it holds Python objects, or is no numpy file.", _PLAIN
    return "is text.", "load it with np.loadtxt(file, delimiter=',') and save it with np.save."


def _read_archive(file: IO[bytes], where: str) -> dict[str, AnyArray]:
    arrays: dict[str, AnyArray] = {}
    with zipfile.ZipFile(file) as archive:
        members = archive.infolist()
        _check_size(sum(member.file_size for member in members), where)
        for member in members:
            name = member.filename.removesuffix(".npy")
            if name in arrays or name == member.filename:
                what = "twice" if name in arrays else "which is no array"
                raise InputDataError(where, f"it holds {member.filename[:80]!r} {what}.", _SAVE)
            with archive.open(member) as inner:
                arrays[name] = _read_one(inner, member.file_size, f"{where}, array {name[:80]}")
    return arrays


def _read_one(file: IO[bytes], size: int, where: str) -> AnyArray:
    """Read one array of a file of `size` bytes, once its header promises no more than these."""
    major, _ = npy.read_magic(file)
    read_header = npy.read_array_header_1_0 if major == 1 else npy.read_array_header_2_0
    shape, _, dtype = read_header(file)
    if dtype.hasobject:
        raise InputDataError(where, "it holds Python objects, which are code.", _PLAIN)
    needed = prod(shape) * dtype.itemsize
    _check_size(needed, where, f" for shape {list(shape)} of {dtype}")
    if any(length < 0 for length in shape) or needed > size - file.tell():
        why = f"its header says shape {list(shape)} of {dtype}, which is more than the file holds."
        raise InputDataError(where, why, "copy or save it again.")
    file.seek(0)
    return npy.read_array(file, allow_pickle=False)


def _check_size(needed: int, where: str, detail: str = "") -> None:
    if needed > BUDGET_BYTES:
        why = f"asks {needed / (1 << 30):,.1f} GB{detail}; the budget is {BUDGET_BYTES >> 30} GB."
        raise InputDataError(where, why, "give fewer samples.")
