"""The stages of a run: told to an observer, timed, and kept in a folder where that is asked for."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from fpgacomp.errors import FpgacompError, UsageError
from fpgacomp.host.plain import read_plain
from fpgacomp.host.progress import Observer, Stopwatch, silent
from fpgacomp.host.strict_json import read_json

FAILED = "failed.txt"
# Lists what a dump wrote: the next one replaces these files and nothing else.
LIST = "stages.json"
MOST_BYTES, MOST_LIST_BYTES = 4 << 30, 16 << 20


class Stages:
    """Names each stage to an observer, keeps its seconds and what it produced.

    Args:
        observer: told each stage and the share of it that is done.
        dump: folder that receives a sub-folder per stage, in the order of the stages. What
            stages before a failing one produced is there, and `failed.txt` names the failing
            one. None keeps nothing.

    Raises:
        UsageError: `dump` holds something that no earlier dump wrote, or that was edited since.
    """

    def __init__(self, observer: Observer = silent, dump: Path | None = None) -> None:
        self.watch = Stopwatch(observer)
        self._dump = dump
        self._stages = 0
        self._written: dict[str, str] = {}
        if dump is not None:
            _clear(dump)

    @property
    def seconds(self) -> Mapping[str, float]:
        """Seconds of each stage so far."""
        return self.watch.seconds

    @contextmanager
    def step(self, name: str) -> Iterator[Callable[[float], None]]:
        """Run a stage; yields a function that takes the share done so far."""
        try:
            with self.watch.step(name) as progress:
                yield progress
        except FpgacompError as error:
            self._write({FAILED: f"stage {name}: {error}\n".encode()})
            raise

    def keep(self, name: str, files: Callable[[], Mapping[str, bytes]]) -> None:
        """Write what a stage produced, if that is asked for.

        Args:
            name: of the stage's sub-folder, which is numbered.
            files: called only where stages are kept; gives path -> content.
        """
        if self._dump is not None:
            self._stages += 1
            self._write({f"{self._stages}-{name}/{path}": c for path, c in files().items()})

    def _write(self, files: Mapping[str, bytes]) -> None:
        if self._dump is None:
            return
        digests = {path: hashlib.sha256(content).hexdigest() for path, content in files.items()}
        self._written |= digests
        listed = json.dumps({"fpgacomp_stages": self._written}, indent=1, sort_keys=True) + "\n"
        for path, content in {LIST: listed.encode(), **files}.items():
            target = self._dump / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)


def _clear(dump: Path) -> None:
    """Remove what an earlier dump wrote, after a look at everything that stands in the folder.

    Raises:
        UsageError: it is no folder, or holds a link, a file that no dump wrote, or one that was
            edited since. Nothing is removed then.
    """
    where, fix = f"--dump-stages {dump}", "name another folder, or empty this one."
    if not dump.is_dir():
        if dump.exists() or dump.is_symlink():
            raise UsageError(where, "is no folder.", fix)
        return
    earlier = _listed(dump / LIST)
    for root, folders, names in os.walk(dump):
        for name in (*folders, *names):
            place = Path(root) / name
            path = place.relative_to(dump).as_posix()
            if place.is_symlink():
                raise UsageError(where, f"holds a link ({path}), which no dump wrote.", fix)
            if place.is_dir() or path == LIST:
                continue
            if path not in earlier:
                raise UsageError(where, f"holds a file that no earlier dump wrote ({path}).", fix)
            if earlier[path] != _digest(place):
                raise UsageError(where, f"holds a file that was edited ({path}).", fix)
    for path in (*earlier, LIST):
        (dump / path).unlink(missing_ok=True)
    for root, _, _ in os.walk(dump, topdown=False):
        if Path(root) != dump and not any(Path(root).iterdir()):
            Path(root).rmdir()


def _digest(path: Path) -> str:
    """SHA-256 of a plain file; "" for anything else."""
    try:
        return hashlib.sha256(read_plain(path, MOST_BYTES)).hexdigest()
    except OSError:
        return ""


def _listed(path: Path) -> dict[str, str]:
    """Path -> SHA-256 of each file that an earlier dump says it wrote, below its own folder."""
    try:
        found = read_json(read_plain(path, MOST_LIST_BYTES))["fpgacomp_stages"]
        listed = {PurePosixPath(str(name)): str(digest) for name, digest in found.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return {}
    return {
        str(name): digest
        for name, digest in listed.items()
        if not name.is_absolute() and ".." not in name.parts
    }
