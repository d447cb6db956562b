"""Of every layer that takes hardware, an engine says by which names a tool will report it."""

from __future__ import annotations

import pytest

from fpgacomp.devices.read import load_board
from fpgacomp.engines.engine import AnyEngine, Goal
from fpgacomp.engines.registry import engine_named
from fpgacomp.evidence.vectors import integer_vectors
from fpgacomp.frontend import open_network
from fpgacomp.ir import interpreter
from fpgacomp.ir.layers import Input, Reshape
from fpgacomp.lower import lower
from fpgacomp.results.target import Target
from tests.support.nasty_networks import NASTY

pytestmark = pytest.mark.slow

# Reshapes, branches that meet, pools, and sums without a quantizer between them.
CHOSEN = (
    "one_number_in_one_number_out", "channels_last_to_the_end", "upsampled_and_pooled_again",
    "two_sums_without_a_quantizer_between",
)  # fmt: skip


@pytest.mark.parametrize("name", CHOSEN)
@pytest.mark.parametrize(
    "engine", [engine_named("stream"), engine_named("hls4ml")], ids=lambda engine: engine.name
)
def test_every_layer_has_a_name_in_the_hardware(name: str, engine: AnyEngine) -> None:
    board = load_board("alveo-u250")
    graph = lower(open_network(NASTY[name]())).graph
    goal = Goal(board=board, clock_mhz=board.clock_mhz_default, target=Target("area"))
    design = engine.fold(graph, goal).design
    values = interpreter.run(design.graph, integer_vectors(design.graph, 1, 0))
    emitted = engine.emit(design, values)
    parts = engine.parts(emitted.graph, emitted.project)
    built = {x.name for x in emitted.graph.layers if not isinstance(x, Input | Reshape)}
    assert built <= set(parts.values())
    assert set(parts.values()) <= {x.name for x in emitted.graph.layers} | {""}
