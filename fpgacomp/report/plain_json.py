"""JSON as every verb and report writes it: sorted keys, and null for what is no finite number."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import PurePath

import numpy as np

Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]


def json_text(document: object, *, indent: int = 1) -> str:
    """The document as JSON text with a newline at the end.

    JSON has no NaN and no infinity: a figure that is not finite is null.

    Raises:
        TypeError: the document holds a value that JSON has no form for, a bug of the caller.
    """
    return json.dumps(plain(document), indent=indent, sort_keys=True, allow_nan=False) + "\n"


def plain(value: object) -> Json:
    """The value in types that JSON has; whole numbers are written as such.

    Raises:
        TypeError: it holds something else, which is a bug of the caller.
    """
    match value:
        case None | bool() | str():
            return str(value) if isinstance(value, str) else value
        case np.generic():
            return plain(value.item())
        case int():
            return int(value)
        case float():
            return _number(value)
        case PurePath():
            return value.as_posix()
        case Mapping():
            return {str(key): plain(item) for key, item in value.items()}
        case list() | tuple():
            return [plain(item) for item in value]
        case _:
            raise TypeError(f"a report cannot hold a {type(value).__name__}: {value!r}")


def _number(value: float) -> float | int | None:
    if not math.isfinite(value):
        return None
    return int(value) if value.is_integer() and abs(value) < 2**53 else value
