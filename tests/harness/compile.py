"""The command `fpgacomp` on a file system with a fault.

Usage: `python -m tests.harness.compile FAULT compile model.onnx ...`. FAULT is a `Fault` as JSON;
the arguments behind it are those of `fpgacomp`. The last line on standard error lists the
operations on the disk that the run took.
"""

from __future__ import annotations

import atexit
import sys

from fpgacomp.cli.app import main
from fpgacomp.host import replace
from tests.harness.disks import Fault, FaultyDisk

if __name__ == "__main__":
    fault = Fault.from_json(sys.argv.pop(1))
    disks: list[FaultyDisk] = []

    def disk() -> FaultyDisk:
        disks.append(FaultyDisk(fault))
        return disks[-1]

    def tell() -> None:
        done = [operation for made in disks for operation in made.done]
        sys.stderr.write(f"operations: {' '.join(done)}\n")

    replace.Disk = disk  # type: ignore[assignment, misc]
    atexit.register(tell)
    main()
