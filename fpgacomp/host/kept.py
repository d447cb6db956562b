"""What is built once and kept in the user's cache folder, under the digest of its sources."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterable
from pathlib import Path

from fpgacomp.host.toolchain import cache_folder


def place(room: str, name: str, options: Iterable[str], files: Iterable[tuple[str, Path]]) -> Path:
    """Where the cache has the file of this content, if it does.

    Args:
        room: folder of the cache.
        name: of the file.
        options: versions and options of the tools that make it.
        files: what they make it from, each with the name by which they know it.
    """
    whole = hashlib.sha256("\0".join(options).encode())
    for called, path in files:
        whole.update(f"{called}\0".encode())
        whole.update(hashlib.sha256(path.read_bytes()).digest())
    return cache_folder() / room / whole.hexdigest() / name


def keep(made: Path, target: Path) -> None:
    """Put a file into the cache in one step: another run may do the same meanwhile."""
    target.parent.mkdir(parents=True, exist_ok=True)
    fresh = target.with_name(f"{target.name}.{os.getpid()}")
    shutil.copy2(made, fresh)
    fresh.replace(target)
