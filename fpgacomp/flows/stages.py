"""The stages of a run: told to an observer, timed, and kept in a folder where that is asked for."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from fpgacomp.errors import FpgacompError, UsageError
from fpgacomp.host.progress import Observer, Stopwatch, silent

FAILED = "failed.txt"
# Lists what a dump wrote: the next one replaces these files and nothing else.
LIST = "stages.json"


class Stages:
    """Names each stage to an observer, keeps its seconds and what it produced.

    Args:
        observer: told each stage and the share of it that is done.
        dump: folder that receives a sub-folder per stage, in the order of the stages. What
            stages before a failing one produced is there, and `failed.txt` names the failing
            one. None keeps nothing.

    Raises:
        UsageError: `dump` holds something that no earlier dump wrote.
    """

    def __init__(self, observer: Observer = silent, dump: Path | None = None) -> None:
        self.watch = Stopwatch(observer)
        self._dump = dump
        self._stages = 0
        self._written: list[str] = []
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
        self._written += files
        listed = json.dumps({"fpgacomp_stages": sorted(self._written)}, indent=1) + "\n"
        for path, content in {LIST: listed.encode(), **files}.items():
            target = self._dump / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)


def _clear(dump: Path) -> None:
    """Remove what an earlier dump wrote; refuse a folder that holds anything else."""
    fix = "name another folder, or empty this one."
    if dump.is_file():
        raise UsageError(f"--dump-stages {dump}", "is a file.", "name a folder.")
    earlier = _listed(dump / LIST)
    for path in earlier:
        target = dump / path
        if target.is_file() and not target.is_symlink():
            target.unlink()
    (dump / LIST).unlink(missing_ok=True)
    for folder in sorted({(dump / path).parent for path in earlier}, reverse=True):
        if folder != dump and folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()
    if dump.is_dir() and any(path for path in dump.rglob("*") if not path.is_dir()):
        raise UsageError(f"--dump-stages {dump}", "holds files that no earlier dump wrote.", fix)


def _listed(path: Path) -> tuple[str, ...]:
    """Files that an earlier dump says it wrote, each below its own folder."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))["fpgacomp_stages"]
    except (OSError, ValueError, KeyError, TypeError):
        return ()
    listed = [PurePosixPath(str(name)) for name in found] if isinstance(found, list) else []
    return tuple(str(p) for p in listed if not p.is_absolute() and ".." not in p.parts)
