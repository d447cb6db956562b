"""The companion arrays of a text: a .npz whose content is checked before it is believed."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from math import prod
from typing import IO

import numpy as np

from fpgacomp.errors import ModelError
from fpgacomp.ir.types import IntArray, Ints

# Far above any network that fits an FPGA; a file that unpacks to more is refused unread.
MOST_BYTES = 1 << 30
# What zipfile, zlib and numpy raise for files that are damaged, encrypted or of another format.
_UNREADABLE = (
    zipfile.BadZipFile, zlib.error, OSError, EOFError, ValueError, RuntimeError, KeyError,
    struct.error, OverflowError, MemoryError,
)  # fmt: skip
_FIX = "write the file again with `fpgacomp show ... --arrays FILE.npz`."


def arrays_to_npz(arrays: Mapping[str, Ints]) -> bytes:
    """The arrays as the bytes of a compressed .npz, each under its digest.

    The same arrays give the same bytes.
    """
    buffer = io.BytesIO()
    narrow = {digest: _narrow(arrays[digest].array) for digest in sorted(arrays)}
    np.savez_compressed(buffer, **narrow)  # type: ignore[arg-type]
    return buffer.getvalue()


def arrays_from_npz(content: bytes, *, source: str = "arrays.npz") -> dict[str, Ints]:
    """The arrays of a .npz by their digest.

    Args:
        content: the bytes of the file; nothing in it is executed or unpickled.
        source: what errors call the file.

    Raises:
        ModelError: no .npz of integers, too large, or an array that is not what its digest says.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            total = sum(member.file_size for member in archive.infolist())
            if total > MOST_BYTES:
                raise ModelError(source, f"unpacks to {total:,} bytes, more than {MOST_BYTES:,}.",
                                 "leave out the arrays that the text does not name.")  # fmt: skip
            arrays = dict(_members(archive))
    except _UNREADABLE as error:
        raise ModelError(source, f"is no .npz of integers ({error}).", _FIX) from error
    for digest, values in arrays.items():
        if values.digest != digest:
            raise ModelError(source, f"its array {digest[:12]} has another digest.", _FIX)
    return arrays


def _members(archive: zipfile.ZipFile) -> Iterator[tuple[str, Ints]]:
    for member in archive.infolist():
        with archive.open(member) as file:
            yield member.filename.removesuffix(".npy"), Ints(_read(file, member))


def _read(file: IO[bytes], member: zipfile.ZipInfo) -> IntArray:
    """The array of one member, having compared what its header claims with what is there."""
    version = np.lib.format.read_magic(file)
    if version == (1, 0):
        shape, fortran, dtype = np.lib.format.read_array_header_1_0(file)
    elif version == (2, 0):
        shape, fortran, dtype = np.lib.format.read_array_header_2_0(file)
    else:
        raise ValueError(f"{member.filename} has version {version} of the .npy format")
    if dtype.kind not in "iu" or fortran:
        raise ValueError(f"{member.filename} holds {dtype}, or is not in row-major order")
    size = prod(shape) * dtype.itemsize
    if min(shape, default=0) < 0 or size > member.file_size:
        raise ValueError(f"{member.filename} claims shape {shape} but holds less")
    values = np.frombuffer(file.read(size), dtype=dtype).reshape(shape)
    if dtype.kind == "u" and values.size and int(values.max()) > np.iinfo(np.int64).max:
        raise ValueError(f"{member.filename} holds an integer beyond 64 signed bits")
    return values.astype(np.int64)


def _narrow(values: IntArray) -> np.ndarray[tuple[int, ...], np.dtype[np.signedinteger]]:
    """The same integers in the narrowest signed type that holds them."""
    low, high = int(values.min(initial=0)), int(values.max(initial=0))
    fitting = (
        width for width in (np.int8, np.int16, np.int32, np.int64)
        if np.iinfo(width).min <= low and high <= np.iinfo(width).max
    )  # fmt: skip
    return values.astype(next(fitting))
