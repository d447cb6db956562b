"""Estimates a streaming design: resources of every layer, interval and latency."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import ClassVar, Protocol

from fpgacomp.devices.device import Device
from fpgacomp.devices.resources import Resources
from fpgacomp.engines.shared.terms import Terms
from fpgacomp.engines.stream.dataflow import Dataflow
from fpgacomp.engines.stream.design import StreamDesign
from fpgacomp.engines.stream.estimate.coefficients import load
from fpgacomp.engines.stream.estimate.memory import fifo_words_terms
from fpgacomp.engines.stream.estimate.open_tools import YosysPrices, measured
from fpgacomp.engines.stream.expand import expand
from fpgacomp.engines.stream.operators.convert import Convert, converter_terms
from fpgacomp.engines.stream.operators.operator import CostKind, Operator
from fpgacomp.engines.stream.operators.sink import Sink
from fpgacomp.engines.stream.plumbing import LEAST_DEPTH
from fpgacomp.engines.stream.timing.run import first_frame, interval_cycles
from fpgacomp.engines.stream.timing.whole import Whole
from fpgacomp.results.estimate import Basis, Estimate, Figure, LayerEstimate

ZERO = Figure.exact(0.0)
NOTHING = Resources.of(lambda _: ZERO)
# Ratio of the cycles that RTL simulation measured to those computed here, over three networks
# with FIFOs of 2 to 256 words: interval 1.00 to 1.49, first frame 0.9 to 1.2. The upper ends
# come from short FIFOs. The SystemVerilog, whose pipelines are shorter than those computed here for
# the C++, has been up to 1 % faster.
INTERVAL_RANGE = (0.99, 1.15)
LATENCY_RANGE = (0.9, 1.2)


@dataclass(frozen=True)
class _Share:
    """The operators of one layer, or of none, and the sum of their resources."""

    resources: Resources[Figure] = NOTHING
    operators: tuple[Operator, ...] = ()

    def plus(self, figures: Resources[Figure], operators: tuple[Operator, ...] = ()) -> _Share:
        return _Share(self.resources + figures, self.operators + operators)


def estimate_stream(design: StreamDesign, *, timed: bool = True) -> Estimate:
    """The design's resources at logic synthesis, its interval and its latency.

    A layer's resources are those of the operators that work for it and of the FIFOs that these
    write to. Interval and latency are those of frames that run back to back through the
    design with its FIFOs (`timing.whole`). Where these FIFOs deadlock, the interval is the
    slowest operator's, and the latency is that of unbounded FIFOs.

    Args:
        timed: False leaves the run out, which is enough to compare prices: the interval is
            then the slowest operator's, a layer's cycles are those of its own slowest
            operator, and the latency is the sum over the layers.

    Raises:
        UnsupportedLayer, Problems: the folding is not legal.
    """
    dataflow = expand(design)
    device, fifo_depths = design.board.device, _fifo_depths(design, dataflow, timed=timed)
    prices = prices_on(device)
    shares: dict[str, _Share] = {layer.name: _Share() for layer in design.graph.layers}
    shares[""] = _Share()
    for operator in dataflow.operators:
        owner = operator.layer if operator.layer in shares else ""
        terms = operator.terms(device.wide_port_bits)
        figures = prices.operator(terms, operator.cost_kind)
        shares[owner] = shares[owner].plus(figures, (operator,))
        for stream in operator.outputs:
            depth = fifo_depths[stream.name]
            shares[owner] = shares[owner].plus(_fifo_price(stream.bits, depth, device))
    shares[""] = shares[""].plus(prices.surroundings())
    return _whole(design, dataflow, shares, timed=timed)


class OperatorPrices(Protocol):
    """What prices the parts of designs for a device."""

    @property
    def basis(self) -> Basis: ...

    def operator(self, terms: Terms, kind: CostKind) -> Resources[Figure]:
        """An operator of these terms."""
        ...

    def fifo(self, bits: int, depth: int) -> Resources[Figure]:
        """A FIFO of so many words of so many bits."""
        ...

    def surroundings(self) -> Resources[Figure]:
        """What every design has and no layer owns."""
        ...


@dataclass(frozen=True)
class _HlsPrices:
    """The prices of what Vitis HLS and Vivado make."""

    basis: ClassVar[Basis] = Basis()

    def operator(self, terms: Terms, kind: CostKind) -> Resources[Figure]:
        return load().priced(terms, kind)

    def fifo(self, bits: int, depth: int) -> Resources[Figure]:
        return load().priced(fifo_words_terms(bits, depth), "fifo")

    def surroundings(self) -> Resources[Figure]:
        return NOTHING


def prices_on(device: Device) -> OperatorPrices:
    """The prices of designs for a device: those of Yosys where it builds and was measured."""
    return YosysPrices(device) if measured(device) else _HlsPrices()


def converter_price(from_bits: int, to_bits: int, device: Device) -> Resources[Figure]:
    """The resources of a converter between words of these bits, and of the FIFO behind it."""
    terms = converter_terms(from_bits, to_bits)
    own = prices_on(device).operator(terms, Convert.cost_kind)
    return own + _fifo_price(to_bits, LEAST_DEPTH, device)


@lru_cache(maxsize=8192)
def _fifo_price(bits: int, depth: int, device: Device) -> Resources[Figure]:
    """A FIFO's resources, remembered: a folding search asks for the same ones many times."""
    return prices_on(device).fifo(bits, depth)


def _fifo_depths(design: StreamDesign, dataflow: Dataflow, *, timed: bool) -> dict[str, int]:
    """Words of each stream's FIFO: of the SystemVerilog, where that is what is built.

    Its depths take runs of the design, which a comparison of prices does without.
    """
    if timed and measured(design.board.device):
        from fpgacomp.engines.stream.fold.rtl_fifos import rtl_dataflow

        return {stream.name: stream.depth for stream in rtl_dataflow(design).streams}
    return {stream.name: stream.depth for stream in dataflow.streams}


def _whole(
    design: StreamDesign, dataflow: Dataflow, shares: Mapping[str, _Share], *, timed: bool
) -> Estimate:
    times = first_frame(dataflow) if timed else {}
    layers = {name: _layer(share, times) for name, share in shares.items() if name}
    interval, latency = interval_cycles(dataflow), sum(x.cycles.value for x in layers.values())
    if timed:
        interval, latency = _run(design, interval, times)
    return Estimate(
        stage="logic_synth",
        clock_mhz=design.clock_mhz,
        latency_cycles=_ranged(latency, LATENCY_RANGE),
        interval_cycles=_ranged(interval, INTERVAL_RANGE),
        resources=sum((share.resources for share in shares.values()), NOTHING),
        layers=layers,
        basis=prices_on(design.board.device).basis,
    )


def _run(
    design: StreamDesign, slowest: int, times: Mapping[str, tuple[int, int]]
) -> tuple[int, float]:
    """(interval, latency) in cycles of frames that run back to back."""
    whole = Whole(expand(replace(design, fifo_depths={})))
    run = whole.run(design.fifo_depths)
    if run.stuck:
        return slowest, max(
            times[op.name][1] for op in whole.dataflow.operators if isinstance(op, Sink)
        )
    return max(slowest, run.interval), run.finish[0]


def _layer(share: _Share, times: Mapping[str, tuple[int, int]]) -> LayerEstimate:
    """A layer's figures; its cycles run from the first word of its operators to their last."""
    busy = max((operator.cycles for operator in share.operators), default=0)
    spans = [times[operator.name] for operator in share.operators] if times else [(0, busy)]
    lasted = max(end for _, end in spans) - min(start for start, _ in spans) if spans else 0
    return LayerEstimate(
        cycles=_ranged(lasted, LATENCY_RANGE),
        interval=_ranged(busy, INTERVAL_RANGE),
        resources=share.resources,
        start=min(start for start, _ in spans) if times and spans else None,
    )


def _ranged(value: float, span: tuple[float, float]) -> Figure:
    return Figure(value, value * span[0], value * span[1])
