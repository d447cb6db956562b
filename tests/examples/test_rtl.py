"""The benchmark of the RTL says what is wrong; its simulations are played here."""

from __future__ import annotations

import argparse
from dataclasses import dataclass

import pytest

from examples import benchmark_rtl
from fpgacomp.engines.shared.csim import CsimResult
from fpgacomp.engines.stream.rtl.simulate import Stimulus
from fpgacomp.results.measured import Measured

pytestmark = pytest.mark.slow

OPTIONS = argparse.Namespace(
    frames=2, board="zcu104", fps=4000.0, pauses=("none", "both"), no_joins=True
)


@dataclass(frozen=True)
class Played:
    """How a simulation differs from what the oracle and the model say."""

    integers: int = 0
    interval: float = 1.0
    latency: float = 1.0

    def run(self, bench: benchmark_rtl.Bench, stimulus: Stimulus) -> CsimResult:
        model = bench.simulator().run_exact()
        values = {name: array.copy() for name, array in bench.values.items()}
        if stimulus.pauses == "both":
            next(iter(values.values())).reshape(-1)[: self.integers] += 1
        latency = round(model.finish[0] * self.latency)
        return CsimResult(
            values, 0.0, 0.1, Measured(2, latency, round(model.interval * self.interval), {})
        )


@pytest.mark.parametrize(
    ("played", "faults"),
    [
        (Played(), ()),
        (Played(interval=1.003, latency=0.985), ()),
        (Played(interval=0.99), ("interval",)),
        (Played(latency=1.03), ("latency",)),
        (Played(integers=3), ("pauses both: 3 integers",)),
    ],
)
def test_what_is_off_is_said(
    played: Played, faults: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(benchmark_rtl.Bench, "build", lambda self: 0.0)
    monkeypatch.setattr(benchmark_rtl.Bench, "run", lambda bench, how: played.run(bench, how))
    monkeypatch.setattr(benchmark_rtl, "_children_s", iter(range(1000)).__next__)
    found = benchmark_rtl.row("digits_mlp", OPTIONS)
    assert len(found.cells) == len(benchmark_rtl.COLUMNS)
    assert len(found.faults) == len(faults)
    for said, fault in zip(found.faults, faults):
        assert said.startswith(f"digits_mlp: {fault}")
