"""FINN's own files: complete, the same every time, without paths of this machine."""

from __future__ import annotations

import ast
import json
from dataclasses import replace

import onnx
import pytest

from fpgacomp.devices.read import load_board
from fpgacomp.engines.finn.companion import FINN
from fpgacomp.engines.finn.peer import target_fps_folding
from fpgacomp.engines.finn.project import emit_finn, finn_board
from fpgacomp.engines.stream.expand import expand
from fpgacomp.ir.interpreter import run
from tests.support import finn_designs as fd
from tests.support.finn_designs import builders, sd

pytestmark = [pytest.mark.slow, fd.needs_finn]


def test_the_same_design_gives_the_same_bytes_without_paths() -> None:
    design = sd.design(fd.residual(), 2)
    first, second = emit_finn(design), emit_finn(design)
    assert first.files == second.files
    everything = b"".join(first.files.values())
    assert b"site-packages" not in everything and b"fpgacomp-finn-" not in everything


def test_every_operator_has_code_folding_and_fifos() -> None:
    files = emit_finn(sd.design(builders.cnn())).files
    hardware = onnx.load_model_from_string(files["finn/hardware.onnx"])
    folders = {path.split("/")[2] for path in files if path.startswith("finn/code/")}
    assert folders == {node.name for node in hardware.graph.node}
    folding = json.loads(files["finn/folding.json"])
    assert folding["MVAU_hls_0"].keys() >= {"PE", "SIMD", "mem_mode", "ram_style", "resType"}
    fifos = json.loads(files["finn/fifos.json"])
    names = {n.name for n in hardware.graph.node if n.op_type == "StreamingFIFO_rtl"}
    assert set(fifos["fifo_depths"]) == names == set(fifos["impl_style"])
    assert json.loads(files["finn/tensors.json"]).keys() >= {"x"}


def test_build_script_and_readme() -> None:
    design = sd.design(builders.mlp())
    design = replace(design, board=load_board("pynq-z2"))
    files = emit_finn(design).files
    script = files["finn/build.py"].decode()
    ast.parse(script)
    assert 'board="Pynq-Z2"' in script and "synth_clk_period_ns=10.000" in script
    assert "minimize_bit_width=False" in script and "step_minimize" not in script
    assert b"python build.py" in files["finn/README.md"]
    assert b"does not know" not in files["finn/README.md"]


def test_a_board_that_finn_does_not_know_ends_in_a_stitched_ip() -> None:
    design = replace(sd.design(builders.mlp()), board=load_board("zybo-z7-20"))
    files = emit_finn(design).files
    script = files["finn/build.py"].decode()
    ast.parse(script)
    assert "board=" not in script and "step_synthesize_bitfile" not in script
    assert b"FINN does not know the board zybo-z7-20" in files["finn/README.md"]
    values = run(design.graph, builders.inputs(design.graph, 2))
    (note,) = FINN.corroborate(design, values, required=True).notes
    assert note.startswith("FINN does not know the board zybo-z7-20: finn/build.py ends in")


@pytest.mark.parametrize(
    ("board", "name"),
    [
        ("pynq-z1", "Pynq-Z1"), ("pynq-z2", "Pynq-Z2"), ("zcu104", "ZCU104"),
        ("kv260", "KV260_SOM"), ("alveo-u250", "U250"), ("zybo-z7-20", None),
        ("zcu106", None), ("arty-a7-35t", None),
    ],
)  # fmt: skip
def test_boards_are_found_by_name_not_by_part(board: str, name: str | None) -> None:
    assert finn_board(load_board(board)) == name


def test_a_known_name_with_another_part_is_another_board() -> None:
    board = replace(load_board("pynq-z2"), part="xc7z010clg400-1")
    assert finn_board(board) is None


def test_operators_that_finn_generates_no_code_for_are_named() -> None:
    b = builders.GraphBuilder("single")
    x = b.input("x", (2, 1, 1), 0, 3)
    graph = b.graph(b.conv("c", x, 2, (1, 1), strides=(2, 1)))
    with pytest.raises(Exception, match="FINN generates no code for it"):
        emit_finn(sd.design(graph))


@pytest.mark.parametrize("graph", [builders.mlp(), builders.cnn(), fd.residual(), fd.joined()])
def test_finns_folding_is_a_design_of_ours_that_reaches_the_rate(graph: fd.Graph) -> None:
    slow, fast = (target_fps_folding(graph, builders.BOARD, 100.0, fps) for fps in (2e4, 4e6))
    worst = [max(op.cycles for op in expand(design).operators) for design in (slow, fast)]
    assert worst[0] <= 5000
    assert worst[1] < worst[0]
    total = [sum(f.pe * f.simd for f in d.folding.values()) for d in (slow, fast)]
    assert total[1] > total[0]
