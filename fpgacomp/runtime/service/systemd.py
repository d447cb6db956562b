"""Tells systemd how the service is (sd_notify), by its plain datagram socket."""

from __future__ import annotations

import logging
import socket

from ..environment import notify_socket, watchdog_seconds

_log = logging.getLogger("fpgacomp.service")


class Notifier:
    """The service's line to systemd; without systemd it says nothing."""

    def __init__(self) -> None:
        name = notify_socket()
        # An abstract socket's name begins with a zero byte, which the environment shows as "@".
        self._address = "\0" + name[1:] if name.startswith("@") else name
        # systemd advises half of the time after which it ends the service.
        self.watchdog_s = watchdog_seconds() / 2

    def tell(self, *lines: str) -> None:
        """Send assignments such as READY=1."""
        if not self._address:
            return
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as line:
                line.sendto("\n".join(lines).encode(), self._address)
        except OSError as problem:
            _log.warning("systemd was not told %s: %s", lines[0], problem)
