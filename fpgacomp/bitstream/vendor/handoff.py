"""What a .hwh file of Vivado says of a block design: its name, its device, and its addresses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from fpgacomp.bitstream.reports.numbers import DamagedReport
from fpgacomp.bitstream.reports.xml_tree import xml_tree
from fpgacomp.errors import InputDataError

_FIX = "give the .hwh file that Vivado wrote beside this bitstream."


@dataclass(frozen=True)
class Handoff:
    """The description of a block design.

    Args:
        system: its name.
        part: device and package, joined by a hyphen.
        release: of Vivado; "" where it does not say.
        cells: name of a cell -> the IP that it is of (vendor:library:name:version).
        registers: name of a cell -> (address, bytes) of every window to its registers.
    """

    system: str
    part: str
    release: str
    cells: Mapping[str, str]
    registers: Mapping[str, tuple[tuple[int, int], ...]]


def read_handoff(content: bytes, where: str) -> Handoff:
    """The description in a .hwh file.

    Args:
        where: what messages call the file.

    Raises:
        InputDataError: it is none, or is damaged.
    """
    try:
        root = xml_tree(content)
    except DamagedReport as error:
        raise InputDataError(where, f"is no .hwh file: {error}.", _FIX) from error
    system = root.find("SYSTEMINFO")
    if root.tag != "EDKSYSTEM" or system is None:
        raise InputDataError(where, "is no .hwh file of Vivado.", _FIX)
    registers: dict[str, tuple[tuple[int, int], ...]] = {}
    try:
        for element in root.iter("MEMRANGE"):
            if element.get("MEMTYPE", "REGISTER") == "REGISTER" and "INSTANCE" in element.attrib:
                cell = element.attrib["INSTANCE"]
                registers[cell] = (*registers.get(cell, ()), _range(element.attrib))
    except (KeyError, ValueError) as error:
        raise InputDataError(where, f"has a damaged address ({error}).", _FIX) from error
    return Handoff(
        system=system.get("NAME", ""),
        part=f"{system.get('DEVICE', '')}-{system.get('PACKAGE', '')}",
        release=root.get("VIVADOVERSION", ""),
        cells={x.get("INSTANCE", ""): x.get("VLNV", "") for x in root.iter("MODULE")},
        registers=registers,
    )


def _range(attributes: Mapping[str, str]) -> tuple[int, int]:
    """(the first address, how many bytes)."""
    low, high = (attributes[name][:32] for name in ("BASEVALUE", "HIGHVALUE"))
    return int(low, 16), int(high, 16) - int(low, 16) + 1
