"""The only reader of ONNX files: parses them whole, external data included, and checks them."""

from __future__ import annotations

import hashlib
import re
import stat
from dataclasses import dataclass
from pathlib import Path

import onnx
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]

from fpgacomp.errors import MissingModel, ModelError
from fpgacomp.network.editable import EditableGraph
from fpgacomp.network.external import MAX_STORED_BYTES, load_external_data
from fpgacomp.network.repair import check_standard
from fpgacomp.network.scan import all_tensors, scan
from fpgacomp.network.validate import validate

_OTHER_FORMATS = {
    b"\x89HDF": ("a Keras HDF5 file", "give it with the suffix .h5."),
    b"PK\x03\x04": ("a zip archive (Keras or PyTorch)", "export the model to ONNX."),
    b"\x80\x02": ("a Python pickle", "export the model to ONNX."),
}
_ARRAYS = ("NumPy arrays", "name the network; samples are given with --inputs or --data.")
_TFLITE = (b"TFL3", "a TensorFlow Lite file", "convert it with tf2onnx.")


@dataclass(frozen=True)
class OnnxFile:
    """A parsed ONNX file, or a model in memory.

    Args:
        model: the network, external data and the bodies of its own functions included.
        name: a short identifier (letters, digits, underscores), from the file name.
        file: the path as the user gave it; "" for a model in memory.
        sha256: of the file's bytes.
    """

    model: onnx.ModelProto
    name: str
    file: str
    sha256: str


def load_onnx(source: str | Path | onnx.ModelProto, name: str | None = None) -> OnnxFile:
    """Parse a file, check that it is whole, and load its external data.

    Args:
        source: path of the file, or a model in memory (which is copied).
        name: what to call the network; by default after the file or the graph.

    Raises:
        ModelError: the file is absent, no file, no ONNX, cut off, or points outside its folder.
    """
    if isinstance(source, onnx.ModelProto):
        data = source.SerializeToString(deterministic=True)
        model, file, folder = onnx.ModelProto.FromString(data), "", None
    else:
        path, file = Path(source), str(source)
        data, folder = _read(path), path.parent
        model = _parse(data, file)
    digest = hashlib.sha256(data).hexdigest()
    where = file or "the model"
    _check_content(model, where)
    scan(model, where)
    load_external_data(model, where, folder)
    if model.functions:
        check_standard(model, where)
        model = _inline(model, where)
    stem = name or (Path(file).stem if file else model.graph.name)
    return OnnxFile(model, identifier(stem), file, digest)


def read_graph(model: onnx.ModelProto, where: str = "the model") -> EditableGraph:
    """Return the model's graph in editable form; nodes that are no valid ONNX are reported in it.

    Args:
        model: as `load_onnx` returns it.
        where: what error messages call the model.

    Raises:
        ModelError: a constant that cannot be decoded, or tensors that nothing writes.
    """
    try:
        graph = EditableGraph.from_model(model)
    except (ValueError, TypeError, KeyError) as error:
        reason = str(error).splitlines()[0]
        fix = "copy or export it again."
        raise ModelError(where, f"holds a constant that cannot be read: {reason}.", fix) from None
    validate(graph)
    if not graph.problems:  # what is reported of a node says more than the checker does
        check_standard(model, where)
    return graph


def stored_bytes(path: Path) -> int:
    """Return the size of a network's file in bytes, the files that its weights are in included."""
    size = path.stat().st_size
    if path.suffix.lower() != ".onnx":
        return size
    model = onnx.load(path, load_external_data=False)
    locations = {
        entry.value
        for tensor in all_tensors(model)
        for entry in tensor.external_data
        if entry.key == "location"
    }
    return int(size + sum((path.parent / name).stat().st_size for name in locations))


def identifier(text: str) -> str:
    """Return the text with letters, digits and underscores only, not beginning with a digit."""
    clean = re.sub(r"\W+", "_", text, flags=re.ASCII).strip("_") or "network"
    return f"n_{clean}" if clean[0].isdigit() else clean


def _read(path: Path) -> bytes:
    if path.is_dir():
        raise ModelError(
            str(path), "is a folder, not a file.", "name a network file, for instance model.onnx."
        )
    try:
        state = path.stat()
        if not stat.S_ISREG(state.st_mode):
            why = "is a pipe or a device, not a file."
            raise ModelError(str(path), why, "copy the model to a file.")
        if state.st_size > MAX_STORED_BYTES:
            why = f"has {state.st_size / 1e9:.1f} GB; an ONNX file has at most 2 GB."
            raise ModelError(str(path), why, "keep its values in a file beside it.")
        return path.read_bytes()
    except FileNotFoundError:
        raise MissingModel(str(path), "does not exist.", "check the path.") from None
    except OSError as error:
        reason = error.strerror or str(error)
        raise ModelError(str(path), f"cannot be read: {reason}.", "check its rights.") from None
    except ValueError:  # a null character
        raise ModelError(repr(str(path)), "is no name of a file.", "check the path.") from None


def _parse(data: bytes, file: str) -> onnx.ModelProto:
    if not data:
        raise ModelError(file, "is empty.", "export the model again.")
    if data.startswith(b"\x93NUMPY") or (data.startswith(b"PK\x03\x04") and file.endswith(".npz")):
        raise ModelError(file, f"is {_ARRAYS[0]}, not an ONNX file.", _ARRAYS[1])
    for magic, (what, fix) in _OTHER_FORMATS.items():
        if data.startswith(magic):
            raise ModelError(file, f"is {what}, not an ONNX file.", fix)
    if data[4:8] == _TFLITE[0]:
        raise ModelError(file, f"is {_TFLITE[1]}, not an ONNX file.", _TFLITE[2])
    try:
        return onnx.load_model_from_string(data)
    except DecodeError:
        why = "is not an ONNX file, or it is cut off."
        raise ModelError(file, why, "copy or export it again.") from None


def _check_content(model: onnx.ModelProto, where: str) -> None:
    if not model.opset_import or not model.graph.output:
        why = "is not a complete ONNX model (it has no outputs or no opset)."
        raise ModelError(where, why, "copy or export it again.")
    if not model.graph.node:
        raise ModelError(where, "holds a network without any node.", "export it again.")
    if model.graph.sparse_initializer:
        name = model.graph.sparse_initializer[0].values.name
        raise ModelError(where, f"holds a sparse constant {name}.", "export it densely.")


def _inline(model: onnx.ModelProto, where: str) -> onnx.ModelProto:
    """Replace calls of the model's own functions by their bodies."""
    from onnx import inliner

    try:
        return inliner.inline_local_functions(model)
    except (RuntimeError, ValueError) as error:
        why = f"defines functions that cannot be inlined: {str(error).splitlines()[0]}."
        raise ModelError(where, why, "export it again.") from None
