"""How much a test tries: the usual, or what `make test-deep` asks for."""

from __future__ import annotations

import os
from typing import TypeVar

_Chosen = TypeVar("_Chosen")
_DEEP = os.environ.get("FPGACOMP_TEST_DEPTH") == "deep"


def draws(usual: _Chosen, deep: _Chosen) -> _Chosen:
    """How many cases a test draws from a seed, those of `usual` first; or which kinds it tries."""
    return deep if _DEEP else usual
