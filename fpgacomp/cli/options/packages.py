"""Options of the verbs that make, check and install packages."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from fpgacomp.cli.files import Role
from fpgacomp.cli.options.output import OUTPUT

SIGNING = "Signing"  # panels of the help
DEVICE = "Device"

PackageArgument = Annotated[
    Path,
    typer.Argument(metavar="PACKAGE", help="Package that `fpgacomp package` wrote (.fpga)."),
    Role.READ,
]
InstallArgument = Annotated[
    Path | None,
    typer.Argument(
        metavar="PACKAGE",
        help="Package to install (.fpga); --rollback needs none.",
        show_default=False,
    ),
    Role.READ,
]
NewKeyArgument = Annotated[
    Path,
    typer.Argument(
        metavar="FILE",
        help="File of the private key to write; FILE.pub is the public one. Neither may exist.",
    ),
    Role.NEW_KEY,
]
PackageFileOption = Annotated[
    Path,
    typer.Option(
        "--out",
        "-o",
        metavar="FILE",
        rich_help_panel=OUTPUT,
        help="Package to write (.fpga). A package that exists is replaced.",
    ),
    Role.PACKAGE,
]
PackageNameOption = Annotated[
    str | None,
    typer.Option(
        "--name",
        metavar="NAME",
        rich_help_panel=OUTPUT,
        help="Name by which versions are counted on a device: letters, digits, - and _. Without "
        "it, the name of the network.",
    ),
]
PackageVersionOption = Annotated[
    int,
    typer.Option(
        "--version",
        metavar="NUMBER",
        rich_help_panel=OUTPUT,
        help="Version of the package, a whole number. Devices refuse a lower one than they had, "
        "and another package with the same one.",
    ),
]
SigningKeyOption = Annotated[
    Path | None,
    typer.Option(
        "--key",
        metavar="FILE",
        rich_help_panel=SIGNING,
        help="Private key to sign the package with, as `fpgacomp new-key` writes it. Without it, "
        "the package is not signed, and devices with a configured key refuse it.",
    ),
    Role.READ,
]
PublicKeyOption = Annotated[
    Path | None,
    typer.Option(
        "--key",
        metavar="FILE",
        rich_help_panel=SIGNING,
        help="Public key that must have signed the package. Without it, the key counts that the "
        "environment variable FPGACOMP_PACKAGE_KEY names, or else /etc/fpgacomp/package-key.pub; "
        "where there is neither, a signature is not checked.",
    ),
    Role.READ,
]
RootOption = Annotated[
    Path,
    typer.Option(
        "--root",
        metavar="DIR",
        rich_help_panel=DEVICE,
        help="Folder of the installed versions, on this machine or in a device's file system. It "
        "is made where the folder above it exists. DIR/current is the active version.",
    ),
    Role.ROOT,
]
RollbackOption = Annotated[
    bool,
    typer.Option(
        "--rollback",
        rich_help_panel=DEVICE,
        help="Make the version active that was active before the present one was installed.",
    ),
]
ReplaceOption = Annotated[
    bool,
    typer.Option(
        "--replace",
        rich_help_panel=DEVICE,
        help="Let the package take over from an active version of another name, or for another "
        "board. Without it, such a package is refused.",
    ),
]
TransportOption = Annotated[
    str | None,
    typer.Option(
        "--transport",
        metavar="NAME",
        rich_help_panel=DEVICE,
        help="Send the stored frames through this device (emulated, pynq, pynq-ultrascale, xrt, "
        "xrt:INDEX, uart:PORT:BAUD) before the version becomes active. "
        "Where an integer is not the integer graph's, the version before stays active. The "
        "package's own code runs only where a key checked its signature. Without this option and "
        "--self-test, nothing is tried.",
    ),
]
SelfTestOption = Annotated[
    str | None,
    typer.Option(
        "--self-test",
        metavar="COMMAND",
        rich_help_panel=DEVICE,
        help="Run this program in the folder of the version before it becomes active, which may "
        "run code of the package, signed or not. Unless it "
        "ends with exit code 0, the version before stays active. Without it, no program is run.",
    ),
]
SecondsOption = Annotated[
    float,
    typer.Option(
        "--seconds",
        metavar="TIME",
        min=0.1,
        rich_help_panel=DEVICE,
        help="How many seconds the test may take.",
    ),
]
