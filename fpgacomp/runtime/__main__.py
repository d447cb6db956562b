"""`python -m fpgacomp_runtime`: packages on the device, without the compiler.

verify PACKAGE            check every byte, and the signature where a key is configured
install PACKAGE --root    install it, and make it the active version
rollback --root           make the version active that was active before
selftest FOLDER           send the stored frames of an installed version through the device
serve --package FOLDER    answer requests over MQTT and HTTP
"""

from __future__ import annotations

import argparse
import shlex
import sys
from pathlib import Path
from typing import Callable, Sequence

from .archive import open_package
from .errors import DeviceError
from .install import install, roll_back
from .self_test import SECONDS, SelfTestFailed, TransportHook, command_hook
from .service.command import add_serve
from .signature import configured_key
from .transports import NAMES, is_emulated
from .versions import Installed, SelfTestHook

_KEY = (
    "File of the public key that must have signed the package. Without it, the file that "
    "FPGACOMP_PACKAGE_KEY names counts, or else /etc/fpgacomp/package-key.pub where it exists."
)
_WAYS = f"The way to the device: {', '.join(NAMES)}."
_NAMES = "fpgacomp_runtime"  # what it is called on a device, whatever it is imported as


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit code.

    0: all is well; 1: the package or the device is at fault; 2: the command line is wrong, or
    names a file that is not there; 3: the file system refused something, or a Python package is
    missing.
    """
    given = _parser().parse_args(arguments)
    command: Callable[[argparse.Namespace], None] = given.command
    try:
        command(given)
    except DeviceError as error:
        sys.stderr.write(f"error: {error}\n")
        return error.exit_code
    except OSError as problem:
        where = problem.filename or "a file"
        fix = "check that the path, its permissions and the space left allow it."
        sys.stderr.write(f"error: {where}: {problem.strerror or problem}. Fix: {fix}\n")
        return 3
    except KeyboardInterrupt:
        sys.stderr.write("stopped.\n")
        return 130
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=f"python -m {_NAMES}",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    verify = commands.add_parser("verify", help="Check a package.")
    verify.add_argument("package", metavar="PACKAGE", help="Package to check.")
    verify.add_argument("--key", metavar="FILE", help=_KEY)
    verify.set_defaults(command=_verify)
    add = commands.add_parser("install", help="Install a package and make it active.")
    add.add_argument("package", metavar="PACKAGE", help="Package to install.")
    add.add_argument("--key", metavar="FILE", help=_KEY)
    add.add_argument("--replace", action="store_true", help="Let it take over from an active "
                     "version of another name or for another board.")  # fmt: skip
    add.set_defaults(command=_install)
    back = commands.add_parser("rollback", help="Make the version before active.")
    back.add_argument("--key", metavar="FILE", help=_KEY)
    back.set_defaults(command=_rollback)
    for changing in (add, back):
        changing.add_argument("--root", metavar="DIR", required=True,
                              help="Folder of the installed versions.")  # fmt: skip
        _add_self_test(changing)
    test = commands.add_parser("selftest", help="Send the stored frames through the device.")
    test.add_argument("folder", metavar="FOLDER", help="Folder of an installed version.")
    test.add_argument("--transport", metavar="NAME", required=True, help=_WAYS)
    test.set_defaults(command=_self_test)
    add_serve(commands)
    return parser


def _add_self_test(parser: argparse.ArgumentParser) -> None:
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--transport", metavar="NAME", help="Send the stored frames through this "
                       "device first; where an integer is wrong, nothing is changed. The package's "
                       "own runtime does that only where a key checked its signature, else this "
                       "one.")  # fmt: skip
    which.add_argument("--self-test", metavar="COMMAND", help="Run this program first, in the "
                       "version's folder; unless it ends with 0, nothing is changed.")  # fmt: skip
    parser.add_argument("--seconds", type=float, default=SECONDS, metavar="TIME",
                        help="How long that may take (default: %(default)s).")  # fmt: skip


def _verify(given: argparse.Namespace) -> None:
    key = configured_key(given.key)
    with open_package(given.package, key) as package:
        manifest, count = package.manifest, len(package.members)
        print(f"{manifest.name} {manifest.version}: {count} files, {manifest.contents}")
        print(f"sha256 {package.sha256}")
        print(f"signature: {signature_words(package.signed, package.checked)}")
        for warning in manifest.warnings:
            print(f"warning: {warning}")


def signature_words(signed: bool, checked: bool) -> str:
    """What is known of a package's signature, in words."""
    if checked:
        return "by the configured key"
    return "not checked, as no key is configured" if signed else "none, and no key is configured"


def _install(given: argparse.Namespace) -> None:
    key = configured_key(given.key)
    _tell(install(given.package, given.root, key, _hook(given), replace=given.replace))


def _rollback(given: argparse.Namespace) -> None:
    _tell(roll_back(given.root, _hook(given), key=configured_key(given.key)))


def _hook(given: argparse.Namespace) -> SelfTestHook | None:
    if given.transport is not None:
        return TransportHook(given.transport, given.seconds)
    if given.self_test is not None:
        return command_hook(shlex.split(given.self_test), given.seconds)
    return None


def _tell(found: Installed) -> None:
    for line in installed_lines(found):
        print(line)


def installed_lines(found: Installed) -> list[str]:
    """What an installation came to, in words."""
    before = f" instead of {found.before}" if found.before else ""
    lines = [f"{found.active} is active{before if found.changed else ' already'}: {found.folder}"]
    lines += [f"repaired {path}" for path in found.repaired]
    return lines + [f"note: {note}" for note in found.notes]


def _self_test(given: argparse.Namespace) -> None:
    """Exit with an error unless every integer that the device answers is the stored one."""
    from .accelerator import Accelerator
    from .deployment import Deployment
    from .transports import connect

    folder = Path(given.folder)
    deployment = Deployment.read(folder / "software")
    with Accelerator(deployment, connect(given.transport, deployment, folder)) as accelerator:
        found = accelerator.self_test()
    if not found.passed:
        raise SelfTestFailed(
            deployment.name, f"{found.mismatches} of {found.integers} integers are wrong.",
            "load the bitstream of this package, or take the device out of service.",
        )  # fmt: skip
    where = ", in emulation: no hardware was tried" if is_emulated(given.transport) else ""
    print(f"{deployment.name}: {found.frames} frames, {found.integers} integers, all right{where}")


if __name__ == "__main__":
    sys.exit(main())
