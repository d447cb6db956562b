"""The one reader of JSON that may come from a stranger: what a key says is said once.

JSON leaves it open what a key means that stands twice in an object, and Python's reader takes the
last one: two programs could read two things in one file.
"""

from __future__ import annotations

import json
from typing import Any, Callable

_MOST_DIGITS = 20
_MOST_SHOWN = 50


def whole(text: str) -> int:
    """A whole number; one of a million digits would take hours on a small device.

    Raises:
        ValueError: it has over 20 digits.
    """
    if len(text) > _MOST_DIGITS:
        raise ValueError(f"a number in it has over {_MOST_DIGITS} digits")
    return int(text)


def read_json(content: bytes | bytearray, **readers: Callable[[str], Any]) -> Any:
    """What a JSON text holds.

    Args:
        content: in UTF-8.
        readers: `parse_float`, `parse_constant`, `parse_int` of `json.loads`; whole numbers are
            read by `whole` where nothing else is said.

    Raises:
        ValueError: it is no JSON, is nested too deeply, or has a key twice in one object.
    """
    given: dict[str, Any] = {"parse_int": whole, **readers}
    try:
        return json.loads(content.decode("utf-8"), object_pairs_hook=_object, **given)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise ValueError(f"the key {key[:_MOST_SHOWN]!r} stands twice in one object")
        found[key] = value
    return found
