"""`fpgacomp check`: what is in a network, and what of it is not supported."""

from __future__ import annotations

import sys

import typer
from rich.console import Console

from fpgacomp.cli.options.arguments import ModelArgument
from fpgacomp.cli.options.output import JsonOption


def check(model: ModelArgument, as_json: JsonOption = False) -> None:
    """List the nodes of a network, which of them are supported, and every problem at once.

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
