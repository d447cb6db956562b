"""`fpgacomp package`: a build as one archive for devices."""

from __future__ import annotations

import typer

from fpgacomp.cli.console import write_json
from fpgacomp.cli.options.arguments import BuildArgument
from fpgacomp.cli.options.checking import TrustOption
from fpgacomp.cli.options.output import JsonOption
from fpgacomp.cli.options.packages import (
    PackageFileOption,
    PackageNameOption,
    PackageVersionOption,
    SigningKeyOption,
)


def package(
    folder: BuildArgument,
    out: PackageFileOption,
    name: PackageNameOption = None,
    version: PackageVersionOption = 1,
    key: SigningKeyOption = None,
    trust: TrustOption = False,
    as_json: JsonOption = False,
) -> None:
    """Write a build as one archive: design, drivers, self-test, bill of materials, model card.

    The same build gives the same bytes on every machine. A build whose files were changed since
    they were written, and one that failed, is refused.

    Example: `fpgacomp package digits-pynq-z2 --out digits.fpga --version 2 --key maker.pem`
    """
    from fpgacomp.flows.package import package as run
    from fpgacomp.report import packaged

    found = run(folder, out, name=name, version=version, key=key, trust=trust).summary()
    if as_json:
        write_json(found)
    else:
        for line in packaged.package_lines(found, "" if key is None else str(key)):
            typer.echo(line)
