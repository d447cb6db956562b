"""The environment of a device: the only module of the runtime that reads it."""

from __future__ import annotations

import os


def emulator_library() -> str:
    """Path of the emulator that takes the board's place (FPGACOMP_EMULATOR); "" where none does."""
    return os.environ.get("FPGACOMP_EMULATOR", "")


def wanted_transport() -> str:
    """The way to the device where a program names none (FPGACOMP_TRANSPORT), or ""."""
    return os.environ.get("FPGACOMP_TRANSPORT", "")


def wanted_key() -> str:
    """File of the public key that packages must be signed by (FPGACOMP_PACKAGE_KEY), or ""."""
    return os.environ.get("FPGACOMP_PACKAGE_KEY", "")


def notify_socket() -> str:
    """Where systemd listens for a service's state (NOTIFY_SOCKET); "" where nobody does."""
    return os.environ.get("NOTIFY_SOCKET", "")


def watchdog_seconds() -> float:
    """After how many silent seconds systemd ends a service (WATCHDOG_USEC); 0 where it does not."""
    microseconds = os.environ.get("WATCHDOG_USEC", "")
    return int(microseconds) / 1e6 if microseconds.isdigit() else 0.0


def state_directory() -> str:
    """The folder that systemd made for a service's own files (STATE_DIRECTORY); "" without one."""
    return os.environ.get("STATE_DIRECTORY", "").partition(":")[0]
