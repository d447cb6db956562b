"""From a build folder to the bitstream of a board that AMD's tools build."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from fpgacomp.bitstream.job import MOST_SEEDS, Brought, Built, Job
from fpgacomp.bitstream.vendor.brought import taken
from fpgacomp.bitstream.vendor.design import VendorDesign
from fpgacomp.bitstream.vendor.project import vendor_project
from fpgacomp.bitstream.vendor.shells import Card, ProcessingSystem, SerialLink
from fpgacomp.bitstream.vendor.steps import ToolStep
from fpgacomp.bitstream.vendor.timing import Slacks, slacks_of, worst_paths
from fpgacomp.bitstream.vendor.tools import VendorTool, missing, require_tools
from fpgacomp.errors import ToolError, UsageError
from fpgacomp.host.child import Ended
from fpgacomp.host.progress import Observer
from fpgacomp.host.toolchain import usable_cores

_SECTION = "=== "  # our scripts print what begins in lines that begin so
_MOST_JOBS = 8  # runs of Vivado at the same time, each of which takes gigabytes
_RESULTS = ("*.bit", "*.hwh", "*.xsa", "*.xclbin", "*.xclbin.info", "reports/*", "*.log")


class VivadoToolchain:
    """Vivado, Vitis HLS and v++."""

    def build(self, job: Job, observer: Observer) -> Built:
        """See `fpgacomp.bitstream.registry.Toolchain`."""
        design = _design(job)
        project, steps = vendor_project(design, job.project)
        report = _report(design, steps)
        absent = missing(steps, f"{job.name}/bitstream")
        if job.options.scripts_only or absent is not None:
            problem = None if job.options.scripts_only else absent
            scripts = {**report, "status": "scripts"}
            return Built(met=True, report=scripts, files=project.files, problem=problem)
        cards = isinstance(design.shell, Card)
        tools = require_tools(steps, job.workspace, cards=cards)
        project.write(job.workspace)
        ended = _run_steps(steps, tools, job, observer)
        slacks = slacks_of(job.workspace)
        report |= {
            "tools": {tool: found.release for tool, found in tools.items()},
            "slack_ns": None if slacks is None else slacks.plain(),
            "worst_paths": worst_paths(job.workspace),
        }
        files = {**project.files, **_results(job.workspace)}
        if slacks is not None and not slacks.met:
            return Built(False, report, files, _slower(job, slacks))
        for step, end in ended:
            if end.code or not (job.workspace / step.made).is_file():
                raise _failure(step, end)
        return Built(met=True, report={**report, "bitstream": steps[-1].made}, files=files)

    def bring(self, job: Job, brought: Brought) -> Built:
        """See `fpgacomp.bitstream.registry.Toolchain`."""
        design = _design(job)
        project, steps = vendor_project(design, job.project)
        report = _report(design, steps)
        found = taken(design, brought)
        clock = {**report["clock_mhz"], **found.clock_mhz}
        return Built(
            met=True, files={**project.files, **found.files},
            report={**report, **found.report, "clock_mhz": clock},
        )  # fmt: skip


def _design(job: Job) -> VendorDesign:
    """The design of a job.

    Raises:
        UsageError: the board has no use for an option; or see `VendorDesign.of`.
    """
    design = VendorDesign.of(
        job.project,
        job.board,
        clock_mhz=job.clock_mhz,
        source=job.options.source or None,
        baud=job.options.baud,
        preset=job.options.preset,
    )
    options, once = job.options, "Vivado places a design once."
    serial = isinstance(design.shell, SerialLink)
    processor = isinstance(design.shell, ProcessingSystem)
    for option, idle, why in (
        (f"--seeds {options.seeds}", options.seeds != MOST_SEEDS, once),
        ("--all-seeds", options.all_seeds, once),
        (f"--baud {options.baud}", options.baud and not serial, "it has no serial host link."),
        (f"--preset {options.preset}", options.preset != "board" and not processor,
         "it has no processing system."),
    ):  # fmt: skip
        if idle:
            raise UsageError(option, f"is not there for {job.board.name}: {why}", "leave it out.")
    return design


def _run_steps(
    steps: Sequence[ToolStep], tools: dict[Any, VendorTool], job: Job, observer: Observer
) -> list[tuple[ToolStep, Ended]]:
    """Run the steps until one fails; each with how it ended."""
    done = []
    for number, step in enumerate(steps):
        with _Sections(observer, step.title) as on_line:
            more = _options(step)
            log = job.workspace / f"{number + 1}-{step.tool}.log"
            end = tools[step.tool].run(step, job.workspace, log, more, on_line)
        done.append((step, end))
        if end.code or not (job.workspace / step.made).is_file():
            break
    return done


def _options(step: ToolStep) -> tuple[str, ...]:
    """What a run says to build.tcl beyond what README.md does."""
    if "build.tcl" not in step.arguments:
        return ()
    jobs = f"jobs={max(1, min(_MOST_JOBS, usable_cores()))}"
    return (jobs,) if "-tclargs" in step.arguments else ("-tclargs", jobs)


class _Sections:
    """Tells an observer of the sections that a script prints, one after the other."""

    def __init__(self, observer: Observer, first: str) -> None:
        self._observer, self._now = observer, first

    def __enter__(self) -> Callable[[str], None]:
        self._observer(self._now, None)
        return self._line

    def __exit__(self, *_: object) -> None:
        self._observer(self._now, 1.0)

    def _line(self, line: str) -> None:
        if line.startswith(_SECTION):
            self._observer(self._now, 1.0)
            self._now = line.removeprefix(_SECTION).strip()[:80]
            self._observer(self._now, None)


def _report(design: VendorDesign, steps: Sequence[ToolStep]) -> dict[str, Any]:
    report: dict[str, Any] = {
        "toolchain": "vivado",
        "source": design.accelerator.source,
        "top": design.accelerator.top,
        "clock_mhz": {"wanted": design.clock_mhz},
        "ports": [
            {
                "port": port.name, "tensor": port.tensor, "input": port.input, "size": port.size,
                "container_bits": port.container_bits, "lanes": port.lanes, "beats": port.beats,
            }
            for port in design.accelerator.ports
        ],
        "steps": [{"title": step.title, "command": step.shell} for step in steps],
        "tools": {},
        "slack_ns": None,
        "worst_paths": {},
        "makes": steps[-1].made,
        "bitstream": None,
        "brought": None,
        "map": None,
        "host_link": None,
    }  # fmt: skip
    if isinstance(design.shell, ProcessingSystem):
        report["preset"] = design.preset
        report["map"] = [
            {"offset": slave.offset, "bytes": slave.range_kib * 1024, "title": slave.title}
            for slave in design.block_design.slaves
        ]
    if isinstance(design.shell, SerialLink):
        report["host_link"] = {"kind": "uart", "baud": design.shell.baud}
    return report


def _results(workspace: Path) -> dict[str, bytes]:
    """What a run left for the user."""
    found = [path for pattern in _RESULTS for path in workspace.glob(pattern) if path.is_file()]
    return {path.relative_to(workspace).as_posix(): path.read_bytes() for path in found}


def _slower(job: Job, slacks: Slacks) -> str:
    """What a user can do about timing that is not met."""
    if slacks.setup < 0:
        lower = int(1000 / (1000 / job.clock_mhz - slacks.setup) * 0.97) or 1
        return (
            f"compile with --clock-mhz {lower}, which this placement allows with a margin; or with "
            "a lower --fps or --target area, whose designs have shorter paths."
        )
    return "this is no matter of the clock: report it as a bug, with reports/timing.rpt."


def _failure(step: ToolStep, end: Ended) -> ToolError:
    """The error of a step that failed, with the line that says why."""
    wrong = [line for line in end.tail if line.startswith("ERROR")]
    last = next(_spoken(end.tail), "it said nothing.")
    said = (wrong[0] if wrong else last).strip()[:400]
    fix = (
        "read what it says; `fpgacomp build DIR --scripts-only` writes the scripts, which leave "
        "their whole project behind when they are run by hand."
    )
    return ToolError(step.title, f"{step.tool} {end.how}: {said}", fix)


def _spoken(lines: Sequence[str]) -> Iterator[str]:
    return (line for line in reversed(lines) if line.strip() and not line.startswith("INFO"))
