"""The OpenAPI 3.1 document of a service, from the inputs and outputs of its design."""

from __future__ import annotations

from typing import Any, Mapping

from ..deployment import Deployment
from ..input_range import InputRange
from ..program import TensorSpec
from .description import input_ranges, range_values, told_range
from .messages import DTYPES, MAX_ID
from .refusal import KINDS

_JSON = "application/json"
_WHOLE = ("int64", "int32", "uint8", "int8")


def document(deployment: Deployment) -> dict[str, Any]:
    """The document, as plain values for JSON."""
    before, after = deployment.before, deployment.after
    inputs = None if before is None else before.inputs
    outputs = None if after is None else after.outputs
    return {
        "openapi": "3.1.0",
        "info": {
            "title": f"Predictions of {deployment.name}",
            "version": deployment.identity,
            "summary": f"{deployment.name} on {deployment.board}, by fpgacomp {deployment.version}",
        },
        "paths": {
            "/predict": {"post": _predict()},
            "/healthz": {"get": _state("Whether the service goes on.", 500)},
            "/readyz": {"get": _state("Whether predictions over HTTP are answered now.", 503)},
            "/readyz/mqtt": {"get": _state("Whether those over MQTT are, too.", 503)},
            "/description": {"get": _plain("Inputs with their ranges, outputs, design.", _JSON)},
            "/metrics": {"get": _plain("Figures for Prometheus.", "text/plain")},
            "/openapi.json": {"get": _plain("This document.", _JSON)},
        },
        "components": {
            "schemas": {
                "Request": _request(inputs, input_ranges(deployment)),
                "Answer": _answer(outputs),
                "Error": _error(),
                "RawArray": _raw_array(),
            }
        },
    }


def _predict() -> dict[str, Any]:
    statuses: dict[int, list[str]] = {}
    for name, kind in KINDS.items():
        statuses.setdefault(kind.status, []).append(name)
    # Of the request's head: the length and the type of its body, and its own length.
    for status in (411, 415, 431):
        statuses.setdefault(status, []).append("malformed")
    refusals = {
        str(status): {"description": " or ".join(names), "content": _content("Error")}
        for status, names in sorted(statuses.items())
    }
    return {
        "summary": "Predict. The same id gets the same answer again; without one a new id is made.",
        "operationId": "predict",
        "requestBody": {"required": True, "content": _content("Request")},
        "responses": {"200": {"description": "The answer.", "content": _content("Answer")},
                      **refusals},
    }  # fmt: skip


def _state(told: str, failing: int) -> dict[str, Any]:
    schema = {
        "type": "object",
        "properties": {"ok": {"type": "boolean"},
                       "problems": {"type": "array", "items": {"type": "string"}}},
        "required": ["ok", "problems"],
    }  # fmt: skip
    content = {_JSON: {"schema": schema}}
    return {"summary": told, "responses": {"200": {"description": "Yes.", "content": content},
            str(failing): {"description": "No.", "content": content}}}  # fmt: skip


def _plain(told: str, kind: str) -> dict[str, Any]:
    content = {kind: {"schema": {"type": "object" if kind == _JSON else "string"}}}
    return {"summary": told, "responses": {"200": {"description": told, "content": content}}}


def _content(schema: str) -> dict[str, Any]:
    return {_JSON: {"schema": {"$ref": f"#/components/schemas/{schema}"}}}


def _request(
    inputs: Mapping[str, TensorSpec] | None, ranges: Mapping[str, InputRange | None]
) -> dict[str, Any]:
    arrays = _arrays(inputs, finite=True)
    for name, schema in arrays.get("properties", {}).items():
        # No `minimum` and `maximum`: what lies beyond them is valid.
        schema["description"] = told_range(ranges[name])
        schema["x-range"] = range_values(ranges[name])
    return {
        "type": "object",
        "properties": {"id": _id(), "inputs": arrays},
        "required": ["inputs"],
        "additionalProperties": False,
    }


def _answer(outputs: Mapping[str, TensorSpec] | None) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {
            "id": _id(),
            "outputs": _arrays(outputs),
            "design": {"type": "string", "pattern": "^[0-9a-f]{32}$"},
            "clipped": {
                "type": ["integer", "null"],
                "minimum": 0,
                "description": "Values of the request beyond the range of their input, which were "
                "taken as its nearer end; null where no range is known.",
            },
        },
        "required": ["id", "outputs", "design", "clipped"],
    }


def _error() -> dict[str, Any]:
    members: dict[str, Any] = {name: {"type": "string"} for name in ("where", "why", "fix")}
    error = {
        "type": "object",
        "properties": {"kind": {"enum": list(KINDS)}, **members,
                       "retry_after_s": {"type": "number"}},
        "required": ["kind", *members],
    }  # fmt: skip
    return {
        "type": "object",
        "properties": {"id": {"type": ["string", "null"]}, "error": error},
        "required": ["id", "error"],
    }


def _id() -> dict[str, Any]:
    return {"type": "string", "minLength": 1, "maxLength": MAX_ID, "pattern": "^[!-~]+$"}


def _arrays(specs: Mapping[str, TensorSpec] | None, *, finite: bool = False) -> dict[str, Any]:
    """An object of arrays by name; of any names where only ONNX Runtime knows them."""
    if specs is None:
        return {"type": "object", "additionalProperties": {"anyOf": [{"type": "array"}, _raw()]}}
    return {
        "type": "object",
        "properties": {
            name: {"anyOf": [_nested(spec, finite), _raw()]} for name, spec in specs.items()
        },
        "required": list(specs),
        "additionalProperties": False,
    }


def _nested(spec: TensorSpec, finite: bool) -> dict[str, Any]:
    """Nested lists of one input or output, samples outermost."""
    if spec.type == "bool":
        found: dict[str, Any] = {"type": "boolean"}
    elif spec.type in _WHOLE:
        found = {"type": "integer"}
    elif finite:
        found = {"type": "number"}
    else:  # JSON has no infinity: that is a text
        found = {"anyOf": [{"type": "number"}, {"enum": ["NaN", "Infinity", "-Infinity"]}]}
    for length in reversed(tuple(spec.shape)):
        found = {"type": "array", "items": found, "minItems": length, "maxItems": length}
    return {"type": "array", "items": found, "minItems": 1}


def _raw() -> dict[str, Any]:
    return {"$ref": "#/components/schemas/RawArray"}


def _raw_array() -> dict[str, Any]:
    return {
        "type": "object",
        "description": "Little-endian elements in row-major order.",
        "properties": {
            "dtype": {"enum": list(DTYPES)},
            "shape": {"type": "array", "items": {"type": "integer", "minimum": 0}},
            "data": {"type": "string", "contentEncoding": "base64"},
        },
        "required": ["dtype", "shape", "data"],
        "additionalProperties": False,
    }
