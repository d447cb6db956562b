"""Which HTTP connections are open, and which one makes room where there are too many.

Everything but a prediction that waits for its answer can be ended to let a new connection in, and
some connections are kept free of such predictions. So there is always room for one more: neither
clients that send slowly nor predictions that take long keep anybody from /healthz, /readyz and
/metrics.
"""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from dataclasses import dataclass
from typing import Iterator, Sequence

from .refusal import ServiceRefusal

# Seconds that a new connection waits for others, which were told to end, to do so.
_ENDING_S = 5.0


@dataclass(frozen=True)
class ConnectionLimits:
    """Bounds of the connections.

    Args:
        total: connections at the same time.
        of_client: those of one address; behind a proxy, all have the proxy's.
        reserved: how many of both are never taken by predictions that wait for their answers.
        patience_s: how long a client may take for its first byte, from it to the end of its
            request, and for taking the answer.
        body_bytes_per_s: a body of so many bytes may take a second more.
    """

    total: int = 64
    of_client: int = 48
    reserved: int = 8
    patience_s: float = 10.0
    body_bytes_per_s: int = 100_000


class OpenConnection:
    """A connection, and what it does.

    Args:
        line: its socket.
        client: address of its other end.
    """

    def __init__(self, line: socket.socket, client: str) -> None:
        self.line, self.client = line, client
        self.since = time.monotonic()  # when it began to do what it does
        self.waits = False  # its prediction is being computed
        self.is_read = False  # its request is there, and its answer is being sent
        self.is_over = False  # its answer is sent
        self.made_room = False  # it was ended for another one


class Connections:
    """The connections that are open.

    Args:
        limits: bounds.
    """

    def __init__(self, limits: ConnectionLimits) -> None:
        self.limits = limits
        self._guard = threading.Condition()
        self._open: list[OpenConnection] = []
        self._ending = 0  # those that made room and have not ended yet

    @property
    def busy(self) -> int:
        """How many are not answered yet."""
        with self._guard:
            return sum(not one.is_over for one in self._open)

    def admit(self, line: socket.socket, client: str) -> OpenConnection | None:
        """Let a connection in; another one is ended for it where there are too many.

        Returns:
            None where as many as may be open at once were told to end, and do not for a while.
        """
        found = OpenConnection(line, client)
        with self._guard:
            # Their threads are on the way out: a burst of connections waits for them.
            if not self._guard.wait_for(lambda: self._ending < self.limits.total, _ENDING_S):
                return None
            of_client = [one for one in self._open if one.client == client]
            if len(of_client) >= self.limits.of_client:
                self._end_one(of_client)
            elif len(self._open) >= self.limits.total:
                self._end_one(self._open)
            self._open.append(found)
        return found

    def remove(self, connection: OpenConnection) -> None:
        """Forget a connection, before its socket is closed."""
        with self._guard:
            if connection.made_room:
                self._ending -= 1
                self._guard.notify_all()
            else:
                self._open.remove(connection)

    def answered(self, connection: OpenConnection) -> None:
        """Note that a connection got its answer, and that its client need only close it."""
        with self._guard:
            connection.is_over = True

    @contextlib.contextmanager
    def waiting(self, connection: OpenConnection) -> Iterator[None]:
        """What a connection waits for in this block is a prediction: nothing ends it.

        Raises:
            ServiceRefusal: too many wait already, or the connection made room for another one.
        """
        with self._guard:
            if connection.made_room:
                raise made_room()
            waiting = [one for one in self._open if one.waits]
            of_client = sum(one.client == connection.client for one in waiting)
            limits = self.limits
            for count, bound, whose in (
                (of_client, limits.of_client, " of this address"),
                (len(waiting), limits.total, ""),
            ):
                if count >= bound - limits.reserved:
                    why = f"answer {count} predictions{whose} already."
                    raise ServiceRefusal("busy", "the connections", why,
                                         "ask again a little later.")  # fmt: skip
            connection.waits = True
        try:
            yield
        finally:
            with self._guard:
                connection.waits, connection.is_read = False, True
                connection.since = time.monotonic()

    def _end_one(self, connections: Sequence[OpenConnection]) -> None:
        """End the one that is over, or else the one that takes the longest."""
        idle = [one for one in connections if not one.waits]
        found = min(idle, key=lambda one: (not one.is_over, one.since))
        found.made_room = True
        self._open.remove(found)
        self._ending += 1
        # A thread that reads has something to say to a client that was too slow; one that writes
        # may do so to a client that does not read.
        with contextlib.suppress(OSError):
            found.line.shutdown(socket.SHUT_RDWR if found.is_read else socket.SHUT_RD)


def made_room() -> ServiceRefusal:
    """The refusal of a request that was not there when another connection needed its place."""
    return ServiceRefusal("too slow", "the request", "did not come whole before its connection was "
                          "needed for another client.", "send it at once, and again.")  # fmt: skip
