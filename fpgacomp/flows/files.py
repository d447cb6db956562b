"""Compares the files that a run reads with those that it writes, before it does anything.

A run must not write over what it reads, over another file that it writes, or over a file of a
build. Every verb and flow that writes a file names all its files here first.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING

from fpgacomp.errors import FileSystemError, UsageError
from fpgacomp.host.paths import check_parent
from fpgacomp.report.manifest import Manifest

if TYPE_CHECKING:
    from fpgacomp.flows.options import Options


class FileUse(Enum):
    """What a run does with a file or folder."""

    READ = "reads it"
    WRITE = "writes this file"
    BUILD = "replaces the files of this build folder, and of the one for a failure beside it"
    STAGES = "removes what this folder of stages holds, and fills it again"


class Content(Enum):
    """What a written file holds: (in words, how such a file begins).

    A network has no beginning that tells it from other files; its name must end in .onnx.
    """

    PAGE = "a web page", re.compile(rb"(\xef\xbb\xbf)?\s*<(!doctype html|html)", re.IGNORECASE)
    ARRAYS = "arrays (.npy, .npz)", re.compile(rb"\x93NUMPY|PK")
    LOG = "a log of fpgacomp", re.compile(rb"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d")
    CHECKPOINT = "a checkpoint", re.compile(rb"PK")
    NETWORK = "a network", re.compile(rb"")
    LITE = "a TFLite network (.tflite)", re.compile(rb"(?s:.{4})TFL3")
    PACKAGE = "a package (.fpga)", re.compile(rb"\x89FPGA")
    CALIBRATION = "a calibration", re.compile(rb'\{\s*"(corrections|engine)"')
    TRACE = "waveforms (.fst, .vcd)", re.compile(rb"\0{7}\x01|\$(version|date|timescale)")


@dataclass(frozen=True)
class Place:
    """A file or folder of a run.

    Args:
        option: what names it on the command line, for messages: --html, or MODEL.
        path: where it is.
        use: what the run does with it.
        content: what it will hold, where it is a file that the run writes.
    """

    option: str
    path: Path
    use: FileUse
    content: Content | None = None

    @property
    def where(self) -> str:
        """The option and the path, as a message begins with them."""
        return f"{self.option} {self.path}"


def reads(option: str, source: object) -> tuple[Place, ...]:
    """The file or folder that a caller's argument names; nothing where it holds values itself.

    Of a function, file.py:function, that is its file.
    """
    if not isinstance(source, str | Path):
        return ()
    file, _, function = str(source).rpartition(":")
    path = file if function and file.endswith(".py") else source
    return (Place(option, Path(path), FileUse.READ),)


def places_of(model: object, options: Options, out: Path | None = None) -> tuple[Place, ...]:
    """The files and folders of a run that designs an accelerator.

    Args:
        model: the network, which is a file where it is text or a path.
        options: with the files of samples and the folder of stages.
        out: the build folder, or None.
    """
    stages = options.dump_stages
    return (
        *reads("MODEL", model),
        *reads("--inputs", options.inputs),
        *reads("--labels", options.labels),
        *reads("--calibration", options.calibration),
        *reads("--tool-calibration", options.tool_calibration),
        *(() if out is None else (Place("--out", out, FileUse.BUILD),)),
        *(() if stages is None else (Place("--dump-stages", stages, FileUse.STAGES),)),
    )


def split_files(data: str, folder: Path) -> tuple[Path, Path]:
    """The training file and the test file that samples are divided into.

    Args:
        data: name of the samples: a file, a folder, or module:function.
        folder: where the two files go.
    """
    stem = Path(data.rpartition(":")[2] if ":" in data else data).stem or "data"
    return folder / f"{stem}-train.npz", folder / f"{stem}-test.npz"


def failed_folder(folder: Path) -> Path:
    """The folder beside a build folder that receives the evidence of a failure."""
    # `.` and `..` have a name only once they are resolved.
    named = folder if folder.name not in ("", "..") else folder.resolve()
    return named.with_name(f"{named.name}.failed")


def check_files(places: Iterable[Place]) -> None:
    """Refuse a run that would write over what it reads, or over what is not its own to replace.

    Links are followed, and hard links known: what counts is the file, not its name.

    Raises:
        UsageError: a file to write is one that the run reads or writes otherwise, one of a build,
            in a folder that the run replaces, or one of another kind; it is a folder, or its own
            folder does not exist. Or a file that is read stands where the run removes it.
        FileSystemError: the user may not write a file.
    """
    named = tuple(places)
    sources = [p for p in named if p.use is FileUse.READ and os.path.lexists(p.path)]
    folders = list(_replaced(named))
    for folder in folders:
        for source in sources:
            _refuse_removed(source, folder)
    for place in named:
        if place.use is FileUse.WRITE and place.content in _RENAMED and _is_special(place.path):
            why = "is a device or a pipe, and a new file would stand in its place."
            raise UsageError(place.where, why, "name a file.")
    writes = [p for p in named if p.use is FileUse.WRITE and not _is_device(p.path)]
    for number, write in enumerate(writes):
        _refuse_unwritable(write)
        _refuse_source(write, sources)
        if other := next((o for o in writes[:number] if _same(o.path, write.path)), None):
            raise UsageError(write.where, f"is the file of {other.option}, too.", _OTHER)
        for folder in folders:
            if _is_within(write.path, folder.path):
                why = f"lies in {folder.where}, which this run replaces."
                raise UsageError(write.where, why, _OTHER)
        _refuse_file_of_a_build(write, [*sources, *folders])
        _refuse_other_content(write)


_OTHER = "name another file."
# What is written beside its place and renamed when it is whole: a rename replaces what it meets.
_RENAMED = (Content.PACKAGE, Content.NETWORK, Content.CHECKPOINT)


def _replaced(places: Sequence[Place]) -> Iterator[Place]:
    """The folders whose content the run replaces, that of a failure's evidence among them."""
    for place in places:
        if place.use in (FileUse.BUILD, FileUse.STAGES):
            yield place
        if place.use is FileUse.BUILD and place.path.resolve().name:
            yield Place(place.option, failed_folder(place.path), place.use)


def _refuse_removed(source: Place, folder: Place) -> None:
    """Refuse a source that stands in a folder among the files that the run replaces there."""
    if source.path.resolve() == folder.path.resolve():
        return  # a folder at the place of a file is told by whoever reads it
    if not _is_within(source.path, folder.path):
        return
    path = source.path.resolve().relative_to(folder.path.resolve()).as_posix()
    manifest = Manifest.of(folder.path.resolve())
    owned = manifest.owned if manifest is not None else frozenset()
    gone = folder.use is FileUse.STAGES or any(
        name == path or name.startswith(f"{path}/") for name in owned
    )
    if gone:
        why = f"would replace {source.where}, which this run reads."
        raise UsageError(folder.where, why, "name another folder.")


def _refuse_unwritable(write: Place) -> None:
    """Refuse what is told only after the work otherwise: a folder, a missing one, no rights."""
    try:
        write.path.resolve()
    except (OSError, RuntimeError) as error:
        raise UsageError(write.where, "leads nowhere (a loop of links).", _OTHER) from error
    check_parent(write.where, write.path)
    if write.path.is_dir():
        raise UsageError(write.where, "is a folder.", "name a file.")
    if not os.access(write.path if write.path.exists() else write.path.parent, os.W_OK):
        raise FileSystemError(write.where, "cannot be written (Permission denied).", _OTHER)


def _refuse_source(write: Place, sources: Sequence[Place]) -> None:
    for source in sources:
        if _same(write.path, source.path):
            why = f"is the file of {source.option} {source.path}, which this run reads."
            raise UsageError(write.where, why, _OTHER)
        if not source.path.is_dir() or Manifest.of(source.path) is not None:
            continue
        # Of a folder of samples its sub-folders are read: they are the classes.
        if _is_within(write.path.parent, source.path) and not _same(write.path.parent, source.path):
            why = f"lies in the samples of {source.option} {source.path}, which this run reads."
            raise UsageError(write.where, why, _OTHER)


def _refuse_file_of_a_build(write: Place, known: Sequence[Place]) -> None:
    """Refuse a file that fpgacomp wrote as part of a build, whichever build it is."""
    target = write.path.resolve()
    for folder in target.parents:
        manifest = Manifest.of(folder)
        if manifest is not None and target.relative_to(folder).as_posix() in manifest.owned:
            raise UsageError(write.where, f"is a file of the build {folder}.", _OTHER)
    if not target.exists() or target.stat().st_nlink < 2:
        return
    for place in known:  # the file may have a second name outside of the build
        manifest = Manifest.of(place.path)
        for path in manifest.owned if manifest is not None else ():
            if _same(place.path / path, target):
                raise UsageError(write.where, f"is a file of the build {place.path}.", _OTHER)


def _refuse_other_content(write: Place) -> None:
    """Refuse a file that holds what no earlier run wrote under this option."""
    if write.content is None or not write.path.is_file():
        return
    told, beginning = write.content.value
    try:
        with write.path.open("rb") as file:
            head = file.read(64)
    except OSError:
        return  # it cannot be read, but may be written: nothing is known of it
    if head and not beginning.match(head):
        why = f"holds something other than {told}, which would be lost."
        raise UsageError(write.where, why, _OTHER)


def _is_device(path: Path) -> bool:
    """Whether writing there replaces no file: a terminal, a pipe, /dev/null, /dev/stderr."""
    if path.absolute().parts[:2] in (("/", "dev"), ("/", "proc")):
        return True
    return _is_special(path)


def _is_special(path: Path) -> bool:
    """Whether a device, a pipe or a socket stands there."""
    return path.exists() and not path.is_file() and not path.is_dir()


def _same(one: Path, other: Path) -> bool:
    """Whether two paths lead to one file, which need not exist."""
    try:
        return one.resolve() == other.resolve() or one.samefile(other)
    except (OSError, RuntimeError):
        return False


def _is_within(path: Path, folder: Path) -> bool:
    """Whether a path is a folder or lies below it, links followed."""
    try:
        target, above = path.resolve(), folder.resolve()
    except (OSError, RuntimeError):
        return False
    return target == above or above in target.parents
