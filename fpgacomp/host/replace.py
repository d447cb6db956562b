"""Replaces a folder by new content, so that whatever happens the old or the new one stands there.

The new tree is written beside the folder, below a workspace whose name nobody else uses. Files
that the old content does not list are the user's own: they get a second name in the new tree.
Then the two trees change places in one step where the system can do that (Linux), in two steps
elsewhere; a run that was killed between these two is finished by the next one. Whoever replaces
a folder holds a lock, so that every workspace found beside the folder is litter.
"""

from __future__ import annotations

import errno
import json
import os
import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from glob import escape
from pathlib import Path, PurePosixPath

from fpgacomp.errors import FileSystemError, UsageError
from fpgacomp.host.disk import Disk

# Inside a workspace: the tree to be (after an exchange: the one that was), the tree that was,
# and the mark that says the new tree is whole.
_NEW, _OLD, _MARK = "new", "old", "mark.json"


def replace_folder(
    folder: Path,
    files: Mapping[str, bytes],
    *,
    owned: Callable[[], Iterable[str]] = tuple,
    disk: Disk | None = None,
) -> None:
    """Make `folder` hold `files`, and the user's own files that it holds already.

    Args:
        folder: absent, or the folder to replace; its parent exists.
        files: path below the folder, with `/` -> content.
        owned: gives the paths below the folder that this program wrote earlier and that need
            not be kept; asked once nobody else can replace the folder, and free to refuse.
        disk: the file system; tests give one that fails.

    Raises:
        UsageError: a file of the user's own stands where a new one belongs.
        FileSystemError: the disk is full, a folder cannot be written or has vanished; the
            folder is as it was.
    """
    disk = disk or Disk()
    target = folder.resolve()
    try:
        with _locked(target.parent):
            recover(target, disk=disk)
            _replace(target, files, frozenset(owned()), disk)
    except _Unfinished as unfinished:
        error = unfinished.error
        why = f"{unfinished} ({_reason(error)})."
        fix = f"free space in {target.parent}; the next run into this folder finishes the work."
        raise FileSystemError(str(folder), why, fix) from error
    except OSError as error:
        why = f"could not be written ({_reason(error)})."
        fix = "free space there, or name another folder; what it held is unchanged."
        raise FileSystemError(str(folder), why, fix) from error


def probe(target: Path) -> None:
    """Try whether a folder can be made beside `target`, and leave nothing behind.

    A run that is killed here leaves an empty workspace, which the next one removes.

    Raises:
        OSError: the file system refuses it.
    """
    place = workspace_of(target)
    place.mkdir()
    with suppress(FileNotFoundError):  # another run, which holds the lock, was faster
        place.rmdir()


def recover(target: Path, *, disk: Disk | None = None) -> None:
    """Finish what a killed run began, and remove the workspaces that killed runs left.

    The caller holds the lock, or knows that no other run replaces the folder.
    """
    disk = disk or Disk()
    for workspace in sorted(target.parent.glob(f"{escape(_prefix(target))}*")):
        if workspace.is_symlink() or not workspace.is_dir():
            continue
        mark = _Mark.read(workspace / _MARK)
        if mark is not None and not target.exists() and (workspace / _OLD).is_dir():
            # Killed between the two renames; the old tree is better than none.
            fresh = workspace / _NEW
            disk.rename(fresh if fresh.is_dir() else workspace / _OLD, target)
        if mark is None or not mark.names(target) or _rescue(workspace, target, mark, disk):
            _clear(workspace, disk)


def _replace(target: Path, files: Mapping[str, bytes], owned: frozenset[str], disk: Disk) -> None:
    workspace = workspace_of(target)
    fresh = workspace / _NEW
    disk.make(workspace)
    mark: _Mark | None = None
    try:
        _write(fresh, files, disk)
        if target.exists():
            _carry(target, fresh, owned, disk)
            mark = _Mark(fresh.stat().st_ino, owned)
            disk.write(workspace / _MARK, mark.to_bytes())
            disk.settle(workspace)
        _require_whole(fresh, files)
        if mark is None:
            disk.rename(fresh, target)
        else:
            _swap(workspace, target, disk)
    except BaseException as error:
        # Where the second of two steps fails and the first cannot be undone, the workspace holds
        # the only copies.
        if isinstance(error, OSError) and (workspace / _OLD).exists():
            raise _Unfinished(f"could not be put in place; it is in {fresh}", error) from error
        # Stopped just behind the exchange: what came late into the old tree is still to be carried.
        stands = mark is not None and mark.names(target)
        if not stands and not (workspace / _OLD).exists():
            with suppress(OSError):
                _clear(workspace, disk)
        raise
    try:
        if mark is None or _rescue(workspace, target, mark, disk):
            with suppress(OSError):
                disk.settle(target.parent)
                _clear(workspace, disk)
    except OSError as error:
        told = "holds the new build, but the old one could not be put away"
        raise _Unfinished(told, error) from error


class _Unfinished(Exception):
    """The file system refused something when the folder was no longer as it had been."""

    def __init__(self, told: str, error: OSError) -> None:
        super().__init__(told)
        self.error = error


def _reason(error: OSError) -> str:
    return error.strerror or str(error)


@dataclass(frozen=True)
class _Mark:
    """What a workspace says of its new tree, once that is whole.

    Args:
        inode: of the new tree's folder; after the exchange it is the target's.
        owned: paths of the old tree that are this program's.
    """

    inode: int
    owned: frozenset[str]

    @classmethod
    def read(cls, path: Path) -> _Mark | None:
        """The mark of a workspace; None where there is none, or only a part of one."""
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            return cls(int(content["inode"]), frozenset(map(str, content["owned"])))
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def to_bytes(self) -> bytes:
        return json.dumps({"inode": self.inode, "owned": sorted(self.owned)}).encode()

    def names(self, target: Path) -> bool:
        """The tree that stands at the target is the new one."""
        return target.exists() and target.stat().st_ino == self.inode


def _swap(workspace: Path, target: Path, disk: Disk) -> None:
    """The new tree to the target's place, the old one into the workspace."""
    if disk.exchange(workspace / _NEW, target):
        return
    disk.rename(target, workspace / _OLD)
    try:
        disk.rename(workspace / _NEW, target)
    except OSError:
        disk.rename(workspace / _OLD, target)
        raise


def _write(folder: Path, files: Mapping[str, bytes], disk: Disk) -> None:
    disk.make(folder)
    for path in sorted(files):
        _make_above(folder, path, disk)
        disk.write(folder / path, files[path])
    _settle_all(folder, disk)


def _make_above(folder: Path, path: str, disk: Disk) -> None:
    """Create the folders of `path` below `folder`, which itself is never made again.

    A folder that vanishes while files are written into it must not come back half empty.
    """
    for parent in reversed(PurePosixPath(path).parents[:-1]):
        if not (folder / parent).is_dir():
            disk.make(folder / parent)


def _settle_all(folder: Path, disk: Disk) -> None:
    """Force the entries of a folder, and of all below it, onto the disk."""
    for root, _, _ in os.walk(folder, topdown=False):
        disk.settle(Path(root))


def _require_whole(fresh: Path, files: Mapping[str, bytes]) -> None:
    """Nobody removed or cut a file of the new tree while it was written.

    Raises:
        OSError: somebody did.
    """
    for path, content in files.items():
        if (fresh / path).stat().st_size != len(content):
            raise OSError(errno.EIO, f"{path} was changed while the folder was written")


def _carry(source: Path, target: Path, owned: frozenset[str], disk: Disk) -> None:
    """Give each file below `source` that is not owned the same place below `target`.

    Raises:
        UsageError: a file or folder of the new tree stands at such a place.
    """
    for path, here in _entries(source):
        if path in owned:
            continue
        if (blocking := _blocking(here, target, path)) is not None:
            raise UsageError(
                str(here),
                f"is a file of your own where the build writes {blocking.relative_to(target)}.",
                "move it elsewhere, or compile into another folder.",
            )
        _share(here, target, path, disk)
    _settle_all(target, disk)


def _rescue(workspace: Path, target: Path, mark: _Mark, disk: Disk) -> bool:
    """Carry what came into the old tree between the carrying and the exchange.

    Returns:
        False where something could not be carried, so that the workspace must stay.
    """
    whole = True
    for old in (workspace / _NEW, workspace / _OLD):
        for path, here in _entries(old) if old.is_dir() else ():
            there = target / path
            if path in mark.owned or (os.path.lexists(there) and os.path.samestat(
                here.lstat(), there.lstat()
            )):  # fmt: skip
                continue
            if _blocking(here, target, path) is None:
                _share(here, target, path, disk)
            else:
                whole = whole and here.is_dir()
    return whole


def _blocking(here: Path, target: Path, path: str) -> Path | None:
    """What stands below `target` where `here` would go, or a file where a folder would."""
    there = target / path
    if os.path.lexists(there) and not (there.is_dir() and here.is_dir()):
        return there
    above = (target / parent for parent in PurePosixPath(path).parents)
    return next((place for place in above if os.path.lexists(place) and not place.is_dir()), None)


def _share(here: Path, root: Path, path: str, disk: Disk) -> None:
    _make_above(root, path, disk)
    there = root / path
    if not here.is_dir() or here.is_symlink():
        disk.share(here, there)
    elif not there.is_dir():
        disk.make(there)


def _entries(folder: Path) -> Iterator[tuple[str, Path]]:
    """(path below the folder, place) of every file, link and empty folder; links not followed."""
    for root, folders, names in os.walk(folder):
        here = Path(root)
        links = [name for name in folders if (here / name).is_symlink()]
        empty = [] if folders or names or here == folder else [here]
        for place in (*(here / name for name in (*names, *links)), *empty):
            yield place.relative_to(folder).as_posix(), place


def _clear(workspace: Path, disk: Disk) -> None:
    """Remove a workspace of ours, links not followed; its mark goes last."""
    for root, folders, names in os.walk(workspace, topdown=False):
        here = Path(root)
        for name in (*names, *folders):
            if (here / name) != workspace / _MARK:
                disk.remove(here / name)
    if (workspace / _MARK).exists():
        disk.remove(workspace / _MARK)
    disk.remove(workspace)


def workspace_of(target: Path) -> Path:
    """A name beside `target` that nobody else uses, and by which `recover` knows it."""
    return target.with_name(f"{_prefix(target)}{secrets.token_hex(6)}")


def _prefix(target: Path) -> str:
    return f".{target.name}.fpgacomp-"


@contextmanager
def _locked(parent: Path) -> Iterator[None]:
    """Hold the lock of whoever replaces a folder in `parent`; it ends with the process.

    The folder itself is locked, so that no lock file is left. Where the system has no such
    locks (Windows, some network file systems) two runs into one folder are the user's to avoid.
    """
    try:
        import fcntl
    except ImportError:
        yield
        return
    handle = os.open(parent, os.O_RDONLY)
    try:
        with suppress(OSError):
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
