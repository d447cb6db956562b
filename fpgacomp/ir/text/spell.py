"""How shapes, types and names are spelled in the text form."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable

from fpgacomp.ir.types import IntType

INLINE = 8  # elements of an array that stand in the line
DIGEST_DIGITS = 8  # hexadecimal digits that stand for an array; more where two begin alike
IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")


def spell_shape(shape: Iterable[int]) -> str:
    """A shape as `[8, 8, 1]`."""
    return f"[{', '.join(map(str, shape))}]"


def spell_bits(kind: IntType) -> str:
    """What stores the type: `u4`, `i9` or `bipolar`."""
    if kind.bipolar:
        return "bipolar"
    return f"{'i' if kind.signed else 'u'}{kind.bits}"


def spell_type(kind: IntType) -> str:
    """The type with its exact range where that is narrower than its bits: `i9(-210..205)`."""
    full = kind.bipolar or kind == IntType.of_bits(kind.bits, signed=kind.signed)
    return spell_bits(kind) if full else f"{spell_bits(kind)}({kind.lo}..{kind.hi})"


def spell_name(name: str) -> str:
    """A graph's name, between quotes where it is no identifier."""
    return name if IDENTIFIER.match(name) else json.dumps(name)
