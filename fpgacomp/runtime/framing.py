"""Packets on a line of bytes: the flag, stuffing and CRC-32 of RFC 1662, and what their heads say.

hls_templates/link/README.md is the definition. Nothing here waits, reads or writes.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from typing import Sequence

VERSION = 1
FLAG = 0x7E
ESCAPE = 0x7D
_FLIP = 0x20  # what an escape does to the byte behind it
_CRC = struct.Struct("<I")
_HEAD_BYTES = 2
_LEAST = _HEAD_BYTES + _CRC.size  # bytes of the shortest packet between its flags

# Kinds of packets; an answer has the highest bit set.
DATA = 1
IDENTIFY = 2
RESET = 3
STATUS = 4
RESULT = 9
IDENTITY = 10
RESET_DONE = 11
STATUS_IS = 12
ERROR = 14

# Why a device dropped a packet: the code of an ERROR, in the place of its port.
ERRORS = {1: "crc", 2: "length", 3: "type", 4: "port", 5: "overrun", 6: "sequence"}


@dataclass(frozen=True)
class Packet:
    """One packet.

    Args:
        kind: 0 to 15.
        port: 0 to 15; of an ERROR its code.
        label: the sequence of a frame, or what a request and its answer are told apart by.
        body: what follows.
    """

    kind: int
    port: int
    label: int
    body: bytes = b""

    def encode(self) -> bytes:
        """The packet on the line, with a flag at both ends."""
        content = bytes([self.kind << 4 | self.port, self.label]) + self.body
        content += _CRC.pack(zlib.crc32(content))
        content = content.replace(b"\x7d", b"\x7d\x5d").replace(b"\x7e", b"\x7d\x5e")
        return b"\x7e" + content + b"\x7e"


class Decoder:
    """Bytes of a line to packets, however they are cut into pieces.

    Args:
        most: bytes of the longest body. What is longer is dropped, and never kept.

    Attributes:
        broken: how many packets were dropped, because they were not whole and right.
    """

    def __init__(self, most: int) -> None:
        self.broken = 0
        self._most = _LEAST + most
        self._held = bytearray()  # since the last flag, without escapes
        self._escaped = False
        self._lost = True  # what comes until the next flag is no packet

    def feed(self, data: bytes) -> list[Packet]:
        """The packets that are whole with these bytes."""
        found = []
        pieces = data.split(b"\x7e")
        for number, piece in enumerate(pieces):
            self._take(piece)
            if number + 1 < len(pieces):
                packet = self._end()
                if packet is not None:
                    found.append(packet)
        return found

    def _take(self, piece: bytes) -> None:
        """Bytes between two flags."""
        if self._lost:
            return
        for number, part in enumerate(piece.split(b"\x7d")):
            self._escaped = self._escaped or number > 0
            if part and self._escaped:
                self._held.append(part[0] ^ _FLIP)
                self._held += part[1:]
                self._escaped = False
            else:
                self._held += part
            if len(self._held) > self._most:
                self._held.clear()
                self._escaped = False
                self._lost = True
                self.broken += 1
                return

    def _end(self) -> Packet | None:
        """A flag: the end of a packet, and the beginning of the next."""
        content, aborted = bytes(self._held), self._escaped
        self._held.clear()
        self._escaped = False
        self._lost = False
        if not content and not aborted:
            return None
        sent = len(content) - _CRC.size
        if (
            aborted
            or sent < _HEAD_BYTES
            or _CRC.unpack_from(content, sent)[0] != zlib.crc32(content[:sent])
        ):
            self.broken += 1
            return None
        return Packet(content[0] >> 4, content[0] & 15, content[1], content[_HEAD_BYTES:sent])


@dataclass(frozen=True)
class DeviceIdentity:
    """What a device says of itself.

    Args:
        version: of the protocol.
        window: frames that may be under way.
        identity: 32 hexadecimal digits of the accelerator.
        clock_hz: that the device runs on.
        inputs, outputs: bytes of a frame of each port.
    """

    version: int
    window: int
    identity: str
    clock_hz: int
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]

    @classmethod
    def parse(cls, body: bytes) -> DeviceIdentity | None:
        """Read the body of an IDENTITY; None where it is none of this version."""
        if len(body) < 24 or body[0] != VERSION or body[3] == 0:  # such a window takes no frame
            return None
        inputs, outputs = body[1], body[2]
        if len(body) != 24 + 4 * (inputs + outputs):
            return None
        clock_hz, *sizes = struct.unpack_from(f"<{1 + inputs + outputs}I", body, 20)
        return cls(body[0], body[3], body[4:20].hex(), clock_hz, tuple(sizes[:inputs]),
                   tuple(sizes[inputs:]))  # fmt: skip


@dataclass(frozen=True)
class LinkStatus:
    """Where a device is, once it has taken in everything that was sent before the question.

    Args:
        expected: sequence of the frame that it accepts next.
        port: input port of it that it accepts next.
        answered: sequence of the results that it sends next.
    """

    expected: int
    port: int
    answered: int

    @classmethod
    def parse(cls, body: bytes) -> LinkStatus | None:
        """Read the body of an answer to STATUS or RESET; None where it is none."""
        return cls(*body) if len(body) == 3 else None


def encode_all(packets: Sequence[Packet]) -> bytes:
    """Packets on the line, one behind the other."""
    return b"".join(packet.encode() for packet in packets)
