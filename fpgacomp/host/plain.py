"""Reads files that may come from strangers: plain files of a bounded size, and nothing else."""

from __future__ import annotations

import stat
from pathlib import Path


def read_plain(path: Path, most: int) -> bytes:
    """The content of a plain file.

    Args:
        path: the file; a link, a pipe or a device is refused before it is opened.
        most: the largest size in bytes that is read.

    Raises:
        OSError: there is no such file, it is none of this kind, or it is larger.
    """
    found = path.lstat()
    if not stat.S_ISREG(found.st_mode):
        raise OSError(f"{path.name} is no plain file")
    if found.st_size > most:
        raise OSError(f"{path.name} is larger than {most:,} bytes")
    return path.read_bytes()
