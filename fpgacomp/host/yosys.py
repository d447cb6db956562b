"""Runs Yosys, the package pyosys, on a script: one way for bitstreams, netlists and figures.

It runs in a process of its own, within bounds, because a script may take gigabytes and an error in
its C++ ends the process that it is in.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from fpgacomp.errors import ToolError
from fpgacomp.host.child import Ended, ProcessBounds, Stop, failure, run_python
from fpgacomp.host.toolchain import environment_with

SYNTHESIS = ProcessBounds(seconds=1800.0, memory_bytes=16 << 30)
# Yosys ends with status 0 after some errors, and tells them in its log only.
_SYNTHESIZE = """
import os
from pyosys import libyosys
libyosys.run_pass("script " + sys.argv[0])
if len(sys.argv) > 1:
    decided_by, some, none = sys.argv[1:]
    libyosys.run_pass("script " + (some if os.path.getsize(decided_by) else none))
"""
_REPORT = "this is a bug in fpgacomp: please report it with the log."


class Either(NamedTuple):
    """Scripts of which one goes on where another has ended, which Yosys' language cannot say.

    Args:
        decided_by: path of a file that the first script leaves.
        some, none: paths of the scripts that go on where it has content and where it is empty.
    """

    decided_by: str
    some: str
    none: str


def run_script(
    folder: Path,
    script: str,
    log: str,
    bounds: ProcessBounds = SYNTHESIS,
    stop: Stop | None = None,
    *,
    then: Either | None = None,
) -> Ended:
    """Run a script in Yosys.

    Args:
        folder: the working directory, which all paths are in.
        script: path of the script.
        log: path of what Yosys prints.
        stop: by which another thread can end it.
        then: what it goes on with.
    """
    return run_python(
        _SYNTHESIZE, [script, *(then or ())], folder=folder, log=folder / log, bounds=bounds,
        environment=environment_with(TMPDIR=str(folder)), stop=stop,
    )  # fmt: skip


def require_written(ended: Ended, log: str, *wanted: Path, fix: str = _REPORT) -> None:
    """Hold a run to what it had to leave behind.

    Args:
        log: of the run, as the message names it.
        fix: what to do where it failed.

    Raises:
        ToolError: it failed, or one of the files is not there or is empty.
    """
    if ended.code or not all(path.is_file() and path.stat().st_size for path in wanted):
        raise failure("Yosys", ended, log, fix)


def commands(script: str) -> Iterator[list[str]]:
    """The words of each command of a script, a line each, without comments."""
    for line in script.splitlines():
        words = re.sub(r"(^|\s)#.*", "", line).split()
        if words:
            yield words


def synthesis_command(script: str) -> tuple[str, ...]:
    """The command of a script that maps to a family, such as synth_ecp5, with its options.

    Raises:
        ToolError: there is none.
    """
    for words in commands(script):
        if words[0].startswith("synth_"):
            return tuple(words)
    raise ToolError("Yosys", "the script maps to no family of devices.", _REPORT)
