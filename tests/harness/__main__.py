"""No lost work: `python -m tests.harness --rounds 200 --kind kill` (or `full`, `concurrent`, ...).

Without --kind all kinds are run. --compiles N runs N rounds of each kind on whole compiles, in
processes of the command line, --installs N on installations of packages. The exit code is 1 where
work was lost, with the round that shows it.
"""

from __future__ import annotations

import argparse
import random
import shutil
import sys
import tempfile
import traceback
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from tests.harness import compiles, installs, rounds


def run(kinds: Mapping[str, rounds.Round], names: list[str], count: int, seed: int) -> int:
    """Run rounds of each kind and print how they ended; returns how many lost work."""
    lost = 0
    with tempfile.TemporaryDirectory(prefix="harness-") as name:
        for kind in names:
            ended: Counter[str] = Counter()
            for number in range(count):
                folder = Path(name) / f"{kind}-{number}"
                try:
                    ended[kinds[kind](random.Random(f"{seed} {kind} {number}"), folder)] += 1
                except AssertionError:
                    lost += 1
                    ended["LOST"] += 1
                    print(f"{kind}, seed {seed}, round {number}:\n{traceback.format_exc()}")
                shutil.rmtree(folder, ignore_errors=True)
            told = ", ".join(f"{often} {how}" for how, often in sorted(ended.items()))
            print(f"{kind}: {count} rounds, seed {seed}: {told}", flush=True)
    return lost


def main() -> int:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(prog="python -m tests.harness", description=__doc__)
    parser.add_argument("--rounds", type=int, default=0, help="Rounds of each kind on the writer.")
    parser.add_argument("--kind", action="append", choices=sorted(rounds.KINDS), help="One kind.")
    parser.add_argument("--compiles", type=int, default=0, help="Rounds on whole compiles.")
    parser.add_argument("--installs", type=int, default=0, help="Rounds on installations.")
    parser.add_argument("--every", action="store_true", help="Let every operation fail in turn.")
    parser.add_argument("--seed", type=int, default=0, help="Seed of all random choices.")
    arguments = parser.parse_args()
    names = arguments.kind or list(rounds.KINDS)
    lost = 0
    if arguments.rounds:
        lost += run(rounds.KINDS, names, arguments.rounds, arguments.seed)
    if arguments.every:
        with tempfile.TemporaryDirectory(prefix="harness-") as name:
            print(f"every operation: {rounds.every_operation(Path(name) / 'every')} rounds")
            found = installs.every_operation(Path(name) / "installs")
            print(f"every operation of installations: {found} rounds")
    if arguments.compiles:
        names = [name for name in names if name in compiles.KINDS]
        lost += run(compiles.KINDS, names, arguments.compiles, arguments.seed)
    if arguments.installs:
        kinds = [name for name in arguments.kind or installs.KINDS if name in installs.KINDS]
        lost += run(installs.KINDS, kinds, arguments.installs, arguments.seed)
    return int(lost > 0)


if __name__ == "__main__":
    sys.exit(main())
