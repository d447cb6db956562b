"""`fpgacomp install`: a package becomes the active version, or the one before does again."""

from __future__ import annotations

import shlex

import typer

from fpgacomp.cli.console import write_json
from fpgacomp.cli.options.output import JsonOption
from fpgacomp.cli.options.packages import (
    InstallArgument,
    PublicKeyOption,
    ReplaceOption,
    RollbackOption,
    RootOption,
    SecondsOption,
    SelfTestOption,
    TransportOption,
)


def install(
    root: RootOption,
    package: InstallArgument = None,
    key: PublicKeyOption = None,
    rollback: RollbackOption = False,
    replace: ReplaceOption = False,
    transport: TransportOption = None,
    self_test: SelfTestOption = None,
    seconds: SecondsOption = 120.0,
    as_json: JsonOption = False,
) -> None:
    """Install a package below a root folder and make it active, or go back to the version before.

    Whatever happens, the old or the new version is active and whole: a new one is written beside
    the old, tried, and made active by one rename. A lower version than was installed is refused,
    and without --replace a package of another name or board than the active version's.

    Example: `fpgacomp install digits.fpga --root /opt/digits`
    """
    from fpgacomp.flows.package import install as run
    from fpgacomp.report import packaged

    words = None if self_test is None else shlex.split(self_test)
    found = run(
        package, root, key=key, transport=transport, self_test=words, seconds=seconds,
        rollback=rollback, replace=replace,
    ).summary()  # fmt: skip
    if as_json:
        write_json(found)
    else:
        for line in packaged.install_lines(found):
            typer.echo(line)
