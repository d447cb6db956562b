"""Proves the assertions of a module by induction with Yosys: prove.py TOP LIBRARY MODULE...

A process of its own, because Yosys ends the process in which it meets an error.
"""

from __future__ import annotations

import sys

from pyosys import libyosys

STEPS = 8


def main() -> None:
    top, *files = sys.argv[1:]
    parameters = [word for word in files if word.startswith("-G")]
    sources = [word for word in files if not word.startswith("-G")]
    design = libyosys.Design()
    for command in (
        f"read_slang -j 1 --top {top} {' '.join(parameters + sources)}",
        f"hierarchy -check -top {top}", "proc", "flatten", "opt", "memory -nomap", "memory_map",
        "async2sync", "chformal -lower", "opt -full",
        f"sat -tempinduct -prove-asserts -seq 1 -maxsteps {STEPS}",
    ):  # fmt: skip
        libyosys.run_pass(command, design)


if __name__ == "__main__":
    main()
