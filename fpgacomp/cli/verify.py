"""`fpgacomp verify`: every byte of a package, and its signature."""

from __future__ import annotations

import typer

from fpgacomp.cli.console import write_json
from fpgacomp.cli.options.output import JsonOption
from fpgacomp.cli.options.packages import PackageArgument, PublicKeyOption


def verify(
    package: PackageArgument, key: PublicKeyOption = None, as_json: JsonOption = False
) -> None:
    """Check a package: its bytes as a whole, then every file in it, and its signature.

    Nothing of it is unpacked or run. A device checks the same before it installs a package.

    Example: `fpgacomp verify digits.fpga --key maker.pem.pub`
    """
    from fpgacomp.flows.package import verify as run
    from fpgacomp.report import packaged

    found = run(package, key=key).summary()
    if as_json:
        write_json(found)
    else:
        for line in packaged.package_lines(found):
            typer.echo(line)
