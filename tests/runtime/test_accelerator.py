"""The calls that an application makes, on a device that computes as the integer graph does."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from fpgacomp.deploy.oracle import OracleTransport
from fpgacomp.flows.compile import compile
from fpgacomp.flows.options import Options
from fpgacomp.flows.simulate import simulate
from fpgacomp.ir import codec
from fpgacomp.runtime import accelerator as runtime
from fpgacomp.runtime.deployment import FILE, Deployment
from fpgacomp.runtime.errors import DescriptionError, SampleError, TransferError, WrongDesign
from tests.support.frontend_runs import node
from tests.support.ordinary_networks import convolution, dense
from tests.support.paths import EXAMPLES

DIGITS = EXAMPLES / "digits_cnn"


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("accelerator") / "digits"
    options = Options(
        csim=False, checks="quick", backend="stream", inputs=DIGITS / "test_inputs.npy"
    )
    assert compile(DIGITS / "model.onnx", "pynq-z2", out=folder, options=options).status == "ok"
    return folder


def device(build: Path) -> OracleTransport:
    graph = codec.from_json((build / "graph.json").read_text())
    return OracleTransport(Deployment.read(build / "software"), graph)


@pytest.mark.slow
def test_predictions_are_the_networks(build: Path) -> None:
    images = np.load(DIGITS / "test_inputs.npy")
    with runtime.open(build / "software", transport := device(build)) as accelerator:
        scores = accelerator.predict(images)
        assert accelerator.version == accelerator.deployment.version
        assert accelerator.statistics() == {"frames": len(images)}
    assert transport.closed
    (wanted,) = simulate(build, images).outputs.values()
    np.testing.assert_array_equal(scores, wanted)


@pytest.mark.slow
def test_samples_can_be_under_way_while_others_are_sent(build: Path) -> None:
    images = np.load(DIGITS / "test_inputs.npy")[:9]
    accelerator = runtime.open(build / "software", device(build))
    tickets = [accelerator.submit({"image": images[k : k + 3]}) for k in (0, 3, 6)]
    assert [ticket.samples for ticket in tickets] == [3, 3, 3]
    scores = np.concatenate([accelerator.wait(ticket) for ticket in tickets])
    np.testing.assert_array_equal(scores, accelerator.predict(images))


def test_each_ticket_is_answered_once_and_by_its_own_accelerator(build: Path) -> None:
    images = np.load(DIGITS / "test_inputs.npy")[:3]
    one, other = (runtime.open(build / "software", device(build)) for _ in range(2))
    ticket, foreign = one.submit(images), other.submit(images)
    with pytest.raises(TransferError, match="of samples that another accelerator was sent"):
        one.wait(foreign)
    one.wait(ticket)
    with pytest.raises(TransferError, match="answered already"):
        one.wait(ticket)
    before = one.submit(images)
    one.reset()
    after = one.submit(images)
    with pytest.raises(TransferError, match="lost in a reset"):
        one.wait(before)
    one.wait(after)
    other.wait(foreign)


def test_what_is_closed_says_so_and_is_closed_once(build: Path) -> None:
    images = np.load(DIGITS / "test_inputs.npy")[:3]
    transport = device(build)
    closes: list[int] = []
    transport.close = lambda: closes.append(1)  # type: ignore[method-assign]
    accelerator = runtime.open(build / "software", transport)
    ticket = accelerator.submit(images)
    accelerator.close()
    accelerator.close()
    assert closes == [1]
    calls: list[Callable[[], object]] = [
        lambda: accelerator.submit(images), lambda: accelerator.wait(ticket), accelerator.reset,
        accelerator.self_test, accelerator.statistics, lambda: accelerator.predict(images),
    ]  # fmt: skip
    for call in calls:
        with pytest.raises(TransferError, match=r"was closed\. Fix: open the device again"):
            call()


def test_the_stored_frames_are_the_oracles(build: Path) -> None:
    found = runtime.open(build / "software", device(build)).self_test()
    assert found.passed and (found.frames, found.integers) == (4, 40)


def test_a_wrong_integer_fails_the_self_test(build: Path) -> None:
    transport = device(build)
    accelerator = runtime.open(build / "software", transport)
    finish = transport.finish
    transport.finish = lambda *arguments: [array + 1 for array in finish(*arguments)]  # type: ignore[method-assign]
    found = accelerator.self_test()
    assert not found.passed and found.mismatches == 40


def test_another_design_is_refused_with_both_identities(build: Path) -> None:
    transport = device(build)
    transport.identity = lambda: "0" * 32  # type: ignore[method-assign]
    with pytest.raises(WrongDesign, match="0" * 32) as refused:
        runtime.open(build / "software", transport)
    assert transport.deployment.identity in str(refused.value)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("samples", "why"),
    [
        (np.zeros((2, 8, 8, 1)), "expected"),
        (np.full((2, 1, 8, 8), np.nan), "NaN"),
        (np.full((2, 1, 8, 8), 1e39), "beyond float32"),
        (np.zeros((0, 1, 8, 8)), "no samples"),
        (np.array([["a"]]), "not numbers"),
        ({"picture": np.zeros((2, 1, 8, 8))}, "no values"),
        ([[1.0, 2.0], [3.0]], "no array"),
        (np.ma.masked_greater(np.arange(64.0).reshape(1, 1, 8, 8), 60), "masked in part"),
        (np.zeros((1, 1, 8, 8), complex), "not numbers"),
        (5.0, "expected"),
    ],
)
@pytest.mark.parametrize("in_onnx", [False, True])
def test_samples_that_do_not_go_with_the_network(
    build: Path, samples: object, why: str, in_onnx: bool
) -> None:
    deployment = Deployment.read(build / "software")
    if in_onnx:
        deployment = replace(deployment, before=None)
        why = {"expected": "ONNX Runtime|no samples"}.get(why, why)
    accelerator = runtime.open(deployment, device(build))
    with pytest.raises(SampleError, match=why):
        accelerator.predict(samples)


@pytest.mark.parametrize("seconds", [float("nan"), np.float32("nan"), None, "1"])
def test_a_time_that_is_none_is_refused_before_anything_is_sent(
    build: Path, seconds: object
) -> None:
    accelerator = runtime.open(build / "software", device(build))
    images = np.zeros((1, 1, 8, 8))
    with pytest.raises(SampleError, match="timeout_s: is"):
        accelerator.predict(images, seconds)  # type: ignore[arg-type]
    with pytest.raises(SampleError, match="timeout_s: is"):
        accelerator.self_test(seconds)  # type: ignore[arg-type]
    assert accelerator.statistics() == {"frames": 0}
    ticket = accelerator.submit(images)
    with pytest.raises(SampleError, match="timeout_s: is"):
        accelerator.wait(ticket, seconds)  # type: ignore[arg-type]
    assert accelerator.wait(ticket, np.float32(1)).shape == (1, 10)


def test_integers_outside_the_compiled_range_are_never_sent(build: Path) -> None:
    port = Deployment.read(build / "software").inputs[0]
    with pytest.raises(SampleError, match=r"outside 0\.\.15"):
        runtime.to_containers(port, np.full((1, 8, 8, 1), 16))


def test_damaged_frames_of_the_self_test_are_refused(build: Path, tmp_path: Path) -> None:
    deployment = Deployment.read(build / "software")
    content = (build / "software" / FILE).read_bytes()
    (tmp_path / FILE).write_bytes(content)
    accelerator = runtime.open(tmp_path, device(build))
    with pytest.raises(DescriptionError, match="in0_image"):
        accelerator.self_test()
    (tmp_path / "selftest").mkdir()
    for port in (*deployment.inputs, *deployment.outputs):
        whole = (build / "software" / "selftest" / f"{port.port}.bin").read_bytes()
        (tmp_path / "selftest" / f"{port.port}.bin").write_bytes(whole)
    with pytest.raises(DescriptionError, match="whole frames"):
        (tmp_path / "selftest" / "in0_image.bin").write_bytes(b"\0" * 63)
        accelerator.self_test()


@pytest.mark.slow
def test_what_numpy_does_not_have_runs_in_onnxruntime(tmp_path: Path) -> None:
    gains = np.array([1.0, 0.5, 2.0, 1.5])
    model = convolution(node("InstanceNormalization", ["c", "gains", "gains"], "y"), gains=gains)
    build = tmp_path / "build"
    options = Options(vectors=9, csim=False, checks="quick", backend="stream")
    assert compile(model, "pynq-z2", out=build, options=options).status == "ok"
    assert json.loads((build / "software" / FILE).read_text())["software"]["after"] is None
    samples = np.random.default_rng(3).normal(size=(5, 2, 4, 4)).astype(np.float32)
    found = runtime.open(build / "software", device(build)).predict(samples)
    (wanted,) = simulate(build, samples).outputs.values()
    np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-6)


@pytest.mark.slow
def test_networks_without_a_tail_give_what_they_give(tmp_path: Path) -> None:
    build = tmp_path / "build"
    options = Options(vectors=9, csim=False, checks="quick", backend="hls4ml")
    assert compile(dense(), "pynq-z2", out=build, options=options).status == "ok"
    samples = np.random.default_rng(3).normal(size=(5, 4)).astype(np.float32)
    found = runtime.open(build / "software", device(build)).predict(samples)
    (wanted,) = simulate(build, samples).outputs.values()
    np.testing.assert_array_equal(found, wanted)


@pytest.mark.slow
def test_values_beyond_the_range_are_counted_and_the_range_is_stated(build: Path) -> None:
    images = np.load(DIGITS / "test_inputs.npy")[:3]
    with runtime.open(build / "software", device(build)) as accelerator:
        found = accelerator.ranges["image"]
        assert found is not None and found.low < found.high
        inside = np.clip(images, found.low, found.high)
        assert accelerator.submit(inside).clipped == (0, 0, 0)
        inside[1, 0, 2, 3:6] = found.high + found.step
        inside[2, 0, 0, 0] = found.low - found.step
        ticket = accelerator.submit(inside)
        assert ticket.clipped == (0, 3, 1) and accelerator.clipped == 4
        clipped = accelerator.wait(ticket)
        # The ends are what they are taken for.
        inside = np.clip(inside, found.low, found.high)
        np.testing.assert_array_equal(accelerator.predict(inside), clipped)
        assert accelerator.clipped == 4


def test_a_side_in_onnx_refuses_what_numpys_does(build: Path) -> None:
    deployment = replace(Deployment.read(build / "software"), before=None)
    accelerator = runtime.open(deployment, device(build))
    assert accelerator.ranges == {"image": None}
    assert accelerator.submit(np.zeros((2, 1, 8, 8))).clipped is None and accelerator.clipped == 0
    for value, told in ((np.nan, "NaN or infinity"), (1e39, "beyond float32")):
        with pytest.raises(SampleError, match=told):
            accelerator.predict(np.full((1, 1, 8, 8), value))
    with pytest.raises(SampleError, match="not numbers"):
        accelerator.predict(np.full((1, 1, 8, 8), "7"))
