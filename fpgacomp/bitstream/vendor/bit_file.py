"""What a .bit file of Vivado says of itself in its header.

The header has fields with a letter each: `a` the design, `b` the part, `c` and `d` date and time
of its making, `e` the length of the configuration data, which ends the file. The design's field is
`NAME;UserID=0XFFFFFFFF;Version=2022.2`. Vivado leaves `xc` and the speed grade out of the part of
a 7 series device (`7z020clg400`), and writes those of later families whole.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from fpgacomp.errors import InputDataError

_MAGIC = bytes.fromhex("0009 0ff0 0ff0 0ff0 0ff0 00 0001")
_SYNC = bytes.fromhex("aa995566")  # the word that configuration begins with (UG470, UG570)
_SYNC_WITHIN = 4096
_MOST_TEXT = 1024
_VERSION = re.compile(r"(?:^|;)Version=(\d{4}\.\d(?:\.\d)?)(?:;|$)")
_FIX = "give the .bit file that write_bitstream of Vivado made, whole, and not a .bin or .xsa."


@dataclass(frozen=True)
class BitHeader:
    """The header of a .bit file.

    Args:
        design: name of the top module.
        part: the device, as Vivado spells it there.
        made: date and time of its making, as they stand there.
        release: of Vivado; "" where it does not say.
    """

    design: str
    part: str
    made: str
    release: str


def read_bit(content: bytes, where: str) -> BitHeader:
    """The header of a .bit file, which must be whole.

    Args:
        where: what messages call the file.

    Raises:
        InputDataError: it is none, or its data are longer or shorter than its header says.
    """
    if not content.startswith(_MAGIC):
        raise InputDataError(where, "is no .bit file of Vivado.", _FIX)
    at, texts = len(_MAGIC), dict[str, str]()
    for letter in "abcd":
        at, texts[letter] = _field(content, at, letter, where)
    length = content[at + 1 : at + 5]
    if content[at : at + 1] != b"e" or len(length) != 4:
        raise InputDataError(where, "has a damaged header: it states no length.", _FIX)
    stated, there = int.from_bytes(length, "big"), len(content) - at - 5
    if stated != there:
        why = f"was cut off or lengthened: its header states {stated:,} bytes, and has {there:,}."
        raise InputDataError(where, why, _FIX)
    if _SYNC not in content[at + 5 : at + 5 + _SYNC_WITHIN]:
        raise InputDataError(where, "holds no configuration: it has no sync word.", _FIX)
    release = _VERSION.search(texts["a"])
    return BitHeader(
        texts["a"].split(";")[0], texts["b"], f"{texts['c']} {texts['d']}",
        release[1] if release else "",
    )  # fmt: skip


def _field(content: bytes, at: int, letter: str, where: str) -> tuple[int, str]:
    """(the place behind a field, its text)."""
    size = int.from_bytes(content[at + 1 : at + 3], "big")
    text = content[at + 3 : at + 3 + size]
    if content[at : at + 1] != letter.encode() or not 0 < len(text) == size <= _MOST_TEXT:
        raise InputDataError(where, f"has a damaged header: its field {letter}.", _FIX)
    found = text.rstrip(b"\0").decode("ascii", "replace")
    if not found.isprintable():
        raise InputDataError(where, f"has a damaged header: its field {letter} is no text.", _FIX)
    return at + 3 + size, found


def names_part(said: str, part: str) -> bool:
    """Whether a part as Vivado's files spell it is a board's, of which it may lack the grade.

    Args:
        said: with or without `xc`, hyphens and the speed grade.
        part: as a board file has it, xc7z020clg400-1 or xczu3eg-sbva484-1-i.
    """
    words = part.split("-")
    # A 7 series device has its package in the first word, later ones have it in the second.
    least = 1 if re.match(r"xc7", part.lower()) else 2
    spellings = {_plain("-".join(words[:count])) for count in range(least, len(words) + 1)}
    return _plain(said) in spellings


def _plain(part: str) -> str:
    return re.sub(r"[^a-z0-9]", "", part.lower()).removeprefix("xc")
