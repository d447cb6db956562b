"""What report.json of a bitstream says: clocks, seeds, resources, slowest path, host link."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fpgacomp.bitstream.job import Job
from fpgacomp.bitstream.open.family import OpenFamily
from fpgacomp.bitstream.open.names import CellNames
from fpgacomp.bitstream.open.seeds import Attempt
from fpgacomp.bitstream.open.slowest import slowest_path
from fpgacomp.bitstream.open.timing import RouteReport
from fpgacomp.devices.pins import BoardPins
from fpgacomp.engines.stream.interface import AxiPort
from fpgacomp.engines.stream.rtl.interface import RtlInterface

# A packet has a flag at both ends, two bytes of head and four of CRC; of 256 values two escape.
_PACKET_BYTES, _STUFFING = 8, 1 + 2 / 256
_LINE_BITS = 10  # of a byte on the line: start, eight bits, stop
_MARGIN = 0.97  # of a clock that was achieved: another clock is routed otherwise


def bitstream_name(family: OpenFamily) -> str:
    """The file of the bitstream."""
    return f"design.{family.bitstream}"


def summary(
    family: OpenFamily, pins: BoardPins, attempts: Sequence[Attempt], chosen: Attempt,
    routed: RouteReport, wanted_mhz: float, clock_mhz: float, names: CellNames,
) -> dict[str, Any]:  # fmt: skip
    """Plain values.

    Args:
        chosen, routed: the attempt that was taken, and its report.
        wanted_mhz: what the design was compiled for.
        clock_mhz: what oscillator or PLL give.
        names: of the netlist, for the slowest path.
    """
    cells = {
        name: {"used": used, "available": there}
        for name, (used, there) in sorted(routed.used.items())
        if used
    }
    critical = None if routed.critical is None else slowest_path(routed.critical, names)
    achieved = round(routed.slowest.achieved_mhz, 2)
    return {
        "seeds": [_seed(attempt) for attempt in attempts],
        "seed": chosen.seed,
        "clock_mhz": {"wanted": wanted_mhz, "set": clock_mhz, "achieved": achieved},
        "resources": _resources(family, routed),
        "cells": cells,
        "critical_path": critical,
        "bitstream": bitstream_name(family) if routed.met else None,
        "program": program(pins, family) if routed.met else None,
    }


def _seed(attempt: Attempt) -> dict[str, Any]:
    clocks = attempt.report.clocks if attempt.report else {}
    return {
        "seed": attempt.seed,
        "achieved_mhz": {name: round(one.achieved_mhz, 2) for name, one in clocks.items()},
        "met": bool(attempt.report and attempt.report.met),
        "seconds": round(attempt.seconds, 1),
        **({"failed": attempt.failed} if attempt.failed else {}),
    }


def _resources(family: OpenFamily, report: RouteReport) -> dict[str, dict[str, int]]:
    """Name of a resource -> how much is used, and how much there is."""
    found = {}
    for name, kinds in family.cells.items():
        pairs = [report.used[kind] for kind in kinds if kind in report.used]
        if pairs and (there := sum(pair[1] for pair in pairs)):
            found[name] = {"used": sum(pair[0] for pair in pairs), "available": there}
    return found


def program(pins: BoardPins, family: OpenFamily) -> list[str]:
    """The command that loads the bitstream, to be run in its folder."""
    return ["openFPGALoader", "-b", pins.programmer, bitstream_name(family)]


def host_link(interface: RtlInterface, baud: int, job: Job, clock_mhz: float) -> dict[str, Any]:
    """What the host link carries of random bytes, both ways at once, beside the accelerator."""
    longer = max(_line_bytes(interface.inputs), _line_bytes(interface.outputs))
    accelerator = job.frames_per_second * clock_mhz / job.clock_mhz
    return {
        "kind": "uart",
        "baud": baud,
        "frames_per_second": round(baud / _LINE_BITS / longer, 1),
        "accelerator_frames_per_second": round(accelerator, 1),
    }


def _line_bytes(ports: Sequence[AxiPort]) -> float:
    """Bytes on the line for a frame of each port, as many of them escaped as at random."""
    return sum(port.size * port.container_bits // 8 * _STUFFING + _PACKET_BYTES for port in ports)


def remedy(job: Job, report: RouteReport) -> str:
    """What a user can do about a clock that is not met."""
    slowest = report.slowest
    reached = job.clock_mhz * slowest.achieved_mhz / slowest.wanted_mhz
    lower = max(int(reached * _MARGIN), 1)
    return (
        f"compile with --clock-mhz {lower}, which this routing allows with a margin; with a lower "
        "--fps or --target area, whose designs have shorter paths; or try all seeds."
    )
