"""What is built once and kept in the user's cache folder, under the digest of its sources."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from fpgacomp.host.plain import read_plain
from fpgacomp.host.strict_json import read_json
from fpgacomp.host.toolchain import cache_folder

_MOST_BYTES = 256 << 20  # of a finding: the additions of the largest matrix take some megabytes


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
    try:
        shutil.copy2(made, fresh)
        fresh.replace(target)
    except BaseException:  # a disk that is full, or a run that is stopped, keeps no part of a file
        fresh.unlink(missing_ok=True)
        raise


def finding(target: Path) -> Any:
    """What an earlier run found out, as JSON has it; None where there is nothing that can be read.

    The caller checks it: the file may be damaged.
    """
    try:
        return read_json(read_plain(target, _MOST_BYTES))
    except (OSError, ValueError):
        return None


def keep_finding(content: object, target: Path) -> None:
    """Keep for later runs what was found out; a folder that takes nothing costs those the time."""
    with suppress(OSError), TemporaryDirectory() as scratch:
        made = Path(scratch) / target.name
        made.write_text(json.dumps(content, sort_keys=True), encoding="utf-8")
        keep(made, target)
