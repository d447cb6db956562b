"""A prepared build folder with a user's own files in it, and what must hold of it after a fault."""

from __future__ import annotations

import fcntl
import os
import random
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from fpgacomp.network.canonical import Network
from fpgacomp.report.folder import replace_folder
from fpgacomp.report.manifest import Manifest, with_manifest
from fpgacomp.results.project import Project
from tests.harness.disks import Fault, FaultyDisk

NETWORK = Network("net", None, None, "qonnx", "net.onnx", "0" * 64)  # type: ignore[arg-type]
OWN = {
    "notes.txt": b"mine",
    "hls/solution1/syn.rpt": b"hours of synthesis",
    "hls/solution1/impl/deep/place.dcp": b"more hours",
    "rtl/mine.sv": b"module mine; endmodule",
}


@cache
def project(letter: str) -> Project:
    """A build of 20 files, some with the same names in every build, some only in this one."""
    chance = random.Random(letter)
    text = letter.encode()
    files = {"report.json": text * 500, "graph.json": text * 4000, "hls/top.cpp": text * 300}
    files |= {f"hls/weights/w{n}.h": text * chance.randrange(1, 9000) for n in range(8)}
    files |= {f"vectors/{letter}{n}.npy": text * chance.randrange(1, 9000) for n in range(6)}
    files |= {f"only_{letter}/a/b/c.txt": text, "empty.txt": b""}
    return with_manifest(Project(files), NETWORK, {}, letter)


@dataclass(frozen=True)
class World:
    """A folder `build`, alone in a folder of its own.

    Args:
        folder: the folder that holds `build` and nothing else.
    """

    folder: Path

    @property
    def build(self) -> Path:
        return self.folder / "build"

    @classmethod
    def prepared(cls, folder: Path, letter: str = "a", *, own: bool = True) -> World:
        """A world with a build and the user's own files."""
        folder.mkdir()
        world = cls(folder)
        world.write(letter)
        for path, text in OWN.items() if own else ():
            place = world.build / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(text)
        return world

    def write(self, letter: str, fault: Fault = Fault()) -> list[str]:  # noqa: B008 - frozen
        """Replace the build; returns the operations on the disk that it took."""
        disk = FaultyDisk(fault)
        replace_folder(project(letter), self.build, disk=disk)
        return disk.done

    def files(self) -> dict[str, bytes]:
        """Path -> content of every file below the build."""
        return {
            path.relative_to(self.build).as_posix(): path.read_bytes()
            for path in self.build.rglob("*")
            if path.is_file()
        }

    def state(self, letters: str, own: Mapping[str, bytes] = OWN) -> str:
        """Which build stands there, whole and with the user's own files.

        Raises:
            AssertionError: none of them, a mixture, or one of which a file is missing.
        """
        manifest = Manifest.of(self.build)
        assert manifest is not None, f"no build stands at {self.build}"
        assert manifest.backend in letters, f"{manifest.backend} is neither of {letters}"
        assert not manifest.edited(self.build)
        wanted = dict(project(manifest.backend).files) | dict(own)
        found = self.files()
        assert set(found) == set(wanted), set(found) ^ set(wanted)
        assert found == wanted
        return manifest.backend

    def require_lock_free(self) -> None:
        """No process holds the lock of the folder."""
        handle = os.open(self.folder, os.O_RDONLY)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        finally:
            os.close(handle)

    def require_next_run_cleans(self, letter: str = "c", own: Mapping[str, bytes] = OWN) -> None:
        """The next run is served, keeps the user's files and leaves no litter."""
        self.require_lock_free()
        self.write(letter)
        assert self.state(letter, own) == letter
        assert [place.name for place in self.folder.iterdir()] == ["build"]
