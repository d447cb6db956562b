"""The entry of the command `fpgacomp`: it listens for signals before anything else is imported."""

from __future__ import annotations

from fpgacomp.cli.stop import watch_start
from fpgacomp.host.garbage import look_seldom


def main() -> None:
    """Run the `fpgacomp` command and exit with its code."""
    watch_start()
    look_seldom()
    from fpgacomp.cli.app import main as run

    run()
