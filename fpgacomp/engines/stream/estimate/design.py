"""Estimates a streaming design: every operator's resources, the pace, the first frame."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from fpgacomp.devices.resources import Resources
from fpgacomp.engines.shared.coefficients import Coefficients
from fpgacomp.engines.shared.terms import Terms
from fpgacomp.engines.stream.dataflow import (
    Activate,
    Convert,
    Dataflow,
    MatrixVector,
    Operator,
    Sink,
    VectorVector,
    Window,
    cycles,
)
from fpgacomp.engines.stream.design import StreamDesign
from fpgacomp.engines.stream.estimate.coefficients import load
from fpgacomp.engines.stream.estimate.memory import stream_terms
from fpgacomp.engines.stream.estimate.terms import operator_terms
from fpgacomp.engines.stream.expand import expand
from fpgacomp.engines.stream.timing.run import FINE, FRAMES, first_frame, interval_cycles, simulate
from fpgacomp.ir.layers import Thresholds
from fpgacomp.results.estimate import Estimate, Figure, LayerEstimate

ZERO = Figure.exact(0.0)
NOTHING = Resources.of(lambda _: ZERO)
# Measured over computed in RTL simulation (facts of three networks, FIFOs of 2 to 256 words):
# interval 1.00 to 1.49, first frame 0.9 to 1.2. Short FIFOs account for the upper ends.
INTERVAL_RANGE = (1.0, 1.15)
LATENCY_RANGE = (0.9, 1.2)


@dataclass(frozen=True)
class _Share:
    """What one layer, or the plumbing, has gathered."""

    resources: Resources[Figure] = NOTHING
    operators: tuple[Operator, ...] = ()

    def plus(self, figures: Resources[Figure], operators: tuple[Operator, ...] = ()) -> _Share:
        return _Share(self.resources + figures, self.operators + operators)


def estimate_stream(design: StreamDesign, *, timed: bool = True) -> Estimate:
    """What the design takes at logic synthesis, and how fast it is.

    A layer's share are the operators that work for it with the FIFOs they write to. Interval
    and latency are those of frames that run back to back through the design with its FIFOs
    (`ir.stream_timing`); where these FIFOs stop it, those of the slowest operator and of
    unbounded FIFOs.

    Args:
        timed: False leaves the run out, for prices: the interval is then the slowest
            operator's, a layer's cycles its own slowest one's, the latency their sum.

    Raises:
        UnsupportedLayer, Problems: the folding is not legal.
    """
    dataflow = expand(design)
    coefficients, port = load(), design.board.device.wide_port_bits
    shares: dict[str, _Share] = {layer.name: _Share() for layer in design.graph.layers}
    shares[""] = _Share()
    for operator in dataflow.operators:
        owner = operator.layer if operator.layer in shares else ""
        figures = _figures(coefficients, operator_terms(operator, port), _kind(operator))
        shares[owner] = shares[owner].plus(figures, (operator,))
        for stream in operator.outputs:
            fifo = _figures(coefficients, stream_terms(stream), "fifo")
            shares[owner] = shares[owner].plus(fifo)
    return _whole(design, dataflow, shares, timed=timed)


def _kind(operator: Operator) -> str:
    """The kind of measured node that its range comes from."""
    match operator:
        case MatrixVector() | VectorVector():
            return "matrix"
        case Activate(function=Thresholds(thresholds=table)) if table.shape[1] == 1:
            return "thresholds"  # no node of more than one threshold is published
        case Convert():
            return "converter"
        case Window():
            return "window"
        case _:
            return "process"


def _figures(coefficients: Coefficients, terms: Terms, kind: str) -> Resources[Figure]:
    """DSPs, block and ultra RAM follow from the sizes; LUTs and FFs have a range."""
    return Resources(
        lut=coefficients.figure("lut", terms, kind),
        ff=coefficients.figure("ff", terms, kind),
        dsp=Figure.exact(coefficients.value("dsp", terms)),
        bram18=Figure.exact(coefficients.value("bram18", terms)),
        uram=ZERO,
    )


def _whole(
    design: StreamDesign, dataflow: Dataflow, shares: Mapping[str, _Share], *, timed: bool
) -> Estimate:
    times = first_frame(dataflow) if timed else {}
    layers = {name: _layer(share, times) for name, share in shares.items() if name}
    interval, latency = interval_cycles(dataflow), sum(x.cycles.value for x in layers.values())
    if timed:
        interval, latency = _run(dataflow, interval, times)
    return Estimate(
        stage="logic_synth",
        clock_mhz=design.clock_mhz,
        latency_cycles=_ranged(latency, LATENCY_RANGE),
        interval_cycles=_ranged(interval, INTERVAL_RANGE),
        resources=sum((share.resources for share in shares.values()), NOTHING),
        layers=layers,
    )


def _run(
    dataflow: Dataflow, slowest: int, times: Mapping[str, tuple[int, int]]
) -> tuple[int, float]:
    """(interval, latency) of frames back to back."""
    run = simulate(dataflow, frames=FRAMES, limit=FINE)
    if run.stuck:
        return slowest, max(times[op.name][1] for op in dataflow.operators if isinstance(op, Sink))
    return max(slowest, run.interval), run.finish[0]


def _layer(share: _Share, times: Mapping[str, tuple[int, int]]) -> LayerEstimate:
    """Cycles run from its first operator's first word to its last operator's last."""
    busy = max((cycles(operator) for operator in share.operators), default=0)
    spans = [times[operator.name] for operator in share.operators] if times else [(0, busy)]
    lasted = max(end for _, end in spans) - min(start for start, _ in spans) if spans else 0
    return LayerEstimate(
        cycles=_ranged(lasted, LATENCY_RANGE),
        interval=_ranged(busy, INTERVAL_RANGE),
        resources=share.resources,
    )


def _ranged(value: float, span: tuple[float, float]) -> Figure:
    return Figure(value, value * span[0], value * span[1])
