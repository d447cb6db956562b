"""Requests and replies as JSON; requests come from strangers, so that everything is bounded.

    {"id": "7d3e", "inputs": {"image": [[...]]}}
    {"id": "7d3e", "inputs": {"image": {"dtype": "float32", "shape": [1, 1, 8, 8], "data": "..."}}}

Arrays have samples along their first axis. They are nested lists, or the little-endian bytes of
their elements in row-major order, in base64; the answer comes in the form of the question. Over
MQTT 3.1.1, which has no response topic, the member `reply_to` names it.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Mapping

import numpy as np

from ..program import TensorSpec
from ..strict_json import read_json
from .refusal import ServiceRefusal

if TYPE_CHECKING:
    Array = np.ndarray[Any, Any]
# Types of elements that a request may have.
DTYPES = (
    "float32", "float64", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64",
    "bool",
)  # fmt: skip
MAX_ID = 100
_ID = re.compile(rf"[!-~]{{1,{MAX_ID}}}\Z")
_MEMBERS = {"id", "inputs", "reply_to"}
# A longer number is none of a sample's, and takes Python a time that grows with its square.
_MAX_DIGITS = 40
_MAX_TOPIC = 1000
_MAX_AXES = 9


@dataclass(frozen=True, eq=False)
class PredictionRequest:
    """A request that can be computed.

    Args:
        id: what its answer carries; one id is one request, whoever sends it how often.
        inputs: name -> samples along axis 0.
        encoding: "list" or "base64", of the answer.
        digest: 16 bytes that tell these inputs from others.
    """

    id: str
    inputs: Mapping[str, Array]
    encoding: str
    digest: bytes

    @property
    def samples(self) -> int:
        """How many samples it has."""
        return len(next(iter(self.inputs.values())))

    @property
    def form(self) -> tuple[Any, ...]:
        """What requests have in common that can be computed together."""
        return tuple(
            (name, self.inputs[name].dtype.str, self.inputs[name].shape[1:])
            for name in sorted(self.inputs)
        )


@dataclass(frozen=True)
class Envelope:
    """What was read of a request before its inputs.

    Args:
        id: None where there is none that could be read.
        reply_to: topic that the request names; None likewise.
        members: of the JSON object.
        refusal: why there is nothing more to read; None where there is.
    """

    id: str | None
    reply_to: str | None
    members: Mapping[str, Any]
    refusal: ServiceRefusal | None


def read_envelope(payload: bytes, max_bytes: int) -> Envelope:
    """Read the JSON of a request; whatever it holds, this does not raise."""
    if len(payload) > max_bytes:
        why = f"has {len(payload)} bytes; at most {max_bytes} are taken."
        return Envelope(None, None, {}, ServiceRefusal("too large", "the request", why,
                                                       "send fewer samples at once."))  # fmt: skip
    try:
        members = read_json(
            payload, parse_constant=_refuse_constant, parse_int=_whole, parse_float=_real
        )
        if not isinstance(members, dict):
            raise ValueError("it is no object")
    except ValueError as problem:
        return Envelope(None, None, {}, _malformed("the request", f"{str(problem)[:200]}."))
    found, topic = members.get("id"), members.get("reply_to")
    readable = found if isinstance(found, str) and _ID.match(found) else None
    target = topic if isinstance(topic, str) and len(topic) <= _MAX_TOPIC else None
    refusal = None
    if "id" in members and readable is None:
        refusal = _malformed("id", f"is not 1 to {MAX_ID} visible ASCII characters.")
    elif set(members) - _MEMBERS:
        strange = sorted(set(members) - _MEMBERS)[0][:50]
        refusal = _malformed(repr(strange), "is no member of a request.")
    return Envelope(readable, target, members, refusal)


def read_request(
    envelope: Envelope, specs: Mapping[str, TensorSpec] | None, max_bytes: int
) -> PredictionRequest:
    """Read the inputs of a request.

    Args:
        envelope: what `read_envelope` gave.
        specs: the network's inputs; None where only ONNX Runtime knows them.
        max_bytes: of the arrays.

    Raises:
        ServiceRefusal: they are not what the network takes.
    """
    if envelope.refusal is not None:
        raise envelope.refusal
    if envelope.id is None:
        raise _malformed("id", "is missing.")
    given = envelope.members.get("inputs")
    if not isinstance(given, dict) or not given:
        raise _malformed("inputs", "is no object of arrays by name.")
    if specs is not None and set(given) != set(specs):
        raise _wrong("inputs", f"names {_names(given)}.", f"name {_names(specs)}.")
    inputs = {name: _array(name, value, max_bytes) for name, value in given.items()}
    if len({len(array) for array in inputs.values()}) != 1:
        raise _wrong("inputs", "have different numbers of samples.", "give as many for each.")
    for name, array in inputs.items():
        if specs is not None and array.shape[1:] != tuple(specs[name].shape):
            shape = ", ".join(map(str, ("N", *specs[name].shape)))
            raise _wrong(name[:50], f"has shape {list(array.shape)}.", f"give [{shape}].")
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            raise _wrong(name[:50], "holds NaN or infinity.", "give finite numbers.")
    encoding = "list" if isinstance(next(iter(given.values())), list) else "base64"
    return PredictionRequest(envelope.id, inputs, encoding, _digest(inputs))


def encode_answer(
    request: PredictionRequest, outputs: Mapping[str, Array], design: str, clipped: int | None
) -> bytes:
    """The reply that carries a prediction.

    Args:
        outputs: name -> samples along axis 0.
        design: identity of the design that computed them.
        clipped: values of the request beyond the range of their input; None where none is known.
    """
    code = encode_array if request.encoding == "base64" else _nested
    values = {name: code(np.asarray(array)) for name, array in outputs.items()}
    reply = {"id": request.id, "outputs": values, "design": design, "clipped": clipped}
    return json.dumps(reply, allow_nan=False).encode()


def encode_error(id: str | None, refusal: ServiceRefusal) -> bytes:
    """The reply that carries an error; without an id where none could be read."""
    return json.dumps({"id": id, "error": refusal.to_json()}).encode()


def encode_array(array: Array) -> dict[str, Any]:
    """An array as its bytes."""
    little = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<"))
    data = base64.b64encode(little.tobytes()).decode("ascii")
    return {"dtype": array.dtype.name, "shape": list(array.shape), "data": data}


def decode_array(value: Any) -> Array:
    """An array of a reply, in either form; the reader trusts the service."""
    if isinstance(value, dict):
        dtype = np.dtype(value["dtype"]).newbyteorder("<")
        return np.frombuffer(base64.b64decode(value["data"]), dtype).reshape(value["shape"])
    return np.asarray(_numbers(value))


def _array(name: str, value: Any, max_bytes: int) -> Array:
    where = name[:50]
    array = _raw(where, value, max_bytes) if isinstance(value, dict) else _listed(where, value)
    if not 1 <= array.ndim <= _MAX_AXES or array.size == 0:
        raise _wrong(where, f"has shape {list(array.shape)[:20]}.",
                     "give samples along the first axis, at least one.")  # fmt: skip
    return array


def _listed(where: str, value: Any) -> Array:
    if not isinstance(value, list):
        raise _malformed(where, "is neither a list nor an object with dtype, shape and data.")
    try:
        array = np.asarray(value)
    except (ValueError, OverflowError, RecursionError):
        array = np.empty(0, dtype=object)  # lists of different lengths
    if array.dtype.kind not in "fiub":
        raise _malformed(where, "is no array of numbers: its lists differ in length, or an element "
                         "is none.")  # fmt: skip
    return array


def _raw(where: str, value: Mapping[str, Any], max_bytes: int) -> Array:
    if set(value) != {"dtype", "shape", "data"}:
        raise _malformed(where, "has other members than dtype, shape and data.")
    dtype, shape, data = value["dtype"], value["shape"], value["data"]
    if dtype not in DTYPES:
        raise _malformed(where, "dtype is none of {}.".format(", ".join(DTYPES)))
    if (
        not isinstance(shape, list)
        or len(shape) > _MAX_AXES
        or not all(type(n) is int and 0 <= n <= max_bytes for n in shape)
    ):
        raise _malformed(where, "shape is no list of lengths.")
    try:
        content = base64.b64decode(data.encode("ascii"), validate=True)
    except (AttributeError, ValueError, binascii.Error):
        raise _malformed(where, "data is no base64.") from None
    kind = np.dtype(dtype).newbyteorder("<")
    size = kind.itemsize
    for length in shape:
        size *= length
    if size != len(content):
        raise _malformed(where, f"data has {len(content)} bytes where its shape has {size}.")
    array = np.frombuffer(content, kind).reshape(shape)
    return array.view(np.uint8).astype(bool) if dtype == "bool" else array


def _nested(array: Array) -> Any:
    """An array as nested lists; JSON has no infinity, so that is a text."""
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        return _with_texts(array.tolist())
    return array.tolist()


def _with_texts(value: Any) -> Any:
    if isinstance(value, list):
        return [_with_texts(one) for one in value]
    if math.isfinite(value):
        return value
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def _numbers(value: Any) -> Any:
    if isinstance(value, list):
        return [_numbers(one) for one in value]
    return float(value) if isinstance(value, str) else value


def _digest(inputs: Mapping[str, Array]) -> bytes:
    found = hashlib.sha256()
    for name in sorted(inputs):
        array = inputs[name]
        found.update(repr((name, array.dtype.str, array.shape)).encode())
        found.update(np.ascontiguousarray(array).tobytes())
    return found.digest()[:16]


def _names(values: Mapping[str, Any]) -> str:
    return ", ".join(sorted(values))[:200]


def _refuse_constant(word: str) -> Any:
    raise ValueError(f"{word} is no number of JSON")


def _whole(digits: str) -> int:
    if len(digits) > _MAX_DIGITS:
        raise ValueError("a number has too many digits")
    return int(digits)


def _real(digits: str) -> float:
    found = float(digits)
    if not math.isfinite(found):
        raise ValueError("a number is too large for float64")
    return found


def _malformed(where: str, why: str) -> ServiceRefusal:
    remedy = 'send {"id": text, "inputs": {name: array}} as the OpenAPI document says.'
    return ServiceRefusal("malformed", where, why, remedy)


def _wrong(where: str, why: str, remedy: str) -> ServiceRefusal:
    return ServiceRefusal("samples", where, why, remedy)
