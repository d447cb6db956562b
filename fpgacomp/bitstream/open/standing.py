"""What makes DIR/bitstream stand by itself: build.sh with the commands of the run, and a README."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from fpgacomp.bitstream.open.commands import pack_arguments, route_arguments
from fpgacomp.bitstream.open.family import CONSTRAINTS, OpenFamily
from fpgacomp.bitstream.open.sources import CLOCK, TOP, render
from fpgacomp.devices.board import Board
from fpgacomp.devices.pins import BoardPins

SCRIPT, README = "build.sh", "README.md"
_SEED = "${SEED:-%d}"
# What is not SystemVerilog, whose first line says what it is.
_ABOUT = {
    CLOCK: "the PLL that makes the clock, in Verilog",
    SCRIPT: "the commands: synthesis, place and route, packing",
    "synth.ys": "the script for Yosys, which names every source",
    "yosys.json": "cells of the netlist, by Yosys' `stat`",
    "report.json": "clock, seeds, resources, slowest path, and the SHA-256 of every file",
    "manifest.json": "the SHA-256 of every file, by which `fpgacomp build` knows its own",
}
_KINDS = (
    (rf"{CONSTRAINTS}\.\w+", "pins and oscillator of the board"),
    (r"nextpnr-\d+\.log", "what nextpnr said, from this seed"),
    (r"nextpnr-\d+\.json", "its figures, which `fpgacomp import-report` takes"),
    (r"design\.\w+", "the bitstream"),
    (r".*\.mem", "a table of the design, in hexadecimal"),
)
_FIRST = re.compile(r"\A(?:`.*\n)*// ?(.+)")


@dataclass(frozen=True, kw_only=True)
class OpenRun:
    """What was run.

    Args:
        design: the accelerator with its link.
        clock_mhz: that place and route had to meet.
        seed: of the attempt that was taken.
        tools: package -> version.
        bitstream: its file; "" where the clock was not met.
        program: the command that loads it; () where there is none.
    """

    design: str
    clock_mhz: float
    seed: int
    tools: Mapping[str, str]
    bitstream: str
    program: Sequence[str]


def standing(
    family: OpenFamily, board: Board, pins: BoardPins, run: OpenRun, files: Mapping[str, bytes]
) -> dict[str, bytes]:
    """Path -> content of the script and the README.

    Args:
        files: all others of the folder, but for report and manifest.
    """
    rebuilt = f"rebuilt.{family.bitstream}"
    context: dict[str, Any] = {"title": board.title, "bitstream": run.bitstream, "rebuilt": rebuilt}
    route = route_arguments(family, board, pins, run.clock_mhz, _SEED % run.seed, lambda name: name)
    pack = pack_arguments(family, pins, rebuilt, lambda name: name)
    script = render(
        "build.sh", router=family.router, packer=family.packer, native=family.native,
        route=_lines(route), pack=_lines(pack), **context,
    )  # fmt: skip
    listed = {**files, SCRIPT: script}
    about = [(path, _about(path, content)) for path, content in sorted(listed.items())]
    about += [(path, _ABOUT[path]) for path in ("report.json", "manifest.json")]
    readme = render(
        "README.md", design=run.design, board=board.name, part=board.part, files=about,
        clock_mhz=f"{run.clock_mhz:g}", seed=run.seed, tools=run.tools,
        program=shlex.join(run.program), **context,
    )  # fmt: skip
    return {SCRIPT: script, README: readme}


def _lines(arguments: Sequence[str]) -> list[str]:
    """Words of a shell, an option and its values in a line."""
    lines: list[list[str]] = []
    for word in arguments:
        # The seed is an expression, and holds no character that splits it.
        spelled = word if word.startswith("${SEED:-") else shlex.quote(word)
        if not lines or word.startswith("-"):
            lines.append([])
        lines[-1].append(spelled)
    return [" ".join(line) for line in lines]


def _about(path: str, content: bytes) -> str:
    """What a file is, in a cell of a table."""
    name = PurePosixPath(path).name
    if path in _ABOUT:
        return _ABOUT[path]
    if path == f"{TOP}.sv":
        return "the top module: the board's pins, clock, reset and lights around the design"
    for kind, about in _KINDS:
        if re.fullmatch(kind, name):
            return about
    first = _FIRST.match(content.decode(errors="replace"))
    return first[1].strip().rstrip(".").replace("|", "\\|") if first else "SystemVerilog"
