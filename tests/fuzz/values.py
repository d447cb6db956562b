"""Damages the values in board files, sample files and Keras configurations, their form kept."""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any

import numpy as np
import yaml

from tests.fuzz.structure import Rng, pick

SCALARS: tuple[Any, ...] = (
    None, True, 0, -1, 1, 3, 1 << 31, 1 << 70, 0.5, -2.5, 1e308, float("inf"), float("nan"), "",
    "x", "[bold red]", "[/]", "'; exec rm", "\x1b[31m", "ä" * 300, "../../x", [], {}, [1, [2]],
    {"a": {"b": 1}}, "2026-01-01", "1e3", "linear", "quantized_bits(99, 0)", "quantized_bits(",
)  # fmt: skip
BOMBS = (
    "a: &a [x, x, x]\nb: &b [*a, *a, *a]\nname: *b\n",
    "{" * 3000,
    "- " * 3000 + "x",
    "!!python/object/apply:os.getcwd []\n",
    "? [a, b]\n: c\n",
    "%YAML 9.9\n---\n{}\n",
    "\ufeffname: x\n",
    "name: x\nname: y\n",
)
DTYPES = ("<f4", ">f4", "|O", "<U9", "<c8", "|b1", "<M8[s]", "<i8", "|V8", "<f2", "nonsense",
          [("a", "<f4"), ("b", "<i4")])  # fmt: skip
SHAPES = ((), (0,), (4,), (4, 3), (3, 4), (4, 3, 1), (1 << 40, 3), (-1, 3), (1 << 20, 3))


def mutate_yaml(rng: Rng, content: bytes) -> bytes:
    """A value or a key of the document is another; sometimes the text is a trap of YAML's."""
    if rng.random() < 0.1:
        return pick(rng, BOMBS).encode() + (content if rng.random() < 0.3 else b"")
    document = yaml.safe_load(content)
    for _ in range(int(rng.integers(1, 4))):
        change_one(rng, document)
    return yaml.safe_dump(document, allow_unicode=True).encode("utf-8", "surrogatepass")


def change_one(rng: Rng, document: Any) -> None:
    """One place anywhere in nested lists and maps: another value, none, twice, or a new key."""
    places = _places(document)
    if not places:
        return
    owner, key = pick(rng, places)
    match int(rng.integers(0, 4)):
        case 0 if isinstance(owner, dict):
            owner[pick(rng, ["unheard_of", "class_name", "name", 3, "\n"])] = owner.pop(key)
        case 1:
            del owner[key]
        case 2 if isinstance(owner, list):
            owner.append(owner[key])
        case _:
            owner[key] = pick(rng, SCALARS)


def _places(document: Any) -> list[tuple[Any, Any]]:
    found, waiting = [], [document]
    while waiting:
        owner = waiting.pop()
        keys = owner if isinstance(owner, dict) else range(len(owner))
        for key in keys:
            found.append((owner, key))
            if isinstance(owner[key], dict | list):
                waiting.append(owner[key])
    return found


def mutate_npy(rng: Rng, content: bytes) -> bytes:
    """The array has another type, shape or values; or only its header says so."""
    array = np.load(io.BytesIO(content))
    match int(rng.integers(0, 4)):
        case 0:
            return _with_header(rng, content, array)
        case 1:
            changed = array.astype(pick(rng, ["<f8", ">f4", "<i8", "?", "<c8", "<U9", "<f2"]))
        case 2:
            changed = array.copy()
            if array.dtype.kind == "f":
                changed.reshape(-1)[0] = pick(rng, [np.nan, np.inf, -1e38, 1e-45])
        case _:
            shape = pick(rng, [(2, 3), (3,), (0, 3), (4, 5), (2, 3, 1), ()])
            changed = np.resize(array, shape)
    return _npy(changed)


def _with_header(rng: Rng, content: bytes, array: Any) -> bytes:
    header = {"descr": array.dtype.str, "fortran_order": False, "shape": array.shape}
    key = pick(rng, ["descr", "shape", "fortran_order", "more"])
    header[key] = {"descr": pick(rng, DTYPES), "shape": pick(rng, SHAPES)}.get(
        key, pick(rng, [True, "x", None])
    )
    text = repr(header).encode()
    text += b" " * (-(len(text) + 11) % 64) + b"\n"
    version = pick(rng, [b"\x01\x00", b"\x01\x00", b"\x07\x00"])
    return b"\x93NUMPY" + version + len(text).to_bytes(2, "little") + text + content[128:]


def mutate_npz(rng: Rng, content: bytes) -> bytes:
    """A member is missing, there twice, of another name or content."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    name = pick(rng, sorted(members))
    match int(rng.integers(0, 4)):
        case 0:
            del members[name]
        case 1:
            members[pick(rng, ["y.npy", "../x.npy", "x", "[b].npy", "\x1b.npy"])] = members[name]
        case 2:
            members[pick(rng, ["y.npy", "x.txt"])] = members.pop(name)
        case _:
            members[name] = mutate_npy(rng, members[name])
    return _zip(members)


def mutate_configuration(rng: Rng, text: bytes) -> bytes:
    """A Keras configuration (JSON) with one to three other values."""
    document = json.loads(text)
    for _ in range(int(rng.integers(1, 4))):
        change_one(rng, document)
    return json.dumps(document).encode()


def mutate_keras_zip(rng: Rng, content: bytes) -> bytes:
    """A `.keras` archive with another configuration, or with a member more or less."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    if rng.random() < 0.8:
        members["config.json"] = mutate_configuration(rng, members["config.json"])
    else:
        del members[pick(rng, sorted(members))]
    return _zip(members)


def mutate_hdf5(rng: Rng, content: bytes) -> bytes:
    """A `.h5` file with another configuration, or with other weights."""
    import h5py

    buffer = io.BytesIO(content)
    with h5py.File(buffer, "r+") as file:
        if rng.random() < 0.6:
            text = file.attrs["model_config"]
            text = text.encode() if isinstance(text, str) else text
            file.attrs["model_config"] = mutate_configuration(rng, text)
        else:
            _change_weights(rng, file)
    return buffer.getvalue()


def _change_weights(rng: Rng, file: Any) -> None:
    import h5py

    names: list[str] = []
    file.visititems(lambda name, it: names.append(name) if isinstance(it, h5py.Dataset) else None)
    if not names:
        return
    name = pick(rng, names)
    values = np.asarray(file[name])
    del file[name]
    match int(rng.integers(0, 4)):
        case 0:
            return
        case 1:
            file[name] = values.reshape(-1)[: max(1, values.size // 2)]
        case 2:
            file[name] = np.full(values.shape, pick(rng, [np.nan, np.inf, 0, 1e30]), np.float32)
        case _:
            file[name] = values.astype(pick(rng, ["<f8", "<i4", "S4"]))


def _npy(array: Any) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=False)
    return buffer.getvalue()


def _zip(members: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()
