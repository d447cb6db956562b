"""A project as a value: path -> bytes, written to disk once and atomically."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath


@dataclass(frozen=True)
class Project:
    """Files of one build, as paths relative to the build directory with `/`."""

    files: Mapping[str, bytes]

    def __post_init__(self) -> None:
        for path in self.files:
            pure = PurePosixPath(path)
            if pure.is_absolute() or ".." in pure.parts:
                raise ValueError(f"project file {path!r} leaves the build directory")

    def merged(self, *others: Project) -> Project:
        """All files together; a path that two projects write differently is an error."""
        files = dict(self.files)
        for other in others:
            for path, content in other.files.items():
                if files.setdefault(path, content) != content:
                    raise ValueError(f"two projects write {path!r}")
        return Project(files)

    def under(self, folder: str) -> Project:
        """The same files below `folder/`."""
        return Project({f"{folder}/{path}": content for path, content in self.files.items()})

    def digests(self) -> dict[str, str]:
        """Path -> SHA-256, sorted by path."""
        return {path: hashlib.sha256(self.files[path]).hexdigest() for path in sorted(self.files)}

    def write(self, folder: Path) -> None:
        """Write every file below `folder`, which the caller has made and owns."""
        for path in sorted(self.files):
            target = folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(self.files[path])
