"""The unit under which a device's systemd runs the service of an installed package."""

from __future__ import annotations

from fpgacomp.host.resources import data_folder
from fpgacomp.results.project import Project

UNIT = "fpgacomp@.service"


def systemd_files() -> Project:
    """The unit, which serves any package by its name, and an example of its options.

    They go to /etc/systemd/system and /etc/fpgacomp of the device, and hold nothing of a design.
    """
    folder = data_folder("hls_templates") / "drivers" / "systemd"
    return Project(
        {f"systemd/{name}": (folder / name).read_bytes() for name in (UNIT, "example.env")}
    )
