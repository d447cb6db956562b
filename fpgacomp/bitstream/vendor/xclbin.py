"""What an .xclbin file of v++ says of itself: its platform, kernels and clock.

The layout is that of `struct axlf` in XRT's xclbin.h: a magic, a header with the length of the
file, and a table of sections, each with its kind, place and size.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from fpgacomp.errors import InputDataError

_MAGIC = b"xclbin2\0"
_LENGTH, _PLATFORM, _COUNT, _SECTIONS = 304, 352, 448, 456  # offsets
_SECTION = struct.Struct("<I16s4xQQ")
_IP_LAYOUT, _CLOCKS = 8, 11
_MOST_SECTIONS, _MOST_ENTRIES = 1000, 10_000
_IP = struct.Struct("<IIQ64s")
_KERNEL = 1  # IP_KERNEL
_CLOCK = struct.Struct("<HB5x128s")
_DATA_CLOCK = 1  # CT_DATA
_FIX = "give the .xclbin file that v++ linked, whole."


@dataclass(frozen=True)
class Xclbin:
    """An .xclbin file.

    Args:
        platform: that it was linked for.
        kernels: `KERNEL:INSTANCE` of each.
        clock_mhz: of the kernels; None where it does not say.
    """

    platform: str
    kernels: tuple[str, ...]
    clock_mhz: int | None


def read_xclbin(content: bytes, where: str) -> Xclbin:
    """What an .xclbin file says.

    Args:
        where: what messages call the file.

    Raises:
        InputDataError: it is none, or is damaged.
    """
    if not content.startswith(_MAGIC) or len(content) < _SECTIONS:
        raise InputDataError(where, "is no .xclbin file.", _FIX)
    (length,) = struct.unpack_from("<Q", content, _LENGTH)
    if length != len(content):
        why = f"was cut off or lengthened: it states {length:,} bytes, and has {len(content):,}."
        raise InputDataError(where, why, _FIX)
    try:
        kernels, clocks = list[str](), list[int]()
        for kind, data in _sections(content):
            if kind == _IP_LAYOUT:
                entries = _entries(data, _IP, "<i4x")
                kernels += [_text(name) for what, _, _, name in entries if what == _KERNEL]
            elif kind == _CLOCKS:
                entries = _entries(data, _CLOCK, "<h")
                clocks += [mhz for mhz, what, _ in entries if what == _DATA_CLOCK]
    except (struct.error, ValueError) as error:
        raise InputDataError(where, f"is damaged ({error}).", _FIX) from error
    platform = _text(content[_PLATFORM : _PLATFORM + 64])
    return Xclbin(platform, tuple(kernels), clocks[0] if clocks else None)


def _sections(content: bytes) -> Iterator[tuple[int, bytes]]:
    """(kind, data) of each section."""
    (count,) = struct.unpack_from("<I", content, _COUNT)
    if count > _MOST_SECTIONS:
        raise ValueError(f"it states {count:,} sections")
    seen: set[int] = set()
    for number in range(count):
        kind, _, offset, size = _SECTION.unpack_from(content, _SECTIONS + number * _SECTION.size)
        if offset + size > len(content):
            raise ValueError(f"section {number} ends behind the file")
        if kind in (_IP_LAYOUT, _CLOCKS):
            # Sections may lie over each other: a small file would state any number of kernels.
            if kind in seen:
                raise ValueError(f"it has two sections of kind {kind}")
            seen.add(kind)
            yield kind, content[offset : offset + size]


def _entries(data: bytes, form: struct.Struct, head: str) -> Iterator[tuple[Any, ...]]:
    """The entries of a section that begins with their number."""
    (count,) = struct.unpack_from(head, data)
    if not 0 <= count <= _MOST_ENTRIES:
        raise ValueError(f"a section states {count} entries")
    first = struct.calcsize(head)
    for number in range(count):
        yield form.unpack_from(data, first + number * form.size)


def _text(padded: bytes) -> str:
    return padded.split(b"\0")[0].decode("ascii", "replace")
