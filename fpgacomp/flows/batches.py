"""Vectors in batches: the integers of all layers are held for as many frames as memory allows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import reduce
from math import prod

import numpy as np
import onnx

from fpgacomp.errors import InvalidGraph
from fpgacomp.evidence.judge import NetworkJudgement, judge
from fpgacomp.evidence.software import to_integers
from fpgacomp.evidence.vectors import narrow
from fpgacomp.flows.stages import Stages
from fpgacomp.ir import interpreter
from fpgacomp.ir.graph import Graph
from fpgacomp.ir.layers import Conv, Layer
from fpgacomp.ir.types import IntArray, NamedArrays
from fpgacomp.network.canonical import Network
from fpgacomp.network.lowered import Lowered

_INT64 = 8
# How many times the integers of a frame are in memory: the oracle's, those of the graph that a
# pass has rewritten, the simulation's, and what comparing them takes.
_COPIES = 4
# A batch has so many frames at least: what a companion executes comes from the first one.
FEWEST = 4
# Narrow integers of all layers that a build keeps in vectors/; more frames tell nobody more.
KEPT_BYTES = 256 << 20


@dataclass(frozen=True)
class Batch:
    """Some consecutive frames.

    Args:
        start: number of the first one.
        values: tensor name -> the oracle's integers [n, *shape], every tensor of the graph.
    """

    start: int
    values: interpreter.Values

    def inputs(self, graph: Graph) -> dict[str, IntArray]:
        """A graph's integer inputs of these frames."""
        return {layer.output.name: self.values[layer.output.name] for layer in graph.inputs}


def frame_bytes(graph: Graph) -> int:
    """Bytes that one frame takes while its integers are computed, simulated and compared."""
    held = sum(layer.output.size for layer in graph.layers) * _INT64 * _COPIES
    return held + max(map(_unfolded, graph.layers), default=0) * _INT64


def _unfolded(layer: Layer) -> int:
    """Elements of a convolution's input with every window written out, as it is multiplied."""
    if not isinstance(layer, Conv):
        return 0
    return layer.output.pixels * prod(layer.kernel) * layer.input.channels


def batch_size(graph: Graph, memory_gb: float) -> int:
    """How many frames fit the memory at once, at least one."""
    return max(1, int(memory_gb * 1e9 / frame_bytes(graph)))


class Oracle:
    """The oracle's integers of all vectors, a batch at a time.

    Args:
        graph: the integer graph.
        before: the software side in front of it, as ONNX.
        raw: the network's inputs [N, *shape] by name, in its own units.
        memory_gb: gigabytes that the integers of a batch may take.
        stages: is told of the stage `oracle`.
    """

    def __init__(
        self,
        graph: Graph,
        before: onnx.ModelProto,
        raw: NamedArrays,
        memory_gb: float,
        stages: Stages,
    ) -> None:
        self._graph, self._before, self._raw, self._stages = graph, before, raw, stages
        self.frames = len(next(iter(raw.values())))
        self.size = min(self.frames, max(FEWEST, batch_size(graph, memory_gb)))
        self._first: Batch | None = None

    def first(self) -> Batch:
        """The first batch, which iterating gives again without computing it again."""
        if self._first is None:
            self._first = self._batch(0)
        return self._first

    def ends(self, frames: int) -> dict[str, IntArray]:
        """The integers of the graph's inputs and outputs for the first frames.

        Where a batch is smaller, later frames are computed here and again when their batch comes.
        """
        tensors = (*(layer.output for layer in self._graph.inputs), *self._graph.outputs)
        parts = [self.first().values]
        for start in range(self.size, min(frames, self.frames), self.size):
            raw = {name: array[start : start + self.size] for name, array in self._raw.items()}
            found = interpreter.run(self._graph, to_integers(self._before, raw))
            parts.append({tensor.name: found[tensor.name] for tensor in tensors})
        return {
            tensor.name: np.concatenate([part[tensor.name] for part in parts])[:frames]
            for tensor in tensors
        }

    def __iter__(self) -> Iterator[Batch]:
        yield self.first()
        self._first = None
        for start in range(self.size, self.frames, self.size):
            yield self._batch(start)

    def _batch(self, start: int) -> Batch:
        raw = {name: array[start : start + self.size] for name, array in self._raw.items()}
        with self._stages.step("oracle"):
            values = interpreter.run(self._graph, to_integers(self._before, raw))
        return Batch(start, self._judged(raw, values))

    def _judged(self, raw: NamedArrays, values: interpreter.Values) -> interpreter.Values:
        """What becomes of a batch's integers before they are given out."""
        return values


class JudgedOracle(Oracle):
    """An oracle whose integers are judged by the network itself, executed in float64.

    Args:
        network: the canonical network.
        lowered: what was lowered from it.
        graph: the design's graph: the lowered one, or what a pass has made of it.
        raw, memory_gb, stages: see `Oracle`; the stage `judge` is told, too.
    """

    def __init__(
        self,
        network: Network,
        lowered: Lowered,
        graph: Graph,
        raw: NamedArrays,
        memory_gb: float,
        stages: Stages,
    ) -> None:
        super().__init__(lowered.graph, lowered.before, raw, memory_gb, stages)
        self._network, self._lowered, self._design_graph = network, lowered, graph
        self._judgements: list[NetworkJudgement] = []

    @property
    def judgement(self) -> NetworkJudgement:
        """The judgement of all batches so far."""
        return reduce(NetworkJudgement.joined, self._judgements)

    def _judged(self, raw: NamedArrays, values: interpreter.Values) -> interpreter.Values:
        with self._stages.step("judge"):
            self._judgements.append(judge(self._lowered, self._network.model, raw, values))
            return _on_graph(self._design_graph, self._lowered, values)


def _on_graph(graph: Graph, lowered: Lowered, values: interpreter.Values) -> interpreter.Values:
    """The integers of the design's graph, which must be those of the graph as lowered.

    Raises:
        InvalidGraph: a pass of ours changed an integer.
    """
    if graph == lowered.graph:
        return values
    inputs = {layer.output.name: values[layer.output.name] for layer in graph.inputs}
    rewritten = interpreter.run(graph, inputs)
    for name in rewritten.keys() & values.keys():
        if not np.array_equal(rewritten[name], values[name]):
            raise InvalidGraph(name, "a pass changed its integers.", "please report this bug.")
    return rewritten


@dataclass
class Kept:
    """What of all batches is kept for the build directory and the report.

    Args:
        graph: the design's graph.
        outputs: tensor name -> its integers of every frame, of the graph's outputs.
        values: tensor name -> the integers of the first frames, narrow, every tensor.
        reached: tensor name -> (lowest, highest integer that a vector reached).
    """

    graph: Graph
    outputs: dict[str, list[IntArray]] = field(default_factory=dict)
    values: dict[str, list[IntArray]] = field(default_factory=dict)
    reached: dict[str, tuple[int, int]] = field(default_factory=dict)
    frames: int = 0

    def add(self, batch: Batch) -> None:
        """Take in a batch on the design's graph."""
        for tensor in self.graph.outputs:
            self.outputs.setdefault(tensor.name, []).append(batch.values[tensor.name])
        room = max(0, self.most_frames - self.frames)
        for layer in self.graph.layers:
            name, values = layer.output.name, batch.values[layer.output.name]
            low, high = int(values.min()), int(values.max())
            before = self.reached.get(name, (low, high))
            self.reached[name] = min(before[0], low), max(before[1], high)
            if room:
                self.values.setdefault(name, []).append(narrow(layer, values[:room]))
        self.frames += min(room, len(next(iter(batch.values.values()))))

    @property
    def most_frames(self) -> int:
        """How many frames are kept of every tensor, at least one."""
        each = sum(narrow(x, np.zeros(1, np.int64)).itemsize * x.output.size
                   for x in self.graph.layers)  # fmt: skip
        return max(1, KEPT_BYTES // each)

    def kept_values(self) -> dict[str, IntArray]:
        """Tensor name -> the integers of the frames that are kept [n, *shape]."""
        return {name: np.concatenate(parts) for name, parts in self.values.items()}

    def all_outputs(self) -> dict[str, IntArray]:
        """Tensor name -> the integers of every frame, of the graph's outputs."""
        return {name: np.concatenate(parts) for name, parts in self.outputs.items()}
