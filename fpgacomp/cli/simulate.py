"""`fpgacomp simulate`: samples through a design that was compiled before."""

from __future__ import annotations

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
from fpgacomp.cli.options.output import AnswersOption, JsonOption
from fpgacomp.cli.progress import progress


def simulate(
    context: typer.Context,
    folder: BuildArgument,
    inputs: SimulateInputsOption,
    level: LevelOption = "graph",
    labels: LabelsOption = None,
    outputs: AnswersOption = None,
    trust: TrustOption = False,
    memory_gb: MemoryOption = 4.0,
    as_json: JsonOption = False,
) -> None:
    """Run samples through a compiled design, with the part of the network that stays software.

    Example: `fpgacomp simulate digits-pynq-z2 --inputs x.npy --outputs y.npy --level c`
    """
    from fpgacomp.flows.simulate import simulate as run

    with progress(context) as observer:
        found = run(
            folder, inputs, level=level, outputs=outputs, labels=labels, trust=trust,
            memory_gb=memory_gb, observer=observer,
        )  # fmt: skip
    result = found.summary()
    if as_json:
        write_json(result)
    else:
        for key, value in result.items():
            typer.echo(f"{key:16} {value}")
    if result["mismatches"]:
        raise typer.Exit(1)
