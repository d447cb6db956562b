"""`fpgacomp simulate`: samples through a design that was compiled before."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import typer

from fpgacomp.cli.console import write_json
from fpgacomp.cli.options.arguments import BuildArgument
from fpgacomp.cli.options.checking import (
    LabelsOption,
    LevelOption,
    MemoryOption,
    SimulateInputsOption,
    TrustOption,
)
from fpgacomp.cli.options.output import AnswersOption, JsonOption, TraceOption
from fpgacomp.cli.options.task import TaskOption
from fpgacomp.cli.progress import progress
from fpgacomp.cli.task import task_request

if TYPE_CHECKING:
    from fpgacomp.flows.simulate import SimulationResult
    from fpgacomp.results.measured import Measured


def simulate(
    context: typer.Context,
    folder: BuildArgument,
    inputs: SimulateInputsOption,
    level: LevelOption = "graph",
    labels: LabelsOption = None,
    task: TaskOption = None,
    outputs: AnswersOption = None,
    trace: TraceOption = None,
    trust: TrustOption = False,
    memory_gb: MemoryOption = 4.0,
    as_json: JsonOption = False,
) -> None:
    """Run samples through a compiled design, with the part of the network that stays software.

    The answers are the network's own, the last scale and a Softmax included. A build folder whose
    files were changed since they were compiled is refused.

    Example: `fpgacomp simulate digits-pynq-z2 --inputs x.npy --outputs y.npy --level c`
    """
    from fpgacomp.flows.simulate import simulate as run

    with progress(context) as observer:
        found = run(
            folder, inputs, level=level, outputs=outputs, trace=trace, labels=labels,
            task=task_request(task).kind, trust=trust, memory_gb=memory_gb, observer=observer,
        )  # fmt: skip
    if as_json:
        write_json(found.summary())
    else:
        for heading, text in _lines(found):
            typer.echo(f"{heading:11} {text}")
    if found.mismatches:
        raise typer.Exit(1)


def _lines(found: SimulationResult) -> Iterator[tuple[str, str]]:
    """What a simulation found, as headings and texts; what was not asked for is left out."""
    yield "samples", f"{found.samples:,}"
    if found.mismatches is None:
        yield "level", "graph: the integer graph alone, nothing was compared"
    else:
        code = {
            "c": "the emitted C++",
            "hls": "the emitted C++ as a vendor's tool reads it",
            "rtl": "the emitted SystemVerilog",
            "gate": "the netlist of Yosys, at its outputs",
        }[found.level]
        yield "level", f"{found.level}: {code}, compared with the integer graph"
        yield "mismatches", f"{found.mismatches:,}"
    if found.first_mismatch:
        yield "first", str(found.first_mismatch)
    if found.measured:
        yield from _cycles(found.measured)
    if found.accuracy:
        from fpgacomp.report.wording import accuracy_items, held_out_line

        yield (
            "accuracy",
            ", ".join(f"{key} {value}" for key, value in accuracy_items(found.accuracy)),
        )
        if "task_found" in found.task:
            yield "task", found.task["task_found"]
        if (held_out := held_out_line(found.task)) is not None:
            yield "beware", held_out
    for warning in found.warnings:
        yield "warning", warning
    if found.written:
        yield "answers", f"written to {found.written}"
    if found.traced:
        yield "waveforms", f"written to {found.traced}"


def _cycles(measured: Measured) -> Iterator[tuple[str, str]]:
    """What the hardware's simulation measured."""
    yield "latency", f"{measured.latency_cycles:,} cycles, from a frame's first beat to its answer"
    if measured.interval_text:
        yield "interval", measured.interval_text
    if not measured.fifos:
        return
    full = [name for name, use in measured.fifos.items() if use.highest == use.depth]
    words = sum(use.depth for use in measured.fifos.values())
    yield (
        "FIFOs",
        f"{len(measured.fifos)}, with room for {words:,} words together; {len(full)} of them were "
        "full at some time",
    )
