"""Damages files in the ways that bad copies, bad exporters and bad people do; seeded."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import onnx
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

_NUMBERS = (0, 1, -1, 2, 3, 7, 127, 1 << 16, (1 << 31) - 1, -(1 << 31), 1 << 40, (1 << 63) - 1)
_FLOATS = (0.0, -1.0, 1e-38, 1e38, float("inf"), float("-inf"), float("nan"), 0.5, 3.0)
_TEXTS = ("", "x", "Relu", "Quant", "If", "\0", "../x", "[bold]", "a" * 300)


def flip_bits(rng: np.random.Generator, data: bytes) -> bytes:
    """One to eight bits anywhere."""
    changed = bytearray(data)
    for at in rng.integers(0, len(data), rng.integers(1, 9)):
        changed[at] ^= 1 << int(rng.integers(0, 8))
    return bytes(changed)


def cut(rng: np.random.Generator, data: bytes) -> bytes:
    """The beginning of the file only."""
    return data[: int(rng.integers(0, len(data)))]


def repeat(rng: np.random.Generator, data: bytes) -> bytes:
    """A piece of the file written over another place."""
    start, length, to = (int(rng.integers(0, len(data))) for _ in range(3))
    piece = data[start : start + length % 64]
    return data[:to] + piece + data[to + len(piece) :]


def insert(rng: np.random.Generator, data: bytes) -> bytes:
    """A few bytes that were not there."""
    at = int(rng.integers(0, len(data)))
    return data[:at] + rng.bytes(int(rng.integers(1, 9))) + data[at:]


BYTES: tuple[Callable[[np.random.Generator, bytes], bytes], ...] = (flip_bits, cut, repeat, insert)


def mutate_bytes(rng: np.random.Generator, data: bytes) -> bytes:
    """One of the mutations of bytes."""
    return BYTES[int(rng.integers(0, len(BYTES)))](rng, data)


def mutate_model(rng: np.random.Generator, model: onnx.ModelProto) -> bytes:
    """One to three fields of the model set to another value, removed or doubled."""
    changed = onnx.ModelProto()
    changed.CopyFrom(model)
    for _ in range(int(rng.integers(1, 4))):
        fields = list(_fields(changed))
        message, field = fields[int(rng.integers(0, len(fields)))]
        if field.label == FieldDescriptor.LABEL_REPEATED:
            _edit_list(rng, getattr(message, field.name), field)
        elif field.type == FieldDescriptor.TYPE_MESSAGE or rng.random() < 0.2:
            message.ClearField(field.name)
        else:
            setattr(message, field.name, _value(rng, field, getattr(message, field.name)))
    return changed.SerializeToString()


def _fields(root: Message) -> list[tuple[Message, FieldDescriptor]]:
    found, waiting = [], [root]
    while waiting:
        message = waiting.pop()
        for field, value in message.ListFields():
            found.append((message, field))
            if field.type == FieldDescriptor.TYPE_MESSAGE:
                many = field.label == FieldDescriptor.LABEL_REPEATED
                waiting += list(value) if many else [value]
    return found


def _edit_list(rng: np.random.Generator, values: Any, field: FieldDescriptor) -> None:
    at = int(rng.integers(0, len(values)))
    match int(rng.integers(0, 3)):
        case 0:
            del values[at]
        case 1:
            values.append(values[at])
        case _ if field.type == FieldDescriptor.TYPE_MESSAGE:
            values[at].CopyFrom(values[int(rng.integers(0, len(values)))])
        case _:
            values[at] = _value(rng, field, values[at])


def _value(rng: np.random.Generator, field: FieldDescriptor, old: Any) -> Any:
    match field.cpp_type:
        case FieldDescriptor.CPPTYPE_INT64:
            return _NUMBERS[int(rng.integers(0, len(_NUMBERS)))]
        case FieldDescriptor.CPPTYPE_FLOAT | FieldDescriptor.CPPTYPE_DOUBLE:
            return _FLOATS[int(rng.integers(0, len(_FLOATS)))]
        case FieldDescriptor.CPPTYPE_STRING if isinstance(old, bytes):
            return flip_bits(rng, old) if old else b"x"
        case FieldDescriptor.CPPTYPE_STRING:
            return _TEXTS[int(rng.integers(0, len(_TEXTS)))]
        case FieldDescriptor.CPPTYPE_ENUM:
            choices = [value.number for value in field.enum_type.values]
            return choices[int(rng.integers(0, len(choices)))]
        case _:
            return int(rng.integers(0, 20))
