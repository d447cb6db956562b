"""A board behind a UART in Python, by hls_templates/link/README.md: for tests of the host's side.

Its line errs at random, and hands bytes on in pieces.
"""

from __future__ import annotations

import os
import pty
import random
import select
import struct
import threading
import tty
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from fpgacomp.runtime import framing
from fpgacomp.runtime.framing import Decoder, Packet

Computes = Callable[[Sequence[bytes]], Sequence[bytes]]


def spoiled(data: bytes, rate: float, chance: random.Random) -> bytes:
    """Bytes after a line that flips, drops, doubles and invents some of them."""
    found = bytearray()
    for byte in data:
        if chance.random() >= rate:
            found.append(byte)
            continue
        what = chance.randrange(5)
        if what < 2:
            found.append(byte ^ 1 << chance.randrange(8))
        elif what == 2:
            found += bytes([byte, byte])
        elif what == 3:
            found += bytes([byte, chance.choice([0x7E, 0x7D, 0, chance.randrange(256)])])
    return bytes(found)


class ModelDevice:
    """A `ByteLine` with a device at its other end.

    Args:
        inputs, outputs: bytes of a frame of each port.
        computes: the bytes of each output port, for those of each input port.
        window: frames that may be under way.
        identity: 32 hexadecimal digits.
        rate: how many of the line's bytes go wrong, each way.
        lazy: how often, of all reads, the device does nothing although it could.
    """

    baud = 1_000_000

    def __init__(
        self,
        inputs: Sequence[int],
        outputs: Sequence[int],
        computes: Computes,
        *,
        window: int = 4,
        identity: str = "0" * 32,
        rate: float = 0.0,
        lazy: float = 0.0,
        seed: int = 0,
    ) -> None:
        self.inputs, self.outputs, self.computes = inputs, outputs, computes
        self.window, self.identity = window, identity
        self.rate, self.lazy = rate, lazy
        self.chance = random.Random(seed)
        self.time = 0.0
        self.closed = False
        self.accepted: list[list[bytes]] = []  # every frame that was, since the device is on
        self._coming = b""
        self._going = b""
        self.switch_on()

    def switch_on(self) -> None:
        """As after loading the bitstream, or the reset button."""
        self._decoder = Decoder(max(self.inputs))
        self._begin()

    def now(self) -> float:
        return self.time

    def write(self, data: bytes) -> None:
        self._coming += spoiled(data, self.rate, self.chance)

    def read(self, most: int, timeout_s: float) -> bytes:
        """A piece of what has come; where nothing has, the time passes."""
        self.time += 10 / self.baud
        if self.chance.random() >= self.lazy:
            self._work()
        if not self._going:
            self.time += max(timeout_s, 0.0)
            return b""
        count = min(most, self.chance.randrange(1, 60))
        found, self._going = self._going[:count], self._going[count:]
        return found

    def close(self) -> None:
        self.closed = True

    def _begin(self) -> None:
        self._expected = self._answered = 0
        self._frame: list[bytes] = []
        self._computed: list[Sequence[bytes]] = []

    def _work(self) -> None:
        count = self.chance.randrange(200)
        piece, self._coming = self._coming[:count], self._coming[count:]
        for byte in piece:
            broken = self._decoder.broken
            packets = self._decoder.feed(bytes([byte]))
            if self._decoder.broken > broken:
                self._error(1)
            for packet in packets:
                self._take(packet)
        if self._computed and self.chance.random() < 0.7:
            for port, body in enumerate(self._computed.pop(0)):
                self._say(Packet(framing.RESULT, port, self._answered, body))
            self._answered = (self._answered + 1) & 255

    def _take(self, packet: Packet) -> None:
        if packet.kind == framing.DATA:
            self._take_data(packet)
        elif packet.kind not in (framing.IDENTIFY, framing.RESET, framing.STATUS):
            self._error(3)
        elif packet.body:
            self._error(2)
        elif packet.kind == framing.IDENTIFY:
            sizes = (*self.inputs, *self.outputs)
            counts = bytes([1, len(self.inputs), len(self.outputs), self.window])
            words = struct.pack(f"<{1 + len(sizes)}I", 12_000_000, *sizes)
            body = counts + bytes.fromhex(self.identity) + words
            self._say(Packet(framing.IDENTITY, 0, packet.label, body))
        else:
            if packet.kind == framing.RESET:
                self._begin()
            where = bytes([self._expected, len(self._frame), self._answered])
            self._say(Packet(packet.kind | 8, 0, packet.label, where))

    def _take_data(self, packet: Packet) -> None:
        if packet.port >= len(self.inputs):
            self._error(4)
        elif len(packet.body) != self.inputs[packet.port]:
            self._error(2)
        elif (packet.label, packet.port) != (self._expected, len(self._frame)):
            self._error(6)
        elif (self._expected - self._answered) & 255 >= self.window:
            self._error(5)
        else:
            self._frame.append(packet.body)
            if len(self._frame) == len(self.inputs):
                self.accepted.append(self._frame)
                self._computed.append(self.computes(self._frame))
                self._frame = []
                self._expected = (self._expected + 1) & 255

    def _error(self, code: int) -> None:
        self._say(Packet(framing.ERROR, code, self._expected))

    def _say(self, packet: Packet) -> None:
        self._going += spoiled(packet.encode(), self.rate, self.chance)


@contextmanager
def at_a_port(device: ModelDevice) -> Iterator[str]:
    """The name of a pseudo-terminal that has the device at its other end."""
    ours, theirs = pty.openpty()
    tty.setraw(theirs)
    ended = threading.Event()

    def serve() -> None:
        while not ended.is_set():
            if select.select([ours], [], [], 0.001)[0]:
                device.write(os.read(ours, 4096))
            # What is read in pieces goes on in pieces, and whatever waits is worked off.
            for _ in range(50):
                os.write(ours, device.read(4096, 0.0))

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield os.ttyname(theirs)
    finally:
        ended.set()
        thread.join(10.0)
        os.close(theirs)
        os.close(ours)
