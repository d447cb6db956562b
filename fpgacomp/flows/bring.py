"""A bitstream that the scripts of a build folder made elsewhere, back into that folder."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from fpgacomp.bitstream.job import Brought, BroughtFile, BuildOptions
from fpgacomp.bitstream.registry import toolchain_for
from fpgacomp.errors import InputDataError, MissingInputData, UsageError
from fpgacomp.flows.build import BuildResult, job_of, report_of
from fpgacomp.flows.options import checked_path
from fpgacomp.host.plain import read_plain
from fpgacomp.host.scratch import scratch_folder
from fpgacomp.report import bitstream_folder
from fpgacomp.runtime.form import MAX_FILE_BYTES

_MAX_TEXT = 32 << 20  # of a .hwh file or a report


def bring_bitstream(
    build: str | Path,
    bitstream: str | Path,
    *,
    hwh: str | Path | None = None,
    timing: str | Path | None = None,
    board: str | Path | None = None,
    options: BuildOptions | None = None,
    trust: bool = False,
) -> BuildResult:
    """Take a bitstream that was built elsewhere by the scripts of a build folder.

    What can be checked is: part and design of a .bit file, the address map of a .hwh file, the
    platform and the network's identity of an .xclbin, and that a timing report meets the clock.
    It goes to DIR/bitstream beside the scripts, with what was checked in its report.json.

    Args:
        build: the folder that `compile` wrote.
        bitstream: the .bit or .xclbin file.
        hwh: the description of the block design; None takes the file of the bitstream's name that
            ends in .hwh, where it lies beside it.
        timing: reports/timing.rpt or reports/timing.txt, which the scripts leave; None leaves it
            open whether the clock is met, and the report says so.
        board: see `fpgacomp.build`.
        options: source and baud of the scripts; those that are not given are taken from the
            scripts in DIR/bitstream, where they are there.
        trust: take a build that this user did not make on this machine.

    Raises:
        UsageError: see `fpgacomp.build`; or the board's tools build here, or an option does not
            go with the board.
        InputDataError, Problems: a file is damaged, or is of another design, part or clock.
        FileSystemError: the result cannot be written.
    """
    place, options = checked_path("build", build), options or BuildOptions()
    if options.scripts_only:
        why = "writes scripts, and --bitstream brings what they made."
        raise UsageError("--scripts-only", why, "give one of them.")
    brought = _brought(checked_path("bitstream", bitstream), hwh, timing)
    result = place / bitstream_folder.FOLDER
    with scratch_folder() as scratch:
        digest = bitstream_folder.build_digest(place)
        job = job_of(place, board, options, scratch, trust=trust)
        job = replace(job, options=_as_scripted(options, result, digest))
        made = toolchain_for(job.board).bring(job, brought)
    report = report_of(made, job.board, 0.0)
    bitstream_folder.require_same_build(place, digest)
    bitstream_folder.write_bitstream(result, digest, made.files, report)
    return BuildResult(made.met, result, report, made.remedy)


def _brought(bitstream: Path, hwh: str | Path | None, timing: str | Path | None) -> Brought:
    content = _read(bitstream, MAX_FILE_BYTES)
    beside = bitstream.with_suffix(".hwh")
    if hwh is None and bitstream.suffix == ".bit" and beside.is_file():
        hwh = beside
    return Brought(
        bitstream=content,
        handoff=None if hwh is None else _read(checked_path("hwh", hwh), _MAX_TEXT),
        timing=None if timing is None else _read(checked_path("timing", timing), _MAX_TEXT),
    )


def _read(path: Path, most: int) -> BroughtFile:
    try:
        return BroughtFile(str(path), read_plain(path, most))
    except FileNotFoundError:
        raise MissingInputData(str(path), "there is no such file.", "check the path.") from None
    except OSError as error:
        fix = "give the file that Vivado or v++ wrote."
        raise InputDataError(str(path), f"cannot be read ({error}).", fix) from error


def _as_scripted(options: BuildOptions, place: Path, digest: str) -> BuildOptions:
    """The options, with those of the scripts in DIR/bitstream where none are given."""
    report = bitstream_folder.made_from(place, digest) or {}
    source, link = report.get("source"), report.get("host_link")
    baud = link.get("baud") if isinstance(link, dict) else None
    if options.source == "" and source in ("rtl", "hls"):
        options = replace(options, source=source)
    if options.baud is None and isinstance(baud, int):
        options = replace(options, baud=baud)
    if report.get("preset") == "minimal":
        options = replace(options, preset="minimal")
    return options
