"""How much a test tries: the usual, or what `make test-deep` asks for."""

from __future__ import annotations

import os
from typing import TypeVar

import pytest

_Chosen = TypeVar("_Chosen")
_DEEP = os.environ.get("FPGACOMP_TEST_DEPTH") == "deep"

# Of a long test, or a case of one, whose kind a shorter test tries, too.
deep_only = pytest.mark.skipif(not _DEEP, reason="it takes long: `make test-deep` runs it")


def deep(*values: object) -> object:
    """A case of a test that `deep_only` holds for, as the values of its parameters."""
    return pytest.param(*values, marks=deep_only)


def draws(usual: _Chosen, deep: _Chosen) -> _Chosen:
    """How many cases a test draws from a seed, those of `usual` first; or which kinds it tries."""
    return deep if _DEEP else usual
