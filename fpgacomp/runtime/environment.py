"""The environment of a device: the only module of the runtime that reads it."""

from __future__ import annotations

import os


def emulator_library() -> str:
    """Path of the emulator that takes the board's place (FPGACOMP_EMULATOR); "" where none does."""
    return os.environ.get("FPGACOMP_EMULATOR", "")
