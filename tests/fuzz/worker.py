"""Reads file after file as the verbs do, in a process with limits, and says how each ended."""

from __future__ import annotations

import json
import sys
import traceback
from pathlib import Path

MEMORY_BYTES = 2 << 30


def read(kind: str, path: Path) -> str:
    """Return "accepted" or "refused"; any other error is raised."""
    import onnx

    from fpgacomp.data.arrays import load_inputs
    from fpgacomp.devices.read import load_board
    from fpgacomp.errors import FpgacompError, InvalidGraph
    from fpgacomp.flows.check import check
    from fpgacomp.flows.estimate import estimate
    from fpgacomp.frontend.keras.allowed import check_configuration
    from fpgacomp.frontend.keras.contents import read_contents
    from fpgacomp.network.onnx_file import load_onnx
    from fpgacomp.network.repair import repaired

    try:
        match kind:
            case "onnx":
                check(path)
                estimate(path, "zcu104")
                onnx.checker.check_model(repaired(load_onnx(path).model))
            case "board":
                load_board(str(path))
            case "numpy":
                load_inputs(path, {"x": (3,)})
            case "keras":
                check_configuration(read_contents(path).configuration, str(path))
    except InvalidGraph:
        raise
    except FpgacompError as problem:
        assert problem.where and problem.why and problem.fix
        return "refused"
    return "accepted"


def main() -> None:
    """Answer every line `kind path` of standard input with a line of JSON."""
    import resource

    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    print(json.dumps("ready"), flush=True)
    for line in sys.stdin:
        kind, path = line.split()
        try:
            ended = read(kind, Path(path))
        except BaseException:
            ended = traceback.format_exc()
        print(json.dumps(ended), flush=True)


if __name__ == "__main__":
    main()
