"""What a user does next, as the first screen of report.html says it."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import dataclass

from fpgacomp.host.toolchain import INSTALL_BITSTREAM
from fpgacomp.report import wording
from fpgacomp.results.report import Report

# nextpnr places and routes some 5,000 LUTs in a minute or two, and 40,000 in a quarter of an hour.
_MANY_LUTS = 15_000


@dataclass(frozen=True)
class Step:
    """A sentence, and the command that does what it says; "" where there is none."""

    text: str
    command: str = ""


def next_steps(report: Report) -> tuple[Step, ...]:
    """The steps that suit the verdict, the most useful first."""
    if report.exactness.mismatches:
        return tuple(_after_mismatches(report))
    if not report.verdict.fits:
        return tuple(Step(text) for text in report.verdict.remedies)
    return tuple(_after_success(report))


def _after_mismatches(report: Report) -> Iterator[Step]:
    if report.folder is not None:
        yield Step(f"Do not use this design. The evidence is in {report.folder}.")
    yield Step(
        "Wrong numbers are a fault of fpgacomp or of the C++ compiler: report it with the model, "
        "the command line and report.json."
    )


def _after_success(report: Report) -> Iterator[Step]:
    if report.folder is None:
        yield Step("Nothing was written yet: `fpgacomp compile` makes the C++ and checks it.")
        return
    folder = shlex.quote(report.folder)
    if wording.headline(report).mood == "unsure" and not report.estimate.basis.thin:
        yield Step(
            "Whether it fits is not sure before synthesis: run it, or ask for a smaller design "
            "with --target area and --fps."
        )
    if report.board.device.toolchain == "vivado":
        yield Step(
            "Synthesize the C++ with Vitis HLS (with vitis-run from 2024.2 on), or go on to the "
            f"bitstream with fpgacomp build {folder}:",
            f"cd {folder}/hls && vitis_hls -f build_prj.tcl",
        )
    elif report.board.pins is not None and report.backend != "hls4ml":
        luts = report.estimate.lut.value
        slow = (
            f" Routing {luts:,.0f} LUTs takes long; --target area and --fps ask for fewer."
            if luts > _MANY_LUTS else ""
        )  # fmt: skip
        yield Step(
            f"Build the bitstream, host link included ({INSTALL_BITSTREAM}).{slow}",
            f"fpgacomp build {folder}",
        )
    elif report.board.device.yosys and report.backend != "hls4ml":
        yield Step(
            "Synthesize the SystemVerilog with Yosys (pip install pyosys==0.70):",
            f'cd {folder}/rtl && python -c "from pyosys import libyosys; '
            "libyosys.run_pass('script yosys/synth.ys')\"",
        )
    yield Step(
        "Run samples of your own through the design:",
        f"fpgacomp simulate {folder} --inputs X.npy --outputs Y.npy --level c",
    )
    if report.accuracy is None:
        yield Step("Learn its accuracy: compile again with --inputs and --labels.")
