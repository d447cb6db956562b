"""A design that takes long to find is looked for where it may be the best; else it says why not."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from fpgacomp import zoo
from fpgacomp.devices.board import Board
from fpgacomp.devices.device import Device
from fpgacomp.devices.read import load_board
from fpgacomp.devices.resources import counts
from fpgacomp.engines.adders import fold as adders_fold
from fpgacomp.engines.adders import outlook as adders_outlook
from fpgacomp.engines.adders.outlook import least_circuit_luts, shared_digits
from fpgacomp.engines.adders.unroll import refusals, unroll
from fpgacomp.engines.choose import choose
from fpgacomp.engines.engine import Goal
from fpgacomp.engines.hls4ml.operators import with_matrix
from fpgacomp.engines.registry import ENGINES, engine_named
from fpgacomp.engines.shared.circuit import solve
from fpgacomp.engines.shared.circuit.cost import luts
from fpgacomp.engines.weigh import EngineDesign, beats
from fpgacomp.errors import FpgacompError
from fpgacomp.frontend import read_network
from fpgacomp.ir.graph import Graph
from fpgacomp.lower import lower
from fpgacomp.results.estimate import Figure
from fpgacomp.results.target import Target
from tests.support import builders
from tests.support.paths import REPOSITORY
from tests.support.random_networks import random_network

PYNQ = load_board("pynq-z2")
OTHERS = [engine_named("stream"), engine_named("hls4ml")]
with_alkaid = pytest.mark.skipif(
    not solve.installed(), reason=f"alkaid is not installed ({solve.INSTALL})"
)


@cache
def mlp() -> Graph:
    return lower(read_network(zoo.build("digits_mlp_w2a2"))).graph


@cache
def digits_cnn() -> Graph:
    return lower(read_network(REPOSITORY / "examples" / "digits_cnn" / "model.onnx")).graph


def goal(target: Target | None = None, board: Board = PYNQ) -> Goal:
    return Goal(board=board, clock_mhz=100.0, target=target or Target("latency"))


def small(luts: int) -> Board:
    """PYNQ-Z2 with so many LUTs free, and the rest of it as it is."""
    return replace(PYNQ, name="small", shell=PYNQ.shell + counts(lut=PYNQ.budget.lut - luts))


def never(*_: object) -> None:
    raise AssertionError("additions are shared that nobody wants")


def without_alkaid(patch: pytest.MonkeyPatch) -> None:
    for module in (solve, with_matrix):
        patch.setattr(module, "installed", lambda: False)
    patch.setattr(adders_fold, "fold_adders", never)


@pytest.mark.slow
@with_alkaid
def test_a_small_network_for_latency_ends_in_shared_additions() -> None:
    chosen = choose(mlp(), goal(), ENGINES)
    assert chosen.engine.name == "adders" and chosen.folded.verdict.fits
    first = chosen.folded.reasons[0]
    assert first.startswith("adders suits the target better: hls4ml would give ")
    assert "Without its ports, as hls4ml is counted, adders gives 0.03 us" in first
    without = choose(mlp(), goal(), OTHERS)
    assert chosen.folded.bare is not None
    assert chosen.folded.bare.lut.value < without.folded.estimate.lut.value
    low, high = (getattr(without.folded.estimate.latency_cycles, end) for end in ("low", "high"))
    assert low <= chosen.folded.bare.latency_cycles.value <= high


def test_without_alkaid_the_choice_is_the_others_and_says_what_is_missing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    without_alkaid(monkeypatch)
    chosen, other = choose(mlp(), goal(), ENGINES), choose(mlp(), goal(), OTHERS)
    assert chosen.engine is other.engine and chosen.folded.design == other.folded.design
    told = [text for text in chosen.folded.reasons if text not in other.folded.reasons]
    assert told == [
        "adders may suit the target better (at least 734 LUT) and needs another package: "
        f"{solve.INSTALL}."
    ]


@pytest.mark.slow
@pytest.mark.parametrize("missing", [False, True], ids=["installed", "missing"])
@pytest.mark.parametrize(
    ("graph", "target", "board", "words"),
    [
        (digits_cnn, Target("latency"), PYNQ, ["69,", f"and the board leaves {PYNQ.budget.lut:,}"]),
        (mlp, Target("area", fps=1e4), PYNQ, ["at least 734 LUT, and stream is smaller"]),
        (mlp, Target("throughput"), small(900), ["a design that leaves 20% of the board's free"]),
    ],
    ids=["too_large", "not_the_smallest", "crowded"],
)  # fmt: skip
def test_what_cannot_win_is_not_looked_for(
    graph: object, target: Target, board: Board, words: list[str], missing: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """Nor is a package named that would not help."""
    monkeypatch.setattr(adders_fold, "fold_adders", never)
    if missing:
        without_alkaid(monkeypatch)
    chosen = choose(graph(), goal(target, board), ENGINES)  # type: ignore[operator]
    (told,) = [text for text in chosen.folded.reasons if text.startswith("adders")]
    assert told.startswith("adders is passed over: it takes at least ")
    assert all(word in told for word in words), told
    assert solve.INSTALL not in told


def test_what_takes_minutes_is_not_looked_for_unasked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(adders_fold, "fold_adders", never)
    monkeypatch.setattr(solve, "installed", lambda: True)
    monkeypatch.setattr(adders_outlook, "MOST_UNASKED", 300)
    chosen = choose(mlp(), goal(), ENGINES)
    assert f"{shared_digits(mlp()):,} signed digits may take minutes" in chosen.folded.reasons[1]
    assert "--backend adders asks for it (at least 734 LUT)." in chosen.folded.reasons[1]


def test_what_would_be_refused_is_not_advised(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(adders_fold, "fold_adders", never)
    monkeypatch.setattr(solve, "installed", lambda: True)
    monkeypatch.setattr(adders_outlook, "MOST_UNASKED", 300)
    monkeypatch.setattr(solve, "MOST_DIGITS", 200)
    told = choose(mlp(), goal(), ENGINES).folded.reasons[1]
    assert told.startswith("adders is passed over: a matrix of ") and "up to 200 are tried" in told
    assert "asks for it" not in told


@pytest.mark.slow
def test_what_cannot_be_one_circuit_is_passed_over_with_the_reason() -> None:
    chosen = choose(builders.labels(), goal(Target("area")), ENGINES)
    assert "adders is passed over: it has" in " ".join(chosen.folded.reasons)


@pytest.mark.slow
def test_where_nothing_fits_the_remedies_know_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without alkaid nobody knows that it fits: the bound alone says that it may."""
    asked = goal(Target("latency", latency_us=0.01))
    monkeypatch.setattr(solve, "installed", lambda: True)
    monkeypatch.setattr(adders_fold, "fold_adders", never)
    monkeypatch.setattr(adders_outlook, "MOST_UNASKED", 300)
    missed = choose(mlp(), asked, ENGINES).folded.verdict
    assert not missed.fits
    assert missed.remedies[-1] == (
        "another engine: adders may fit, with at least 734 LUT (--backend adders)."
    )
    without_alkaid(monkeypatch)
    missed = choose(mlp(), asked, ENGINES).folded.verdict
    assert missed.remedies[-1] == (
        f"another engine: adders may fit, with at least 734 LUT ({solve.INSTALL})."
    )
    missed = choose(mlp(), asked, OTHERS).folded.verdict
    assert missed.remedies and not any("adders" in text for text in missed.remedies)


@pytest.mark.parametrize("target", [Target("latency"), Target("throughput")])
def test_what_cannot_be_told_apart_is_decided_by_size(target: Target) -> None:
    built = engine_named("hls4ml").fold(mlp(), goal(target))
    figures = built.estimate

    def made(pace: Figure, lut: float, bare: bool = True) -> EngineDesign:
        resources = replace(figures.resources, lut=Figure.exact(lut))
        own = replace(figures, latency_cycles=pace, interval_cycles=pace, resources=resources)
        folded = replace(built, estimate=own, bare=own if bare else None)
        return EngineDesign(OTHERS[1], folded)

    asked, unsure = goal(target), made(Figure(6, 3, 12), 2000)
    assert beats(made(Figure.exact(7), 1900), unsure, asked)
    assert not beats(made(Figure.exact(7), 2100), unsure, asked)
    assert beats(made(Figure.exact(2), 2100), unsure, asked)
    assert not beats(made(Figure.exact(13), 1900), unsure, asked)
    # A faster one that fills the board comes after one that leaves LUTs free.
    assert not beats(made(Figure.exact(2), 0.9 * PYNQ.budget.lut), unsure, asked)
    # Ports count where those of the other are among its figures.
    with_ports = replace(made(Figure.exact(20), 1900).folded, bare=unsure.folded.estimate)
    one = EngineDesign(OTHERS[0], with_ports)
    assert not beats(one, made(Figure(15, 14, 16), 3000, bare=False), asked)
    assert beats(one, made(Figure(15, 14, 16), 3000), asked)


def taken(graph: Graph, device: Device) -> float:
    """LUTs of the circuit of a graph."""
    return sum(luts(unroll(graph, ternary=device.ternary_adders), device.lut_inputs))


@pytest.mark.slow
@with_alkaid
@pytest.mark.parametrize(
    "graph", [builders.mlp(), builders.cnn(), builders.windows(1), builders.windows(2),
              builders.activations(), builders.traps()],
    ids=lambda graph: graph.name,
)  # fmt: skip
def test_no_circuit_takes_less_than_is_foretold(graph: Graph) -> None:
    for device in (PYNQ.device, load_board("ulx3s-85f").device):
        assert least_circuit_luts(graph, device) <= taken(graph, device)


@pytest.mark.slow
@with_alkaid
@pytest.mark.parametrize("seed", range(30))
def test_no_random_network_takes_less_than_is_foretold(seed: int) -> None:
    try:
        graph = lower(read_network(random_network(np.random.default_rng(7000 + seed)))).graph
    except FpgacompError:
        pytest.skip("this draw is a network that is refused, which other tests look at")
    if list(refusals(graph)):
        pytest.skip("this draw is none for the adders engine")
    assert least_circuit_luts(graph, PYNQ.device) <= taken(graph, PYNQ.device)
