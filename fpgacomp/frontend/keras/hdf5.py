"""Looks over an HDF5 file before any value of it is read: nothing outside it, nothing too large.

HDF5 can keep values in any other file of the user (external storage, virtual datasets, external
links), can load filters as native code, and can claim sizes that no memory holds.
"""

from __future__ import annotations

from importlib import import_module
from math import prod
from typing import Any, BinaryIO

from fpgacomp.errors import ModelError, ToolError

BUDGET_BYTES = 4 << 30
"""Most bytes that all values of one file may take in memory."""

MAX_OBJECTS = 200_000
"""Most groups, datasets and attributes in one file."""

_FIX = "save the model with model.save('model.h5')."
_BUILT_IN_FILTERS = {1: "gzip", 2: "shuffle", 3: "fletcher32", 32000: "lzf"}


def h5py() -> Any:
    """Return the module h5py, which comes with TensorFlow and imports no framework.

    Raises:
        ToolError: it is not installed.
    """
    try:
        return import_module("h5py")
    except ImportError as missing:
        why = f"HDF5 files are read with h5py ({missing})."
        raise ToolError("h5py", why, "pip install 'fpgacomp[qkeras]'") from missing


def check_hdf5(source: str | BinaryIO, where: str) -> None:
    """Walk the file's structure without reading a dataset.

    Args:
        source: path of the file, or its content opened for reading.
        where: what messages call the file.

    Raises:
        ModelError: a link or dataset that leads to other files, a filter that is not built in,
            a value that is no plain number or text, or more than the budget.
        OSError: not an HDF5 file.
        ToolError: h5py is not installed.
    """
    with h5py().File(source, "r") as file:
        size = int(file.id.get_filesize())
        _Survey(where, size).walk(file)


class _Survey:
    """One walk through one file, which adds up what its values would take."""

    def __init__(self, where: str, file_size: int) -> None:
        self._where = where
        self._file_size = file_size
        self._bytes = 0
        self._objects = 0

    def walk(self, root: Any) -> None:
        h5 = h5py()
        seen: set[Any] = set()
        waiting: list[Any] = [root]
        while waiting:
            entry = waiting.pop()
            place = _place(entry)
            if place in seen:
                self._refuse(f"lists {entry.name} twice, as no model does.")
            seen.add(place)
            self._attributes(entry)
            if isinstance(entry, h5.Dataset):
                self._dataset(entry)
            elif isinstance(entry, h5.Group):
                waiting += [self._member(entry, name) for name in entry]
            else:
                self._refuse(f"keeps a data type of its own, {entry.name}.")

    def _member(self, group: Any, name: str) -> Any:
        link = group.get(name, getlink=True)
        if not isinstance(link, h5py().HardLink):
            target = getattr(link, "filename", None) or getattr(link, "path", "")
            self._refuse(f"links {group.name}/{name} to {str(target)[:80]!r}.")
        self._count()
        return group[name]

    def _count(self) -> None:
        self._objects += 1
        if self._objects > MAX_OBJECTS:
            self._refuse(f"holds more than {MAX_OBJECTS} objects.")

    def _attributes(self, entry: Any) -> None:
        for name in entry.attrs:
            self._count()
            attribute = entry.attrs.get_id(name)
            self._add(f"{entry.name}@{name}", attribute.dtype, attribute.shape)

    def _dataset(self, dataset: Any) -> None:
        settings = dataset.id.get_create_plist()
        if settings.get_external_count():
            target = settings.get_external(0)[0].decode(errors="replace")
            self._refuse(f"keeps the values of {dataset.name} in another file, {target[:80]!r}.")
        if dataset.is_virtual:
            self._refuse(f"takes the values of {dataset.name} from other files.")
        for index in range(settings.get_nfilters()):
            code = settings.get_filter(index)[0]
            if code not in _BUILT_IN_FILTERS:
                self._refuse(f"compresses {dataset.name} with filter {code}, which is not known.")
        self._add(dataset.name, dataset.dtype, dataset.shape)
        if settings.get_layout() == h5py().h5d.CHUNKED:
            self._add(dataset.name, dataset.dtype, settings.get_chunk())

    def _add(self, name: str, dtype: Any, shape: tuple[int, ...] | None) -> None:
        """Add what a value takes in memory; text of any length is no longer than the file."""
        text = h5py().check_string_dtype(dtype)
        if dtype.kind not in "biufSU" and text is None:
            self._refuse(f"keeps {name} as {str(dtype)[:40]}, not as numbers or text.")
        each = self._file_size if text is not None and text.length is None else dtype.itemsize
        needed = prod(shape or (), start=1) * each
        self._bytes += needed
        if self._bytes > BUDGET_BYTES:
            told = " x ".join(map(str, shape or ())) or "one value"
            why = f"asks {needed / 1e9:.1f} GB for {name} ({told}); the budget is"
            self._refuse(f"{why} {BUDGET_BYTES / 1e9:.1f} GB in all.")

    def _refuse(self, why: str) -> None:
        raise ModelError(self._where, why, _FIX)


def _place(entry: Any) -> Any:
    info = h5py().h5o.get_info(entry.id)
    return info.addr
