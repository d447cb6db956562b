"""Every file operation by which a folder is replaced, so that tests can make each one fail."""

from __future__ import annotations

import ctypes
import errno
import os
import shutil
import sys
from pathlib import Path

_EXCHANGE = 2  # RENAME_EXCHANGE of Linux' renameat2
_AT_FDCWD = -100


class Disk:
    """The real file system. A test's subclass raises OSError where it likes."""

    def make(self, folder: Path) -> None:
        """Create a folder; the one above it exists."""
        folder.mkdir()

    def write(self, path: Path, content: bytes) -> None:
        """Write a new file and force it onto the disk."""
        with path.open("xb") as file:
            file.write(content)
            file.flush()
            self.sync(file.fileno())

    def sync(self, handle: int) -> None:
        """Wait until what was written to an open file or folder is on the disk."""
        os.fsync(handle)

    def settle(self, folder: Path) -> None:
        """Force a folder's entries onto the disk."""
        handle = os.open(folder, os.O_RDONLY | getattr(os, "O_DIRECTORY", 0))
        try:
            self.sync(handle)
        finally:
            os.close(handle)

    def share(self, source: Path, target: Path) -> None:
        """Give a file a second name; a copy where the file system has no links."""
        try:
            os.link(source, target, follow_symlinks=False)
        except OSError as error:
            if error.errno not in (errno.EPERM, errno.ENOTSUP, errno.EMLINK, errno.ENOSYS):
                raise
            shutil.copy2(source, target, follow_symlinks=False)

    def rename(self, source: Path, target: Path) -> None:
        """Rename a file or folder; `target` is absent, or an empty folder."""
        source.rename(target)

    def exchange(self, one: Path, other: Path) -> bool:
        """Swap two folders in one step; False where the system cannot."""
        if not sys.platform.startswith("linux"):
            return False
        renameat2 = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
        if renameat2 is None:
            return False
        names = os.fsencode(one), os.fsencode(other)
        if renameat2(_AT_FDCWD, names[0], _AT_FDCWD, names[1], _EXCHANGE) == 0:
            return True
        number = ctypes.get_errno()
        if number in (errno.ENOSYS, errno.EINVAL, errno.EOPNOTSUPP):
            return False
        raise OSError(number, os.strerror(number), str(other))

    def remove(self, path: Path) -> None:
        """Remove a file, a link or an empty folder."""
        if path.is_dir() and not path.is_symlink():
            path.rmdir()
        else:
            path.unlink()
