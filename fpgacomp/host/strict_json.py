"""The one reader of JSON that may come from a stranger: what a key says is said once.

JSON leaves it open what a key means that stands twice in an object, and Python's reader takes the
last one: two programs could read two things in one file. The device runtime has a reader of its own
(`fpgacomp.runtime.strict_json`), as it stands by itself.
"""

from __future__ import annotations

import json
from typing import Any

_MOST_SHOWN = 50


def read_json(content: bytes | str) -> Any:
    """What a JSON text holds.

    Raises:
        ValueError: it is no JSON, is nested too deeply, or has a key twice in one object.
    """
    try:
        return json.loads(content, object_pairs_hook=_object)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise ValueError(f"the key {key[:_MOST_SHOWN]!r} stands twice in one object")
        found[key] = value
    return found
