"""What is chosen where fits are uncertain, and whether remedies lead to what they say."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, replace
from typing import Any

import pytest

from fpgacomp.devices.board import Board
from fpgacomp.devices.read import load_board
from fpgacomp.devices.resources import counts
from fpgacomp.engines.choose import EngineDesign, choose
from fpgacomp.engines.engine import Goal
from fpgacomp.engines.registry import ENGINES, engine_named
from fpgacomp.engines.shared.narrow import narrowed, widest
from fpgacomp.engines.shared.result import FoldingResult
from fpgacomp.engines.shared.trial import rank
from fpgacomp.engines.shared.way import Way
from fpgacomp.errors import FpgacompError
from fpgacomp.ir.graph import Graph
from fpgacomp.results.certainty import certainty_of, worst_share
from fpgacomp.results.estimate import Figure
from fpgacomp.results.report import Verdict
from fpgacomp.results.target import Target
from tests.engines.hls4ml.fold.test_fold import mlp

PYNQ = load_board("pynq-z2")
BOARDS = [load_board("arty-a7-35t"), load_board("zcu104")]


def goal(board: Board, target: Target, **changes: object) -> Goal:
    return replace(Goal(board=board, clock_mhz=100, target=target, other_boards=BOARDS), **changes)  # type: ignore[arg-type]


def followed(remedy: str, graph: Graph, asked: Goal) -> EngineDesign:
    """The design that one gets who types what a remedy names."""
    typed = shlex.split(remedy[remedy.rindex("(") + 1 : remedy.rindex(")")])
    options = dict(zip(typed[::2], typed[1::2], strict=True))
    engines = [engine_named(options.pop("--backend"))]
    bits = options.pop("--weight-bits", None)
    if bits is not None:
        assert options.pop("--activation-bits") == bits
        graph = narrowed(graph, int(bits))
    if (name := options.pop("--board", None)) is not None:
        board = load_board(name)
        asked = replace(asked, board=board, clock_mhz=board.clock_mhz_default)
    if (fps := options.pop("--fps", None)) is not None:
        asked = replace(asked, target=replace(asked.target, fps=float(fps)))
    if (latency := options.pop("--latency-us", None)) is not None:
        asked = replace(asked, target=replace(asked.target, latency_us=float(latency)))
    assert not options, f"{remedy} names {options}"
    return choose(graph, asked, engines)


def shrunk(scale: float) -> Board:
    """PYNQ-Z2 with a share of what its shell leaves."""
    kept = (free * scale + shell for free, shell in zip(PYNQ.budget, PYNQ.shell, strict=True))
    return replace(PYNQ, name="small", resources=counts(*kept))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("sizes", "target", "kinds"),
    [
        pytest.param(
            (64, 48, 10),
            Target("area", fps=1.5e6),
            ["a lower rate", "fewer bits", "another board"],
            marks=pytest.mark.slow,
        ),
        ((32, 16, 5), Target("latency", latency_us=0.1), ["a longer latency"]),
    ],
)
def test_a_remedy_leads_to_what_it_says(
    sizes: tuple[int, ...], target: Target, kinds: list[str]
) -> None:
    graph = mlp(*sizes, bits=8)
    asked = goal(shrunk(0.08), target, bits_are_options=True)
    chosen = choose(graph, asked, ENGINES)
    found = chosen.folded.verdict.remedies
    assert not chosen.folded.verdict.fits
    assert [remedy.split(":")[0] for remedy in found][: len(kinds)] == kinds
    for remedy in found:
        there = followed(remedy, graph, asked).folded
        assert there.verdict.fits, remedy
        sure = certainty_of(there.estimate, there.design.board.budget)
        assert sure == ("probable" if " probably fit" in remedy else "certain"), remedy


@dataclass(frozen=True)
class Narrow:
    """An engine that builds what has few bits, and says so of everything else."""

    name: str
    built: FoldingResult[Any]

    def refusals(self, graph: Graph) -> tuple[FpgacompError, ...]:
        return ()

    def fold(self, graph: Graph, wanted: Goal) -> FoldingResult[Any]:
        if widest(graph) <= 4:
            return self.built
        way = Way("fewer bits", "4 bits", True, "--weight-bits 4", wanted.board, 100, Target(), 4)
        return replace(self.built, verdict=Verdict(False, "lut"), ways=lambda: [way])


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"bits_are_options": True}, "fewer bits: 4 bits fit (--weight-bits 4)."),
        ({}, "fewer bits: 4 bits fit (quantize or train the network again with --weight-bits 4)."),
    ],
)
def test_fewer_bits_of_a_quantized_network_mean_another_network(
    changes: dict[str, Any], text: str
) -> None:
    built = engine_named("stream").fold(mlp(16, 16, 5), goal(PYNQ, Target("area")))
    engine: Any = Narrow("narrow", built)
    chosen = choose(mlp(16, 16, 5, bits=8), goal(PYNQ, Target(), **changes), [engine])
    assert chosen.folded.verdict.remedies == (text,)


@pytest.mark.slow
def test_a_doubtful_fit_comes_after_every_other_one() -> None:
    folded = engine_named("stream").fold(mlp(16, 16, 5), goal(PYNQ, Target()))
    lut, free = folded.estimate.lut, PYNQ.budget.lut
    far = replace(folded.estimate.resources, lut=Figure(lut.value, lut.low, 2.1 * free))
    near = replace(folded.estimate.resources, lut=Figure(lut.value, lut.low, 1.9 * free))
    faster = replace(folded.estimate, latency_cycles=Figure.exact(1), resources=far)
    slower = replace(folded.estimate, resources=near)
    assert worst_share(faster, PYNQ.budget) == pytest.approx(2.1)
    assert [certainty_of(e, PYNQ.budget) for e in (faster, slower)] == ["doubtful", "probable"]
    ranked = [rank(replace(folded, estimate=e), Target()) for e in (slower, faster)]
    assert ranked[0] < ranked[1]


@pytest.mark.slow
def test_what_no_tool_of_the_board_builds_is_not_chosen() -> None:
    """hls4ml's C++ is the faster design of this network, and no open tool reads it."""
    board = load_board("ulx3s-85f")
    asked = replace(goal(board, Target()), clock_mhz=50.0)
    hls4ml = engine_named("hls4ml")
    chosen = choose(mlp(16, 16, 5), asked, [engine_named("stream"), hls4ml])
    assert chosen.engine.name == "stream"
    assert "stream: no tool for Radiona ULX3S" in chosen.folded.reasons[0]
    assert rank(hls4ml.fold(mlp(16, 16, 5), asked), Target()) < rank(chosen.folded, Target())
    assert choose(mlp(16, 16, 5), asked, [hls4ml]).engine is hls4ml
    assert "rtl" in choose(mlp(16, 16, 5), asked, ENGINES).engine.levels
