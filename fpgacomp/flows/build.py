"""From a build folder to the bitstream of its board."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import Any

from fpgacomp.bitstream.job import BuildOptions, Built, Job
from fpgacomp.bitstream.registry import toolchain_for
from fpgacomp.devices.board import Board
from fpgacomp.devices.read import list_boards, load_board
from fpgacomp.errors import FileSystemError, FpgacompError, UsageError
from fpgacomp.flows.import_report import import_report
from fpgacomp.flows.options import checked_path
from fpgacomp.flows.stages import Stages
from fpgacomp.host.progress import Observer, silent
from fpgacomp.host.scratch import scratch_folder
from fpgacomp.host.strict_json import read_json
from fpgacomp.report import bitstream_folder, folder

# Of what a vendor's tools report of a bitstream, what says most of the design.
_REPORTS = ("reports/utilization_hierarchical.rpt", "reports/timing.rpt", "reports/power.rpt")
_COMPILE = "name the folder that `fpgacomp compile --out` wrote, or compile again."


@dataclass(frozen=True)
class BuildResult:
    """What came of a run.

    Args:
        met: whether the design meets its clock, so that there is a bitstream.
        folder: where bitstream or evidence was written.
        report: the content of its report.json.
        remedy: what to do where the clock is not met.
        imported: reports of the tools that were held beside the estimate, in DIR/measured.
        not_imported: why they were not, where there are such reports; "" where they were.
    """

    met: bool
    folder: Path
    report: Mapping[str, Any]
    remedy: str
    imported: tuple[str, ...] = ()
    not_imported: str = ""

    def summary(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            **self.report,
            "folder": str(self.folder),
            "met": self.met,
            "remedy": self.remedy or None,
            "imported": list(self.imported),
            "not_imported": self.not_imported or None,
        }


@dataclass(frozen=True)
class _Compiled:
    """What report.json of a build folder says of the design."""

    board: str
    part: str
    clock_mhz: float
    frames_per_second: float


def build(
    build: str | Path,
    *,
    board: str | Path | None = None,
    options: BuildOptions | None = None,
    trust: bool = False,
    observer: Observer = silent,
) -> BuildResult:
    """Build the bitstream of a compiled design, for the board that it was compiled for.

    The result goes to DIR/bitstream; where the clock is not met, the evidence goes to
    DIR/bitstream.failed, and DIR/bitstream stays as it was. What a vendor's tools report of a
    bitstream goes to DIR/measured, as `import_report` has it. Nothing else of DIR is touched.

    Args:
        build: the folder that `compile` wrote.
        board: the board file, where the design was compiled for a board of the user's own.
        options: of the run.
        trust: build a folder that this user did not make on this machine.
        observer: told each step and the share of it that is done.

    Raises:
        UsageError: the folder is no build directory, a file of it was changed, it is somebody
            else's and `trust` is not given, it lacks what the board's tools read, or it was
            compiled again while they ran.
        BoardError: the board lacks what a bitstream needs.
        ToolError: a tool is missing or failed.
        FileSystemError: the result cannot be written.
    """
    place = checked_path("build", build)
    result, evidence = place / bitstream_folder.FOLDER, place / bitstream_folder.FAILED
    with scratch_folder() as scratch:
        digest = bitstream_folder.build_digest(place)
        job = job_of(place, board, options or BuildOptions(), scratch, trust=trust)
        bitstream_folder.require_same_build(place, digest)
        bitstream_folder.check_free(result)
        bitstream_folder.check_free(evidence)
        toolchain = toolchain_for(job.board)
        stages = Stages(observer)
        with stages.step("build"):
            made = toolchain.build(job, observer)
    report = report_of(made, job.board, sum(stages.seconds.values()))
    if report["status"] == "scripts":
        _require_no_bitstream(result, digest)
    target = result if made.met else evidence
    if not place.is_dir():
        why = "was removed or moved while it was built, so that the bitstream has no place."
        raise FileSystemError(str(place), why, "compile again, and leave the folder until it ends.")
    bitstream_folder.require_same_build(place, digest)
    bitstream_folder.write_bitstream(target, digest, made.files, report)
    if made.problem is not None:
        raise made.problem
    imported, why = _import(place, target, made)
    return BuildResult(made.met, target, report, made.remedy, imported, why)


def _require_no_bitstream(result: Path, digest: str) -> None:
    """Refuse to replace a bitstream of this build by the scripts that make one.

    Raises:
        UsageError: there is one.
    """
    if (bitstream_folder.made_from(result, digest) or {}).get("bitstream"):
        why = "holds a bitstream, which scripts alone would replace."
        raise UsageError(str(result), why, "move it elsewhere, and run again.")


def _import(place: Path, target: Path, made: Built) -> tuple[tuple[str, ...], str]:
    """(the reports that were imported, why they were not): a bitstream is one without them."""
    names = tuple(name for name in _REPORTS if name in made.files) if made.met else ()
    if not names:
        return (), ""
    try:
        import_report(place, [target / name for name in names])
    except FpgacompError as error:
        return (), str(error)
    return names, ""


def job_of(
    place: Path, board: str | Path | None, options: BuildOptions, scratch: Path, *, trust: bool
) -> Job:
    """What a toolchain gets of a build folder.

    Args:
        place: the folder.
        board: see `build`.
        options: of the run.
        scratch: an empty folder for the tools.
        trust: also take a build that this user did not make on this machine.

    Raises:
        UsageError, BoardError: see `build`.
    """
    compiled = folder.read_build(place)
    if not (compiled.own or trust):
        raise UsageError(
            str(place),
            "was not made by you on this machine, and its files would be read by programs that "
            "run with your rights.",
            "look at its files and add --trust, or compile the network yourself.",
        )
    facts = _facts(compiled.project.files["report.json"], place)
    return Job(
        project=compiled.project, name=str(place), board=_board(facts, board),
        clock_mhz=facts.clock_mhz, frames_per_second=facts.frames_per_second,
        options=options, workspace=scratch.resolve(),
    )  # fmt: skip


def report_of(made: Built, board: Board, seconds: float) -> dict[str, Any]:
    """The content of bitstream/report.json."""
    about = {"name": board.name, "part": board.part, "title": board.title}
    return {
        "board": about, "status": "ok" if made.met else "clock not met",
        "seconds": round(seconds, 1), **made.report,
    }  # fmt: skip


def _facts(content: bytes, place: Path) -> _Compiled:
    """What a build's report says of board and clock.

    Raises:
        UsageError: it says it in another form than `compile` writes.
    """
    try:
        report = read_json(content)
        clock = float(report["estimate"]["clock_mhz"])
        frames = float(report["estimate"]["frames_per_second"])
        interval = ((report.get("measured") or {}).get("rtl") or {}).get("interval_cycles")
        if interval:
            frames = clock * 1e6 / float(interval)
        board = report["board"]
        found = _Compiled(str(board["name"]), str(board["part"]), clock, frames)
    except (
        ValueError, KeyError, TypeError, AttributeError, ArithmeticError, RecursionError,
    ) as error:  # fmt: skip
        why = f"is damaged: its report.json does not say board and clock ({error})."
        raise UsageError(str(place), why, _COMPILE) from error
    if not all(isfinite(figure) and figure > 0 for figure in (clock, frames)):
        raise UsageError(str(place), "is damaged: its report.json states no clock.", _COMPILE)
    return found


def _board(facts: _Compiled, given: str | Path | None) -> Board:
    """The board that a design was compiled for.

    Raises:
        UsageError: it is none that ships and `given` does not name its file, or it has another
            part or a slower clock than the design was made for.
    """
    if given is None and facts.board not in {board.name for board in list_boards()}:
        raise UsageError(
            "--board",
            f"is needed: the design was compiled for {facts.board[:80]!r}, a board of your own.",
            "name its board file with --board FILE.",
        )
    board = load_board(facts.board if given is None else given)
    where = f"--board {given}" if given is not None else f"board {board.name}"
    if board.part != facts.part:
        why = f"has the part {board.part}, and the design was compiled for {facts.part[:80]!r}."
        raise UsageError(where, why, f"compile for {board.name}.")
    if facts.clock_mhz > board.clock_mhz_max:
        why = f"allows {board.clock_mhz_max:g} MHz, and the design states {facts.clock_mhz:g} MHz."
        raise UsageError(where, why, "compile with a lower --clock-mhz.")
    return board
