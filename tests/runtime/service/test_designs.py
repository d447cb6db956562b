"""Designs that are served from one folder, one after the other: each gives its own answers."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fpgacomp.deploy.oracle import OracleTransport, open_transport
from fpgacomp.runtime.deployment import Deployment
from fpgacomp.runtime.errors import DescriptionError
from fpgacomp.runtime.service.core import PredictionService
from fpgacomp.runtime.service.journal import Journal
from fpgacomp.runtime.service.messages import encode_array, read_envelope
from tests.runtime.service.test_worker import Target

SAMPLES = np.random.default_rng(0).normal(size=(2, 4)).astype(np.float32)


def ask(deployment: Deployment, state: Path, graph: Any) -> tuple[Any, int]:
    """The reply to id 1 of a service that is started for it, and how often it was computed."""
    device = OracleTransport(deployment, graph)
    device.identity = lambda: deployment.identity  # type: ignore[method-assign]
    service = PredictionService(deployment, lambda: device, Journal(state))
    service.start()
    try:
        target = Target()
        content = json.dumps({"id": "1", "inputs": {"x": encode_array(SAMPLES)}}).encode()
        service.submit(read_envelope(content, 1 << 20), "http", target)
        assert target.came.wait(30)
        return json.loads(target.replies[0]), service.metrics.total("answers_total")
    finally:
        service.stop(5.0)


def changed(deployment: Deployment, what: str) -> Deployment:
    """A design of another identity, or one of the same whose software part is another."""
    described = json.loads((deployment.folder / "deployment.json").read_text())
    if what == "identity":
        described["identity"] = "0123456789abcdef" * 2
    else:
        described["name"] = "renamed"
    return Deployment.parse(json.dumps(described).encode(), deployment.folder)


@pytest.mark.parametrize("what", ["identity", "software"])
def test_an_id_asked_of_another_design_is_computed_by_it(
    what: str, deployment: Deployment, tmp_path: Path
) -> None:
    graph = open_transport(deployment).graph
    other = changed(deployment, what)
    first, computed = ask(deployment, tmp_path, graph)
    assert computed == 1 and first["design"] == deployment.identity
    second, computed = ask(other, tmp_path, graph)
    assert computed == 1 and second["design"] == other.identity
    # Each still has its own answer.
    assert ask(deployment, tmp_path, graph) == (first, 0)
    assert ask(other, tmp_path, graph) == (second, 0)


def test_the_files_of_onnx_runtime_are_part_of_the_design(
    deployment: Deployment, tmp_path: Path
) -> None:
    bare = replace(deployment, after=None, folder=tmp_path)

    def key() -> str:
        journal = Journal(tmp_path / "answers")
        try:
            service = PredictionService(bare, lambda: open_transport(deployment), journal)
            return service._kept_as("1")
        finally:
            journal.close()

    with pytest.raises(DescriptionError, match=r"after\.onnx: cannot be read"):
        key()
    (tmp_path / "after.onnx").write_bytes(b"one")
    first = key()
    (tmp_path / "after.onnx").write_bytes(b"two")
    assert key() != first and first.endswith(" 1")
