"""FIFO depths with which no branch starves another and the slowest operator never waits long.

Where paths meet again (a residual addition, a concatenation), the words of the short one
must wait for the long one's windows to fill; elsewhere a FIFO evens out operators that read
and write in bursts. Depths are what a simulated run at the wanted pace holds at most, with
room only where words are narrow; a second run with exactly these depths is the proof.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from fpgacomp.ir.dataflow import (
    Convert,
    Dataflow,
    Duplicate,
    MatrixVector,
    Operator,
    Pad,
    VectorVector,
    Window,
)
from fpgacomp.ir.stream_links import PIPELINE
from fpgacomp.ir.stream_steps import operator_steps
from fpgacomp.ir.stream_timing import Run, bursts, simulate

FRAMES = 3
SLACK = 1.03  # the interval may exceed the one aimed at by this factor
WORK = 300_000  # steps that trials of smaller depths may simulate: under a second
FINE = 8192  # step limit of the proof
LEAST = 2
UNBOUNDED = float("inf")


@dataclass(frozen=True)
class Fifos:
    """Depths and the run that proves them.

    Args:
        depths: stream name -> words, where more than LEAST.
        run: FRAMES frames with these depths, none lost.
    """

    depths: Mapping[str, int]
    run: Run


def size_fifos(dataflow: Dataflow, interval: int) -> Iterator[Fifos]:
    """The depths for a pace, then smaller ones that are slower.

    Args:
        interval: cycles per frame aimed at; missed where no depth reaches it, which
            `run.interval` tells.
    """
    coarse = _coarsely_sized(dataflow, interval)
    proof = Fifos(
        coarse.depths, simulate(dataflow, frames=FRAMES, depths=coarse.depths, limit=FINE)
    )
    if not _kept(proof.run, max(interval, coarse.run.interval / SLACK)):
        held = {name: words for name, words in bursts(dataflow).items() if words > LEAST}
        names = sorted({*held, *coarse.depths})
        depths = {n: max(held.get(n, 0), coarse.depths.get(n, 0)) for n in names}
        deeper = Fifos(depths, simulate(dataflow, frames=FRAMES, depths=depths, limit=FINE))
        if proof.run.stuck or deeper.run.interval * SLACK < proof.run.interval:
            yield deeper
    if not proof.run.stuck:
        yield proof
    yield from _shallow(dataflow, interval)


def _shallow(dataflow: Dataflow, interval: int) -> tuple[Fifos, ...]:
    """Only what a deadlock forbids to leave out, if that runs."""
    copies = _copies(dataflow)
    found = _sized(dataflow, copies, interval) if copies else Fifos({}, simulate(dataflow))
    proof = Fifos(found.depths, simulate(dataflow, depths=found.depths, limit=FINE))
    return () if proof.run.stuck else (proof,)


def _coarsely_sized(dataflow: Dataflow, interval: int) -> Fifos:
    """The same, judged by steps that may be bursts."""
    plain = Fifos({}, simulate(dataflow, frames=FRAMES))
    if _kept(plain.run, interval):
        return plain
    best = None if plain.run.stuck else plain
    for elastic in _elastic(dataflow, deadlock=bool(plain.run.stuck)):
        found = _sized(dataflow, elastic, interval)
        if not found.run.stuck and (best is None or found.run.interval < best.run.interval):
            best = found
        if best is not None and _kept(best.run, interval):
            break
    assert best is not None, "unbounded FIFOs cannot deadlock"
    return _trimmed(dataflow, best, interval)


def _kept(run: Run, interval: float) -> bool:
    return not run.stuck and run.interval <= interval * SLACK


def _elastic(dataflow: Dataflow, *, deadlock: bool) -> Iterator[set[str]]:
    """Sets of streams that may be deep: copies against a deadlock, narrow tensors, all."""
    if deadlock:
        yield _copies(dataflow)
    yield {stream.name for op in dataflow.operators if not _wide(op) for stream in op.outputs}
    yield {stream.name for stream in dataflow.streams}


def _copies(dataflow: Dataflow) -> set[str]:
    return {s.name for op in dataflow.operators if isinstance(op, Duplicate) for s in op.copies}


def _wide(operator: Operator) -> bool:
    """Writes accumulators, or the same elements several times over or in wider words."""
    return isinstance(operator, MatrixVector | VectorVector | Window | Pad | Convert)


def _sized(dataflow: Dataflow, elastic: set[str], interval: int) -> Fifos:
    """Depths from what the elastic streams hold at that pace, and the run with them."""
    free = simulate(dataflow, frames=2, depths=dict.fromkeys(elastic, UNBOUNDED), pace=interval)
    margins = _margins(dataflow)
    depths = {
        stream.name: free.most[stream.name] + margins.get(stream.name, 1)
        for stream in dataflow.streams
        if stream.name in elastic and free.most[stream.name] > LEAST
    }
    return Fifos(depths, simulate(dataflow, frames=FRAMES, depths=depths))


def _margins(dataflow: Dataflow) -> dict[str, int]:
    """Words that may hang in the pipelines of the other branches while these wait for input.

    A HLS pipeline without input keeps what is in flight, at most PIPELINE words an operator.
    """
    position = {op.name: index for index, op in enumerate(dataflow.operators)}
    reader = {s.name: op for op in dataflow.operators for s in op.inputs}
    margins: dict[str, int] = {}
    for operator in dataflow.operators:
        if isinstance(operator, Duplicate):
            readers = [position[reader[s.name].name] for s in operator.copies]
            between = max(readers) - position[operator.name]
            margins |= {s.name: PIPELINE * between for s in operator.copies}
    return margins


def _trimmed(dataflow: Dataflow, fifos: Fifos, interval: int) -> Fifos:
    """Without those that turn out not to matter; the largest are tried first."""
    aim = max(interval * SLACK, fifos.run.interval)
    bits = {stream.name: stream.bits for stream in dataflow.streams}
    largest = sorted(fifos.depths, key=lambda name: (-bits[name] * fifos.depths[name], name))
    trials = WORK // (FRAMES * sum(len(operator_steps(op).cycles) for op in dataflow.operators))
    for name in largest[:trials]:
        fewer = {other: depth for other, depth in fifos.depths.items() if other != name}
        run = simulate(dataflow, frames=FRAMES, depths=fewer)
        if not run.stuck and run.interval <= aim:
            fifos = Fifos(fewer, run)
    return fifos
