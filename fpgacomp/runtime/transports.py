"""The ways to a device by name, for programs that are told which one by a user.

emulated           the library that the environment variable FPGACOMP_EMULATOR names, as
                   `fpgacomp.emulate` makes it: a processor with a DMA, or a board at a serial port
emulated:LIBRARY   that of this path
uart:PORT:BAUD     a board at a serial port, for instance uart:/dev/ttyUSB1:1000000
pynq               a Zynq-7000 board under PYNQ, with the package's bitstream
pynq-ultrascale    a Zynq UltraScale+ board, likewise
xrt                the first Alveo card under XRT, with the package's .xclbin
xrt:INDEX          the card of this number, likewise
MODULE:FUNCTION    whatever this function, which takes the Deployment, gives
"""

from __future__ import annotations

import importlib
import re
from pathlib import Path
from typing import Any

from .address_map import MAPS
from .deployment import Deployment
from .errors import DeviceError
from .transport import Transport

NAMES = (
    "emulated", "emulated:LIBRARY", "uart:PORT:BAUD", "pynq", "pynq-ultrascale", "xrt", "xrt:INDEX",
    "MODULE:FUNCTION",
)  # fmt: skip
# No line is faster; 0 is none, and what else a serial port does not take it says itself.
_BAUD = re.compile(r"[1-9][0-9]{0,8}\Z")
_METHODS = ("identity", "start", "finish", "reset", "close", "statistics")
_FUNCTION = "name a function as MODULE:FUNCTION, which takes a Deployment and gives a Transport."
_FAMILIES = {"pynq": "zynq-7000", "pynq-ultrascale": "zynq-ultrascale+"}


class UnknownTransport(DeviceError):
    """A name that stands for no way to a device."""

    exit_code = 2


def connect(name: str, deployment: Deployment, folder: Path) -> Transport:
    """Open the way to a device.

    Args:
        name: one of `NAMES`.
        deployment: the design that is expected there.
        folder: of the installed version, with its bitstream.

    Raises:
        UnknownTransport: there is no such way.
        DeviceError: what it needs is not there.
    """
    kind, _, argument = name.partition(":")
    if kind == "emulated":
        return _emulated(deployment, argument or None)
    port, _, baud = argument.rpartition(":")
    if kind == "uart" and port and _BAUD.match(baud):
        from . import uart

        return uart.connect(deployment, port, int(baud))
    if name in _FAMILIES:
        from . import pynq

        return pynq.connect(deployment, _bitstream(folder, "bit"), MAPS[_FAMILIES[name]])
    if name == "xrt" or (kind == "xrt" and argument.isdecimal() and len(argument) < 5):
        from . import xrt

        return xrt.XrtTransport(deployment, _bitstream(folder, "xclbin"), int(argument or 0))
    if argument.isidentifier() and kind not in ("uart", "xrt", *_FAMILIES):
        return _opened_by(name, _function(name, kind, argument), deployment)
    where = name or "the way to the device"
    why = "is no transport." if name else "was not named."
    raise UnknownTransport(where, why, f"give one of {', '.join(NAMES)}.")


def is_emulated(name: str) -> bool:
    """Whether a way leads to an emulated board, and so to no hardware."""
    return name.partition(":")[0] == "emulated"


def _emulated(deployment: Deployment, library: str | None) -> Transport:
    """The way to the board that a library emulates."""
    from . import emulated, line, uart

    if line.is_serial(library):
        return uart.connect_emulated(deployment, library)
    return emulated.connect(deployment, library)


def _opened_by(name: str, function: Any, deployment: Deployment) -> Transport:
    """What a user's function gives, where it is a way to a device."""
    try:
        found: Transport = function(deployment)
    except DeviceError:
        raise
    except Exception as problem:  # of whatever classes
        why = f"failed: {type(problem).__name__}: {str(problem)[:300]}."
        raise UnknownTransport(name, why, _FUNCTION) from problem
    if not all(callable(getattr(found, one, None)) for one in _METHODS):
        why = f"gave {type(found).__name__}, which is no Transport."
        raise UnknownTransport(name, why, _FUNCTION)
    return found


def _function(name: str, module: str, function: str) -> Any:
    try:
        return getattr(importlib.import_module(module), function)
    except (ImportError, AttributeError, ValueError, SyntaxError) as problem:
        raise UnknownTransport(name, f"cannot be imported: {problem}.", _FUNCTION) from None


def _bitstream(folder: Path, ending: str) -> Path:
    """The one file of a version that the device loads, .bit or .xclbin."""
    found = sorted((folder / "bitstream").glob(f"*.{ending}"))
    if len(found) != 1:
        raise DeviceError(
            str(folder / "bitstream"), f"holds {len(found)} .{ending} files instead of one.",
            "install a package that was made after `fpgacomp build`.",
        )  # fmt: skip
    return found[0]
