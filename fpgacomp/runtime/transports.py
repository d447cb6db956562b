"""The ways to a device by name, for programs that are told which one by a user.

emulated           the library that the environment variable FPGACOMP_EMULATOR names
emulated:LIBRARY   that of this path
uart:PORT:BAUD     a board at a serial port, for instance uart:/dev/ttyUSB1:1000000
pynq               a Zynq-7000 board under PYNQ, with the package's bitstream
pynq-ultrascale    a Zynq UltraScale+ board, likewise
"""

from __future__ import annotations

from pathlib import Path

from .address_map import MAPS
from .deployment import Deployment
from .errors import DeviceError
from .transport import Transport

NAMES = ("emulated", "emulated:LIBRARY", "uart:PORT:BAUD", "pynq", "pynq-ultrascale")
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
        from . import emulated

        return emulated.connect(deployment, argument or None)
    port, _, baud = argument.rpartition(":")
    if kind == "uart" and port and baud.isdigit():
        from . import uart

        return uart.connect(deployment, port, int(baud))
    if name in _FAMILIES:
        from . import pynq

        return pynq.connect(deployment, _bitstream(folder), MAPS[_FAMILIES[name]])
    why = "is no transport that is known here."
    raise UnknownTransport(name, why, f"give one of {', '.join(NAMES)}.")


def _bitstream(folder: Path) -> Path:
    """The one .bit file of a version."""
    found = sorted((folder / "bitstream").glob("*.bit"))
    if len(found) != 1:
        raise DeviceError(
            str(folder / "bitstream"), f"holds {len(found)} .bit files instead of one.",
            "install a package that was made after `fpgacomp build`.",
        )  # fmt: skip
    return found[0]
