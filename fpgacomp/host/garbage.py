"""How often Python looks for garbage."""

from __future__ import annotations

import gc

_NEW_OBJECTS, _YOUNGER, _OLDER = 100_000, 20, 20


def look_seldom() -> None:
    """Let Python look for cycles after 100,000 new objects instead of 700.

    Looking takes a fifth of a compile's time, which makes millions of objects that stay, and hardly
    a cycle; and as much of the start of TensorFlow.
    """
    gc.set_threshold(_NEW_OBJECTS, _YOUNGER, _OLDER)
