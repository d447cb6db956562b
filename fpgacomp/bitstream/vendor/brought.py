"""A bitstream that was built elsewhere by our scripts, and what can be checked of it.

Neither a .bit nor a .hwh holds the identity of the network: a device's registers do, and the device
runtime reads them before it sends a frame. An .xclbin has it in the names of its data movers.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

from fpgacomp.bitstream.job import Brought, BroughtFile
from fpgacomp.bitstream.reports.read import read_report
from fpgacomp.bitstream.vendor.bit_file import BitHeader, names_part, read_bit
from fpgacomp.bitstream.vendor.design import VendorDesign
from fpgacomp.bitstream.vendor.handoff import Handoff, read_handoff
from fpgacomp.bitstream.vendor.project import kernel_of, movers_of
from fpgacomp.bitstream.vendor.shells import Card, ProcessingSystem
from fpgacomp.bitstream.vendor.steps import BOARD
from fpgacomp.bitstream.vendor.timing import Slacks, slacks_in
from fpgacomp.bitstream.vendor.xclbin import read_xclbin
from fpgacomp.errors import FpgacompError, InputDataError, UsageError, raise_all

_OWN = "give the bitstream that the scripts of this build folder made."
_SAME_CLOCK = 1e-3
_DECIDES = (
    "The file does not hold the identity of the network: the device's registers do, and the device "
    "runtime reads them before it sends a frame."
)


@dataclass(frozen=True)
class Taken:
    """What is kept of what was brought.

    Args:
        files: path below bitstream/ -> content.
        clock_mhz: what is known of the clock beside the one wanted.
        report: plain values for report.json.
    """

    files: Mapping[str, bytes]
    clock_mhz: Mapping[str, float]
    report: Mapping[str, Any]


def taken(design: VendorDesign, brought: Brought) -> Taken:
    """Check what was brought against a design.

    Raises:
        UsageError: a file is given that this board's bitstream has none of.
        InputDataError: a file is damaged, or is of another design, part or clock.
        Problems: several of these.
    """
    if isinstance(design.shell, Card):
        return _linked(design, brought)
    header = read_bit(brought.bitstream.content, brought.bitstream.where)
    raise_all(list(_differences(design, header, brought.bitstream.where)))
    checked = [f"the part {header.part}", f"the design {header.design}"]
    unchecked = [_DECIDES]
    release = header.release
    files = {f"{design.name}.bit": brought.bitstream}
    if brought.handoff is not None:
        release = _checked_handoff(design, brought.handoff, header)
        files[f"{design.name}.hwh"] = brought.handoff
        checked.append("the addresses of the registers, as the .hwh file states them")
    elif isinstance(design.shell, ProcessingSystem):
        unchecked.append(
            "No .hwh file was given: the addresses of the registers are not checked, and PYNQ "
            "does not load the bitstream."
        )
    slacks, clock_mhz = None, dict[str, float]()
    if brought.timing is not None:
        slacks, period_ns = _slacks(design, brought.timing)
        # A processing system makes the nearest clock that its dividers can.
        if period_ns and abs(1000 / period_ns / design.clock_mhz - 1) > _SAME_CLOCK:
            clock_mhz = {"set": round(1000 / period_ns, 3)}
    else:
        unchecked.append("No timing report was given: whether the clock is met is not stated.")
    return Taken(
        {path: file.content for path, file in files.items()},
        clock_mhz,
        {
            "bitstream": f"{design.name}.bit",
            "tools": {"vivado": release} if release else {},
            "slack_ns": None if slacks is None else slacks.plain(),
            "brought": {
                "files": _listed(files), "made": header.made, "checked": checked,
                "unchecked": unchecked, "timing": "not stated" if slacks is None else "met",
            },
        },
    )  # fmt: skip


def _listed(files: Mapping[str, BroughtFile]) -> dict[str, dict[str, str]]:
    """Of each file that was brought: what it was called, and its digest."""
    return {
        path: {"name": PurePath(file.where).name, "sha256": _sha256(file.content)}
        for path, file in files.items()
    }


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _top(design: VendorDesign) -> str:
    """The top module of a .bit file that the scripts make."""
    serial = not isinstance(design.shell, ProcessingSystem)
    return BOARD if serial else f"{design.name}_system_wrapper"


def _differences(design: VendorDesign, header: BitHeader, where: str) -> Iterator[FpgacompError]:
    """What a .bit file is of, where that is something else than the design."""
    if not names_part(header.part, design.board.part):
        why = f"is for the part {header.part}, and {design.board.name} has {design.board.part}."
        yield InputDataError(where, why, f"build it for {design.board.name}, or compile for its "
                             "own board.")  # fmt: skip
    if header.design != _top(design):
        why = f"is of the design {header.design}, and the scripts make {_top(design)}."
        yield InputDataError(where, why, _OWN)


def _checked_handoff(design: VendorDesign, file: BroughtFile, header: BitHeader) -> str:
    """The release of Vivado that a .hwh file names, which must describe this design.

    Raises:
        UsageError: the board has no processing system.
        InputDataError, Problems: it describes another design.
    """
    if not isinstance(design.shell, ProcessingSystem):
        why = f"describes a processing system, and {design.board.name} has none."
        raise UsageError(f"--hwh {file.where}", why, "leave --hwh out.")
    found = read_handoff(file.content, file.where)
    raise_all(list(_wrong_in(design, found, header, file.where)))
    return found.release or header.release


def _wrong_in(
    design: VendorDesign, found: Handoff, header: BitHeader, where: str
) -> Iterator[FpgacompError]:
    """What a .hwh file says otherwise than the design."""
    if found.system != f"{design.name}_system":
        why = f"describes {found.system!r}, and the scripts make {design.name}_system."
        yield InputDataError(where, why, "give the .hwh file of this bitstream.")
    if not names_part(found.part, design.board.part):
        why = f"is for the part {found.part}, and {design.board.name} has {design.board.part}."
        yield InputDataError(where, why, "give the .hwh file of this bitstream.")
    if header.release and found.release and header.release != found.release:
        why = f"is by Vivado {found.release}, and the bitstream by {header.release}."
        yield InputDataError(where, why, "give the .hwh file of the same run as the bitstream.")
    vlnv = found.cells.get("accelerator" if design.accelerator.source == "rtl" else "core")
    if vlnv != design.accelerator.vlnv:
        why = f"has {vlnv or 'no cell'} where the accelerator {design.accelerator.vlnv} belongs."
        yield InputDataError(where, why, _OWN)
    for slave in design.block_design.slaves:
        cell, wanted = slave.bus.split("/")[0], (slave.offset, slave.range_kib * 1024)
        if set(there := found.registers.get(cell, ())) != {wanted}:
            at = (
                " and ".join(f"at {low:#x}, {size:,} bytes" for low, size in there[:3]) or "nowhere"
            )
            why = (
                f"has the registers of {cell} {at}, and the driver looks for them at "
                f"{wanted[0]:#x}, {wanted[1]:,} bytes."
            )
            yield InputDataError(where, why, _OWN)


def _slacks(design: VendorDesign, file: BroughtFile) -> tuple[Slacks, float | None]:
    """The slacks that a timing report states, and the period in ns where it states that, too.

    Raises:
        InputDataError: it is none, is of another design, or says that the clock is not met.
    """
    slacks, period_ns = slacks_in(file.content[:1000].decode("latin-1")), None
    if slacks is None:
        slacks, period_ns = _reported(design, file)
    if not slacks.met:
        why = f"says that the clock of {design.clock_mhz:g} MHz is not met."
        fix = "compile with a lower --clock-mhz, and build that; or give this bitstream's report."
        raise InputDataError(file.where, why, fix)
    return slacks, period_ns


def _reported(design: VendorDesign, file: BroughtFile) -> tuple[Slacks, float | None]:
    """The slacks and the period of Vivado's report_timing_summary."""
    fix = "give reports/timing.rpt or reports/timing.txt, which the scripts leave."
    found = read_report(file.content, file.where)
    clock = found.clock
    if found.stage != "implementation" or clock is None or clock.worst_setup_ns is None:
        why = f"is no timing report of a routed design, but a report of {found.format}."
        raise InputDataError(file.where, why, fix)
    if found.part and not names_part(found.part, design.board.part):
        why = f"is of the part {found.part}, and {design.board.name} has {design.board.part}."
        raise InputDataError(file.where, why, fix)
    if found.top and found.top != _top(design):
        why = f"is of the design {found.top}, and the scripts make {_top(design)}."
        raise InputDataError(file.where, why, fix)
    return Slacks(clock.worst_setup_ns, clock.worst_hold_ns, None), clock.target_ns


# ---- cards


def _linked(design: VendorDesign, brought: Brought) -> Taken:
    """An .xclbin, whose kernels say which network it was linked for."""
    assert isinstance(design.shell, Card)
    for option, file in (("--hwh", brought.handoff), ("--timing", brought.timing)):
        if file is not None:
            why = f"is not there for {design.board.name}: its .xclbin says what is to be known."
            raise UsageError(f"{option} {file.where}", why, f"leave {option} out.")
    where = brought.bitstream.where
    found = read_xclbin(brought.bitstream.content, where)
    wrong: list[FpgacompError] = []
    if _platform(found.platform) != _platform(design.shell.platform):
        why = f"is for the platform {found.platform}, and the board states {design.shell.platform}."
        wrong.append(InputDataError(where, why, "link it for the platform of the board's file."))
    wanted = [f"{mover.kernel}:{mover.name}" for mover in movers_of(design)]
    kernels = {kernel.split(":")[0] for kernel in found.kernels}
    missing = [name for name in wanted if name not in found.kernels]
    if kernel_of(design) not in kernels:
        missing.append(kernel_of(design))
    if missing:
        why = f"was linked for another network, or by other scripts: it lacks {missing[0]}."
        wrong.append(InputDataError(where, why, _OWN))
    raise_all(wrong)
    name = f"{design.name}.xclbin"
    unchecked = []
    if found.clock_mhz is None:
        unchecked.append("The file does not state its clock.")
    return Taken(
        {name: brought.bitstream.content},
        {} if found.clock_mhz is None else {"set": float(found.clock_mhz)},
        {
            "bitstream": name,
            "brought": {
                "files": _listed({name: brought.bitstream}), "made": None,
                "checked": [f"the platform {found.platform}",
                            f"the identity {design.accelerator.identity} in the names of its data "
                            "movers"],
                "unchecked": unchecked, "timing": "not stated",
            },
        },
    )  # fmt: skip


def _platform(name: str) -> str:
    """A platform's name, which tools spell with colons and dots, too."""
    return name.lower().replace(":", "_").replace(".", "_")
