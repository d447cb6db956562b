"""Folders for the time of a run: removed at its end, or by a later run where it was killed.

A run holds a lock on a file in its folder, which says whose it is. The system lets go of the lock
when the process ends, however it ends, so that a later run knows what is left over from what is in
use, across containers, too. What has no such file, is not a folder of this user, or bears another
name is nobody's litter and stays.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from fpgacomp.errors import FileSystemError
from fpgacomp.host.strict_json import read_json
from fpgacomp.host.toolchain import wanted_scratch

_PREFIX, _OWNER, _WORK = "fpgacomp-run-", "owner.json", "work"
_NAME = re.compile(rf"{_PREFIX}[a-z0-9_]{{4,32}}")
_MARKER, _FORM = "fpgacomp_scratch", 1
_MOST_OWNER = 200  # bytes


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """An empty folder that nobody else uses, below TMPDIR or where the system has such folders.

    Leftovers of this user's runs that were killed are removed first.

    Raises:
        FileSystemError: TMPDIR names no folder, or one that cannot be written; or somebody removed
            the folder and the run missed a file of it.
    """
    place = _place()
    remove_leftovers(place)
    try:
        root = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=place)).resolve()
    except OSError as error:
        raise _unusable(place, error) from error
    owner = -1
    try:
        try:
            (root / _WORK).mkdir()
            owner = _claim(root)
        except OSError as error:
            raise _unusable(place, error) from error
        yield root / _WORK
    except FileNotFoundError as error:
        if (root / _WORK).is_dir():
            raise
        why = "was removed while the run was at work in it."
        fix = "run again, with TMPDIR set to a folder that nobody clears."
        raise FileSystemError(str(root), why, fix) from error
    finally:
        shutil.rmtree(root, ignore_errors=True)
        if owner >= 0:
            os.close(owner)


def remove_leftovers(place: Path) -> None:
    """Remove the folders of this user's runs that ended without removing them."""
    with suppress(OSError):
        for entry in os.scandir(place):
            if _NAME.fullmatch(entry.name):
                with suppress(OSError, ValueError):
                    _remove_if_left(Path(entry.path))


def _place() -> Path:
    """The folder in which a run makes its own.

    Raises:
        FileSystemError: TMPDIR names none. Tools would fail there, each in its own words.
    """
    wanted = wanted_scratch()
    if not wanted:
        try:
            return Path(tempfile.gettempdir())
        except OSError as error:  # not one of the usual folders can be written
            raise _unusable(Path(tempfile.gettempprefix()), error) from error
    if not Path(wanted).is_dir():
        why = "is no folder, and TMPDIR says that temporary files go there."
        raise FileSystemError(
            wanted, why, f"make it (mkdir -p {wanted}), or set TMPDIR to another."
        )
    return Path(wanted)


def _unusable(place: Path, error: OSError) -> FileSystemError:
    why = f"holds no temporary files ({error.strerror or error})."
    return FileSystemError(
        str(place), why, "free space there, or set TMPDIR to a folder that you may write."
    )


def _claim(root: Path) -> int:
    """Leave the file that says whose the folder is, under a lock; returns its descriptor.

    It gets its name when it is locked: nobody ever finds it free while its run lives.
    """
    made, content = root / f"{_OWNER}.new", {_MARKER: _FORM, "pid": os.getpid()}
    owner = os.open(made, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        os.write(owner, json.dumps(content).encode())
        with suppress(ImportError, OSError):  # without locks nothing is taken for left over
            import fcntl

            fcntl.flock(owner, fcntl.LOCK_EX | fcntl.LOCK_NB)
        made.rename(root / _OWNER)
    except BaseException:
        os.close(owner)
        raise
    return owner


def _remove_if_left(root: Path) -> None:
    """Remove a folder whose run has ended.

    Raises:
        OSError, ValueError: it is in use, or not known to be a run's.
    """
    try:
        import fcntl
    except ImportError:
        return
    about = root.lstat()
    if not stat.S_ISDIR(about.st_mode) or about.st_uid != os.geteuid():
        return
    owner = os.open(root / _OWNER, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        if not stat.S_ISREG(os.fstat(owner).st_mode):
            return
        fcntl.flock(owner, fcntl.LOCK_EX | fcntl.LOCK_NB)
        content = read_json(os.read(owner, _MOST_OWNER))
        if content.get(_MARKER) == _FORM and _ended(int(content["pid"])):
            shutil.rmtree(root, ignore_errors=True)
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(str(error)) from error
    finally:
        os.close(owner)


def _ended(pid: int) -> bool:
    """Whether no process has this number."""
    if pid <= 0:  # a group of processes
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    except (OSError, OverflowError):
        pass
    return False
