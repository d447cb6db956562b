"""Writes a file whole or not at all, through one beside it that is nobody else's."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """A new, empty file that takes the place of `path` at the end of the block.

    Its name is none that a user or another run has: two runs that write one file do not meet, and
    no link is followed. Where the block fails, it is removed, and `path` stays as it was.

    Raises:
        OSError: the folder cannot be written.
    """
    # A name may have 255 bytes, and a character four of them.
    scratch = path.with_name(f".{path.name[:40]}.{secrets.token_hex(6)}")
    scratch.touch(exist_ok=False)
    try:
        yield scratch
        scratch.replace(path)
    except BaseException:
        with suppress(OSError):
            scratch.unlink()
        raise
