"""`fpgacomp compare`: two builds side by side."""

from __future__ import annotations

import typer

from fpgacomp.cli.console import result_console, write_json
from fpgacomp.cli.options.arguments import BuildArgument, OtherBuildArgument
from fpgacomp.cli.options.output import HtmlOption, JsonOption


def compare(
    context: typer.Context,
    first: BuildArgument,
    second: OtherBuildArgument,
    html: HtmlOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show two builds side by side: verdict, speed, resources, exactness, accuracy, layers.

    Example: `fpgacomp compare digits-pynq-z2 digits-zcu104 --html builds.html`
    """
    from fpgacomp.flows.compare import compare as run
    from fpgacomp.report import builds

    found = run(first, second)
    if html is not None:
        html.write_text(builds.to_html(found), encoding="utf-8")
    if as_json:
        write_json(found.summary())
    else:
        builds.render(found, result_console())
