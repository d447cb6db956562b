"""Opens a saved Keras model as the archive or HDF5 file that it is, without any framework."""

from __future__ import annotations

import io
import json
import stat
import struct
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fpgacomp.errors import MissingModel, ModelError
from fpgacomp.frontend.keras.hdf5 import BUDGET_BYTES, check_hdf5, h5py
from fpgacomp.host.strict_json import read_json

MAX_CONFIGURATION_BYTES = 64 << 20
"""Largest configuration that is parsed; those of networks with 1,000 layers take about 1 MB."""

MAX_PACKED_RATIO = 200
"""Most bytes that one byte of an archive may unpack to, where more than 64 MB come out."""

# Whatever the readers of archives, HDF5 and JSON raise for bytes that are none of theirs.
_DAMAGE = (
    *(OSError, EOFError, KeyError, ValueError, TypeError, IndexError, AttributeError),
    *(RecursionError, RuntimeError, NotImplementedError, MemoryError, OverflowError),
    *(zipfile.BadZipFile, zlib.error, struct.error),
)
_ZIP, _HDF5 = b"PK\x03\x04", b"\x89HDF\r\n\x1a\n"
_CONFIGURATION, _METADATA, _WEIGHTS = "config.json", "metadata.json", "model.weights.h5"
_SAVE = "save it with model.save('model.keras') or model.save('model.h5')."


@dataclass(frozen=True)
class KerasContents:
    """What a saved model says of itself.

    Args:
        configuration: the model's classes and their arguments, as JSON.
        keras_version: of the Keras that wrote it, as "2.15.0".
    """

    configuration: Any
    keras_version: str


def read_contents(path: Path) -> KerasContents:
    """Return the configuration of a saved model whose container holds nothing but a model.

    Not covered: another process that changes the file between this look and the reading.

    Raises:
        ModelError: no such file, no Keras model, a container that leads to other files, or
            one that unpacks to more than the budget.
        ToolError: h5py is not installed.
    """
    where = str(path)
    require_file(path)
    with path.open("rb") as file:
        start = file.read(len(_HDF5))
    try:
        # Keras takes every .keras file that ends as a zip archive does for one, and reads
        # every other as HDF5. A file that is both would show us one thing and Keras another.
        if start.startswith(_ZIP) and path.suffix == ".keras":
            return _read_archive(path, where)
        if start == _HDF5 and not zipfile.is_zipfile(path):
            return _read_hdf5(path, where)
    except _DAMAGE as problem:
        raise _no_model(where, str(problem)) from problem
    if start.startswith(_ZIP):
        raise _no_model(where, "a zip archive has the suffix .keras")
    raise _no_model(where, "it begins as neither HDF5 nor a zip archive does")


def _no_model(where: str, reason: str) -> ModelError:
    reason = " ".join(reason.split())[:200]
    return ModelError(where, f"it is not a Keras model saved as a whole ({reason}).", _SAVE)


def require_file(path: Path) -> None:
    """Refuse what is no regular file: nothing, a folder, a pipe, a device.

    Raises:
        ModelError: naming the path.
    """
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError):
        raise MissingModel(
            str(path), "there is no such file.", "give a .h5 or .keras file."
        ) from None
    if not stat.S_ISREG(mode):
        why = "it is a folder, a pipe or a device, not a file."
        raise ModelError(str(path), why, "give a .h5 or .keras file.")


def _read_archive(path: Path, where: str) -> KerasContents:
    with zipfile.ZipFile(path) as archive:
        _check_members(archive, where)
        metadata = _json(archive.read(_METADATA))
        configuration = _json(archive.read(_CONFIGURATION))
        check_hdf5(io.BytesIO(archive.read(_WEIGHTS)), f"{where}/{_WEIGHTS}")
    return KerasContents(configuration, str(metadata["keras_version"]))


def _check_members(archive: zipfile.ZipFile, where: str) -> None:
    names = [member.filename for member in archive.infolist()]
    wanted = {_CONFIGURATION, _METADATA, _WEIGHTS}
    strange = sorted({*names} - wanted)
    if strange or len(names) != len(wanted):
        what = f"holds {strange[0][:80]!r}" if strange else "does not hold each file once"
        why = f"the archive {what}; a model is {', '.join(sorted(wanted))}."
        raise ModelError(where, why, _SAVE)
    for member in archive.infolist():
        limit = BUDGET_BYTES if member.filename == _WEIGHTS else MAX_CONFIGURATION_BYTES
        packed = max(member.compress_size, MAX_CONFIGURATION_BYTES // MAX_PACKED_RATIO)
        limit = min(limit, packed * MAX_PACKED_RATIO)
        if member.file_size > limit:
            why = (
                f"its {member.filename} unpacks to {member.file_size / 1e9:.2f} GB, "
                f"more than the {limit / 1e9:.2f} GB that a file of its size may take."
            )
            raise ModelError(where, why, _SAVE)


def _read_hdf5(path: Path, where: str) -> KerasContents:
    check_hdf5(str(path), where)
    with h5py().File(path, "r") as file:
        if "model_config" not in file.attrs:
            raise _no_model(where, "it holds weights only, without the layers")
        configuration = _json(file.attrs["model_config"])
        return KerasContents(configuration, str(file.attrs.get("keras_version", "2")))


def _json(text: bytes | str) -> Any:
    if len(text) > MAX_CONFIGURATION_BYTES:
        raise ValueError(f"its configuration has {len(text)} bytes")
    if isinstance(text, str):  # HDF5 hands out what is not UTF-8 as halves of characters
        text = text.encode("utf-8")
    found = read_json(text)
    json.dumps(found, ensure_ascii=False).encode("utf-8")  # an escape may make such a half, too
    return found
