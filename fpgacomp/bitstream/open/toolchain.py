"""From a build folder to the bitstream of an open board."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from fpgacomp.bitstream.job import MOST_SEEDS, Built, Job
from fpgacomp.bitstream.open.family import (
    FAMILIES,
    NETLIST,
    PLACED,
    OpenFamily,
)
from fpgacomp.bitstream.open.seeds import Attempt, best, run_seeds
from fpgacomp.bitstream.open.sources import TOP, board_top, exact, pll_for, surroundings
from fpgacomp.bitstream.open.timing import RouteReport
from fpgacomp.bitstream.open.tools import INSIDE, PACK, Bench, failure, require_tools
from fpgacomp.deploy.link import link_top
from fpgacomp.devices.board import Board
from fpgacomp.devices.pins import BoardPins, Uart
from fpgacomp.engines.stream.rtl.interface import RTL_FILE, RtlInterface
from fpgacomp.errors import BoardError, ToolError, UsageError
from fpgacomp.host.progress import Observer
from fpgacomp.results.project import Project

BITSTREAM = "design"
_MULTIPLIER = b".DSP(1)"  # a product that the design plans in a DSP block
# A packet has a flag at both ends, two bytes of head and four of CRC; two values of 256 are escaped.
_PACKET_BYTES, _STUFFING = 8, 1 + 2 / 256
_LINE_BITS = 10  # of a byte on the line: start, eight bits, stop


class OpenToolchain:
    """Yosys, nextpnr and the packers of the families."""

    def build(self, job: Job, observer: Observer) -> Built:
        """See `fpgacomp.bitstream.registry.Toolchain`."""
        if not 1 <= job.options.seeds <= MOST_SEEDS:
            raise UsageError(f"--seeds {job.options.seeds}", "is out of range.",
                             f"give a number from 1 to {MOST_SEEDS}.")  # fmt: skip
        if job.options.source == "hls":
            raise UsageError("--source hls", f"is not there for {job.board.name}: open tools build "
                             "SystemVerilog alone.", "use --source rtl, or leave it out.")  # fmt: skip
        family, pins, uart = _known(job.board)
        interface = _interface(job)
        tools = require_tools(family)
        pll = pll_for(job.board, pins, family, job.clock_mhz)
        clock = exact(pins.oscillator_mhz) if pll is None else pll.clock_mhz
        baud = job.options.baud or uart.baud
        link = link_top(interface, round(clock * 1_000_000), baud)
        design = f"{interface.top}_uart"
        sources = _rtl(job.project) | dict(link.files)
        top = board_top(job.board, pins, family, pll, design)
        own = surroundings(
            job.board, pins, family, top, tuple(path for path in sources if path.endswith(".sv")),
            multipliers=job.board.device.block_ram.block == "DP16KD" and _plans_dsp(sources),
        )  # fmt: skip
        for path, content in (sources | dict(own)).items():
            target = job.workspace / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
        bench = Bench(job.workspace)
        _synthesize(bench, observer)
        attempts = run_seeds(
            bench, family, job.board, pins, float(clock), job.options, observer
        )
        chosen = best(attempts)
        assert chosen.report is not None
        met = chosen.report.met
        files = {path: own[path] for path in own} | {
            f"{design}.sv": link.files[f"{design}.sv"],
            "yosys.json": (job.workspace / "stat.json").read_bytes(),
        }
        for attempt in attempts:
            log = f"nextpnr-{attempt.seed}.log"
            files[log] = (job.workspace / log).read_bytes()
        if met:
            name = f"{BITSTREAM}.{family.bitstream}"
            files[name] = _packed(bench, family, pins, chosen, observer)
        report = {
            "top": TOP,
            "tools": tools,
            "seeds": [_seed(attempt) for attempt in attempts],
            "seed": chosen.seed,
            "clock_mhz": {
                "wanted": float(exact(job.clock_mhz)),
                "set": float(clock),
                "achieved": round(chosen.report.slowest.achieved_mhz, 2),
            },
            "pll": None if pll is None else dict(pll.values),
            "resources": _resources(family, chosen.report),
            "cells": {name: {"used": used, "available": there}
                      for name, (used, there) in sorted(chosen.report.used.items()) if used},
            "critical_path": None if chosen.report.critical is None
            else asdict(chosen.report.critical),
            "bitstream": f"{BITSTREAM}.{family.bitstream}" if met else None,
            "program": _program(pins, family) if met else None,
            "host_link": _host_link(interface, baud, job.frames_per_second, float(clock)
                                    / job.clock_mhz),
        }  # fmt: skip
        remedy = "" if met else _remedy(job, chosen.report)
        return Built(met, report, files, remedy)


def _known(board: Board) -> tuple[OpenFamily, BoardPins, Uart]:
    """What is known of a board's family, its pins and its serial port.

    Raises:
        BoardError: the flow lacks one of them.
    """
    family, where = FAMILIES.get(board.family), str(board.path)
    if family is None or not board.device.yosys:
        raise BoardError(
            where,
            f"no open place and route is known for family {board.family}.",
            f"take a board of one of these families: {', '.join(FAMILIES)}.",
        )
    pins = board.pins
    if pins is None:
        raise BoardError(
            where,
            "states no pins, so no bitstream can be built.",
            "add the section `bitstream`, as docs/guides/adding-a-board.md says.",
        )
    if pins.uart is None:
        raise BoardError(
            where,
            "states no serial port, and samples reach the design over one.",
            "add `uart: {rx: PIN, tx: PIN, baud: RATE}` under bitstream; any two pins with a "
            "USB serial adapter will do.",
        )
    return family, pins, pins.uart


def _interface(job: Job) -> RtlInterface:
    """The interface of the build's SystemVerilog.

    Raises:
        UsageError: the build has none.
        InputDataError: it is that of another version, or damaged.
    """
    if RTL_FILE not in job.project.files:
        raise UsageError(
            job.name,
            "has no SystemVerilog (rtl/), from which open tools build.",
            "compile with --backend stream.",
        )
    return RtlInterface.of(job.project)


def _rtl(project: Project) -> dict[str, bytes]:
    """The SystemVerilog and its tables, at the paths that they have below rtl/."""
    return {
        path.removeprefix("rtl/"): content
        for path, content in sorted(project.files.items())
        if path.startswith("rtl/") and path.endswith((".sv", ".mem"))
    }


def _plans_dsp(sources: Mapping[str, bytes]) -> bool:
    return any(_MULTIPLIER in content for content in sources.values())


def _synthesize(bench: Bench, observer: Observer) -> None:
    """Run Yosys, which leaves a netlist.

    Raises:
        ToolError: it failed, or left none.
    """
    observer("synthesis", None)
    ended = bench.yosys("synth.ys", "yosys.log")
    observer("synthesis", 1.0)
    netlist = bench.folder / NETLIST
    if ended.code or not netlist.is_file():
        fix = "this is a bug in fpgacomp: please report it with the log."
        raise failure("Yosys", ended, "yosys.log", fix)
    try:
        modules = json.loads(netlist.read_bytes())["modules"]
        cells = modules[TOP]["cells"]
    except (ValueError, KeyError, TypeError) as error:
        why = f"it left a netlist without {TOP} ({error})."
        raise ToolError("Yosys", why, "report this as a bug.") from error
    if not cells:
        raise ToolError("Yosys", "it left an empty netlist.", "report this as a bug.")


def _packed(
    bench: Bench, family: OpenFamily, pins: BoardPins, chosen: Attempt, observer: Observer
) -> bytes:
    """The bitstream of an attempt.

    Raises:
        ToolError: the packer failed, or left none.
    """
    observer("bitstream", None)
    name = f"{BITSTREAM}.{family.bitstream}"
    (bench.folder / PLACED).write_bytes(chosen.placed)
    native = family.packer_package != family.package
    inside = str(bench.folder) if native else INSIDE
    arguments = family.packer_arguments(pins, f"{inside}/{PLACED}", f"{inside}/{name}")
    ended = bench.route(family.packer, arguments, "pack.log", PACK)
    observer("bitstream", 1.0)
    path = bench.folder / name
    if ended.code or not path.is_file() or not path.stat().st_size:
        raise failure(family.packer, ended, "pack.log", "report this as a bug.")
    return path.read_bytes()


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


def _program(pins: BoardPins, family: OpenFamily) -> list[str]:
    """The command that loads the bitstream, to be run in its folder."""
    return ["openFPGALoader", "-b", pins.programmer, f"{BITSTREAM}.{family.bitstream}"]


def _host_link(
    interface: RtlInterface, baud: int, frames_per_second: float, share: float
) -> dict[str, Any]:
    """What the host link carries, beside what the accelerator does.

    Args:
        share: of the clock that the rate was predicted for.
    """
    def line_bytes(ports: Sequence[Any]) -> float:
        return sum(
            port.size * port.container_bits // 8 * _STUFFING + _PACKET_BYTES for port in ports
        )

    longer = max(line_bytes(interface.inputs), line_bytes(interface.outputs))
    return {
        "kind": "uart",
        "baud": baud,
        "frames_per_second": round(baud / _LINE_BITS / longer, 1),
        "accelerator_frames_per_second": round(frames_per_second * share, 1),
    }


def _remedy(job: Job, report: RouteReport) -> str:
    """What a user can do about a clock that is not met."""
    slowest = report.slowest
    reached = job.clock_mhz * slowest.achieved_mhz / slowest.wanted_mhz
    lower = int(reached * 0.97) or 1
    return (
        f"compile with --clock-mhz {lower}, which this routing allows with a margin; with a lower "
        "--fps or --target area, whose designs have shorter paths; or try all seeds."
    )
