"""The fuzz in full size: `python -m tests.fuzz --onnx 3000 --board 500 --numpy 500 --keras 500`.

Files at fault stay in --folder, each beside what went wrong on standard output. The exit code is
1 where any file ended in a traceback, a crash, a hang, another wrong end, or wrong integers.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from tests.fuzz.bases import KINDS
from tests.fuzz.campaign import campaign


def main() -> int:
    """Run the campaigns that are asked for, and print their figures."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    for kind in KINDS:
        parser.add_argument(f"--{kind}", type=int, default=0, help=f"Number of {kind} files.")
    parser.add_argument("--seed", type=int, default=0, help="Seed of all random choices.")
    parser.add_argument("--first", type=int, default=0, help="Number of the first file to run.")
    parser.add_argument("--folder", type=Path, help="Folder that keeps the files at fault.")
    arguments = parser.parse_args()
    folder = arguments.folder or Path(tempfile.mkdtemp(prefix="fuzz-"))
    folder.mkdir(parents=True, exist_ok=True)
    faults = 0
    for kind in KINDS:
        count = getattr(arguments, kind)
        if not count:
            continue
        tally = campaign(kind, count, arguments.seed, folder, first=arguments.first, loud=True)
        faults += len(tally.faults)
        print(
            f"{kind}: {count} files, seed {arguments.seed}: {tally.accepted} accepted, "
            f"{tally.refused} refused, {len(tally.faults)} at fault",
            flush=True,
        )
        for what, often in tally.kinds.most_common():
            print(f"  {often} x {what}", flush=True)
    if faults:
        print(f"the files at fault are in {folder}")
    return int(faults > 0)


if __name__ == "__main__":
    sys.exit(main())
