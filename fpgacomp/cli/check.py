"""`fpgacomp check`: what is in a network, and what of it is not supported."""

from __future__ import annotations

import sys

import typer
from rich.console import Console

from fpgacomp.cli.options.arguments import ModelArgument
from fpgacomp.cli.options.output import JsonOption


def check(model: ModelArgument, as_json: JsonOption = False) -> None:
    """List the nodes of a network, which of them are supported, and every problem at once.

    The exit code is 0 where the whole network is supported, and 1 where it is not. --json lists
    each node by its name, as options such as --weight-bits LAYER=BITS take it.

    Example: `fpgacomp check model.onnx`
    """
    from fpgacomp.flows.check import check as run
    from fpgacomp.report import checked

    findings = run(model)
    if as_json:
        sys.stdout.write(checked.to_json(findings))
    else:
        checked.render(findings, Console())
    if not findings.ok:
        raise typer.Exit(1)
