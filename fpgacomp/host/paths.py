"""Refuses paths at which nothing can be written, before any work and in sentences that are true."""

from __future__ import annotations

import os
from pathlib import Path

from fpgacomp.errors import UsageError

_MOUNTS = Path("/proc/self/mountinfo")  # Linux; it knows bind mounts, which os.path does not


def check_parent(where: str, path: Path) -> None:
    """Refuse a file or folder to write whose own folder is not there.

    Args:
        where: what the message calls the path, for instance "--html page.html".
        path: the file or folder to write.

    Raises:
        UsageError: something above the path is a file, or its folder does not exist.
    """
    if path.parent.is_dir():
        return
    _refuse_file_above(where, path)
    raise UsageError(where, "its folder does not exist.", f"create {path.parent} first.")


def check_folder(where: str, folder: Path) -> None:
    """Refuse a folder, in which files are to be written, that is not there.

    Args:
        where: what the message calls the folder.
        folder: the folder.

    Raises:
        UsageError: it is a file, or does not exist.
    """
    if folder.is_dir():
        return
    if os.path.lexists(folder):
        raise UsageError(where, "is a file, not a folder.", "name a folder.")
    _refuse_file_above(where, folder)
    raise UsageError(where, "does not exist.", "create it first.")


def _refuse_file_above(where: str, path: Path) -> None:
    above = next((place for place in path.parents if place.exists()), None)
    if above is not None and not above.is_dir():
        raise UsageError(where, f"lies in {above}, which is a file.", "name another place.")


def mount_points(folder: Path) -> list[Path]:
    """The places at and below a folder where other file systems are mounted.

    Args:
        folder: an absolute path without symbolic links.
    """
    found = [folder] if os.path.ismount(folder) else []
    try:
        lines = _MOUNTS.read_bytes().splitlines()
    except OSError:  # not on Linux
        return found
    for line in lines:
        place = Path(os.fsdecode(_unescaped(line.split(b" ")[4])))
        if (place == folder or folder in place.parents) and place not in found:
            found.append(place)
    return found


def _unescaped(name: bytes) -> bytes:
    """A path of the kernel's list of mounts, which writes blanks and the like as \\040."""
    for character in (b" ", b"\t", b"\n", b"\\"):
        name = name.replace(b"\\%03o" % character[0], character)
    return name
