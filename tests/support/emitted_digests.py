"""Digests of every file that both engines emit for known networks on four kinds of boards.

A move of code keeps every digest; a fix changes some, and the change is read in review.
`python -m tests.support.emitted_digests NETWORK...` prints them as JSON, `--update` records them;
`--check` compares all of them with the record, which takes ten minutes.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import onnx

from fpgacomp import zoo
from fpgacomp.devices.read import load_board
from fpgacomp.engines import finn
from fpgacomp.engines.engine import Goal
from fpgacomp.engines.registry import engine_named
from fpgacomp.errors import FpgacompError
from fpgacomp.evidence.vectors import integer_vectors
from fpgacomp.frontend import open_network
from fpgacomp.ir import codec, interpreter
from fpgacomp.lower import lower
from fpgacomp.network.lowered import Lowered
from fpgacomp.results.project import Project
from fpgacomp.results.target import Target
from tests.support.paths import REPOSITORY

RECORD = Path(__file__).with_name("emitted_digests.json")
# A 7-series and an UltraScale+ device, an ECP5 and an iCE40.
BOARDS = ("pynq-z2", "zcu104", "ulx3s-85f", "icebreaker")
ENGINES = ("hls4ml", "stream")
# FINN's own files take a minute for the large networks, and the board is one field of theirs.
FINN_BOARD = "pynq-z2"
EXAMPLES = ("digits_cnn", "digits_mlp")
NETWORKS = (*zoo.NAMES, *EXAMPLES)
VECTORS = 2
Digests = dict[str, Any]


def network_digests(name: str, boards: Sequence[str] = BOARDS) -> Digests:
    """{"graph": digest, "designs": {"board engine": {path: digest} or a refusal's text}}."""
    lowered = _lowered(name)
    return {
        "graph": _digest(codec.to_json(lowered.graph).encode()),
        "designs": {
            f"{board} {engine}": _design_digests(lowered, board, engine)
            for board in boards
            for engine in ENGINES
        },
    }


def _lowered(name: str) -> Lowered:
    if name in EXAMPLES:
        model = onnx.load(REPOSITORY / "examples" / name / "model.onnx")
    else:
        model = zoo.build(name)
    return lower(open_network(model))


def _design_digests(lowered: Lowered, board_name: str, engine: str) -> dict[str, str] | str:
    board = load_board(board_name)
    try:
        goal = Goal(board=board, clock_mhz=board.clock_mhz_default, target=Target())
        folded = engine_named(engine).fold(lowered.graph, goal)
        graph = folded.design.graph
        values = interpreter.run(graph, integer_vectors(graph, VECTORS, 0))
        project = engine_named(engine).emit(folded.design, values).project
    except FpgacompError as error:
        return str(error)
    files = dict(project.files)
    if engine == "stream" and board_name == FINN_BOARD:
        files |= _finn_files(folded.design)
    rtl = {path: content for path, content in files.items() if path.startswith("rtl/")}
    digests = {path: _digest(files[path]) for path in sorted(files.keys() - rtl.keys())}
    if rtl:  # one for all of them: the record would have a line for each module and design
        digests["rtl"] = _digest("".join(Project(rtl).digests().values()).encode())
    return digests


def _finn_files(design: Any) -> Mapping[str, bytes]:
    """FINN's own files of a streaming design, or why it has none."""
    try:
        return finn.emit_finn(design).files
    except FpgacompError as error:
        return {"finn/refused.txt": str(error).encode()}


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]


def recorded() -> dict[str, Digests]:
    """What was recorded, by network."""
    found: dict[str, Digests] = json.loads(RECORD.read_text(encoding="utf-8"))
    return found


def changed(name: str, found: Digests) -> list[str]:
    """ "board engine path" of each file of these designs that is not the recorded one."""
    before = recorded()[name]["designs"]
    return sorted(
        f"{design} {path}"
        for design, files in found["designs"].items()
        for path in _different(before[design], files)
    )


def _different(before: dict[str, str] | str, now: dict[str, str] | str) -> set[str]:
    """Paths of one design whose bytes differ; a design that is refused now or was, as a whole."""
    if isinstance(before, str) or isinstance(now, str):
        return set() if before == now else {"(whether it is refused, or why)"}
    return {path for path in before | now if before.get(path) != now.get(path)}


def main() -> None:
    """Print, record or check the digests of the networks named, or of all."""
    names = [name for name in sys.argv[1:] if not name.startswith("--")] or list(NETWORKS)
    found = {name: network_digests(name) for name in names}
    if "--check" in sys.argv:
        wrong = [f"{name}: {where}" for name in names for where in changed(name, found[name])]
        sys.exit("\n".join(wrong))
    if "--update" in sys.argv:
        before = recorded() if RECORD.is_file() else {}
        text = json.dumps(before | found, indent=0, sort_keys=True)
        RECORD.write_text(text + "\n", encoding="utf-8")
    else:
        print(json.dumps(found, indent=1, sort_keys=True))


if __name__ == "__main__":
    main()
