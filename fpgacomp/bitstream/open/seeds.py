"""Place and route from several seeds: the first that meets the clock, or the fastest."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from fpgacomp.bitstream.job import BuildOptions
from fpgacomp.bitstream.open.commands import route_arguments
from fpgacomp.bitstream.open.family import PLACED, REPORT, OpenFamily
from fpgacomp.bitstream.open.timing import RouteReport, read_report
from fpgacomp.bitstream.open.tools import INSIDE, ROUTE, Workbench
from fpgacomp.devices.board import Board
from fpgacomp.devices.pins import BoardPins
from fpgacomp.errors import ToolError
from fpgacomp.host.child import failure
from fpgacomp.host.progress import Observer

# What nextpnr says as it goes on, and about which share of the work is done then.
_MARKS = (
    ("Packing", 0.02), ("Creating initial analytic placement", 0.10),
    ("Running main analytical placer", 0.15), ("Running simulated annealing placer", 0.35),
    ("Routing", 0.60), ("Critical path report", 0.95),
)  # fmt: skip


@dataclass(frozen=True)
class Attempt:
    """One seed, and what came of it.

    Args:
        report: None where it could not be routed.
        placed: the routed design in the form that the packer reads.
        failed: why it could not be routed.
    """

    seed: int
    report: RouteReport | None
    seconds: float
    placed: bytes = b""
    failed: str = ""

    @property
    def margin(self) -> float:
        """Least share of what is wanted that a clock achieves; 0 of a design without routes."""
        return self.report.margin if self.report else 0.0


def run_seeds(
    bench: Workbench, family: OpenFamily, board: Board, pins: BoardPins, clock_mhz: float,
    options: BuildOptions, observer: Observer,
) -> list[Attempt]:  # fmt: skip
    """Place and route from one seed after the other.

    Returns:
        The attempts in order; the last one met the clock, unless none or all were asked for.

    Raises:
        ToolError: the first seed already does not fit, or place and route does not run.
    """
    attempts: list[Attempt] = []
    for seed in range(1, options.seeds + 1):
        attempts.append(_attempt(bench, family, board, pins, clock_mhz, seed, observer))
        report = attempts[-1].report
        if report is not None and report.met and not options.all_seeds:
            break
    if not any(attempt.report for attempt in attempts):
        last = attempts[-1]
        fix = "compile for fewer resources (--target area, a lower --fps), or for a larger board."
        raise ToolError("nextpnr", f"no seed could be routed: {last.failed}", fix)
    return attempts


def best(attempts: Sequence[Attempt]) -> tuple[Attempt, RouteReport]:
    """The attempt with the most margin, the first of several, and its report."""
    chosen = max(attempts, key=lambda one: one.margin)
    assert chosen.report is not None  # `run_seeds` has refused a design that no seed routes
    return chosen, chosen.report


def log_of(seed: int) -> str:
    """The file that keeps what place and route says from a seed."""
    return f"nextpnr-{seed}.log"


def figures_of(seed: int) -> str:
    """The file that keeps nextpnr's own report from a seed, which `import-report` takes."""
    return f"nextpnr-{seed}.json"


def _attempt(
    bench: Workbench, family: OpenFamily, board: Board, pins: BoardPins, clock_mhz: float,
    seed: int, observer: Observer,
) -> Attempt:  # fmt: skip
    step = f"seed {seed}"
    placed, report = bench.folder / PLACED, bench.folder / REPORT
    for path in (placed, report):
        path.unlink(missing_ok=True)
    arguments = route_arguments(
        family, board, pins, clock_mhz, seed, lambda name: f"{INSIDE}/{name}"
    )
    observer(step, None)
    log = log_of(seed)
    ended = bench.route(family.router, arguments, log, ROUTE, _teller(step, observer))
    observer(step, 1.0)
    if ended.code or not (placed.is_file() and report.is_file()):
        fix = "compile for fewer resources (--target area, a lower --fps), or for a larger board."
        error = failure("nextpnr", ended, log, fix)
        # What does not fit from one seed does from none; what was not routed may from another.
        wrong = [line.lower() for line in ended.tail if "ERROR" in line]
        if ended.timed_out or any("rout" in line for line in wrong):
            return Attempt(seed, None, ended.seconds, failed=error.why)
        raise error
    content = report.read_bytes()
    found = read_report(content)
    (bench.folder / figures_of(seed)).write_bytes(content)
    return Attempt(seed, found, ended.seconds, placed.read_bytes())


def _teller(step: str, observer: Observer) -> Callable[[str], None]:
    """Tells the share that is done from the lines of nextpnr's log."""
    done = 0.0

    def on_line(line: str) -> None:
        nonlocal done
        share = next((share for mark, share in _MARKS if mark in line), 0.0)
        if share > done:
            done = share
            observer(step, done)

    return on_line
