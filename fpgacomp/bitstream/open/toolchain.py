"""From a build folder to the bitstream of an open board."""

from __future__ import annotations

import json
from pathlib import PurePosixPath

from fpgacomp.bitstream.job import MOST_SEEDS, Brought, Built, Job
from fpgacomp.bitstream.open.commands import pack_arguments
from fpgacomp.bitstream.open.family import FAMILIES, NETLIST, PLACED, STATISTICS, OpenFamily
from fpgacomp.bitstream.open.names import CellNames
from fpgacomp.bitstream.open.pll import exact
from fpgacomp.bitstream.open.seeds import Attempt, best, figures_of, log_of, run_seeds
from fpgacomp.bitstream.open.sources import TOP, board_top, pll_for, surroundings
from fpgacomp.bitstream.open.standing import OpenRun, standing
from fpgacomp.bitstream.open.summary import (
    bitstream_name,
    host_link,
    program,
    remedy,
    summary,
)
from fpgacomp.bitstream.open.tools import INSIDE, PACK, Workbench, require_tools
from fpgacomp.deploy.link import SPRAM, link_top, top_of
from fpgacomp.deploy.link_memory import memory_of, require_room
from fpgacomp.devices.board import Board
from fpgacomp.devices.pins import BoardPins, Uart
from fpgacomp.engines.stream.parts import parts
from fpgacomp.engines.stream.rtl.interface import RTL_FILE, RtlInterface
from fpgacomp.errors import BoardError, ToolError, UsageError
from fpgacomp.host.child import failure
from fpgacomp.host.progress import Observer
from fpgacomp.host.resources import data_folder
from fpgacomp.host.yosys import require_written
from fpgacomp.results.project import Project


class OpenToolchain:
    """Yosys, nextpnr and the packers of the families."""

    def build(self, job: Job, observer: Observer) -> Built:
        """See `fpgacomp.bitstream.registry.Toolchain`."""
        if not 1 <= job.options.seeds <= MOST_SEEDS:
            raise UsageError(f"--seeds {job.options.seeds}", "is out of range.",
                             f"give a number from 1 to {MOST_SEEDS}.")  # fmt: skip
        if job.options.source == "hls":
            why = f"is not there for {job.board.name}: open tools build SystemVerilog alone."
            raise UsageError("--source hls", why, "use --source rtl, or leave it out.")
        if job.options.scripts_only:
            raise UsageError("--scripts-only", f"is not there for {job.board.name}: its tools are "
                             "open and run here.", "leave it out.")  # fmt: skip
        if job.options.preset != "board":
            why = f"is not there for {job.board.name}: it has no processing system."
            raise UsageError(f"--preset {job.options.preset}", why, "leave it out.")
        family, pins, uart = _known(job.board)
        interface = _interface(job)
        tools = require_tools(family)
        pll = pll_for(job.board, pins, family, job.clock_mhz)
        clock = exact(pins.oscillator_mhz) if pll is None else pll.clock_mhz
        baud = job.options.baud or uart.baud
        design, link = _linked(interface, round(clock * 1_000_000), baud, job.board)
        sources = _rtl(job.project) | link
        top = board_top(job.board, pins, family, pll, design)
        own = surroundings(job.board, pins, family, top, sources)
        bench = Workbench(job.workspace)
        bench.write(sources | own)
        _synthesize(bench, observer)
        attempts = run_seeds(bench, family, job.board, pins, float(clock), job.options, observer)
        chosen, routed = best(attempts)
        files = {**sources, **own, "yosys.json": bench.read(STATISTICS)}
        files |= {log: bench.read(log) for attempt in attempts for log in [log_of(attempt.seed)]}
        figures = figures_of(chosen.seed)
        files[figures] = bench.read(figures)
        name = bitstream_name(family) if routed.met else ""
        if name:
            files[name] = _packed(bench, family, pins, chosen, observer)
        run = OpenRun(
            design=design, clock_mhz=float(clock), seed=chosen.seed, tools=tools, bitstream=name,
            program=program(pins, family) if name else (),
        )  # fmt: skip
        files |= standing(family, job.board, pins, run, files)
        names = CellNames(bench.read(NETLIST), TOP, sources | own, parts(job.project))
        report = {
            "top": TOP,
            "tools": tools,
            "host_link": host_link(interface, baud, job, float(clock)),
            "pll": None if pll is None else dict(pll.values),
            **summary(family, pins, attempts, chosen, routed, job.clock_mhz, float(clock), names),
        }
        return Built(routed.met, report, files, "" if routed.met else remedy(job, routed))

    def bring(self, job: Job, brought: Brought) -> Built:
        """See `fpgacomp.bitstream.registry.Toolchain`: these tools build wherever fpgacomp runs."""
        raise UsageError(
            f"--bitstream {brought.bitstream.where}",
            f"is not taken for {job.board.name}: its tools are open and build here.",
            "leave --bitstream out, and the bitstream is built.",
        )  # fmt: skip


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


def _linked(
    interface: RtlInterface, clock_hz: int, baud: int, board: Board
) -> tuple[str, dict[str, bytes]]:
    """The module that holds accelerator and host link, and path -> content of what it adds.

    Raises:
        DoesNotFit: the link keeps more frames than the device has memory for.
    """
    top = top_of(interface, clock_hz, baud, window=None, patience_cycles=None, spram=board.spram)
    taken = memory_of(top.inputs, top.outputs, top.window, board.device.block_ram)
    require_room(board, taken)
    files = dict(link_top(interface, clock_hz, baud, spram=board.spram).files)
    if files.pop(SPRAM, None) is not None:
        primitive = data_folder("hls_templates") / "boards" / f"{PurePosixPath(SPRAM).stem}.v"
        files[primitive.name] = primitive.read_bytes()
    return top.name, files


def _rtl(project: Project) -> dict[str, bytes]:
    """The SystemVerilog and its tables, at the paths that they have below rtl/."""
    return {
        path.removeprefix("rtl/"): content
        for path, content in sorted(project.files.items())
        if path.startswith("rtl/") and path.endswith((".sv", ".mem"))
    }


def _synthesize(bench: Workbench, observer: Observer) -> None:
    """Run Yosys, which leaves a netlist.

    Raises:
        ToolError: it failed, or left none.
    """
    observer("synthesis", None)
    ended = bench.yosys("synth.ys", "yosys.log")
    observer("synthesis", 1.0)
    netlist = bench.folder / NETLIST
    require_written(ended, "yosys.log", netlist)
    try:
        modules = json.loads(netlist.read_bytes())["modules"]
        cells = modules[TOP]["cells"]
    except (ValueError, KeyError, TypeError) as error:
        why = f"it left a netlist without {TOP} ({error})."
        raise ToolError("Yosys", why, "report this as a bug.") from error
    if not cells:
        raise ToolError("Yosys", "it left an empty netlist.", "report this as a bug.")


def _packed(
    bench: Workbench, family: OpenFamily, pins: BoardPins, chosen: Attempt, observer: Observer
) -> bytes:
    """The bitstream of an attempt.

    Raises:
        ToolError: the packer failed, or left none.
    """
    observer("bitstream", None)
    name = bitstream_name(family)
    (bench.folder / PLACED).write_bytes(chosen.placed)
    native = family.packer_package != family.package
    inside = str(bench.folder) if native else INSIDE
    arguments = pack_arguments(family, pins, name, lambda file: f"{inside}/{file}")
    ended = bench.route(family.packer, arguments, "pack.log", PACK)
    observer("bitstream", 1.0)
    path = bench.folder / name
    if ended.code or not path.is_file() or not path.stat().st_size:
        raise failure(family.packer, ended, "pack.log", "report this as a bug.")
    return path.read_bytes()
