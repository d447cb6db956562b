"""Releases of the vendor's tools, such as 2023.2, in the order in which they came out."""

from __future__ import annotations

import re
from dataclasses import dataclass

_TOOL = r"(?:vivado|vitis|hls)"
_RELEASE = re.compile(
    rf"(?:{_TOOL}(?:[ /_-]+{_TOOL})*[ _-]+)?v?(?P<year>20[1-9]\d)\.(?P<number>[1-4])(?:\.\d)?",
    re.IGNORECASE,
)


@dataclass(frozen=True, order=True)
class Release:
    """A release of Vivado or Vitis; updates of one, such as 2020.1.1, are the same release."""

    year: int
    number: int


VITIS_2022 = Release(2022, 1)  # from here on Vitis HLS maps products and windows otherwise


def release_of(text: str) -> Release:
    """The release that a text names, such as "2020.1", "v2020.1" or "Vitis HLS 2022.2".

    Raises:
        ValueError: it names none.
    """
    found = _RELEASE.fullmatch(text.strip())
    if not found:
        raise ValueError(f"{text[:40]!r} names no release of Vivado or Vitis")
    return Release(int(found["year"]), int(found["number"]))
