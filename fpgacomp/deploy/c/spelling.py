"""How names, texts and numbers of strangers are spelled in C without becoming more than that."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

# C99 tells apart what differs in its first 63 characters.
_LONGEST = 40


@dataclass(frozen=True)
class CType:
    """A type of tensors in C.

    Args:
        c: how it is declared.
        short: the ending of the functions of fpgacomp_ops.h.
        constant: its name in fpgacomp.h.
    """

    c: str
    short: str
    constant: str


C_TYPES = {
    "float32": CType("float", "f32", "FPGACOMP_FLOAT32"),
    "float64": CType("double", "f64", "FPGACOMP_FLOAT64"),
    "int64": CType("int64_t", "i64", "FPGACOMP_INT64"),
    "int32": CType("int32_t", "i32", "FPGACOMP_INT32"),
    "bool": CType("uint8_t", "b8", "FPGACOMP_BOOL"),
    "uint8": CType("uint8_t", "u8", "FPGACOMP_UINT8"),
    "int8": CType("int8_t", "i8", "FPGACOMP_INT8"),
}


def identifier(wanted: str) -> str:
    """A C identifier's beginning, and a file name's, for any text; more follows behind it."""
    stem = re.sub(r"[^A-Za-z0-9_]", "_", wanted)[:_LONGEST]
    # A leading underscore is the compiler's, and `fpgacomp` is the driver's.
    if not re.match(r"[A-Za-z]", stem) or stem.lower().startswith("fpgacomp"):
        stem = f"n_{stem}"
    return stem


def identifiers(prefix: str, wanted: Iterable[str]) -> tuple[str, ...]:
    """An identifier for each text, each another one in any case.

    The prefix keeps them from being a keyword, or a macro of some header.
    """
    found: list[str] = []
    for text in wanted:
        stem = f"{prefix}_{re.sub(r'[^A-Za-z0-9_]', '_', text)[:_LONGEST]}"
        name, number = stem, 1
        while name.lower() in {other.lower() for other in found}:
            number += 1
            name = f"{stem}_{number}"
        found.append(name)
    return tuple(found)


def string(text: str) -> str:
    """A text as a literal: what is not plain becomes octal digits, which end after three."""
    plain = set(range(32, 127)) - set(b'"\\?')  # two question marks begin a trigraph
    return '"{}"'.format(
        "".join(chr(byte) if byte in plain else f"\\{byte:03o}" for byte in text.encode())
    )


def plain(text: str) -> str:
    """A text for a comment or a page: what could end one, or mean something there, is left out."""
    return re.sub(r"[^A-Za-z0-9 _.,:+()-]", "_", text)[:300]


def numbers(values: Sequence[Any], dtype: str) -> list[str]:
    """Lines of an initializer, exact to the bit."""
    match dtype:
        case "float64":
            words = [_real(float(value), "") for value in values]
        case "float32":
            words = [_real(float(value), "f") for value in values]
        case "int64":
            words = [whole(int(value)) for value in values]
        case "int32":
            words = ["INT32_MIN" if value == -(2**31) else str(value) for value in values]
        case _:
            words = [str(int(value)) for value in values]
    return lines(words)


def lines(words: Sequence[str], count: int = 8) -> list[str]:
    """Words in lines of `count`, with a comma behind each."""
    return [", ".join(words[k : k + count]) + "," for k in range(0, len(words), count)]


def hexadecimal(content: bytes) -> list[str]:
    """Lines of an initializer of bytes."""
    return [
        ",".join(f"0x{byte:02x}" for byte in content[k : k + 16]) + ","
        for k in range(0, len(content), 16)
    ]


def _real(value: float, suffix: str) -> str:
    if math.isinf(value):
        cast = "" if suffix else "(double)"
        return f"{'-' if value < 0 else ''}{cast}INFINITY"
    return f"{value.hex()}{suffix}"


def whole(value: int) -> str:
    """An integer of 64 bits: the least has no literal."""
    return "INT64_MIN" if value == -(2**63) else f"INT64_C({value})"
