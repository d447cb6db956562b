"""Programs that stand in for AMD's: what they print, run and leave is that of the models here.

    python -m tests.support.vivado.program NAME ARGUMENT...

The variable FAKE_TOOLS holds JSON: `setup` (the worst slack), `stops` (a run that fails), `hangs`
(a file that is written before the program waits for its end). FAKE_RELEASE is what they say of
their release.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

from tests.support.paths import REPOSITORY
from tests.support.vivado.hls import VitisHls, hls_ip
from tests.support.vivado.tool import Vivado

BANNERS = {
    "vivado": "Vivado v$release (64-bit)",
    "vitis_hls": "****** Vitis HLS - Synthesis from C, C++ and OpenCL v$release (64-bit)",
    "vitis-run": "****** vitis-run v$release (64-bit)",
    "v++": "****** v++ v$release (64-bit)",
}
SHELL = """#!/bin/sh
release=${{FAKE_RELEASE:-2022.2}}
case "$1" in *-version) echo "{banner}"; exit;; esac
PYTHONPATH={repository} exec {python} -m tests.support.vivado.program {name} "$@"
"""


def install(folder: Path, names: tuple[str, ...]) -> None:
    """Put programs of these names into a new folder."""
    folder.mkdir()
    for name in names:
        script = SHELL.format(
            banner=BANNERS[name], repository=REPOSITORY, python=sys.executable, name=name
        )
        (folder / name).write_text(script)
        (folder / name).chmod(0o755)


def main(name: str, arguments: list[str]) -> int:
    """Do what a program of this name does; its exit code."""
    told = json.loads(os.environ.get("FAKE_TOOLS", "{}"))
    if "hangs" in told:
        Path(told["hangs"]).write_text(str(os.getpid()))
        time.sleep(600)
    if name == "v++":
        Path(arguments[arguments.index("-o") + 1]).write_text("v++")
        return 0
    script = Path(next(word for word in arguments if word.endswith(".tcl"))).resolve()
    if name.startswith("vitis"):
        VitisHls().run(script)
        return 0
    more = arguments[arguments.index("-tclargs") + 1 :] if "-tclargs" in arguments else []
    tool = Vivado(os.environ.get("FAKE_RELEASE", "2022.2"), stops=told.get("stops", ""))
    tool.slack["max"] = told.get("setup", "0.5")
    for ip in script.parent.glob("hls/*/solution1/impl/ip"):
        tool.packaged[ip] = hls_ip(script.parent, ip.parents[2].name.removesuffix("_prj"))
    try:
        tool.run(script, *more)
    except Exception as error:
        print("\n".join(tool.printed))
        print(f"ERROR: [Common 17-39] {error}")
        return 1
    print("\n".join(tool.printed), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
