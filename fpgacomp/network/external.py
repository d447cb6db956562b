"""Loads the values that a model keeps in files beside it, and no other file of the user."""

from __future__ import annotations

import stat
from collections.abc import Mapping
from pathlib import Path

import onnx

from fpgacomp.errors import ModelError
from fpgacomp.network.scan import all_tensors

MAX_STORED_BYTES = (2 << 30) - 1
"""Most bytes of one ONNX model, its values included: the bound of its file format."""

_BESIDE = "save the data file beside the model and refer to it by name."
_EXPORT = "export it again."


def load_external_data(model: onnx.ModelProto, where: str, folder: Path | None) -> None:
    """Put the values of every tensor, in functions and inner graphs too, into the model.

    Args:
        model: is changed in place.
        where: what messages call the model.
        folder: that the model's file is in; None for a model in memory, which has no files.

    Raises:
        ModelError: a file outside the folder, absent, too short or too large.
    """
    left = MAX_STORED_BYTES - model.ByteSize()
    for tensor in all_tensors(model):
        if tensor.data_location != onnx.TensorProto.EXTERNAL:
            continue
        if folder is None:
            why = f"keeps the values of {tensor.name} in another file."
            raise ModelError(where, why, "give the path of the model, or load its data first.")
        entries = {entry.key: entry.value for entry in tensor.external_data}
        file = _file(entries.get("location", ""), tensor.name, where, folder)
        offset, length = _range(entries, tensor.name, where, file)
        left -= length
        if left < 0:
            why = f"holds more than {MAX_STORED_BYTES / 1e9:.1f} GB of values."
            raise ModelError(where, why, "give a smaller network.")
        with file.open("rb") as source:
            source.seek(offset)
            tensor.raw_data = source.read(length)
        tensor.ClearField("data_location")
        del tensor.external_data[:]


def _file(location: str, name: str, where: str, folder: Path) -> Path:
    """Return the file that a tensor names: a model must not read files that are not its own."""
    told = f"keeps the values of {name} in {location[:80]!r}"
    try:
        target = (folder / location).resolve()
        inside = target.is_relative_to(folder.resolve())
        outside = not location or Path(location).is_absolute() or ".." in Path(location).parts
        if outside or not inside:
            raise ModelError(where, f"{told}, outside the model's folder.", _BESIDE)
        mode = target.stat().st_mode
    except FileNotFoundError:
        why = f"{told}, which does not exist."
        raise ModelError(where, why, "copy the data file beside the model.") from None
    except (OSError, ValueError, RuntimeError):  # a name that no file can have; a ring of links
        raise ModelError(where, f"{told}, which is no name of a file.", _BESIDE) from None
    if not stat.S_ISREG(mode):
        raise ModelError(where, f"{told}, which is not a regular file.", _BESIDE)
    return target


def _range(entries: Mapping[str, str], name: str, where: str, file: Path) -> tuple[int, int]:
    """Return offset and length in bytes of a tensor's values in their file."""
    size = file.stat().st_size
    try:
        offset = int(entries.get("offset", 0))
        length = int(entries.get("length", 0)) or size - offset
    except ValueError:
        why = f"gives no number where the values of {name} begin or end."
        raise ModelError(where, why, _EXPORT) from None
    if offset < 0 or length < 0 or offset + length > size:
        location = entries["location"][:80]
        why = f"needs bytes {offset} to {offset + length} of {location!r}, which is shorter."
        raise ModelError(where, why, "copy the data file again, whole.")
    return offset, length
