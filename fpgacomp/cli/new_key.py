"""`fpgacomp new-key`: a key to sign packages with."""

from __future__ import annotations

import shlex

import typer

from fpgacomp.cli.console import write_json
from fpgacomp.cli.options.output import JsonOption
from fpgacomp.cli.options.packages import NewKeyArgument


def new_key(file: NewKeyArgument, as_json: JsonOption = False) -> None:
    """Make an Ed25519 key to sign packages with, and the public key that devices get.

    The private key has no password; its file is readable by you alone (mode 0600), and never
    replaced. Whoever has it can make packages that your devices take.

    Example: `fpgacomp new-key maker.pem`
    """
    from fpgacomp.flows.package import new_key as run

    public = run(file)
    if as_json:
        write_json({"private": str(file), "public": str(public)})
        return
    typer.echo(f"private key: {file} (keep it, and keep it to yourself)")
    typer.echo(f"public key:  {public} (on a device: /etc/fpgacomp/package-key.pub)")
    typer.echo(f"next: fpgacomp package DIR --out X.fpga --key {shlex.quote(str(file))}")
