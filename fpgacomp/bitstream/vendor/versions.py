"""The releases of AMD's tools that the scripts are written for."""

from __future__ import annotations

import re
from dataclasses import dataclass

from fpgacomp.errors import ToolError

FIRST = "2020.2"
LAST = "2025.2"
FIRST_FOR_CARDS = "2021.1"  # package_xo has -ctrl_protocol user_managed from there on
_RELEASE = re.compile(r"v?(20\d\d)\.(\d)")


@dataclass(frozen=True, order=True)
class ToolRelease:
    """A release of Vivado or Vitis."""

    year: int
    number: int

    @classmethod
    def of(cls, text: str) -> ToolRelease | None:
        """The release that a text names first, as `vivado -version` does; None without one."""
        found = _RELEASE.search(text)
        return cls(int(found[1]), int(found[2])) if found else None

    def __str__(self) -> str:
        return f"{self.year}.{self.number}"


def checked_release(tool: str, said: str, *, cards: bool = False) -> ToolRelease:
    """The release of a tool, which the scripts are written for.

    Args:
        tool: its name.
        said: what it prints of its version.
        cards: whether it is to build for an accelerator card.

    Raises:
        ToolError: it says none, or one that the scripts are not written for.
    """
    first = FIRST_FOR_CARDS if cards else FIRST
    fix = f"put a release from {first} to {LAST} first on PATH (source its settings64.sh)."
    release = ToolRelease.of(said)
    if release is None:
        raise ToolError(tool, f"its version is not told by {said.strip()[:100]!r}.", fix)
    least, most = ToolRelease.of(first), ToolRelease.of(LAST)
    assert least is not None and most is not None
    if not least <= release or release.year > most.year:
        raise ToolError(tool, f"{release} is not a release that the scripts are for.", fix)
    return release
