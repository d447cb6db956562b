"""File systems that fail, fill up, vanish, or end their process at one operation of a replacement.

A replacement is a sequence of operations of `fpgacomp.host.disk.Disk`; a `Fault` says at which of
them what happens, so that every window between two operations can be hit.
"""

from __future__ import annotations

import errno
import json
import os
import shutil
import signal
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar

from fpgacomp.host.disk import Disk
from fpgacomp.runtime.storage import Storage

FULL = (errno.ENOSPC, errno.EDQUOT)
BROKEN = (errno.EIO, errno.EROFS, errno.EACCES, errno.ENOENT, errno.EMFILE)
Happening = Literal["kill", "kill within", "error", "full", "short write", "vanish"]
T = TypeVar("T")


@dataclass(frozen=True)
class Fault:
    """What happens at which operation.

    Args:
        at: number of the operation, from 0; -1: nothing happens.
        what: "kill" ends the process before the operation, "kill within" after half of a write
            (before any other operation); "error" fails the operation; "full" fails it and every
            later one that takes space; "short write" fails a write after half of its bytes and
            every later one that takes space; "vanish" removes `path` before the operation.
        number: errno of the failure.
        once: an "error" hits this operation only, not the later ones.
        exchange: the file system can exchange two folders in one step.
        path: what vanishes; `workspace` stands for the run's own folder beside it.
    """

    at: int = -1
    what: Happening = "error"
    number: int = errno.ENOSPC
    once: bool = False
    exchange: bool = True
    path: str = ""

    def to_json(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Fault:
        return cls(**json.loads(text))


class Faults:
    """One fault among the operations of a file system, which are listed as they come.

    Args:
        fault: what happens.
    """

    def __init__(self, fault: Fault) -> None:
        self.fault = fault
        self.done: list[str] = []

    def _do(
        self,
        name: str,
        operation: Callable[..., T],
        *arguments: Any,
        takes_space: bool = False,
        half: tuple[Path, Any] | None = None,
    ) -> T:
        fault, now = self.fault, len(self.done)
        self.done.append(name)
        if fault.at < 0 or now < fault.at:
            return operation(*arguments)
        first = now == fault.at
        match fault.what:
            case "kill" | "kill within" if first:
                if half and fault.what == "kill within":
                    operation(*half)
                os.kill(os.getpid(), signal.SIGKILL)
            case "vanish" if first:
                shutil.rmtree(self._vanishing(arguments), ignore_errors=True)
            case "error" if first or not fault.once:
                raise OSError(fault.number, os.strerror(fault.number))
            case "full" | "short write" if takes_space:
                if half and first and fault.what == "short write":
                    operation(*half)
                raise OSError(fault.number, os.strerror(fault.number))
        return operation(*arguments)

    def _vanishing(self, arguments: tuple[Any, ...]) -> Path:
        if self.fault.path != "workspace":
            return Path(self.fault.path)
        for argument in arguments:
            for place in (argument, *argument.parents) if isinstance(argument, Path) else ():
                if place.name.startswith(".build.fpgacomp-"):
                    return place
        return Path("/nonexistent")


class FaultyDisk(Faults, Disk):
    """The real file system with one fault.

    Args:
        fault: what happens.
        sync: whether to wait for the disk, which changes nothing that a kill could show.
    """

    def __init__(self, fault: Fault, *, sync: bool = False) -> None:
        super().__init__(fault)
        self._sync = sync

    def sync(self, handle: int) -> None:
        if self._sync:
            super().sync(handle)

    def make(self, folder: Path) -> None:
        self._do("make", super().make, folder, takes_space=True)

    def write(self, path: Path, content: bytes) -> None:
        half = path, content[: len(content) // 2]
        self._do("write", super().write, path, content, takes_space=True, half=half)

    def settle(self, folder: Path) -> None:
        self._do("settle", super().settle, folder)

    def share(self, source: Path, target: Path) -> None:
        self._do("share", super().share, source, target, takes_space=True)

    def rename(self, source: Path, target: Path) -> None:
        self._do("rename", super().rename, source, target)

    def exchange(self, one: Path, other: Path) -> bool:
        return self._do("exchange", super().exchange, one, other) if self.fault.exchange else False

    def remove(self, path: Path) -> None:
        self._do("remove", super().remove, path)


class FaultyStorage(Faults, Storage):
    """The file system of a device with one fault; it does not wait for the disk."""

    def sync(self, handle: int) -> None:
        return

    def make(self, folder: Path) -> None:
        self._do("make", super().make, folder, takes_space=True)

    def write(self, path: Path, chunks: Iterable[bytes]) -> None:
        content = b"".join(chunks)
        half = path, [content[: len(content) // 2]]
        self._do("write", super().write, path, [content], takes_space=True, half=half)

    def settle(self, folder: Path) -> None:
        self._do("settle", super().settle, folder)

    def link(self, target: str, place: Path) -> None:
        self._do("link", super().link, target, place, takes_space=True)

    def rename(self, source: Path, target: Path) -> None:
        self._do("rename", super().rename, source, target)

    def remove(self, path: Path) -> None:
        self._do("remove", super().remove, path)
