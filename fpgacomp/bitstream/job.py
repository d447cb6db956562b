"""What a toolchain gets to build a bitstream, and what it gives back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from fpgacomp.devices.board import Board
from fpgacomp.errors import FpgacompError
from fpgacomp.results.project import Project

MOST_SEEDS = 8
Preset = Literal["board", "minimal"]


@dataclass(frozen=True, kw_only=True)
class BuildOptions:
    """What a user may say of a run.

    Args:
        seeds: how many starting points of place and route are tried at most, 1 to `MOST_SEEDS`.
        all_seeds: try them all, and take the fastest, even where one meets the clock.
        source: what is synthesized; "" leaves it to the toolchain.
        baud: of the host link; None takes the board's.
        scripts_only: write what the vendor's tools read, and do not run them.
        preset: of a processing system: "board", all that the vendor's files of the board set, or
            "minimal", its clock, ports and interrupts.
    """

    seeds: int = MOST_SEEDS
    all_seeds: bool = False
    source: Literal["", "rtl", "hls"] = ""
    baud: int | None = None
    scripts_only: bool = False
    preset: Preset = "board"


@dataclass(frozen=True, kw_only=True)
class Job:
    """A design that is to become a bitstream.

    Args:
        project: every file of the build folder, as it was checked.
        name: of the build folder, for messages.
        board: that it was compiled for.
        clock_mhz: that it was compiled for.
        frames_per_second: that the accelerator reaches at this clock.
        options: of the run.
        workspace: an empty folder for the tools, removed after the run.
    """

    project: Project
    name: str
    board: Board
    clock_mhz: float
    frames_per_second: float
    options: BuildOptions
    workspace: Path


@dataclass(frozen=True)
class BroughtFile:
    """A file that somebody brings: what it is called, for messages, and its bytes."""

    where: str
    content: bytes = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class Brought:
    """What a user brings back from the machine that ran the scripts.

    Args:
        bitstream: what a device loads.
        handoff: the description of its block design; None where none was given.
        timing: what says whether its clock is met; None where none was given.
    """

    bitstream: BroughtFile
    handoff: BroughtFile | None = None
    timing: BroughtFile | None = None


@dataclass(frozen=True)
class Built:
    """What a toolchain made.

    Args:
        met: whether the design meets its clock; where it does not, the files are evidence.
        remedy: what the user can do where it does not.
        report: plain values for report.json.
        files: path below bitstream/ -> content, without report and manifest.
        problem: what kept the toolchain from going on, where the files are of use all the same:
            it is raised when they are written.
    """

    met: bool
    report: Mapping[str, Any]
    files: Mapping[str, bytes] = field(repr=False)
    remedy: str = ""
    problem: FpgacompError | None = None
