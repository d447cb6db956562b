"""Requests come from strangers: each is read whole, or refused in a sentence."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fpgacomp.runtime.program import TensorSpec
from fpgacomp.runtime.service.messages import (
    DTYPES,
    PredictionRequest,
    decode_array,
    encode_answer,
    encode_array,
    read_envelope,
    read_request,
)
from fpgacomp.runtime.service.refusal import ServiceRefusal

SPECS = {"x": TensorSpec("float32", (2, 2))}
LIMIT = 10_000


def read(members: Any) -> PredictionRequest:
    content = members if isinstance(members, bytes) else json.dumps(members).encode()
    return read_request(read_envelope(content, LIMIT), SPECS, LIMIT)


def test_lists_and_bytes_are_the_same_samples() -> None:
    samples = np.arange(8, dtype=np.float32).reshape(2, 2, 2)
    listed = read({"id": "a", "inputs": {"x": samples.tolist()}})
    raw = read({"id": "a", "inputs": {"x": encode_array(samples)}})
    for found in (listed, raw):
        np.testing.assert_array_equal(found.inputs["x"], samples)
        assert found.samples == 2
    assert (listed.encoding, raw.encoding) == ("list", "base64")
    assert read({"id": "b", "inputs": {"x": encode_array(samples)}}).digest == raw.digest
    other = encode_array(samples + 1)
    assert read({"id": "a", "inputs": {"x": other}}).digest != raw.digest


@pytest.mark.parametrize("name", DTYPES)
def test_every_type_comes_back(name: str) -> None:
    samples = np.array([[[0, 1], [1, 0]]]).astype(name)
    found = read({"id": "a", "inputs": {"x": encode_array(samples)}})
    assert found.inputs["x"].dtype == samples.dtype
    np.testing.assert_array_equal(decode_array(encode_array(samples)), samples)


@pytest.mark.parametrize("encoding", ["list", "base64"])
def test_answers_carry_what_json_has_no_number_for(encoding: str) -> None:
    scores = np.array([[np.nan, np.inf, -np.inf, 1.5]], dtype=np.float32)
    request = PredictionRequest("a", {"x": scores}, encoding, b"")
    reply = json.loads(encode_answer(request, {"y": scores}, "0" * 32, None))
    np.testing.assert_array_equal(decode_array(reply["outputs"]["y"]), scores)


RAW = {"dtype": "float32", "shape": [1, 2, 2], "data": "AAAAAAAAAAAAAAAAAAAAAA=="}
WRONG: list[tuple[Any, str, str]] = [
    (b"", "malformed", "the request"),
    (b"\xff", "malformed", "the request"),
    (b"[" * 5000, "malformed", "nested too deeply"),
    (b"[]", "malformed", "no object"),
    (b'{"id": "a", "inputs": {"x": [[[NaN, 0], [0, 0]]]}}', "malformed", "NaN"),
    (b'{"id": "a", "inputs": {"x": [[[1e999, 0], [0, 0]]]}}', "malformed", "float64"),
    (b'{"id": "a", "inputs": ' + b"1" * 5000 + b"}", "malformed", "digits"),
    (b" " * (LIMIT + 1), "too large", "10001 bytes"),
    ({"inputs": {"x": RAW}}, "malformed", "id: is missing"),
    ({"id": 7, "inputs": {"x": RAW}}, "malformed", "visible ASCII"),
    ({"id": "a" * 101, "inputs": {"x": RAW}}, "malformed", "visible ASCII"),
    ({"id": "a b", "inputs": {"x": RAW}}, "malformed", "visible ASCII"),
    ({"id": "a\n", "inputs": {"x": RAW}}, "malformed", "visible ASCII"),
    ({"id": "a", "input": {"x": RAW}}, "malformed", "'input': is no member"),
    ({"id": "a"}, "malformed", "no object of arrays"),
    ({"id": "a", "inputs": []}, "malformed", "no object of arrays"),
    ({"id": "a", "inputs": {"y": RAW}}, "samples", "names y"),
    ({"id": "a", "inputs": {"x": RAW, "y": RAW}}, "samples", "names x, y"),
    ({"id": "a", "inputs": {"x": 1}}, "malformed", "neither a list"),
    ({"id": "a", "inputs": {"x": []}}, "samples", "shape"),
    ({"id": "a", "inputs": {"x": [[[1, 2], [3]]]}}, "malformed", "no array of numbers"),
    ({"id": "a", "inputs": {"x": [[["1", "2"], ["3", "4"]]]}}, "malformed", "no array of numbers"),
    ({"id": "a", "inputs": {"x": [[[None, 1], [2, 3]]]}}, "malformed", "no array of numbers"),
    ({"id": "a", "inputs": {"x": [[[10**30, 1], [2, 3]]]}}, "malformed", "no array of numbers"),
    ({"id": "a", "inputs": {"x": [[1, 2], [3, 4]]}}, "samples", r"give \[N, 2, 2\]"),
    ({"id": "a", "inputs": {"x": RAW | {"dtype": "object"}}}, "malformed", "dtype is none"),
    ({"id": "a", "inputs": {"x": RAW | {"dtype": ["f4"]}}}, "malformed", "dtype is none"),
    ({"id": "a", "inputs": {"x": RAW | {"shape": [1, 2, 3]}}}, "malformed", "has 24"),
    ({"id": "a", "inputs": {"x": RAW | {"shape": [-1, -2, 2]}}}, "malformed", "list of lengths"),
    ({"id": "a", "inputs": {"x": RAW | {"shape": [True, 2, 2]}}}, "malformed", "list of lengths"),
    ({"id": "a", "inputs": {"x": RAW | {"shape": [10**9] * 9}}}, "malformed", "list of lengths"),
    ({"id": "a", "inputs": {"x": RAW | {"data": "?"}}}, "malformed", "base64"),
    ({"id": "a", "inputs": {"x": RAW | {"data": "é"}}}, "malformed", "base64"),
    ({"id": "a", "inputs": {"x": RAW | {"data": None}}}, "malformed", "base64"),
    ({"id": "a", "inputs": {"x": RAW | {"more": 1}}}, "malformed", "other members"),
    ({"id": "a", "inputs": {"x": RAW | {"data": "AADAfwAAAAAAAAAAAAAAAA=="}}}, "samples", "NaN"),
]  # fmt: skip


@pytest.mark.parametrize(("members", "kind", "told"), WRONG)
def test_what_is_refused(members: Any, kind: str, told: str) -> None:
    with pytest.raises(ServiceRefusal, match=told) as refused:
        read(members)
    assert refused.value.kind == kind and len(str(refused.value)) < 600


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=12,
)


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(
    st.fixed_dictionaries(
        {},
        optional={
            "id": st.just("a") | JSON,
            "reply_to": JSON,
            "inputs": JSON
            | st.fixed_dictionaries(
                {"x": JSON | st.fixed_dictionaries({"dtype": JSON, "shape": JSON, "data": JSON})}
            ),
        },
    )
)
def test_no_json_is_anything_but_read_or_refused(members: Any) -> None:
    try:
        found = read(members)
    except ServiceRefusal:
        return
    assert found.inputs["x"].shape[1:] == (2, 2)


def test_an_id_is_read_where_the_rest_is_wrong() -> None:
    envelope = read_envelope(b'{"id": "a", "reply_to": "t", "strange": 1}', LIMIT)
    assert (envelope.id, envelope.reply_to) == ("a", "t") and envelope.refusal is not None
