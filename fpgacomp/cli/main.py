"""The entry of the command `fpgacomp`: it listens for signals before anything else is imported."""

from __future__ import annotations

import gc

from fpgacomp.cli.stop import watch_start

# Objects made before the collector looks for cycles among them. Python's 700 cost a fifth of a
# command's time: a compile makes millions of objects that stay, and hardly a cycle.
LOOK_AFTER = (100_000, 20, 20)


def main() -> None:
    """Run the `fpgacomp` command and exit with its code."""
    watch_start()
    gc.set_threshold(*LOOK_AFTER)
    from fpgacomp.cli.app import main as run

    run()
