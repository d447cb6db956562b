"""How many random cases a test draws: the usual number, or what `make test-deep` asks for."""

from __future__ import annotations

import os

_DEEP = os.environ.get("FPGACOMP_TEST_DEPTH") == "deep"


def draws(usual: int, deep: int) -> int:
    """The number of cases of a test whose cases come from a seed: those of `usual` come first."""
    return deep if _DEEP else usual
