"""The UART link of a board: its SystemVerilog behind an emulated line, driven by the runtime."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest

from fpgacomp.devices.read import load_board
from fpgacomp.errors import UsageError
from fpgacomp.flows import emulate as flow
from fpgacomp.flows.compile import compile
from fpgacomp.flows.emulate import emulate, throughput
from fpgacomp.flows.options import Options
from fpgacomp.flows.simulate import simulate
from fpgacomp.ir import codec
from fpgacomp.ir.graph import Graph
from fpgacomp.report import json_report
from fpgacomp.results.target import Target
from fpgacomp.runtime import accelerator as runtime
from fpgacomp.runtime import framing
from fpgacomp.runtime.deployment import Deployment
from fpgacomp.runtime.errors import DeviceError, DeviceTimeout, TransferError, WrongDesign
from fpgacomp.runtime.framing import Decoder, Packet
from fpgacomp.runtime.line import EmulatedLine
from fpgacomp.runtime.uart import UartTransport
from tests.support import stream_designs as sd
from tests.support import uart
from tests.support.c_drivers import SANITIZERS, run
from tests.support.paths import EXAMPLES

pytestmark = pytest.mark.slow

DIGITS = EXAMPLES / "digits_cnn"
# How often the line errs, in a million bits or bytes.
NOISY = {
    "to_flips": 400, "to_drops": 700, "to_doubles": 700, "to_breaks": 200, "to_pauses": 3000,
    "from_flips": 400, "from_drops": 700, "from_doubles": 700,
}  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("uart")


@lru_cache(maxsize=1)
def built(folder: Path) -> tuple[Path, Path]:
    """The build of the digits example for a small board, and its emulated board."""
    folder = folder / "digits"
    options = Options(
        csim=False, checks="quick", backend="stream", target=Target(goal="area", fps=1000.0),
        inputs=DIGITS / "test_inputs.npy",
    )  # fmt: skip
    compiled = compile(DIGITS / "model.onnx", "icebreaker", out=folder, options=options)
    assert compiled.status == "ok"
    return folder, emulate(folder)


Made = tuple[Graph, Deployment, Path]


@lru_cache(maxsize=1)
def made_joined() -> Made:
    design = uart.unfolded(uart.joined())
    project, deployment = uart.emit(design)
    return design.graph, deployment, uart.library(project)


@lru_cache(maxsize=1)
def made_in_spram() -> Made:
    """Frames of 301 bytes, two of which are more than a block RAM, in single-port RAMs."""
    project, deployment = uart.emit(sd.design(uart.joined(301)))
    return uart.joined(301), deployment, uart.library(project, spram=2)


@pytest.fixture
def made(request: pytest.FixtureRequest, folder: Path) -> Made:
    """A design: its graph, its description, and the library of its board."""
    uart.needs_verilator()
    if request.param == "joined":
        return made_joined()
    if request.param == "spram":
        return made_in_spram()
    build, library = built(folder)
    graph = codec.from_json((build / "graph.json").read_text("utf-8"))
    return graph, Deployment.read(build / "software"), library


both = pytest.mark.parametrize("made", ["joined", "digits"], indirect=True)
every = pytest.mark.parametrize("made", ["joined", "digits", "spram"], indirect=True)
joined = pytest.mark.parametrize("made", ["joined"], indirect=True)


@contextmanager
def line(path: Path, **settings: int) -> Iterator[EmulatedLine]:
    opened = EmulatedLine(path)
    try:
        for name, value in settings.items():
            opened.set(name, value)
        yield opened
    finally:
        opened.close()


def equal(found: list[np.ndarray], wanted: list[np.ndarray]) -> bool:
    return len(found) == len(wanted) and all(map(np.array_equal, found, wanted))


@every
def test_answers_are_the_oracles(made: Made) -> None:
    graph, deployment, path = made
    sent, wanted = uart.frames(graph, deployment, 40, 1)
    with line(path) as opened:
        device = uart.transport(opened, deployment)
        assert device.identity() == deployment.identity
        assert device.clock_hz == uart.CLOCK_HZ
        assert equal(device.finish(device.start(sent), 10.0), wanted)
        found = device.statistics()
        assert opened.get("led_busy") == opened.get("led_fault") == 0
    assert found["frames"] == 40
    assert found["sent_again"] == found["computed_again"] == found["broken"] == 0


@both
@pytest.mark.parametrize("seed", range(2))
def test_no_error_of_the_line_makes_an_answer_wrong(made: Made, seed: int) -> None:
    """Each frame is answered once, and every integer is the oracle's."""
    graph, deployment, path = made
    count = 60
    sent, wanted = uart.frames(graph, deployment, count, seed)
    with line(path, seed=seed, **NOISY) as opened:
        device = uart.transport(opened, deployment)
        # Two calls under way at once, which are answered in their order.
        half = count // 2
        tokens = [device.start([array[at : at + half] for array in sent]) for at in (0, half)]
        parts = [device.finish(token, 100.0) for token in tokens]
        found = [np.concatenate(arrays) for arrays in zip(*parts)]
        assert opened.get("errors") > 20
        assert equal(found, wanted)
        figures = device.statistics()
    assert figures["frames"] == count
    assert figures["sent_again"] > 0


@joined
def test_a_device_that_is_reset_meanwhile_is_sent_everything_again(made: Made) -> None:
    graph, deployment, path = made
    sent, wanted = uart.frames(graph, deployment, 40, 3)
    with line(path) as opened:
        device = uart.transport(opened, deployment)
        token = device.start(sent)
        for timeout in (0.001, 0.0013, 0.002):
            with pytest.raises(DeviceTimeout):
                device.finish(token, timeout)
            opened.set("reset", 3)
        assert equal(device.finish(token, 10.0), wanted)
        assert device.statistics()["resets"] > 1


@joined
def test_a_reset_loses_everything_and_the_next_frame_is_right(made: Made) -> None:
    graph, deployment, path = made
    sent, wanted = uart.frames(graph, deployment, 20, 4)
    with line(path) as opened:
        device = uart.transport(opened, deployment)
        for wait in (0.0, 0.0004, 0.0005, 0.0009, 0.002):
            token = device.start(sent)
            with pytest.raises(DeviceTimeout):
                device.finish(token, wait)
            device.reset()
            assert equal(device.finish(device.start(sent), 10.0), wanted)


@joined
def test_what_the_device_refuses_it_says_and_the_driver_tells(made: Made) -> None:
    _, deployment, path = made
    with line(path) as opened:
        other = deployment.__class__(**{**vars(deployment), "inputs": deployment.inputs[:1]})
        with pytest.raises(WrongDesign, match="frames have"):
            uart.transport(opened, other)
        with pytest.raises(DeviceError, match="is open already"):
            EmulatedLine(path)


@joined
def test_a_line_without_a_device_is_told(made: Made) -> None:
    _, deployment, path = made
    with (
        line(path, to_drops=1_000_000) as opened,
        pytest.raises(TransferError, match="the device did not answer 3 requests"),
    ):
        UartTransport(opened, deployment, latency_s=uart.LATENCY_S, attempts=3)


class Talk:
    """Packets to a device and back, without the driver."""

    def __init__(self, opened: EmulatedLine) -> None:
        self.line = opened
        self.decoder = Decoder(256)

    def say(self, *packets: Packet, raw: bytes = b"") -> list[tuple[int, int, int, bytes]]:
        self.line.write(raw or framing.encode_all(packets))
        found = []
        while data := self.line.read(4096, 0.005):
            found += self.decoder.feed(data)
        return [(one.kind, one.port, one.label, one.body) for one in found]


@joined
def test_each_error_has_its_code(made: Made) -> None:
    graph, deployment, path = made
    sent, _ = uart.frames(graph, deployment, 20, 5)
    bodies = [array[0].tobytes() for array in sent]
    first, second = (
        Packet(framing.DATA, port, 0, body) for port, body in enumerate(bodies)
    )  # fmt: skip
    with line(path) as opened:
        talk = Talk(opened)

        def code(*packets: Packet, raw: bytes = b"") -> str:
            ((kind, port, label, body),) = talk.say(*packets, raw=raw)
            assert (kind, label, body) == (framing.ERROR, 0, b"")
            return framing.ERRORS[port]

        good = first.encode()
        assert code(raw=good[:9] + bytes([good[9] ^ 1]) + good[10:]) == "crc"
        assert code(raw=good[:12]) == "crc"  # nothing follows: the time-out
        assert code(raw=good[:12] + b"\x7d\x7e") == "crc"
        for body in (b"", bodies[0][:-1], bodies[0] + b"x", bodies[0] * 40):
            assert code(Packet(framing.DATA, 0, 0, body)) == "length"
        assert code(Packet(framing.STATUS, 0, 0, b"x")) == "length"
        assert code(Packet(7, 0, 0)) == code(Packet(framing.RESULT, 0, 0)) == "type"
        assert code(Packet(framing.DATA, 2, 0, bodies[0])) == "port"
        assert code(second) == "sequence"
        assert code(Packet(framing.DATA, 0, 1, bodies[0])) == "sequence"
        # A packet that is not expected leaves what was accepted as it is.
        assert talk.say(first) == []
        assert code(Packet(framing.DATA, 0, 0, bytes(len(bodies[0])))) == "sequence"
        status = (framing.STATUS_IS, 0, 77, bytes([0, 1, 0]))
        assert talk.say(Packet(framing.STATUS, 0, 77)) == [status]
        results = talk.say(second)
        assert [head[:3] for head in results] == [(framing.RESULT, 0, 0), (framing.RESULT, 1, 0)]
        # A frame that was answered is not computed again.
        ((kind, port, label, _),) = talk.say(first)
        assert (kind, framing.ERRORS[port], label) == (framing.ERROR, "sequence", 1)


@joined
def test_more_frames_than_the_window_are_refused_and_harm_nothing(made: Made) -> None:
    """Results take longer on the line than frames do, so that these pile up."""
    graph, deployment, path = made
    sent, wanted = uart.frames(graph, deployment, 100, 6)
    with line(path) as opened:
        found = Talk(opened).say(*[
            Packet(framing.DATA, port, frame, array[frame].tobytes())
            for frame in range(100)
            for port, array in enumerate(sent)
        ])  # fmt: skip
        codes = [framing.ERRORS[port] for kind, port, _, _ in found if kind == framing.ERROR]
        assert codes[0] == "overrun" and set(codes[1:]) == {"sequence"}
        results = [head for head in found if head[0] == framing.RESULT]
        accepted = len(results) // 2
        assert 20 < accepted < 100
        assert results == [
            (framing.RESULT, port, frame, array[frame].tobytes())
            for frame in range(accepted)
            for port, array in enumerate(wanted)
        ]
        device = uart.transport(opened, deployment)
        assert equal(device.finish(device.start(sent), 10.0), wanted)


def test_a_build_for_an_open_board_predicts_through_its_uart(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From the network's file to predictions in its own units."""
    uart.needs_verilator()
    build, library = built(folder)
    monkeypatch.setenv("FPGACOMP_EMULATOR", str(library))
    images = np.load(DIGITS / "test_inputs.npy")[:30]
    deployment = Deployment.read(build / "software")
    with runtime.open(deployment, "emulated") as accelerator:
        assert accelerator.self_test().passed
        scores = accelerator.predict(images)
    (wanted,) = simulate(build, images).outputs.values()
    np.testing.assert_array_equal(scores, wanted)


@pytest.mark.skipif(shutil.which("gcc") is None, reason="gcc is not installed")
def test_the_c_driver_predicts_the_same_through_the_uart(folder: Path, tmp_path: Path) -> None:
    """The demo of the build, under sanitizers: its self-test, and images from a file."""
    uart.needs_verilator()
    build, library = built(folder)
    work = tmp_path / "c"
    shutil.copytree(build / "software" / "c", work)
    flags = " ".join(("-Werror", "-Wconversion", *SANITIZERS))
    run(["make", f"CFLAGS={flags}", f"LDFLAGS={flags}"], work)
    images = np.load(DIGITS / "test_inputs.npy")[:30]
    deployment = Deployment.read(build / "software")
    assert deployment.before is not None and deployment.after is not None
    (given,), (wanted,) = deployment.before.inputs.values(), deployment.after.outputs.values()
    images.astype(given.type).tofile(work / "images")
    (program,) = work.glob("*_demo")
    environment = {
        **os.environ,
        "FPGACOMP_EMULATOR": str(library),
        "ASAN_OPTIONS": "detect_leaks=0",
    }
    done = subprocess.run([program, "images", "scores"], cwd=work, env=environment, text=True,
                          capture_output=True, check=False, timeout=300)  # fmt: skip
    assert done.returncode == 0 and " 0 mismatches" in done.stdout, done.stdout + done.stderr
    scores = np.fromfile(work / "scores", wanted.type)
    (expected,) = simulate(build, images).outputs.values()
    np.testing.assert_array_equal(scores.reshape(expected.shape), expected)


def test_the_throughput_of_the_line_is_told(folder: Path) -> None:
    uart.needs_verilator()
    build, library = built(folder)
    found = throughput(build, library)
    assert found.way == "a UART at 3,000,000 baud" and found.frames >= 8
    assert 0 < found.frames_per_second < 1.02 * found.design_frames_per_second
    # The rate is the bitstream's: what the line carries bounds the figure.
    slow = throughput(build, emulate(build, baud=500_000))
    frame_bytes = sum(port.frame_bytes for port in Deployment.read(build / "software").inputs)
    assert slow.baud == 500_000
    assert slow.frames_per_second < 500_000 / 10 / frame_bytes


def test_a_rate_that_build_refuses_is_refused(folder: Path) -> None:
    uart.needs_verilator()
    build, _ = built(folder)
    with pytest.raises(UsageError, match="4000000 baud cannot be made from a clock of 12000000 Hz"):
        emulate(build, baud=4_000_000)


def test_the_rate_is_the_boards_and_never_guessed() -> None:
    """As `build` takes it; a fast line would make the figure of --throughput too high."""
    board = json_report._board(load_board("tang-nano-9k"))
    assert flow._baud({"board": board}, "build", None) == 1_000_000
    assert flow._baud({"board": board}, "build", 115_200) == 115_200
    assert json_report._board(load_board("pynq-z2"))["uart_baud"] is None
    with pytest.raises(UsageError, match=r"build: does not say the rate .*give it by --baud"):
        flow._baud({"board": {}}, "build", None)
