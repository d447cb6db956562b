"""Every file operation by which a package is installed, so that tests can make each one fail."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Iterable

# Whatever the umask: who may read an installed package does not depend on who installed it.
_FILE_MODE, _FOLDER_MODE = 0o644, 0o755


class Storage:
    """The real file system. A test's subclass raises OSError where it likes."""

    def make(self, folder: Path) -> None:
        """Create a folder; the one above it exists."""
        folder.mkdir()
        folder.chmod(_FOLDER_MODE)

    def write(self, path: Path, chunks: Iterable[bytes]) -> None:
        """Write a new file and force it onto the disk."""
        handle = os.open(str(path), os.O_WRONLY | os.O_CREAT | os.O_EXCL, _FILE_MODE)
        with os.fdopen(handle, "wb") as file:
            for chunk in chunks:
                file.write(chunk)
            file.flush()
            path.chmod(_FILE_MODE)
            self.sync(file.fileno())

    def sync(self, handle: int) -> None:
        """Wait until what was written to an open file or folder is on the disk."""
        os.fsync(handle)

    def settle(self, folder: Path) -> None:
        """Force a folder's entries onto the disk."""
        handle = os.open(str(folder), os.O_RDONLY | getattr(os, "O_DIRECTORY", 0))
        try:
            self.sync(handle)
        finally:
            os.close(handle)

    def link(self, target: str, place: Path) -> None:
        """Make a symbolic link."""
        place.symlink_to(target)

    def rename(self, source: Path, target: Path) -> None:
        """Rename; a file or link takes the place of one, a folder goes where nothing is."""
        source.rename(target)

    def remove(self, path: Path) -> None:
        """Remove a file, a link or an empty folder."""
        if path.is_dir() and not path.is_symlink():
            path.rmdir()
        else:
            path.unlink()
