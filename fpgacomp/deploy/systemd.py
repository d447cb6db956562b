"""The unit under which a device's systemd runs the service of an installed package."""

from __future__ import annotations

from fpgacomp.host.resources import data_folder
from fpgacomp.results.project import Project

UNIT, EXAMPLE = "fpgacomp@.service", "example.env"


def systemd_files(transport: str = "pynq") -> Project:
    """The unit, which serves any package by its name, and an example of its options.

    They go to /etc/systemd/system and /etc/fpgacomp of the device.

    Args:
        transport: the way to the device in the example; see `fpgacomp.runtime.transports`.
    """
    folder = data_folder("hls_templates") / "drivers" / "systemd"
    example = (folder / EXAMPLE).read_text("utf-8").replace("@TRANSPORT@", transport)
    return Project({
        f"systemd/{UNIT}": (folder / UNIT).read_bytes(),
        f"systemd/{EXAMPLE}": example.encode(),
    })  # fmt: skip


def transport_of(host: str | None, family: str | None, baud: float | None) -> str:
    """The way to a board that the example of its package names.

    Args:
        host: how samples reach the board, as its file says; None: not known.
        family: of its device.
        baud: of the UART of its bitstream, or what its file states; None: not known.
    """
    if host == "pcie":
        return "xrt"
    if host == "none":
        # A rate that is not known is left for the user to fill in: the service refuses the word.
        return f"uart:/dev/ttyUSB1:{'RATE' if baud is None else format(baud, '.0f')}"
    return "pynq-ultrascale" if family == "zynq-ultrascale+" else "pynq"
