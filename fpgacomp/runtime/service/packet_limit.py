"""How large a packet the broker takes: MQTT 5 states it; else it shows when a connection ends.

A broker ends the connection over a packet that it finds too large, and MQTT has what was not
acknowledged sent again on the next one. Without an end to that, one large answer would keep every
other one from its client.
"""

from __future__ import annotations

import threading
import time
from typing import Any

from .refusal import ServiceRefusal

# Connections in a row that end without one acknowledgement before a packet is taken to be why.
_ENDED_IN_A_ROW = 3
# What was learned that way may be wrong: after this time it is tried again.
_LEARNED_FOR_S = 600.0
# No broker's bound is below this: a broker that ends so is at fault in another way.
_LEAST_BYTES = 1024
# Reasons of MQTT 5 that have nothing to do with what was sent: the broker shuts down, heard
# nothing, gave the session to another client, was told to, or sends its clients elsewhere.
_OTHER_REASONS = (0x8B, 0x8D, 0x8E, 0x98, 0x9C, 0x9D)
_HEAD_BYTES = 5  # kind and remaining length, which takes up to four bytes


def packet_bytes(topic: str, payload: bytes, properties: Any) -> int:
    """Bytes of a PUBLISH of QoS 1 at most; `properties` are those of MQTT 5, or None."""
    more = 0 if properties is None else len(properties.pack())
    return _HEAD_BYTES + 2 + len(topic.encode()) + 2 + more + len(payload)


class PacketLimit:
    """The largest packet that the broker takes, and what it has not acknowledged yet."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._stated: int | None = None
        self._learned: tuple[int, float] | None = None  # bytes, and until when they count
        self._under_way: dict[int, int] = {}  # number of a message -> its bytes
        self._early: set[int] = set()  # acknowledged before `sent` was called, or others' messages
        self._connected = False
        self._ended = 0  # connections in a row, without one acknowledgement

    @property
    def most(self) -> int | None:
        """Bytes of the largest packet; None where no bound is known."""
        with self._guard:
            if self._learned is not None and time.monotonic() >= self._learned[1]:
                self._learned = None
            bounds = [self._stated, None if self._learned is None else self._learned[0]]
            return min((bound for bound in bounds if bound is not None), default=None)

    def refusal(self, where: str, size: int) -> ServiceRefusal | None:
        """Why a packet of so many bytes is not sent; None where it is."""
        most = self.most
        if most is None or size <= most:
            return None
        return ServiceRefusal(
            "too large", where, f"has {size} bytes in MQTT, and the broker takes {most}.",
            "send fewer samples at once, or have the broker take larger packets.",
        )  # fmt: skip

    def connected(self, properties: Any) -> None:
        """Take what the broker states in its CONNACK."""
        with self._guard:
            self._stated = getattr(properties, "MaximumPacketSize", None)
            self._connected = True

    def sent(self, number: int, size: int) -> None:
        """Note a message of QoS 1 that was handed to the connection."""
        with self._guard:
            if number in self._early:
                self._early.discard(number)
                self._ended = 0
            else:
                self._under_way[number] = size

    def acknowledged(self, number: int) -> None:
        """Note that the broker took a message."""
        with self._guard:
            if self._under_way.pop(number, None) is None:
                self._early.add(number)  # numbers have 16 bits, so that these are bounded
            else:
                self._ended = 0

    def ended(self, reason: int) -> int | None:
        """Note that the connection ended.

        Args:
            reason: the code that MQTT 5 has for it; without one any that says nothing.

        Returns:
            Bytes of the packet that is taken to be why: all that is under way must be given up, as
            it would end the next connection, too. None where it is only sent again.
        """
        with self._guard:
            was_connected, self._connected = self._connected, False
            if not (was_connected and self._under_way) or reason in _OTHER_REASONS:
                return None
            self._ended += 1
            if self._ended < _ENDED_IN_A_ROW:
                return None
            largest = max(self._under_way.values())
            if largest > _LEAST_BYTES:
                self._learned = max(largest - 1, _LEAST_BYTES), time.monotonic() + _LEARNED_FOR_S
            self._under_way.clear()
            self._early.clear()
            self._ended = 0
            return largest
