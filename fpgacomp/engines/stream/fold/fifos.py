"""FIFO depths with which no branch starves another and the slowest operator never waits long.

Where paths meet again (a residual addition, a concatenation), the words of the short path must
wait until the windows of the long one are full; elsewhere a FIFO evens out operators that
read and write in bursts. A simulated run at the wanted pace, with room where words are narrow,
shows how many words each FIFO holds at most. A second run with exactly these depths is the
proof. Trials merge steps, the proof does not; where the trials were too hopeful, depths come from
runs without merged steps.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass, replace

from fpgacomp.engines.stream.dataflow import Dataflow
from fpgacomp.engines.stream.design import StreamDesign
from fpgacomp.engines.stream.expand import expand
from fpgacomp.engines.stream.operators.duplicate import Duplicate
from fpgacomp.engines.stream.timing.pipelines import HLS_STAGES, Pipelines
from fpgacomp.engines.stream.timing.run import LEAST, Run, Simulator, interval_cycles
from fpgacomp.engines.stream.timing.whole import Whole

SPARE = 1.002  # smaller FIFOs may lengthen the interval aimed at by this factor
SLACK = 1.03  # the interval may exceed the one aimed at by this factor
WORK = 1_500_000  # steps that trials of smaller depths may simulate: under a second
UNBOUNDED = float("inf")


@dataclass(frozen=True)
class Fifos:
    """FIFO depths, and the run that proves them.

    Args:
        depths: stream name -> words, where more than LEAST.
        run: several frames with these depths.
    """

    depths: Mapping[str, int]
    run: Run


def size_fifos(
    dataflow: Dataflow, interval: int, *, most: float | None = None,
    pipelines: Pipelines | None = None,
) -> Iterator[Fifos]:  # fmt: skip
    """Depths for a pace, then smaller ones that are slower.

    Args:
        interval: cycles per frame aimed at; missed where no depth reaches it, which
            `run.interval` tells.
        most: the longest interval that will do; None for SLACK times the one aimed at.
        pipelines: of the output that they are for; those assumed for HLS if None.
    """
    aim = _Aim(interval, interval * SLACK, interval * SPARE)
    if most is not None:
        aim = _Aim(interval, most, most)
    coarse = Simulator(dataflow, pipelines=pipelines)
    whole = Whole(dataflow, pipelines)
    proof = _proven(whole, _coarsely_sized(coarse, aim, floors(whole, {}).keys()).depths)
    if not aim.kept(proof.run):
        deeper = _deepened(whole, proof, aim)
        if proof.run.stuck or deeper.run.interval * SLACK < proof.run.interval:
            yield deeper
    if not proof.run.stuck:
        yield proof
    yield from _shallow(coarse, whole, aim)


def with_fifos(design: StreamDesign) -> StreamDesign:
    """The design with FIFOs for the pace of its slowest operator, in place of its own."""
    dataflow = expand(replace(design, fifo_depths={}))
    fifos = next(size_fifos(dataflow, interval_cycles(dataflow)))
    return replace(design, fifo_depths=dict(fifos.depths))


@dataclass(frozen=True)
class _Aim:
    """The pace that a design is run at, and the intervals that will do.

    Args:
        interval: cycles per frame at which the sources run.
        most: longest interval that will do.
        spare: the interval up to which smaller FIFOs are preferred to a higher pace.
    """

    interval: int
    most: float
    spare: float

    def kept(self, run: Run) -> bool:
        """Whether a run neither stopped nor took longer than will do."""
        return not run.stuck and run.interval <= self.most


def _proven(whole: Whole, depths: Mapping[str, int]) -> Fifos:
    """The depths, at least those of `floors`, and the run without merged steps."""
    least = floors(whole, depths)
    names = sorted(depths.keys() | least.keys())
    deep = {name: max(depths.get(name, LEAST), least.get(name, LEAST)) for name in names}
    return Fifos(deep, whole.run(deep))


def floors(whole: Whole, depths: Mapping[str, int]) -> Mapping[str, int]:
    """Words that FIFOs must hold whatever the pace.

    Those are what joins need and pipelines may hold back, so that no pauses can stop the design;
    of a design whose steps are merged after all, what two of them move at once.
    """
    if whole.floors:
        return whole.floors
    margins = _margins(whole)
    least = whole.joins.least(depths)
    return {name: n + margins.get(name, 0) for name, n in least.items() if n > LEAST}


def _deepened(whole: Whole, shallow: Fifos, aim: _Aim) -> Fifos:
    """Depths that keep the pace, or come nearest to it, from runs without merged steps.

    Args:
        shallow: FIFOs that do not keep it; the streams that it sizes may be deep in any case.
    """
    best = shallow
    for elastic in _elastic(whole.dataflow, deadlock=False):
        found = _proven(whole, _held(whole.simulator, elastic | shallow.depths.keys(), aim))
        if not found.run.stuck and (best.run.stuck or found.run.interval < best.run.interval):
            best = found
        if aim.kept(best.run):
            break
    assert not best.run.stuck, "what unbounded FIFOs hold is enough"
    return best


def _shallow(coarse: Simulator, whole: Whole, aim: _Aim) -> tuple[Fifos, ...]:
    """The FIFOs without which the design would deadlock, and no others; () if it still does."""
    copies = _copies(coarse.dataflow)
    depths = _sized(coarse, copies, aim).depths if copies else {}
    proof = _proven(whole, depths)
    return () if proof.run.stuck else (proof,)


def _coarsely_sized(simulator: Simulator, aim: _Aim, needed: Set[str]) -> Fifos:
    """The depths by runs of merged steps, which are fast and overrate bursts.

    Args:
        needed: streams whose FIFOs joins need in any case, so that leaving them out is not tried.
    """
    dataflow = simulator.dataflow
    plain = Fifos({}, simulator.run())
    if aim.kept(plain.run):
        return plain
    best = None if plain.run.stuck else plain
    for elastic in _elastic(dataflow, deadlock=bool(plain.run.stuck)):
        found = _sized(simulator, elastic, aim)
        if not found.run.stuck and (best is None or found.run.interval < best.run.interval):
            best = found
        if best is not None and aim.kept(best.run):
            break
    assert best is not None, "unbounded FIFOs cannot deadlock"
    return _trimmed(simulator, best, aim, needed)


def _elastic(dataflow: Dataflow, *, deadlock: bool) -> Iterator[set[str]]:
    """Sets of streams that may be deep: copies if there is a deadlock, narrow ones, all."""
    if deadlock:
        yield _copies(dataflow)
    yield {stream.name for op in dataflow.operators if op.narrow for stream in op.outputs}
    yield {stream.name for stream in dataflow.streams}


def _copies(dataflow: Dataflow) -> set[str]:
    """The streams that several readers of a tensor read."""
    return {s.name for op in dataflow.operators if isinstance(op, Duplicate) for s in op.copies}


def _sized(simulator: Simulator, elastic: Set[str], aim: _Aim) -> Fifos:
    """Depths from what the elastic streams hold at the pace aimed at, and the run with them."""
    depths = _held(simulator, elastic, aim)
    return Fifos(depths, simulator.run(depths))


def _held(simulator: Simulator, elastic: Set[str], aim: _Aim) -> dict[str, int]:
    """Words that the elastic streams hold at the pace aimed at if they may, and a margin."""
    free = simulator.run(dict.fromkeys(elastic, UNBOUNDED), pace=aim.interval, held=True)
    margins = _margins(simulator)
    return {
        stream.name: free.most[stream.name] + margins.get(stream.name, 1)
        for stream in simulator.dataflow.streams
        if stream.name in elastic and free.most[stream.name] > LEAST
    }


def _margins(simulator: Simulator | Whole) -> dict[str, int]:
    """Stream name -> words that the other branches' pipelines may hold back meanwhile.

    A HLS pipeline without input keeps what is in flight, at most HLS_STAGES words an operator,
    while the copies on this branch wait. SystemVerilog lets everything go but the word at its
    output.
    """
    dataflow = simulator.dataflow
    if simulator.pipelines.held:
        return {}
    position = {op.name: index for index, op in enumerate(dataflow.operators)}
    reader = {s.name: op for op in dataflow.operators for s in op.inputs}
    margins: dict[str, int] = {}
    for operator in dataflow.operators:
        if isinstance(operator, Duplicate):
            readers = [position[reader[s.name].name] for s in operator.copies]
            between = max(readers) - position[operator.name]
            margins |= {s.name: HLS_STAGES * between for s in operator.copies}
    return margins


def _trimmed(simulator: Simulator, fifos: Fifos, aim: _Aim, needed: Set[str]) -> Fifos:
    """The FIFOs without those that the pace does not need; the largest are tried first."""
    most = max(aim.spare, fifos.run.interval)
    bits = {stream.name: stream.bits for stream in simulator.dataflow.streams}
    spare = fifos.depths.keys() - needed
    largest = sorted(spare, key=lambda name: (-bits[name] * fifos.depths[name], name))
    for name in largest[: WORK // simulator.work]:
        fewer = {other: depth for other, depth in fifos.depths.items() if other != name}
        run = simulator.run(fewer)
        if not run.stuck and run.interval <= most:
            fifos = Fifos(fewer, run)
    return fifos
