"""The host's side of the UART link, on a device in Python whose line errs."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fpgacomp.runtime import framing, transports, uart
from fpgacomp.runtime.deployment import Deployment, FramePort
from fpgacomp.runtime.errors import (
    DeviceError,
    DeviceTimeout,
    NotInstalled,
    SampleError,
    TransferError,
    WrongDesign,
)
from fpgacomp.runtime.framing import Packet
from fpgacomp.runtime.line import EmulatedLine, SerialLine
from fpgacomp.runtime.transports import UnknownTransport
from fpgacomp.runtime.uart import UartTransport
from tests.support.link_device import ModelDevice, at_a_port

IDENTITY = "0123456789abcdef02468ace13579bdf"
IN0, IN1, OUT0, OUT1 = (
    FramePort(name, name, (size,), bits, signed, False, bits, 1, size, 0, 1)
    for name, size, bits, signed in (
        ("in0", 9, 8, False), ("in1", 5, 16, True), ("out0", 3, 32, True), ("out1", 2, 8, False),
    )
)  # fmt: skip
DEPLOYMENT = Deployment(
    "two", IDENTITY, "0", "stream", "board", 12.0, (IN0, IN1), (OUT0, OUT1), None, None, Path()
)


def computed(one: np.ndarray[Any, Any], other: np.ndarray[Any, Any]) -> list[np.ndarray[Any, Any]]:
    """The outputs of the device for [N, size] of both inputs."""
    total = one.sum(axis=1, dtype=np.int64)[:, None]
    first = total * np.array([1, -2, 3]) + other.astype(np.int64)[:, :3]
    return [first.astype(OUT0.dtype), (total % 251 + [0, 1]).astype(OUT1.dtype)]


def device(kind: type[ModelDevice] = ModelDevice, **options: Any) -> ModelDevice:
    def computes(bodies: Any) -> list[bytes]:
        arrays = [np.frombuffer(body, port.dtype)[None] for body, port in zip(bodies, (IN0, IN1))]
        return [array.tobytes() for array in computed(*arrays)]

    sizes = [[p.frame_bytes for p in ports] for ports in ((IN0, IN1), (OUT0, OUT1))]
    return kind(*sizes, computes, **{"identity": IDENTITY, **options})


def samples(count: int, seed: int = 0) -> list[np.ndarray[Any, Any]]:
    rng = np.random.default_rng(seed)
    # Many of the bytes need an escape.
    one = rng.choice([0x7E, 0x7D, 0, 1, 255], (count, IN0.size)).astype(IN0.dtype)
    return [one, rng.integers(-32768, 32768, (count, IN1.size)).astype(IN1.dtype)]


def opened(line: ModelDevice) -> UartTransport:
    return UartTransport(line, DEPLOYMENT, latency_s=0.01, attempts=200)


class NoisyLine(ModelDevice):
    """A line that never stops, and whose device goes silent when it is told to.

    Its own clock goes on by what it carries. A driver that never gives up is told by that clock.
    """

    noise = b"login: "
    silent = False
    give_up = 60.0

    def read(self, most: int, timeout_s: float) -> bytes:
        assert self.time < self.give_up, "the driver never gives up"
        if not self.silent and (found := super().read(most, 0.0)):
            return found
        heard = (self.noise * 16)[:most]
        self.time += 10 * len(heard) / self.baud
        return heard


# Bytes that are none of the device's, flags alone, and whole packets that nobody asked for.
NOISES = {
    "console": b"login: ",
    "flags": b"~~~",
    "packets": Packet(framing.ERROR, 1, 0).encode(),
}
noises = pytest.mark.parametrize("noise", NOISES.values(), ids=NOISES)


def noisy(noise: bytes) -> NoisyLine:
    line = device(NoisyLine)
    assert isinstance(line, NoisyLine)
    line.noise = noise
    return line


@pytest.mark.slow
@noises
def test_a_line_that_never_stops_without_a_device_is_told(noise: bytes) -> None:
    line = noisy(noise)
    line.silent = True
    with pytest.raises(TransferError, match=r"did not answer \d+ requests in .*check cable"):
        opened(line)


@pytest.mark.slow
@noises
def test_a_device_that_goes_silent_on_a_line_that_never_stops_is_told(noise: bytes) -> None:
    """`finish` by its own time, and what has no time of its own by a bound."""
    line = noisy(noise)
    transport = opened(line)
    sent = samples(2)
    for found, wanted in zip(transport.finish(transport.start(sent), 100.0), computed(*sent)):
        np.testing.assert_array_equal(found, wanted)
    line.silent = True
    token = transport.start(sent)
    begun = line.now()
    with pytest.raises(DeviceTimeout, match=r"2 answers did not come within 0\.5 s"):
        transport.finish(token, 0.5)
    assert line.now() < begun + 0.6
    with pytest.raises(TransferError, match="did not answer"):
        transport.finish(token, 1e6)
    with pytest.raises(TransferError, match="did not answer"):
        transport.reset()


def test_frames_are_answered_once() -> None:
    """What was answered, or lost in a reset, is told as by a board with a processor."""
    transport = opened(device())
    token = transport.start(samples(2))
    transport.finish(token, 10.0)
    lost = transport.start(samples(2))
    transport.reset()
    for gone in (token, lost, 77):
        with pytest.raises(TransferError, match="answered already, or lost in a reset"):
            transport.finish(gone, 1.0)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(12))
def test_every_frame_is_answered_once_and_right(seed: int) -> None:
    """More frames than there are sequences, on lines from quiet to hopeless."""
    rate = (0.0, 0.002, 0.01, 0.02)[seed % 4]
    line = device(rate=rate, seed=seed, lazy=0.1 * (seed % 3), window=(2, 4, 16)[seed % 3])
    transport = opened(line)
    sent = samples(300, seed)
    tokens = [transport.start([array[at : at + 100] for array in sent]) for at in (0, 100, 200)]
    parts = [transport.finish(token, 1e6) for token in tokens]
    for found, wanted in zip((np.concatenate(arrays) for arrays in zip(*parts)), computed(*sent)):
        np.testing.assert_array_equal(found, wanted)
    figures = transport.statistics()
    assert figures["frames"] == 300
    # What was accepted was computed, and nothing was computed twice but what was lost on its way.
    assert len(line.accepted) == 300 + figures["computed_again"]
    assert (figures["broken"] + figures["sent_again"] > 0) == (rate > 0)


def test_a_device_that_forgets_everything_is_sent_everything_again() -> None:
    line = device(lazy=0.5, seed=5)
    transport = opened(line)
    sent = samples(200)
    token = transport.start(sent)
    for _ in range(20):
        with pytest.raises(DeviceTimeout):
            transport.finish(token, 0.001)
        line.switch_on()
    for found, wanted in zip(transport.finish(token, 1e6), computed(*sent)):
        np.testing.assert_array_equal(found, wanted)
    assert transport.statistics()["resets"] > 1


def test_a_reset_drops_what_is_under_way() -> None:
    line = device(lazy=0.2)
    transport = opened(line)
    transport.start(samples(50, 1))
    transport.reset()
    sent = samples(3, 2)
    for found, wanted in zip(transport.finish(transport.start(sent), 10.0), computed(*sent)):
        np.testing.assert_array_equal(found, wanted)
    assert transport.statistics()["frames"] == 3


def test_no_frames_are_answered_at_once() -> None:
    transport = opened(device())
    found = transport.finish(transport.start(samples(0)), 0.0)
    assert [array.shape for array in found] == [(0, OUT0.size), (0, OUT1.size)]


def test_an_accelerator_that_never_answers_is_told_with_the_time() -> None:
    line = device()
    line.computes = lambda bodies: []  # accepted, and no results
    transport = opened(line)
    token = transport.start(samples(2))
    with pytest.raises(DeviceTimeout, match=r"2 answers did not come within 3\.5 s"):
        transport.finish(token, 3.5)


def test_a_line_that_is_dead_is_told() -> None:
    with pytest.raises(TransferError, match=r"did not answer 200 requests in .* Fix: check cable"):
        opened(device(rate=1.0))


def test_another_design_is_told_by_its_identity_or_its_frames() -> None:
    assert opened(device(identity="f" * 32)).identity() == "f" * 32
    other = replace(DEPLOYMENT, outputs=(OUT0,))
    with pytest.raises(WrongDesign, match=r"frames have \(9, 10\) and \(12, 2\) bytes instead of"):
        UartTransport(device(), other)


@pytest.mark.parametrize(
    ("frames", "why"),
    [
        ([samples(2)[0].astype(np.int64), samples(2)[1]], "in0: got int64"),
        ([samples(2)[0].view(np.int8), samples(2)[1]], "in0: got int8"),
        ([samples(2)[0], samples(2)[1].astype(">i2")], "in1: got >i2"),
        ([samples(2)[0], samples(1)[1]], r"in1: got int16 \[1, 5\], expected .*\[2, 5\]"),
        ([samples(2)[0], samples(3)[1]], r"in1: got int16 \[3, 5\]"),
        ([samples(2)[0], samples(4)[1][::2]], "in1: got int16"),
        (samples(2)[:1], "1 arrays were given for 2 inputs"),
    ],
)
def test_arrays_that_are_no_frames_are_refused_and_lose_nothing(frames: Any, why: str) -> None:
    """Two numbers of frames, or a type of the same width, would be answered wrongly."""
    transport = opened(device())
    with pytest.raises(SampleError, match=why):
        transport.start(frames)
    sent = samples(3)
    for found, wanted in zip(transport.finish(transport.start(sent), 60.0), computed(*sent)):
        np.testing.assert_array_equal(found, wanted)
    assert transport.statistics()["frames"] == 3


class Elsewhere(ModelDevice):
    """A device that loses its first frame, and says then that it waits for a port it has not."""

    lost, told = False, 0

    def _take(self, packet: Packet) -> None:
        if packet.kind == framing.DATA and not self.lost:
            self.lost = packet.port == 1
        elif packet.kind == framing.STATUS and self.told < 2:
            self.told += 1
            where = bytes([self._expected, 7, self._answered])
            self._say(Packet(framing.STATUS_IS, 0, packet.label, where))
        else:
            super()._take(packet)


def test_a_device_that_is_where_it_cannot_be_begins_anew() -> None:
    line = device(Elsewhere)
    transport, sent = opened(line), samples(1)
    for found, wanted in zip(transport.finish(transport.start(sent), 60.0), computed(*sent)):
        np.testing.assert_array_equal(found, wanted)
    assert transport.statistics()["resets"] == 2 and line.told == 1  # at the opening, and then


def test_a_device_that_takes_no_frame_is_none() -> None:
    with pytest.raises(TransferError, match="did not answer"):
        opened(device(window=0))


@pytest.mark.parametrize("baud", ["0", "00", "9" * 5000, "-1", "1e6", "\u0661"])
def test_a_rate_that_is_none_is_refused(baud: str) -> None:
    with pytest.raises(UnknownTransport, match="is no transport"):
        transports.connect(f"uart:/dev/ttyUSB0:{baud}", DEPLOYMENT, Path())


def test_a_rate_that_the_port_does_not_take_is_told() -> None:
    pytest.importorskip("serial", reason="pyserial is not installed")
    with at_a_port(device()) as port, pytest.raises(TransferError, match="it cannot be opened"):
        SerialLine(port, 1 << 40)


def test_a_serial_port_needs_pyserial(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "serial", None)
    with pytest.raises(NotInstalled, match="pip install pyserial"):
        uart.connect(DEPLOYMENT, "/dev/ttyUSB0", 115200)
    with pytest.raises(NotInstalled):
        SerialLine("/dev/ttyUSB0", 115200)


def test_a_serial_port_is_a_line() -> None:
    """A pseudo-terminal in its place, with a device behind it that errs."""
    pytest.importorskip("serial", reason="pyserial is not installed")
    sent = samples(50)
    with at_a_port(device(rate=0.001, seed=1)) as port:
        transport = uart.connect(DEPLOYMENT, port, ModelDevice.baud)
        for found, wanted in zip(transport.finish(transport.start(sent), 60.0), computed(*sent)):
            np.testing.assert_array_equal(found, wanted)
        assert transport.identity() == IDENTITY
        transport.close()
    with pytest.raises(TransferError, match="it cannot be opened"):
        SerialLine("/dev/nothing", 115200)


def test_an_emulator_is_named_and_has_a_uart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("FPGACOMP_EMULATOR", raising=False)
    with pytest.raises(DeviceError, match="no library was named"):
        uart.connect_emulated(DEPLOYMENT)
    with pytest.raises(DeviceError, match="is no emulator of a board with a UART"):
        EmulatedLine(tmp_path / "nothing.so")
