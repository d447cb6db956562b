"""deployment.json is data from strangers: it is read whole, or refused in a sentence."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fpgacomp.flows.compile import compile
from fpgacomp.flows.options import Options
from fpgacomp.runtime.deployment import FILE, Deployment
from fpgacomp.runtime.errors import DescriptionError
from tests.support.frontend_runs import node
from tests.support.ordinary_networks import dense


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("deployment") / "build"
    tail = [node("Gather", ["m", "mixed"], "g", axis=1), node("Softmax", ["g"], "y", axis=1)]
    options = Options(vectors=9, csim=False, checks="quick", backend="stream")
    report = compile(
        dense(*tail, mixed=np.array([2, 0, 1])), "pynq-z2", out=folder, options=options
    )
    assert report.status == "ok"
    return folder


@pytest.mark.slow
def test_a_build_describes_its_ports_and_both_software_sides(build: Path) -> None:
    found = Deployment.read(build / "software")
    assert found.inputs == Deployment.read(build / "software" / FILE).inputs
    (image,), (scores,) = found.inputs, found.outputs
    assert (image.shape, image.signed, image.bits, image.frame_bytes) == ((4,), True, 6, 4)
    assert (scores.shape, scores.container_bits, scores.dtype.str) == ((3,), 16, "<i2")
    assert found.before is not None and found.after is not None
    assert found.board == "pynq-z2" and found.engine == "stream"
    manifest = json.loads((build / "manifest.json").read_text())
    assert manifest["files"]["graph.json"].startswith(found.identity)


def places(value: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The path of every value below a JSON value."""
    items = value.items() if isinstance(value, dict) else enumerate(value)
    found = []
    for key, below in items:
        found.append((*at, key))
        if isinstance(below, dict | list):
            found += places(below, (*at, key))
    return found


STRANGE = (None, True, -1, 0, 10**30, 2**31 - 1, 1.5, float("1e300"), "", "x" * 5000, [], [[]], {},
           [2**40], {"name": "m"}, [1, "1"], "1e999")  # fmt: skip


@pytest.mark.slow
def test_no_field_can_be_replaced_unnoticed_by_what_it_is_not(build: Path) -> None:
    content = json.loads((build / "software" / FILE).read_text())
    rng = np.random.default_rng(5)
    refused = 0
    for place in places(content):
        for strange in (STRANGE[k] for k in rng.choice(len(STRANGE), 5, replace=False)):
            changed = copy.deepcopy(content)
            inner = changed
            for key in place[:-1]:
                inner = inner[key]
            inner[place[-1]] = strange
            try:
                found = Deployment.parse(json.dumps(changed).encode(), build)
            except DescriptionError as error:
                refused += 1
                assert len(str(error)) < 500
            else:
                assert all(port.frame_bytes < 1 << 30 for port in (*found.inputs, *found.outputs))
    assert refused > 100


def test_a_field_that_is_left_out_is_named(build: Path) -> None:
    content = json.loads((build / "software" / FILE).read_text())
    for name in content:
        less = {key: value for key, value in content.items() if key != name}
        with pytest.raises(DescriptionError, match=name):
            Deployment.parse(json.dumps(less).encode(), build)


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b"\xff", b"[" * 100_000, b'{"format": 2}'])
def test_what_is_no_description_is_refused(content: bytes, tmp_path: Path) -> None:
    with pytest.raises(DescriptionError):
        Deployment.parse(content, tmp_path)


def test_a_missing_description_names_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(DescriptionError, match="name the folder software/ of a build"):
        Deployment.read(tmp_path)


@pytest.mark.parametrize("name", ["../../secret", "a/b", "", ".", "a\nb", "a" * 200])
def test_a_port_whose_file_would_lie_elsewhere(build: Path, name: str) -> None:
    content = json.loads((build / "software" / FILE).read_text())
    content["inputs"][0]["port"] = name
    with pytest.raises(DescriptionError, match="is no name of a port"):
        Deployment.parse(json.dumps(content).encode(), build)


def test_steps_that_would_take_any_memory_are_refused(build: Path) -> None:
    content = json.loads((build / "software" / FILE).read_text())
    after = content["software"]["after"]
    tall = {"name": "tall", "type": "float64", "shape": [100_000, 1], "values": [0.5] * 100_000}
    wide = {"name": "wide", "type": "float64", "shape": [100_000], "values": [0.5] * 100_000}
    after["constants"] += [tall, wide]
    step = {"op": "Add", "inputs": ["tall", "wide"], "output": "huge", "attributes": {},
            "type": "float64", "shape": [100_000]}  # fmt: skip
    after["steps"].insert(0, step)
    with pytest.raises(DescriptionError, match="huge"):
        Deployment.parse(json.dumps(content).encode(), build)


def changed(build: Path, constant: dict[str, Any], step: dict[str, Any]) -> bytes:
    """The description with one more constant and one more step in front."""
    content = json.loads((build / "software" / FILE).read_text())
    content["software"]["after"]["constants"].append(constant)
    content["software"]["after"]["steps"].insert(0, step)
    return json.dumps(content).encode()


def test_a_constant_is_numbers_of_bounded_length(build: Path) -> None:
    constant = {"name": "k", "type": "float64", "shape": [2], "values": ["0" * 100_000, "1"]}
    step = {"op": "Neg", "inputs": ["k"], "output": "h", "attributes": {}, "type": "float64",
            "shape": []}  # fmt: skip
    with pytest.raises(DescriptionError, match="holds no numbers"):
        Deployment.parse(changed(build, constant, step), build)


@pytest.mark.slow
def test_a_constant_is_not_taken_for_samples(build: Path) -> None:
    count = 1_000_003
    constant = {"name": "k", "type": "int8", "shape": [count, 1], "values": [1] * count}
    step = {"op": "Neg", "inputs": ["k"], "output": "h", "attributes": {}, "type": "int8",
            "shape": [1]}  # fmt: skip
    with pytest.raises(DescriptionError, match="1000003"):
        Deployment.parse(changed(build, constant, step), build)


def test_an_operand_too_many_is_refused(build: Path) -> None:
    name = Deployment.read(build / "software").outputs[0].integers
    constant = {"name": "k", "type": "int64", "shape": [1], "values": [1]}
    step = {"op": "Neg", "inputs": [name, name], "output": "h", "attributes": {}, "type": "int64",
            "shape": [3]}  # fmt: skip
    with pytest.raises(DescriptionError, match="'h'"):
        Deployment.parse(changed(build, constant, step), build)
